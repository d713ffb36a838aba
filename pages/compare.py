"""Compare: a candidate beside the version in production, its gate, and the request for its promotion."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import polars as pl
import streamlit as st

from core import charts, views
from core.catalogue import CATALOGUE
from core.entities import Actor
from core.errors import InputError
from core.governed import AttachedEvidence, ModelVersion
from core.records import Dataset, EvidenceKind
from core.store.releases import DEPLOYS
from pages._commands import outcome
from pages._model_parts import draw
from pages._promotion_parts import card_link, checklist, request_form, state_badge, verdict
from pages._shared import (
    HERE,
    arrow,
    clock_text,
    pick_model,
    plain,
    read,
    refusal,
    require,
    section,
    zoned_text,
)

KINDS = get_args(EvidenceKind)
SKIPPED = ("manifest", "training", "evaluation", "name", "note")


def pick() -> tuple[str, int | None, int] | None:
    """Show the pickers of model and versions; what they say lives in the address."""
    names = read(views.inventory).models.filter(pl.col("versions") > 0)["model"].to_list()
    if not names:
        st.info("No model has a registered version yet; `steward version register` adds one.")
        return None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        model = pick_model(names, placeholder="Choose a model")
        if model is None:
            return None
        page = read(views.versions_page, model)
        numbers = [version.number for version in page.versions] if page else []
        titles = {v.number: f"{v.number} ({v.name})" for v in page.versions} if page else {}
        b = _number("Candidate", "b", numbers, titles, numbers[0])
        usual = page.champion if page and page.champion != b else None
        a = _number("Compared with", "a", [n for n in numbers if n != b], titles, usual)
    return None if b is None else (model, a, b)


def _number(
    label: str, key: str, numbers: Sequence[int], titles: Mapping[int, str], usual: int | None
) -> int | None:
    """Show a picker of versions by their titles; the address has the number."""
    asked = st.query_params.get(key, "")
    known = int(asked) if asked.isdecimal() and int(asked) in numbers else usual
    options = [None, *numbers] if key == "a" else list(numbers)
    widget = f"{key}-version"
    st.session_state[widget] = known if known in options else options[0]

    def remember() -> None:
        value = st.session_state[widget]
        if value is None:
            st.query_params.pop(key, None)
        else:
            st.query_params[key] = str(value)

    return st.selectbox(
        label,
        options,
        key=widget,
        on_change=remember,
        format_func=lambda number: titles.get(number, "Nothing") if number is not None else "Nothing",
        width=200,
    )


def numbers_of(attached: Sequence[AttachedEvidence]) -> dict[tuple[str, str, str], Any]:
    """Return the newest findings by kind, what they are about and name."""
    found: dict[tuple[str, str, str], Any] = {}
    for each in attached:  # the newest first
        for finding in each.record.findings:
            found.setdefault((each.record.kind, finding.about, finding.name), finding)
    return found


def evidence_table(a: Sequence[AttachedEvidence], b: Sequence[AttachedEvidence]) -> pl.DataFrame:
    """Return the numbers of both versions side by side, kind by kind, what was not passed first."""
    one, other = numbers_of(a), numbers_of(b)

    def place(key: tuple[str, str, str]) -> tuple[int, bool]:
        candidate = other.get(key)
        return KINDS.index(key[0]), candidate is None or candidate.passed is not False

    rows = [
        {
            "Evidence": kind.replace("_", " ").capitalize(),
            "Of": about or None,
            "Number": _title(name),
            "Compared with": _interval(one.get((kind, about, name))),
            "Candidate": _interval(other.get((kind, about, name))),
            "Asked for": _threshold(other.get((kind, about, name))),
            "Note": _note(other.get((kind, about, name))),
        }
        for kind, about, name in sorted(dict.fromkeys([*other, *one]), key=place)
    ]
    columns = ("Evidence", "Of", "Number", "Compared with", "Candidate", "Asked for", "Note")
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String))


def _title(name: str) -> str:
    """Return what people call a number; of a difference, what differs."""
    whole, of = CATALOGUE.get(name), CATALOGUE.get(name.removesuffix("_difference"))
    if whole is None and of is not None:
        return f"{of.title}, difference"
    return whole.title if whole else name.replace("_", " ").capitalize()


def _note(finding: Any) -> str | None:
    return (finding.note or None) if finding is not None else None


def _interval(finding: Any) -> str | None:
    if finding is None or finding.value is None:
        return None
    if finding.lower is None or finding.upper is None:
        return f"{finding.value:.4g}"
    return f"{finding.value:.4g} ({finding.lower:.4g} to {finding.upper:.4g})"


def _threshold(finding: Any) -> str | None:
    if finding is None or (finding.threshold is None and finding.passed is None):
        return None
    mark = {True: "✓", False: "✕", None: ""}[finding.passed]
    return f"{mark} {finding.threshold:.4g}" if finding.threshold is not None else mark


def differences(a: ModelVersion | None, b: ModelVersion) -> pl.DataFrame:
    """Return in what two records differ; of one alone, all it says."""
    sides = [_said(each) for each in (a, b)]
    keys = [key for key in dict.fromkeys([*sides[1], *sides[0]]) if sides[0].get(key) != sides[1].get(key)]
    rows = [{"What": key, "Compared with": sides[0].get(key), "Candidate": sides[1].get(key)} for key in keys]
    return pl.DataFrame(rows, schema=dict.fromkeys(("What", "Compared with", "Candidate"), pl.String))


def _said(version: ModelVersion | None) -> dict[str, str]:
    if version is None:
        return {}
    record = version.record.model_dump(mode="json", exclude_defaults=True)
    told = {key: str(value) for key, value in record.items() if key not in SKIPPED}
    for key in ("training", "evaluation"):
        if record.get(key):
            told[f"{key} data"] = ", ".join(each["name"] for each in record[key])
    return told | {"digest": version.digest[:16], "files": str(len(version.record.manifest))}


def head(found: views.Comparison) -> None:
    """Say which versions are compared and where each stands."""
    zone = found.page.registered.declaration.predictions.timezone
    for label, version in (("Candidate", found.b), ("Compared with", found.a)):
        if version is None:
            st.markdown(f"**{label}**: nothing; no other version is in production")
            continue
        by = f"registered {zoned_text(version.registered_at, zone)} by {plain(version.registered_by)}"
        name = f"version {version.number} ({plain(version.name)})"
        st.markdown(
            f"**{label}**: {name} {state_badge(version.state)} · {by}"
            + (f"  \n:small[{plain(version.record.note)}]" if version.record.note else "")
        )


def ask(found: views.Comparison, actor: Actor) -> None:
    """Show the request form, or the request that is open already."""
    if found.open is not None:
        st.markdown(f"{state_badge(found.open.state)} &nbsp; requested by {plain(found.open.requested_by)}")
        st.page_link(
            HERE / "approvals.py",
            label=f"Promotion {found.open.id}",
            icon=":material/approval_delegation:",
            query_params={"id": str(found.open.id)},
        )
        return
    why = refusal(actor, "promotion.request", found.b.model)
    if found.b.state not in ("registered", "in_validation", "validated", "superseded", "suspended"):
        state = found.b.state.replace("_", " ")
        why = f"Version {found.b.number} is {state}; it cannot be promoted from there."
    request_form(found.b.model, found.b.number, passed=found.gate.passed, why=why)


def lineage(found: views.Comparison) -> None:
    """Draw what the candidate came from, and what came of it."""
    edges, came_of_it = downstream(found)
    if not edges:
        st.caption("Its record names no dataset, run or parent, and it was never released.")
        return
    every = [each for version in found.page.versions for each in _datasets(version)]
    every += [run.record.dataset for run in found.page.runs if run.record.dataset]
    titles = {f"dataset:{each.digest}": f"Dataset {each.name}" for each in every}
    titles |= {f"run:{run.id}": f"Run {run.id}: {run.record.name}" for run in found.page.runs}
    titles |= {version.entity: f"Version {version.number}" for version in found.page.versions}
    figure = charts.lineage(edges, found.b.entity, titles | came_of_it)
    draw(figure, "What the candidate came from and what came of it, from left to right", key="lineage")


def downstream(found: views.Comparison) -> tuple[list[tuple[str, str, str]], dict[str, str]]:
    """Return the edges, with those to the candidate's last release and predictions, and their titles."""
    edges, titles = list(found.edges), {}
    here, zone = found.b.entity, found.page.registered.declaration.predictions.timezone
    deployed = [e for e in found.page.releases if e.number == found.b.number and e.event in DEPLOYS]
    if deployed:
        release = f"release:{deployed[-1].id}"
        edges.append((here, deployed[-1].event.replace("_", " "), release))
        titles[release] = f"Release, {clock_text(deployed[-1].at, zone)}"
        here = release
    if found.traffic is not None:
        edges.append((here, "answers", "predictions"))
        last = clock_text(found.traffic.last, zone)
        titles["predictions"] = f"{found.traffic.rows:,} predictions until {last}"
    return edges, titles


def _datasets(version: ModelVersion) -> tuple[Dataset, ...]:
    return version.record.training + version.record.evaluation


def runs(found: views.Comparison) -> pl.DataFrame:
    """Return the runs behind the two versions, or without any the model's last ones, side by side."""
    named = [v.record.run for v in (found.b, found.a) if v is not None and v.record.run is not None]
    kept = [run for run in found.page.runs if not named or run.id in named][:8]
    rows = []
    for run in kept:
        data = run.record.dataset
        said = {"Run": f"{run.id}: {run.record.name}", "Dataset": data.name if data else None}
        said |= {key: f"{value:.4g}" for key, value in run.record.metrics.items()}
        said |= {key: str(value) for key, value in run.record.parameters.items()}
        said |= {"Energy": f"{run.record.energy_kwh:.3g} kWh"} if run.record.energy_kwh is not None else {}
        rows.append(said)
    return pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame()


def both(frame: pl.DataFrame, empty: str, alt: str) -> None:
    """Show a table, or what its absence means."""
    if frame.height:
        st.dataframe(arrow(frame), hide_index=True, placeholder="–", height="content", alt=alt)
    else:
        st.caption(empty)


actor = require("health.see")
st.title("Compare versions", anchor=False)
outcome()
with section("The comparison"):
    asked = pick()
    found = None
    if asked is not None:
        try:
            found = read(views.compare_versions, *asked)
        except InputError as error:
            st.warning(plain(str(error)), icon=":material/help:")
    if found is not None:
        head(found)
        left, right = st.columns([3, 2])
        with left, st.container(border=True):
            st.markdown(
                f"**Gate before production, risk tier {found.page.registered.declaration.risk_tier}**"
            )
            st.markdown(verdict(found.gate.as_json()))
            checklist(found.gate.as_json())
        with right, st.container(border=True):
            st.markdown("**Promotion**")
            card_link(found.b.model, found.b.number)
            ask(found, actor)
        attached = found.page.evidence
        st.subheader("Evidence", anchor=False)
        both(
            evidence_table(
                attached.get(found.a.number, ()) if found.a else (), attached.get(found.b.number, ())
            ),
            "No evidence with numbers is attached; `steward evaluate` adds it.",
            "Numbers of both versions side by side, with 95 % intervals",
        )
        st.subheader("What differs", anchor=False)
        both(differences(found.a, found.b), "Their records say the same.", "Differences of the two records")
        st.subheader("Where it came from", anchor=False)
        lineage(found)
        both(
            runs(found),
            "No run is logged for this model; see `steward version log-run`.",
            "Runs side by side",
        )
    elif asked is None:
        st.caption("Choose a model and two of its versions.")
