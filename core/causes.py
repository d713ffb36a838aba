"""Where the reasons of an alert come from: the statistics around it, and what else changed then."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from core import why, why_text
from core.declaration import Declaration
from core.entities import Episode, SchemaChange
from core.normal import Renewed
from core.schema_changes import told
from core.store import Store, annotations, audit, references, schema_changes, statistics
from core.store.audit import AuditEntry
from core.why import Why

REACH_WINDOWS = 3  # what changed this many windows around an alert's beginning is told with it
LONGEST_WINDOWS = 60  # of a longer alert, its last windows explain it
_INSTANT = pl.Datetime("us", "UTC")
_EVENTS = pl.Schema({"at": _INSTANT, "until": _INSTANT, "what": pl.String()})
_MOST_ENTRIES = 200


@dataclass(frozen=True)
class Surroundings:
    """What explanations of a model's alerts read.

    metrics : METRICS of its last windows, all slices
    usual : METRICS of the reference's own windows
    events : at, until, what; annotations, changes of the log's columns and of the declaration, business time
    importance : how much each input matters, as declared, else as the reference's rows tell; may be empty
    """

    metrics: pl.DataFrame
    usual: pl.DataFrame
    events: pl.DataFrame
    importance: Mapping[str, float]


@dataclass(frozen=True)
class Explanation:
    """An alert's reasons as numbers and in words; `happened` has at and what, the nearest first.

    verdict : one sentence: what changed since when, and what explains it
    reasons : what explains it alone, for where the alert's own sentence stands beside it; may be empty
    """

    verdict: str
    reasons: str
    why: Why
    happened: pl.DataFrame


def surroundings(
    store: Store,
    declaration: Declaration,
    usual: pl.DataFrame,
    *,
    metrics: tuple[str, ...],
    since: datetime,
    until: datetime | None = None,
    now: datetime,
    renewed: Renewed = lambda stored: stored,
    schema: Sequence[SchemaChange] | None = None,
) -> Surroundings:
    """Read what explains alerts whose windows start in [since, until].

    Parameters
    ----------
    usual : METRICS of the reference's own windows
    metrics : names as `why.needed` gives them
    renewed : puts the windows counted just now into stored METRICS
    schema : changes of the log's columns; without them, those that are stored
    """
    reach = REACH_WINDOWS * declaration.calendar.nominal
    end = None if until is None else until + reach
    names = sorted({*metrics, "volume"})
    stored = statistics.read(store, declaration.model, "metrics", start=since - reach, end=end, metrics=names)
    slug, importance = declaration.model, declaration.importance
    with store.read() as c:
        entries = audit.entries(c, entity=f"model:{slug}", limit=_MOST_ENTRIES)
        said = [(each.start, each.end, each.text) for each in annotations.every(c, slug)]
        changed = schema_changes.every(c, slug) if schema is None else schema
        reference = references.current(c, slug)
    if reference and not importance:
        importance = references.read_importance(store, slug, reference.reference_id)
    columns = [(at, at, what) for at, what in told(changed)]
    found = renewed(stored)
    return Surroundings(
        found.filter(pl.col("metric").is_in(names), pl.col("window_start") >= since - reach),
        usual,
        pl.DataFrame([*_declared(entries, now), *said, *columns], schema=_EVENTS, orient="row"),
        importance,
    )


def first_window(episode: Episode, declaration: Declaration) -> datetime:
    """Return the start of the first window that explains an alert: of a long one, the last 60 do."""
    return max(episode.first_window, declaration.calendar.back(episode.last_window, LONGEST_WINDOWS))


def because(around: Surroundings, episode: Episode, declaration: Declaration) -> Explanation:
    """Return why an alert came."""
    first = first_window(episode, declaration)
    during = around.metrics.filter(pl.col("window_start").is_between(first, episode.last_window))
    found = why.explain(episode, declaration, during, around.usual, around.importance)
    happened = _happened(around, episode, declaration)
    about = (found, episode, declaration, happened)
    return Explanation(why_text.verdict(*about), why_text.reasons(*about), found, happened)


def _happened(around: Surroundings, episode: Episode, declaration: Declaration) -> pl.DataFrame:
    reach = REACH_WINDOWS * declaration.calendar.nominal
    began = episode.first_window
    every = pl.concat([_versions(around.metrics), around.events])
    near = every.filter(
        pl.col("at") <= began + declaration.calendar.nominal, pl.col("until") >= began - reach
    )
    away = pl.max_horizontal(pl.col("at") - began, began - pl.col("until"), pl.lit(timedelta()))
    return near.sort(away, "at", "what", descending=[False, True, False]).select("at", "what")


def _versions(metrics: pl.DataFrame) -> pl.DataFrame:
    """Return the first windows of versions that were not there from the start."""
    volumes = metrics.filter(
        pl.col("metric") == "volume",
        pl.col("value") > 0,
        *(pl.col(name) == "" for name in ("segment", "variant", "group")),
    )
    began = volumes.with_columns(began=pl.col("window_start").min()).filter(pl.col("version") != "")
    first = began.group_by("version").agg(pl.col("began").first(), at=pl.col("window_start").min())
    known = first.filter(pl.col("at") > pl.col("began"))
    what = pl.lit("version ") + pl.col("version") + " began"
    return known.select("at", until="at", what=what).cast(_EVENTS)


def _declared(entries: Iterable[AuditEntry], now: datetime) -> Iterator[tuple[datetime, datetime, str]]:
    for entry in entries:
        if entry.action == "model.changed":
            # The audit log has wall time; where the workspace's clock stands still, that is its future.
            at = min(entry.ts, now)
            yield at, at, f"{entry.actor} changed {', '.join(sorted(entry.after or {}))}"
