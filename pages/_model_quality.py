"""The tab Data quality: where values are missing, new, out of range or unreadable, column by column."""

import polars as pl
import streamlit as st

from core import charts
from pages._model_parts import (
    Selection,
    draw,
    drawn,
    meaning,
    metric_chart,
    nothing,
    pick_metric,
    series,
    title,
)
from pages._shared import arrow

SHARES = ("missing_share", "unseen_share", "out_of_range_share", "non_finite_share", "type_mismatch")


def show(chosen: Selection) -> None:
    """Show the tab."""
    frame = series(chosen, (*SHARES, "constant"))
    table(frame, chosen.zone)
    metric = pick_metric("Show over time", SHARES, "quality", row=True)
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{title(metric)} by column and window**", help=meaning(metric))
        mine = frame.filter((pl.col("metric") == metric) & pl.col("value").is_not_null())
        busy = mine.filter((pl.col("value") > 0).any().over("column"))
        if not mine.height:
            nothing()
        elif not busy.height:
            st.caption(
                f":material/check: Zero in all {mine['column'].n_unique()} columns and all windows shown."
            )
        else:
            figure = drawn(charts.heat_over_time, busy, zone=chosen.zone, annotated=chosen.page.annotations)
            draw(figure, f"{title(metric)} by column and window", key="quality-heat")
            quiet = mine["column"].n_unique() - busy["column"].n_unique()
            st.caption(
                f"{quiet} further columns are zero throughout. White: no data."
                if quiet
                else "White: no data."
            )
    rows = series(chosen, ("volume", "duplicate_share"), columns=("",))
    left, right = st.columns(2)
    with left:
        metric_chart(chosen, "volume", rows, bars=True)
    with right:
        metric_chart(chosen, "duplicate_share", rows)


def table(frame: pl.DataFrame, zone: str) -> None:
    """Show each column's shares in the newest closed window and its worst moment, the worst column first."""
    measured = frame.filter(pl.col("value").is_not_null() & pl.col("metric").is_in(SHARES)).sort(
        "window_start"
    )
    newest = measured.filter(pl.col("phase") != "open").group_by("metric", "column").last()
    if not newest.height:
        nothing()
        return
    worst = measured.sort("value").group_by("column").last()
    wide = newest.pivot(on="metric", index="column", values="value").join(
        worst.select("column", _worst="value", _on="window_start", _in="metric"), on="column"
    )
    present = [name for name in SHARES if name in wide.columns]
    titles = {name: title(name) for name in SHARES}
    number = st.column_config.NumberColumn
    st.dataframe(
        arrow(
            wide.sort("_worst", "column", descending=[True, False]).select(
                pl.col("column").alias("Column"),
                *(pl.col(name).cast(pl.Float32) for name in present),
                pl.col("_worst").cast(pl.Float32).alias("Worst"),
                pl.col("_in").replace_strict(titles).alias("Worst in"),
                pl.col("_on").dt.convert_time_zone(zone).dt.date().alias("Worst on"),
            )
        ),
        hide_index=True,
        placeholder="–",
        height="content" if wide.height <= 10 else 390,
        alt="Newest and worst data quality shares by column",
        column_config={
            "Column": st.column_config.TextColumn(pinned=True, width=150),
            "Worst": number(format="percent", width=80, help="The largest of these in the stretch shown."),
            "Worst on": st.column_config.DateColumn(format="D MMM YYYY", width=110),
        }
        | {
            name: st.column_config.ProgressColumn(
                title(name), format="percent", min_value=0, max_value=1, width=130, help=meaning(name)
            )
            for name in present
        },
    )
    st.caption(
        "Shares of the newest closed window's rows; an empty cell: the check does not apply to the column."
    )
