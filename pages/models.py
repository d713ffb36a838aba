"""Models: what there is, who answers for it, which version is live, and what waits."""

from typing import Any

import polars as pl
import streamlit as st

from core import views
from core.records import UseCase
from pages._shared import HERE, arrow, plain, read, require, section

TABLE_HEIGHT = 740
# No names of the overview: Streamlit would keep what was chosen there.
FILTERS = {"lifecycle": "lifecycle", "of_team": "team", "risk": "risk_tier", "use_case": "use_case"}


def filters(models: pl.DataFrame) -> pl.DataFrame:
    """Show the filters, which live in the address, and return the models they leave."""
    choices = {
        "lifecycle": ("Lifecycle", models["lifecycle"].unique().sort().to_list()),
        "of_team": ("Team", models["team"].drop_nulls().unique().sort().to_list()),
        "risk": ("Risk tier", [str(tier) for tier in models["risk_tier"].unique().sort()]),
        "use_case": ("Use case", models["use_case"].drop_nulls().unique().sort().to_list()),
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(
            "Search",
            key="find",
            bind="query-params",
            placeholder="Model or owner",
            icon=":material/search:",
            width=260,
        )
        chosen = {
            name: st.multiselect(label, options, key=name, bind="query-params", placeholder="Any", width=190)
            for name, (label, options) in choices.items()
        }
    kept = models
    if search:
        text = pl.concat_str("model", "owner", separator=" ").str.to_lowercase()
        kept = kept.filter(text.str.contains(search.lower(), literal=True))
    for name, values in chosen.items():
        kept = kept.filter(pl.col(FILTERS[name]).cast(pl.String).is_in(values)) if values else kept
    return kept


def clear_filters() -> None:
    """Put every filter back to showing all."""
    st.session_state.update(find="", **{name: [] for name in FILTERS})


def table(models: pl.DataFrame) -> pl.DataFrame:
    """Return what the table shows."""
    live = pl.when(pl.col("champion").is_not_null()).then(pl.format("{} ({})", "champion", "champion_name"))
    return models.select(
        Model="model",
        Lifecycle=pl.col("lifecycle").str.replace_all("_", " ").str.to_titlecase(),
        Tier=pl.col("risk_tier").cast(pl.Int8),
        Live=live,
        Versions=pl.col("versions").cast(pl.Int16),
        Requests=pl.col("requests").cast(pl.Int16),
        Review=pl.col("review_due").dt.date(),
        Card=pl.col("card").round(2).cast(pl.Float32),
        Owner="owner",
        Team="team",
        Case="use_case",
    )


def columns() -> dict[str, Any]:
    """Return how the table's columns are written and explained."""
    config = st.column_config
    return {
        "Model": config.TextColumn(width=150, pinned=True),
        "Lifecycle": config.TextColumn(width=110),
        "Tier": config.NumberColumn(width=52, help="Risk tier: 1 is the highest."),
        "Live": config.TextColumn(
            "In production",
            width=120,
            help="The version that was released, and in brackets what the prediction log calls it; a dash: "
            "nothing was released with Steward.",
        ),
        "Versions": config.NumberColumn(width=76, help="How many are registered."),
        "Requests": config.NumberColumn(width=80, help="Promotions that are not closed yet."),
        "Review": config.DateColumn(
            "Review due", width=104, format="D MMM YYYY", help="A dash: the declaration has no review_every."
        ),
        "Card": config.ProgressColumn(
            "Model card",
            min_value=0,
            max_value=1,
            format="percent",
            width=100,
            help="How many of its sections say something; a click here opens the card.",
        ),
        "Owner": config.TextColumn(width=220),
        "Team": config.TextColumn(width=140),
        "Case": config.TextColumn("Use case", width=150),
    }


@st.fragment
def portfolio(found: views.Inventory, models: pl.DataFrame) -> None:
    """Show filters and table; a click on a row opens the model's versions, one on its card the card."""
    kept = filters(models)
    if not kept.height:
        st.info(
            f"None of the {found.models.height} models matches these filters.",
            icon=":material/filter_alt_off:",
        )
        st.button("Clear filters", on_click=clear_filters, icon=":material/close:")
        return
    chosen = st.dataframe(
        arrow(table(kept)),
        key="models",
        hide_index=True,
        column_config=columns(),
        on_select="rerun",
        selection_mode="single-cell",
        placeholder="–",
        height="content" if kept.height <= 20 else TABLE_HEIGHT,
        alt="Models with their lifecycle, risk tier, version in production, owner and use case",
    )
    shown = kept.height if kept.height == found.models.height else f"{kept.height} of {found.models.height}"
    st.caption(f"{shown} models · click a row to see its versions, or its model card to read that")
    if chosen.selection.cells:
        row, column = chosen.selection.cells[0]
        model = kept["model"][row]
        if column == "Card":
            st.switch_page(HERE / "card.py", query_params={"of": model})
        st.switch_page(HERE / "model.py", query_params={"model": model, "tab": "Versions"})


def use_case(case: UseCase, models: list[str]) -> None:
    """Show one use case."""
    st.markdown(
        f"**{plain(case.use_case)}** · {plain(case.objective)}  \n"
        f"Decides {plain(case.decision)} ({case.decision_type.replace('_', ' ')}) about "
        f"{plain(case.affected_persons)} · EU AI Act: {case.ai_act_class} · "
        f"{'personal data' if case.personal_data else 'no personal data'} · answers for it: "
        f"{plain(case.accountable)}  \n"
        f":small[Good enough: {plain(case.success)} · Models: {plain(', '.join(models)) or 'none'}]"
    )


require("health.see")
st.title("Models", anchor=False)
with section("The models"):
    found = read(views.inventory)
    if found.models.height:
        complete = read(views.cards).select("model", card="complete")
        portfolio(found, found.models.join(complete, on="model", how="left", maintain_order="left"))
    else:
        st.info("No model is registered yet. The health overview shows the first three steps.")
        st.page_link(HERE / "overview.py", label="Health overview", icon=":material/arrow_back:")
with section("The use cases"):
    if found.use_cases:
        st.subheader("Use cases", anchor=False)
        for name, case in found.use_cases.items():
            with st.container(border=True):
                use_case(case, found.models.filter(pl.col("use_case") == name)["model"].to_list())
    elif found.models.height:
        st.caption("No use case is described. `use_cases/*.yaml` say what models decide, and for whom.")
