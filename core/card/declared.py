"""What declarations, use cases and version records say in a model card."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from core import monitor_text
from core.card.content import AnyBlock, Facts, Table
from core.declaration import Costs, Declaration
from core.governed import LoggedRun, ModelVersion, Waiver
from core.numerals import significant
from core.records import Dataset, Evidence, UseCase

Rows = tuple[tuple[str, str], ...]
_MOST_MONITORS = 100


def details(
    declaration: Declaration, version: ModelVersion | None, run: LoggedRun | None
) -> Iterator[AnyBlock]:
    """Yield who answers for the model, and what exactly the version is."""
    every = declaration.review_every
    tier = f"{declaration.risk_tier} of 4, 1 is the highest"
    yield Facts(
        rows=_said(
            ("Description", declaration.description),
            ("Owner", declaration.owner),
            ("Backup owner", declaration.backup_owner),
            ("Team", declaration.team),
            ("Task", words(declaration.task)),
            ("Origin", words(declaration.origin)),
            ("Risk tier", f"{tier}: {declaration.risk_rationale}" if declaration.risk_rationale else tier),
            ("Reviewed every", f"{every.days} days" if every else None),
            ("Tags", declaration.tags),
        )
    )
    if version is None:
        return
    record = version.record
    yield Facts(
        title=f"Version {version.number}",
        note=f"Registered {moment(version.registered_at)} by {version.registered_by}, unchanged since.",
        rows=_said(
            ("Name in the log", version.name),
            ("Developer", record.developer),
            ("Licence", record.licence),
            ("Format", record.format),
            ("Framework", record.framework),
            ("Artifact", record.artifact),
            ("Artifact digest", version.digest),
            ("Files", _files(version)),
            ("Code", _code(record.code)),
            ("Environment", _environment(record.environment)),
            ("Inputs", _signature(record.inputs)),
            ("Outputs", _signature(record.outputs)),
            ("Parameters", [f"{name} = {value}" for name, value in record.parameters.items()]),
            ("Seed", record.seed),
            ("Training run", f"{run.id}: {run.record.name}" if run else record.run),
            ("Made from version", record.parent),
            ("Feature views", record.feature_views),
            ("Training cost", _amount(record.cost_usd, "USD")),
            ("Training energy", _amount(record.energy_kwh, "kWh")),
            ("Note", record.note),
        ),
    )


def intended_use(use_case: UseCase | None) -> Iterator[AnyBlock]:
    """Yield what the model decides, for whom, and who answers for that."""
    if use_case is not None:
        yield Facts(
            title=f"Use case {use_case.use_case}",
            rows=_said(
                ("Objective", use_case.objective),
                ("Decision", f"{use_case.decision} ({words(use_case.decision_type).lower()})"),
                ("Affected persons", use_case.affected_persons),
                ("Good enough", use_case.success),
                ("A false positive costs", use_case.false_positive),
                ("A false negative costs", use_case.false_negative),
                ("Accountable", use_case.accountable),
            ),
        )


def factors(declaration: Declaration) -> Iterator[AnyBlock]:
    """Yield by what the numbers are told apart."""
    if declaration.segments or declaration.protected:
        yield Facts(
            rows=_said(
                ("Segments", declaration.segments),
                ("Protected attributes", [_attribute(each) for each in declaration.protected]),
                ("Smallest group that is judged", f"{declaration.minimum_group_size} rows"),
            )
        )


def metrics(declaration: Declaration) -> Iterator[AnyBlock]:
    """Yield what the model's numbers are held against, and what a wrong decision costs."""
    found = _said(
        ("Decision threshold", significant(declaration.threshold) if _decides(declaration) else None),
        *_costs(declaration),
    )
    if declaration.monitors and found:
        yield Facts(rows=found)
    if declaration.monitors:
        shown = declaration.monitors[:_MOST_MONITORS]
        yield Table(
            title="Monitors",
            head=("Name", "Alarms when", "Severity"),
            rows=tuple(
                (each.name, monitor_text.sentence(each), " then ".join(monitor_text.severities(each)))
                for each in shown
            ),
            note=more(len(shown), len(declaration.monitors)),
        )


def data(datasets: Sequence[Dataset]) -> Iterator[AnyBlock]:
    """Yield what is known of datasets."""
    for each in datasets:
        yield Facts(
            title=each.name,
            rows=_said(
                ("Source", f"{each.uri} ({each.kind})"),
                ("Its own version", each.reference),
                ("Digest", each.digest),
                ("Rows", f"{each.rows:,}" if each.rows is not None else None),
                ("Columns", f"{len(each.columns):,}" if each.columns else None),
                ("Period", " to ".join(_day(end) for end in each.period) if each.period else None),
                ("Label", each.label),
                (
                    "Split",
                    {"time": "by time", "random": "at random", "group": "by group"}.get(each.split or ""),
                ),
                ("Sensitive attributes", each.sensitive),
                ("Personal data", "yes" if each.personal_data else "none declared"),
                ("Licence", each.licence),
                ("Known biases", each.known_biases),
                ("Jurisdiction", each.jurisdiction),
                ("Encryption", each.encryption),
            ),
        )


def ethics(
    declaration: Declaration, use_case: UseCase | None, fairness: Evidence | None
) -> Iterator[AnyBlock]:
    """Yield what records know that bears on whether using the model is right."""
    rows: list[tuple[str, Any]] = []
    if use_case is not None:
        rows += [
            ("EU AI Act", f"{words(use_case.ai_act_class)} risk: {use_case.ai_act_rationale}"),
            ("Personal data", "yes" if use_case.personal_data else "no"),
        ]
    rows += [
        ("Protected attributes", [_attribute(each) for each in declaration.protected]),
        ("Sensitive columns", declaration.sensitive),
        ("Evidence of fairness", f"{fairness.verdict}: {fairness.summary}" if fairness else None),
    ]
    if found := _said(*rows):
        yield Facts(title="From the records", rows=found)


def caveats(version: ModelVersion | None, waivers: Iterable[Waiver]) -> Iterator[AnyBlock]:
    """Yield what records know that limits what the numbers promise."""
    rows: list[tuple[str, Any]] = []
    if version is not None:
        every = {each.name: each for each in (*version.record.training, *version.record.evaluation)}
        rows += [(f"Known biases of {name}", each.known_biases) for name, each in every.items()]
        if any(each.split == "random" for each in version.record.evaluation):
            rows.append(("Evaluation", "on a random split, which promises more than time will keep"))
    rows += [
        (f"Waived: {words(each.check)}", f"{each.reason} (until {moment(each.expires_at)})")
        for each in waivers
        if each.confirmed_at is not None
    ]
    if found := _said(*rows):
        yield Facts(title="From the records", rows=found)


def words(name: str) -> str:
    """Return a name of the code as people write it.

    Examples
    --------
    >>> words("human_in_the_loop")
    'Human in the loop'
    """
    return name.replace("_", " ").capitalize()


def moment(instant: datetime) -> str:
    """Return the day of an instant."""
    return instant.strftime("%-d %b %Y")


def more(shown: int, every: int) -> str:
    """Return how many of a list are left out."""
    return f"{shown:,} of {every:,} are shown." if shown < every else ""


def _said(*rows: tuple[str, Any]) -> Rows:
    """Return the rows that say something, lists in one line."""
    told = []
    for name, value in rows:
        text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
        if text is not None and str(text).strip():
            told.append((name, str(text)))
    return tuple(told)


def _files(version: ModelVersion) -> str | None:
    manifest = version.record.manifest
    size = sum(file.size for file in manifest)
    return f"{len(manifest):,}, together {size:,} bytes" if manifest else None


def _code(code: Any) -> str | None:
    if code is None:
        return None
    return f"{code.repository} at {code.commit}" + (", with changes not committed" if code.dirty else "")


def _environment(environment: Any) -> list[str]:
    parts = (("Python", environment.python), ("lock", environment.lock), ("image", environment.image))
    return [f"{name} {value}" for name, value in parts if value]


def _signature(columns: dict[str, str]) -> list[str]:
    shown = [f"{name}: {kind}" for name, kind in list(columns.items())[:40]]
    return shown + ([f"and {len(columns) - 40:,} more"] if len(columns) > 40 else [])


def _amount(value: float | None, unit: str) -> str | None:
    return None if value is None else f"{significant(value)} {unit}"


def _attribute(attribute: Any) -> str:
    if isinstance(attribute, str):
        return attribute
    return f"{attribute.column} (cut at {', '.join(significant(edge) for edge in attribute.bins)})"


def _decides(declaration: Declaration) -> bool:
    return declaration.task == "binary_classification" and isinstance(declaration.predictions.score, str)


def _costs(declaration: Declaration) -> list[tuple[str, Any]]:
    costs = declaration.costs
    if costs is None:
        return []
    if isinstance(costs, Costs):
        return [
            ("Cost of a false positive", significant(costs.false_positive)),
            ("Cost of a false negative", significant(costs.false_negative)),
        ]
    told = [
        f"{label} taken for {taken}: {significant(cost)}"
        for label, by in costs.items()
        for taken, cost in by.items()
    ]
    return [("Costs", told)]


def _day(day: date | datetime) -> str:
    return day.strftime("%-d %b %Y")
