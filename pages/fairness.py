"""Fairness: the gaps between groups of every model with protected attributes, with n."""

import polars as pl
import streamlit as st

from core import views
from core.catalogue import CATALOGUE
from core.views.fairness import GAPS
from pages._shared import HERE, read, require, section


def table(gaps: pl.DataFrame) -> pl.DataFrame:
    """Return one row per model and attribute, a column per gap, the widest demographic gap first."""
    present = [name for name in GAPS if name in set(gaps["metric"])]
    keys = ["model", "attribute", "team", "risk_tier"]
    wide = gaps.pivot(on="metric", index=keys, values="value")
    basis = gaps.group_by("model", "attribute").agg(pl.col("n").max(), pl.col("day").max())
    first = present[0]
    rows = gaps.filter(pl.col("metric") == first)
    texts = [
        None if low is None else f"{low:.2f} to {high:.2f}"
        for low, high in rows.select("lower", "upper").iter_rows()
    ]
    interval = rows.select("model", "attribute", pl.Series("_between", texts, dtype=pl.String))
    joined = wide.join(basis, on=["model", "attribute"]).join(interval, on=["model", "attribute"], how="left")
    return joined.sort(
        pl.col(first).abs(), "model", "attribute", descending=[True, False, False], nulls_last=True
    ).select(
        pl.col("model").alias("Model"),
        pl.col("attribute").alias("Attribute"),
        pl.col(first).cast(pl.Float32),
        pl.col("_between").alias("95 % between"),
        pl.col("n").alias("Rows"),
        pl.col("day").alias("Window"),
        *(pl.col(name).cast(pl.Float32) for name in present[1:]),
        pl.col("team").alias("Team"),
        pl.col("risk_tier").cast(pl.Int8).alias("Tier"),
    )


@st.fragment
def portfolio(found: views.FairnessPage) -> None:
    """Show filter and table; a click on a row opens the model's Fairness tab."""
    models = st.multiselect(
        "Model",
        found.gaps["model"].unique().sort().to_list(),
        key="models",
        bind="query-params",
        placeholder="Any",
        width=360,
    )
    gaps = found.gaps.filter(pl.col("model").is_in(models)) if models else found.gaps
    shown = table(gaps)
    chosen = st.dataframe(
        shown,
        key="gaps",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-cell",
        placeholder="–",
        height="content" if shown.height <= 20 else 740,
        alt="Gaps between groups by model and attribute",
        column_config={
            "Model": st.column_config.TextColumn(pinned=True, width=150),
            "Attribute": st.column_config.TextColumn(width=150),
            "Rows": st.column_config.NumberColumn(format="localized", width=66, help="Rows of all groups."),
            "Window": st.column_config.DateColumn(
                format="D MMM YYYY", width=96, help="Start of the newest complete window."
            ),
            "95 % between": st.column_config.TextColumn(
                width=104,
                help="The interval of the gap to its left; the model's tab Fairness has the others.",
            ),
        }
        | {
            name: st.column_config.NumberColumn(
                CATALOGUE[name].title, format="%.3f", width=195, help=CATALOGUE[name].definition
            )
            for name in GAPS
        },
    )
    st.caption(
        "Differences: 0 is equal treatment. Ratio: 1 is equal treatment, below 0.8 is commonly taken as a "
        "sign of disparate impact. A dash: undefined, for want of rows or of one kind of label. No monitor "
        "judges these yet. Click a row for groups, intervals and history."
    )
    if chosen.selection.cells:
        row = shown.row(chosen.selection.cells[0][0], named=True)
        query = {"model": row["Model"], "tab": "Fairness", "attribute": row["Attribute"]}
        st.switch_page(HERE / "model.py", query_params=query)


require("health.see")
st.title("Fairness", anchor=False)
with section("Fairness"):
    with st.skeleton(height=390):
        found = read(views.fairness)
    if found.gaps.height:
        portfolio(found)
    else:
        st.info(
            "No model has fairness numbers yet. They come for models that declare `protected:` attributes, "
            "once a window with complete labels is closed.",
            icon=":material/balance:",
        )
    if found.unprotected:
        st.caption(f"Models without a protected attribute: {found.unprotected}; their fairness is unknown.")
