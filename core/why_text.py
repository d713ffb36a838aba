"""Why an alert came, in one sentence with numbers."""

from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from core.alert_text import number, subject
from core.catalogue import CATALOGUE
from core.declaration import Declaration
from core.entities import Episode
from core.findings import NOTABLE_EXCESS, NOTABLE_SHARE
from core.reconstruction import RECONSTRUCTION
from core.verdicts import FRESHNESS, shown_metric
from core.why import Effect, Why, rate_of

NAMED = 2  # columns a sentence names; the rest is counted
CARRIES = 1.5  # a part stands out when its share of the change is this many times its share of the rows
LEADS = 0.3  # … and at least this large
MOST = 0.5  # of a change: so much is told of the features together


def verdict(
    why: Why, episode: Episode, declaration: Declaration, happened: pl.DataFrame | None = None
) -> str:
    """Return what explains an alert, in one sentence of plain text.

    Parameters
    ----------
    happened : at, what; changes of model, declaration and log around the alert's beginning, the nearest first
    """
    found = (_explained(why, episode, declaration), _after(happened, declaration))
    return f"{_joined([_changed(why, episode, declaration.zone), *found])}."


def reasons(
    why: Why, episode: Episode, declaration: Declaration, happened: pl.DataFrame | None = None
) -> str:
    """Return the same for where the alert itself stands beside it; empty where nothing is known."""
    metric = shown_metric(episode.target.metric)
    usual = "" if why.before is None else f"usually {number(metric, why.before)}"
    said = _joined([usual, _explained(why, episode, declaration), _after(happened, declaration)])
    return f"{said[0].upper()}{said[1:]}." if said else ""


def _changed(why: Why, episode: Episode, zone: ZoneInfo) -> str:
    """Say what the metric was in the alert's windows against the reference's, and when that was."""
    target, metric = episode.target, shown_metric(episode.target.metric)
    over, when = episode.resolved_at is not None, _when(episode, zone)
    if target.metric == FRESHNESS:
        return f"No predictions {when}"
    value = episode.value if why.now is None else why.now
    about, now = subject(target), number(metric, value)
    about += "," if "," in about else ""
    is_ = "was" if over else "is"
    if why.before is None:
        return f"{about} {is_} {now} {when}"
    before = number(metric, why.before)
    if before == now or (value < why.before) == (episode.side == "above"):
        return f"{about} {is_} {now} {when}, no worse than in the reference ({before})"
    average = " on average" if why.windows > 1 and not rate_of(metric) else ""
    went = "rose" if value > why.before else "fell"
    return f"{about} {went} from {before} to {now}{average} {when}"


def _when(episode: Episode, zone: ZoneInfo) -> str:
    first, last = (at.astimezone(zone) for at in (episode.first_window, episode.last_window))
    if episode.resolved_at is None:
        return f"since {first:%-d %B %Y}"
    if first.date() == last.date():
        return f"on {first:%-d %B %Y}"
    same = (first.year, first.month) == (last.year, last.month)
    return f"from {first:{'%-d' if same else '%-d %B %Y'}} to {last:%-d %B %Y}"


def _explained(why: Why, episode: Episode, declaration: Declaration) -> str:
    target = episode.target
    metric = shown_metric(target.metric)
    info = CATALOGUE.get(metric)
    if target.metric == FRESHNESS or info is None:
        return ""
    others = why.columns.filter(pl.col("column") != target.column)
    if rate_of(metric):
        return _ends(why.parts, metric)
    if info.family == "quality" and target.column:
        return _joined(_gone(others, why.effect))
    if metric == RECONSTRUCTION:
        return _joined(
            [_losing(why.lost), _by_themselves(why.columns), _told(why.effect), _carried(why.parts)]
        )
    if info.family == "drift" and target.column in why.columns["column"]:
        return _joined([_along(others), _outcome(why)])
    if info.family in ("performance", "drift"):
        is_outcome = info.needs_labels or target.column == declaration.actual
        inputs = _inputs(why.columns, is_outcome=is_outcome)
        return _joined([inputs, _told(why.effect), _carried(why.parts)])
    return ""


def _inputs(columns: pl.DataFrame, *, is_outcome: bool) -> str:
    """Say which inputs moved, the heaviest first; or that none did, which says where not to look."""
    moved = columns.filter(pl.col("weight") > 0)
    if moved.height:
        return f"{_names(moved)} moved most among its inputs"
    if not columns.height:
        return ""
    if columns.filter(pl.col("moved") >= NOTABLE_EXCESS).height:
        return "only inputs moved that do not matter to it"
    rest = "how they relate to the outcome changed, or the labels did (concept drift)"
    return f"no input moved notably, so {rest if is_outcome else 'look at the model and its pipeline'}"


def _losing(lost: pl.DataFrame) -> str:
    """Name the features that hold half of the change of what is lost, at most three."""
    most = lost.filter(pl.col("share").cum_sum().shift(fill_value=0.0) < MOST).head(NAMED + 1)
    return f"most of the change is in {_names(most)} ({most['share'].sum():.0%})" if most.height else ""


def _by_themselves(columns: pl.DataFrame) -> str:
    """Say which features also moved one by one; if none did, only how they go together changed."""
    moved = columns.filter(pl.col("moved") >= NOTABLE_EXCESS).sort(
        "moved", "column", descending=[True, False]
    )
    if moved.height:
        return f"by themselves {_names(moved)} moved most"
    return "no input moved by itself, so they go together differently" if columns.height else ""


def _carried(parts: pl.DataFrame) -> str:
    """Say which segment carries more of the change than its share of the rows; or that none stands out."""
    leading = parts.filter(pl.col("share") >= LEADS, pl.col("share") >= CARRIES * pl.col("rows"))
    if leading.height:
        part, share, rows = leading.select("part", "share", "rows").row(0)
        return f"{part} carries {share:.0%} of the change with {rows:.0%} of the rows"
    known = parts.filter(pl.col("share").is_not_null())
    return f"no {known['dimension'][0]} stands out" if known.height > 1 else ""


def _ends(parts: pl.DataFrame, metric: str) -> str:
    """Name the groups between which a gap is widest."""
    ordered = parts.sort("now")
    rate = rate_of(metric)
    if ordered.height < 2 or rate is None:
        return ""
    low, high = (ordered.row(i, named=True) for i in (0, -1))
    name = CATALOGUE[rate].title.lower()
    lowest, highest = (
        f"{number(rate, each['now'])} for {each['part']} ({each['n']:,} rows)" for each in (low, high)
    )
    return f"{name} {lowest} against {highest}"


def _gone(others: pl.DataFrame, effect: Effect | None) -> list[str]:
    """Say which columns are missing along with the one in question, and what it does to performance."""
    gone = others.filter(pl.col("missing") - pl.col("usual_missing").fill_null(0.0) >= NOTABLE_SHARE)
    gone = gone.sort(
        pl.col("missing") - pl.col("usual_missing").fill_null(0.0), "column", descending=[True, False]
    )
    along = (
        f"missing along with it: {_names(gone)}, so look upstream" if gone.height else "it alone is missing"
    )
    return [along, _told(effect)]


def _along(others: pl.DataFrame) -> str:
    moved = others.filter(pl.col("moved") >= NOTABLE_EXCESS).sort("moved", "column", descending=[True, False])
    return f"{_names(moved)} moved with it" if moved.height else "no other input moved notably"


def _outcome(why: Why) -> str:
    """Say whether the predictions moved with the inputs, and what that does to performance."""
    told = _told(why.effect)
    if told or not why.outputs.height:
        return told
    moved = why.outputs["moved"].max()
    return (
        "predictions moved too"
        if isinstance(moved, float) and moved >= NOTABLE_EXCESS
        else "predictions did not"
    )


def _told(effect: Effect | None) -> str:
    if effect is None:
        return ""
    title, value = CATALOGUE[effect.metric].title, number(effect.metric, effect.value)
    low, high = (
        None if each is None else number(effect.metric, each)
        for each in (effect.normal.low, effect.normal.high)
    )
    return f"{title}: {value}, {'outside' if effect.worse else 'within'} the usual {low} to {high}"


def _after(happened: pl.DataFrame | None, declaration: Declaration) -> str:
    if happened is None or not happened.height:
        return ""
    at, what = happened.select("at", "what").row(0)
    return f"{what} on {_day(at, declaration.zone)}"


def _names(columns: pl.DataFrame) -> str:
    names = columns["column"].to_list()
    rest = len(names) - NAMED
    named = names[:NAMED] if rest <= 1 else [*names[:NAMED], f"{rest} more"]
    named = names[: NAMED + 1] if rest == 1 else named
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _joined(clauses: list[str]) -> str:
    return "; ".join(clause for clause in clauses if clause)


def _day(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%-d %B %Y}"
