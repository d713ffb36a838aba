"""Why an alert came: which inputs moved, which parts of the traffic carry the change, and what it does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from core.catalogue import CATALOGUE
from core.declaration import Declaration
from core.entities import Episode
from core.findings import NOTABLE_EXCESS
from core.health import HEADLINES, MINIMUM_LABELLED
from core.reconstruction import RECONSTRUCTION
from core.usual import Normal, with_usual
from core.verdicts import FRESHNESS, attribute_of, shown_metric

DISTANCE, MISSING = "jensen_shannon", "missing_share"
# What tells whether a metric's move was right: more predictions of a class are, if more rows are of it.
FOLLOWED = {"prediction_rate": "label_rate"}
# The rate whose differences between groups a gap measures.
RATES = {
    "demographic_parity": "selection_rate",
    "equal_opportunity": "tpr",
    "equalized_odds": "tpr",
    "predictive_parity": "precision",
    "bias": "bias",
    "mae": "mae",
}
_SLICES = ("segment", "version", "variant", "group")
_LOST = {"column": pl.String, "share": pl.Float64}


@dataclass(frozen=True)
class Effect:
    """What labels say in the alert's windows, beside what the reference's windows showed.

    The model's performance; of a move of its predictions, whether the outcomes moved too.
    """

    metric: str
    value: float
    normal: Normal

    @property
    def worse(self) -> bool:
        """Whether it lies outside its usual on the bad side; of outcomes, on any side."""
        low, high = self.normal.low, self.normal.high
        if self.metric in FOLLOWED.values():
            return low is not None and high is not None and not low <= self.value <= high
        if CATALOGUE[self.metric].better == "higher":
            return low is not None and self.value < low
        return high is not None and self.value > high


@dataclass(frozen=True)
class Why:
    """What explains an alert, from the windows it spans.

    columns : one row per input: column, distance (Jensen–Shannon, mean of the windows), usual (19 of 20
        reference windows stay below), missing and usual_missing (shares), moved (how far the distance or the
        missing share lies above its usual; 0 = as ever), importance (0–1, null = unknown), weight (its share
        of moved × importance over the inputs that moved notably; 0–1); the heaviest first
    outputs : the same columns for score and prediction
    parts : one row per segment, or per group for a gap: part, dimension, before, now, change (now - before),
        n (rows), rows (share of the dimension's), share (of the change, rows × difference; 0–1); the largest
        first. Of a gap they are those of its last window, so that they are what it lies between
    before, now : the metric's average in the reference's windows and in the alert's, weighted by rows; of a
        gap `now` is its last value. None where it has none
    windows : how many windows of the alert they cover
    effect : what it means for performance; None where that is what the alert is about, or labels are missing
    lost : of an alert about all features together one row per feature: column, share (of the change of what
        is lost, as squares; 0-1), the largest first
    """

    before: float | None
    now: float | None
    windows: int
    columns: pl.DataFrame
    outputs: pl.DataFrame
    parts: pl.DataFrame
    effect: Effect | None
    lost: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_LOST))


def needed(declaration: Declaration, metrics: Iterable[str]) -> tuple[str, ...]:
    """Return the metrics whose rows `explain` reads for alerts of these metrics."""
    shown = [shown_metric(metric) for metric in metrics]
    rates = [rate for metric in shown if (rate := rate_of(metric))]
    followed = [FOLLOWED[metric] for metric in shown if metric in FOLLOWED]
    return tuple(sorted({*shown, *rates, *followed, DISTANCE, MISSING, *HEADLINES[declaration.task]}))


def rate_of(metric: str) -> str | None:
    """Return the rate whose gap between groups a fairness metric is, None for other metrics."""
    info = CATALOGUE.get(metric)
    if info is None or info.family != "fairness":
        return None
    return RATES.get(metric.removesuffix("_difference").removesuffix("_ratio"))


def explain(
    episode: Episode,
    declaration: Declaration,
    during: pl.DataFrame,
    usual: pl.DataFrame,
    importance: Mapping[str, float] | None = None,
) -> Why:
    """Return what explains an alert.

    Parameters
    ----------
    episode : the alert
    during : METRICS of the windows it spans, of the names in `needed`
    usual : METRICS of the reference's own windows; empty while it is learning
    importance : of the model's inputs, any non-negative scale; None = unknown, all count alike
    """
    target = episode.target
    metric = shown_metric(target.metric)
    moved = _moved(_sliced(during), _sliced(usual))
    outputs = {*declaration.predictions.scores, declaration.prediction}
    inputs = moved.filter(~pl.col("column").is_in(list(declaration.about_predictions)))
    mine = [pl.col("metric") == metric, pl.col("column") == target.column]
    mine += [pl.col(name) == _of(episode, name) for name in _SLICES if name != "version"]
    judged = [*mine, pl.col("version") == target.version]
    last = during.filter(pl.col("window_start") == episode.last_window) if rate_of(metric) else during
    before, now = _average(usual.filter(*mine, pl.col("version") == "")), _average(last.filter(*judged))
    known = target.metric != FRESHNESS
    return Why(
        before if known else None,
        now if known else None,
        during.filter(*judged)["window_start"].n_unique(),
        _weighed(inputs, importance),
        moved.filter(pl.col("column").is_in(list(outputs))),
        _parts(episode, declaration, last, usual),
        _effect(episode, declaration, during, usual),
        _lost(episode, during, usual),
    )


def _of(episode: Episode, name: str) -> str:
    return str(getattr(episode.target, name, ""))


def _named(metrics: pl.DataFrame, metric: str) -> pl.DataFrame:
    return metrics.filter(pl.col("metric") == metric)


def _sliced(metrics: pl.DataFrame) -> pl.DataFrame:
    """Keep what is about all traffic."""
    return metrics.filter(*(pl.col(name) == "" for name in _SLICES))


def _moved(during: pl.DataFrame, usual: pl.DataFrame) -> pl.DataFrame:
    """Return one row per column: how far it lies above its usual, in its values and in what is missing."""
    distance, missing = (
        with_usual(_named(during, name), _named(usual, name))
        .filter(pl.col("value").is_not_null())
        .group_by("column")
        .agg(pl.col("value").mean(), pl.col("usual").first(), pl.col("excess").mean())
        for name in (DISTANCE, MISSING)
    )
    joined = missing.rename({"value": "missing", "usual": "usual_missing"}).join(
        distance.rename({"value": "distance"}), on="column", how="full", coalesce=True, suffix="_distance"
    )
    moved = pl.max_horizontal("excess", "excess_distance").clip(0).fill_null(0.0)
    return joined.select("column", "distance", "usual", "missing", "usual_missing", moved=moved).sort(
        "moved", "column", descending=[True, False]
    )


def _weighed(columns: pl.DataFrame, importance: Mapping[str, float] | None) -> pl.DataFrame:
    """Add what each column matters to the model, and its share of all that moved."""
    known = dict(importance or {})
    total = sum(known.values())
    shares = {name: value / total for name, value in known.items()} if total > 0 else {}
    weighed = columns.with_columns(
        importance=pl.col("column").replace_strict(shares, default=None, return_dtype=pl.Float64)
    )
    matters = pl.col("importance").fill_null(0.0) if shares else pl.lit(1.0)
    notable = pl.col("moved") >= NOTABLE_EXCESS
    weighed = weighed.with_columns(raw=pl.when(notable).then(pl.col("moved") * matters).otherwise(0.0))
    weight = pl.when(pl.col("raw").sum() > 0).then(pl.col("raw") / pl.col("raw").sum()).otherwise(0.0)
    return (
        weighed.with_columns(weight=weight)
        .drop("raw")
        .sort("weight", "moved", "column", descending=[True, True, False])
    )


def _parts(
    episode: Episode, declaration: Declaration, during: pl.DataFrame, usual: pl.DataFrame
) -> pl.DataFrame:
    """Return what each segment, or each group of a gap, contributes to the change."""
    target, metric = episode.target, shown_metric(episode.target.metric)
    rate = rate_of(metric)
    name = "group" if rate else "segment"
    asked = [pl.col("version") == target.version, pl.col("variant") == "", pl.col(name) != ""]
    asked += [pl.col("column") == ""] if rate else [pl.col("column") == target.column, pl.col("group") == ""]
    if target.segment or (target.group and not rate):
        asked.append(pl.lit(False))  # slices are never crossed
    now, before = (_averages(_named(frame, rate or metric).filter(*asked), name) for frame in (during, usual))
    dimensions = [attribute_of(part) for part in now["part"]]
    now = now.with_columns(dimension=pl.Series(dimensions, dtype=pl.String))
    if rate:
        enough = pl.col("n") >= declaration.minimum_group_size
        now = now.filter(enough, pl.col("dimension") == target.column)
    joined = now.join(before.select("part", before="now"), on="part", how="left").with_columns(
        change=pl.col("now") - pl.col("before")
    )
    rows = pl.col("n") / pl.col("n").sum().over("dimension")
    pulled = (pl.col("change") * rows).abs()
    total = pulled.sum().over("dimension")
    return (
        joined.with_columns(rows=rows, share=pl.when(total > 0).then(pulled / total))
        .sort("share", "part", descending=[True, False], nulls_last=True)
        .select("part", "dimension", "before", "now", "change", "n", "rows", "share")
    )


def _lost(episode: Episode, during: pl.DataFrame, usual: pl.DataFrame) -> pl.DataFrame:
    """Return which features lose more, or less, than in the reference, by their share of the change."""
    target = episode.target
    if target.metric != RECONSTRUCTION:
        return pl.DataFrame(schema=_LOST)
    slices = [pl.col("segment") == target.segment, pl.col("variant") == ""]
    of_features = [pl.col("metric") == RECONSTRUCTION, pl.col("column") != "", *slices]
    squares = (pl.col("value") ** 2 * pl.col("n")).sum() / pl.col("n").sum()
    now, before = (
        frame.filter(
            *of_features, pl.col("version") == version, pl.col("value").is_not_null(), pl.col("n") > 0
        )
        .group_by("column")
        .agg(lost=squares)
        for frame, version in ((during, target.version), (usual, ""))
    )
    joined = now.join(before, on="column", suffix="_before")
    change = pl.col("lost") - pl.col("lost_before")
    same = joined.select("column", change=change * change.sum().sign()).filter(pl.col("change") > 0)
    return same.select("column", share=pl.col("change") / pl.col("change").sum()).sort(
        "share", "column", descending=[True, False]
    )


def _average(metrics: pl.DataFrame) -> float | None:
    """Return the mean of the windows of one slice, weighted by rows."""
    found = _averages(metrics, "segment")
    return float(found["now"][0]) if found.height else None


def _averages(metrics: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the mean of each slice's windows, weighted by rows."""
    known = metrics.filter(pl.col("value").is_not_null(), pl.col("n") > 0)
    weighted = (pl.col("value") * pl.col("n")).sum() / pl.col("n").sum()
    return known.group_by(part=name).agg(now=weighted, n=pl.col("n").sum())


def _effect(
    episode: Episode, declaration: Declaration, during: pl.DataFrame, usual: pl.DataFrame
) -> Effect | None:
    metric = shown_metric(episode.target.metric)
    info, followed = CATALOGUE.get(metric), FOLLOWED.get(metric)
    if followed is None and (info is None or info.family not in ("drift", "quality")):
        return None
    labelled = pl.col("n") >= MINIMUM_LABELLED
    for name in (followed,) if followed else HEADLINES[declaration.task]:
        now, before = (_sliced(_named(frame, name)).filter(labelled) for frame in (during, usual))
        normal, average = Normal.of(before), _averages(now, "segment")
        if normal is not None and average.height:
            return Effect(name, average["now"][0], normal)
    return None
