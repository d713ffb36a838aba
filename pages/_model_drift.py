"""The tab Drift: which columns differ from the reference, then one column's distribution and history."""

import polars as pl
import streamlit as st

from core import charts, views
from core.reconstruction import RECONSTRUCTION
from core.usual import with_usual
from pages._model_parts import (
    Selection,
    draw,
    drawn,
    meaning,
    metric_chart,
    nothing,
    pick_metric,
    reading,
    reference_end,
    series,
    title,
    until,
)
from pages._shared import plain, read

DISTANCES = (
    "jensen_shannon",
    "psi",
    "kolmogorov_smirnov",
    "wasserstein_normed",
    "hellinger",
    "total_variation",
    "l_infinity",
)
SPARKLINE_POINTS = 14
SHOWN = ("Role", "Unusual", "Newest", "Usual", "Chance", "Largest", "On", "Course")


def show(chosen: Selection) -> None:
    """Show the tab: the columns one by one, then all together."""
    columns(chosen)
    if chosen.declaration.pca:
        together(chosen)


def columns(chosen: Selection) -> None:
    """Show the columns by how unusual they are, and one of them more closely."""
    metric = pick_metric("Distance", DISTANCES, "distance", width=360)
    st.caption(meaning(metric) or "")
    frame = series(chosen, (metric,)).filter(pl.col("value").is_not_null())
    if not frame.height:
        status = chosen.page.status
        if status is not None and status.state == "learning":
            st.info(
                "**Learning:** the reference period and its labels are not complete yet. Until then there is "
                "nothing to compare with.",
                icon=":material/hourglass_top:",
            )
        else:
            nothing("no column has a reference in this stretch of time")
        return
    usual = read(views.reference_series, chosen.slug, (metric,), chosen.segment)
    summary = by_column(frame, usual, chosen)
    column = pick_column(summary)
    if column:
        one_column(chosen, frame.filter(pl.col("column") == column).sort("window_start"), column, metric)


def together(chosen: Selection) -> None:
    """Draw how well the reference's components still describe all numeric features together."""
    frame = series(chosen, (RECONSTRUCTION,), columns=("",))
    if not frame.height:
        return
    st.markdown("**All numeric features together**")
    usual = read(views.usual_together, chosen.slug, chosen.segment)
    metric_chart(chosen, RECONSTRUCTION, frame, usual, key="-together")
    st.caption(
        "It rises where features go together differently than in the reference, which no column alone shows; "
        "large moves of single columns lift it too."
        + (" Grey: where 99 of 100 windows lie if nothing changed." if usual and usual.high else "")
    )


def by_column(frame: pl.DataFrame, reference: pl.DataFrame, chosen: Selection) -> pl.DataFrame:
    """Return one row per column: its distances, what is usual for it and its course; most unusual first."""
    declared = chosen.declaration
    roles = {declared.prediction: "prediction"}
    roles |= {declared.actual: "label"} if declared.actual else {}
    roles |= {declared.predictions.score: "score"} if isinstance(declared.predictions.score, str) else {}
    ordered = with_usual(frame, reference).sort("window_start")
    bucket = (
        pl.int_range(pl.len()) * SPARKLINE_POINTS // pl.max_horizontal(pl.len(), SPARKLINE_POINTS)
    ).over("column")
    course = (
        ordered.with_columns(_bucket=bucket)
        .group_by("column", "_bucket")
        .agg(pl.col("value").max())
        .sort("column", "_bucket")
        .group_by("column", maintain_order=True)
        .agg(Course=pl.col("value").cast(pl.Float32))
    )
    closed = pl.col("value").filter(pl.col("phase") != "open")
    return (
        ordered.group_by("column")
        .agg(
            Usual=pl.col("usual").first().cast(pl.Float32),
            Unusual=(pl.col("excess") > 0).filter(pl.col("phase") != "open").mean().round(2).cast(pl.Float32),
            _excess=pl.col("excess").clip(0).mean(),
            Newest=closed.last().cast(pl.Float32),
            Largest=pl.col("value").max().cast(pl.Float32),
            On=pl.col("window_start").sort_by("value").last(),
            Chance=pl.col("expected").filter(pl.col("phase") != "open").last().cast(pl.Float32),
        )
        .join(course, on="column")
        .with_columns(
            Role=pl.col("column").replace_strict(roles, default="feature", return_dtype=pl.String),
            On=pl.col("On").dt.convert_time_zone(chosen.zone).dt.date(),
        )
        .sort("_excess", "Largest", "column", descending=[True, True, False], nulls_last=True)
        .select(pl.col("column").alias("Column"), *SHOWN)
    )


def pick_column(summary: pl.DataFrame) -> str | None:
    """Show the table of columns and the picker; a click in the table sets the picker."""
    names = summary["Column"].to_list()

    def follow_click() -> None:
        cells = st.session_state["columns"].selection.cells
        if cells:
            st.session_state["column"] = names[cells[0][0]]

    number = st.column_config.NumberColumn
    st.dataframe(
        summary,
        key="columns",
        hide_index=True,
        on_select=follow_click,
        selection_mode="single-cell",
        placeholder="–",
        height="content" if summary.height <= 10 else 390,
        alt="Columns by their largest distance from the reference",
        column_config={
            "Column": st.column_config.TextColumn(pinned=True, width=160),
            "Role": st.column_config.TextColumn(width=90),
            "Newest": number(format="%.3f", width=80, help="In the newest closed window."),
            "Unusual": st.column_config.ProgressColumn(
                "Windows above usual",
                format="percent",
                min_value=0,
                max_value=1,
                width=150,
                help="Share of the windows shown above both the usual and chance; without drift at most 5 %.",
            ),
            "Usual": number(
                format="%.3f",
                width=80,
                help="Nineteen of twenty reference windows stayed below: a single window always differs "
                "somewhat from the whole reference.",
            ),
            "Chance": number(
                format="%.3f",
                width=80,
                help="What the newest window would show by chance alone, on as many rows without any drift.",
            ),
            "Largest": number(format="%.3f", width=80, help="Largest in the stretch shown."),
            "On": st.column_config.DateColumn("Largest on", width=110, format="D MMM YYYY"),
            "Course": st.column_config.AreaChartColumn(
                width=180, y_min=0, help="Highest values along the stretch shown, each row on its own scale."
            ),
        },
    )
    st.caption("Click a row to see the column below. First come those that are furthest above their usual.")
    chosen: str | None = st.selectbox("Column", names, key="column", bind="query-params", width=260)
    return chosen


def one_column(chosen: Selection, frame: pl.DataFrame, column: str, metric: str) -> None:
    """Draw a column's distribution in one window beside the reference, and its distance over time."""
    left, right = st.columns(2)
    with right, st.container(border=True, gap="xsmall"):
        st.markdown(f"**{title(metric)} of {plain(column)}**", help=meaning(metric))
        usual = read(views.reference_series, chosen.slug, (metric,), chosen.segment)
        figure = drawn(
            charts.over_time,
            {"": frame.drop("lower", "upper")},
            normal=charts.Normal.of(usual.filter(pl.col("column") == column)),
            zone=chosen.zone,
            reading=reading(metric),
            reference_until=reference_end(chosen),
            until=until(chosen),
            annotated=chosen.page.annotations,
        )
        draw(figure, f"{title(metric)} of {column} per window", key="column-drift")
    with left, st.container(border=True, gap="xsmall"):
        starts = frame["window_start"].dt.convert_time_zone(chosen.zone)
        labels = starts.dt.to_string(
            "%Y-%m-%d %H:%M" if chosen.declaration.window == "1h" else "%Y-%m-%d"
        ).to_list()
        worst = int(frame["value"].arg_max() or 0)
        st.markdown(f"**Distribution of {plain(column)} in window**")
        label = st.selectbox(
            "Window",
            labels,
            index=worst,
            key="window",
            bind="query-params",
            width=240,
            label_visibility="collapsed",
        )
        row = frame.row(labels.index(label), named=True)
        found = read(
            views.distribution, chosen.slug, column, row["window_start"], row["window_end"], chosen.segment
        )
        if found is None:
            nothing("the counts of this window or of the reference are not kept")
            return
        if found.numeric:
            figure = charts.distribution(found.edges, found.reference, found.current)
        else:
            figure = charts.values(found.names, found.reference, found.current)
        draw(figure, f"Distribution of {column} beside its reference", key="distribution")
        missing = f", {found.missing:,} missing" if found.missing else ""
        st.caption(f"{found.rows:,} rows with a value{missing}; grey is the reference.")
