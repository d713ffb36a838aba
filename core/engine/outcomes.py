"""The kernel for rows and performance: counts of score bin, prediction and label, enough for every metric."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from core.declaration import Declaration
from core.engine import dialect
from core.engine.counts import Counts, blank
from core.engine.roles import BinaryClasses, binary_classes, scores
from core.engine.run import Run
from core.entities import Grid, Kind

# What became of a row that is in no score bin; position in TALLIES = minus this.
_MISSING, _NAN, _POSITIVE, _NEGATIVE, _UNCASTABLE = -1, -2, -3, -4, -5
_LABELS = 3  # no, yes, unlabelled
_ABOUT_ROWS = [
    "count(*) AS n",
    "count(CASE WHEN failed THEN 1 END) AS failures",
    "count(CASE WHEN failed OR never THEN 1 END) AS unlabellable",
    "min(instant) AS first_instant",
    "max(instant) AS last_instant",
]


def row_tallies(label: str | None) -> list[str]:
    """Return the aggregates `rows` needs, to be added to any statement."""
    return [*_ABOUT_ROWS, f"count({label}) AS labelled" if label else "CAST(0 AS BIGINT) AS labelled"]


def rows(run: Run, tallied: pl.DataFrame, duplicates: pl.DataFrame | None) -> Counts:
    """Add up the rows of any statement that carries `row_tallies`."""
    found = blank("", Kind.ROWS, run.groups.height, 3, 0)
    at = run.rows_of(tallied)
    n, labelled, failures, unlabellable = (
        tallied[name].to_numpy() for name in ("n", "labelled", "failures", "unlabellable")
    )
    np.add.at(found.tallies[:, 0], at, n)
    np.add.at(found.tallies[:, 1], at, n - labelled)
    np.add.at(found.counts[:, 1], at, failures)
    np.add.at(found.counts[:, 2], at, n - unlabellable)
    np.minimum.at(found.low, at, tallied["first_instant"].to_numpy() / 1e6)
    np.maximum.at(found.high, at, tallied["last_instant"].to_numpy() / 1e6)
    if duplicates is not None:
        np.add.at(found.counts[:, 0], run.rows_of(duplicates), duplicates["n"].to_numpy())
    return found


def binary_tally(run: Run, declaration: Declaration, grid: Grid, label: str | None) -> pl.DataFrame:
    """Tally a binary model by score bin, prediction and label."""
    classes = binary_classes(declaration, grid.classes)
    score = next(iter(scores(declaration)), None)
    params: dict[str, object] = _class_params(classes)
    if declaration.predictions.prediction:
        predicted = _class_of("prediction")
    elif score:
        predicted = f"CASE WHEN {score} >= CAST($threshold AS DOUBLE) THEN 1 ELSE 0 END"
        params["threshold"] = declaration.threshold
    derived = {
        "predicted": predicted,
        "actual": _class_of(label) if label else "CAST(NULL AS INTEGER)",
    }
    return _score_tally(run, grid, score, derived, params, label)


def class_tally(
    run: Run, declaration: Declaration, grid: Grid, label: str | None, class_: str
) -> pl.DataFrame:
    """Tally one class of a multiclass model against the rest."""
    alias = dict(zip(_declared_classes(declaration), scores(declaration), strict=False)).get(class_)
    label = label or "CAST(NULL AS VARCHAR)"
    listed = f"list_contains(CAST($classes AS VARCHAR[]), {label})"
    known = f"CASE WHEN {listed} THEN CAST({label} = $class AS INTEGER) ELSE -1 END"
    derived = {
        "predicted": "CAST(prediction = $class AS INTEGER)",
        "actual": f"CASE WHEN {label} IS NOT NULL THEN {known} END",
    }
    return _score_tally(run, grid, alias, derived, {"class": class_, "classes": list(grid.classes)}, None)


def classification(run: Run, tallied: pl.DataFrame, grid: Grid, scored: bool, column: str = "") -> Counts:
    """Lay a tally by score bin, prediction and label out as Kind.CLASSIFICATION says."""
    bins = len(grid.score_edges) - 1 if scored else 1
    width = bins * 2 * _LABELS
    found = blank(column, Kind.CLASSIFICATION, run.groups.height, width, width + 2)
    at, fate, n = run.rows_of(tallied), tallied["fate"].to_numpy(), tallied["n"].to_numpy()
    binned = fate >= 0
    np.add.at(found.tallies, (at[~binned], -fate[~binned]), n[~binned])
    np.add.at(found.tallies[:, 0], at[binned], n[binned])
    at = at[binned]
    part = tallied.filter(pl.Series(binned))
    label = part["actual"].fill_null(_LABELS - 1).to_numpy()
    place = (fate[binned] * 2 + part["predicted"].to_numpy()) * _LABELS + label
    np.add.at(found.counts, (at, place), n[binned])
    names = ("scores", "squares", "losses")
    summed, squares, losses = (part[name].fill_null(0.0).to_numpy() for name in names)
    np.add.at(found.sums, (at, place), summed)
    np.add.at(found.sums[:, width], at, squares)
    np.add.at(found.sums[:, width + 1], at, losses)
    return found


def multiclass_tally(run: Run, declaration: Declaration, grid: Grid, label: str | None) -> pl.DataFrame:
    """Tally a multiclass model by prediction and label (places in `grid.classes`; -1 none, k unknown)."""
    known = "CAST($classes AS VARCHAR[])"
    place = (
        "CASE WHEN {0} IS NULL THEN -1 ELSE coalesce(nullif(list_position({1}, {0}), 0) - 1, len({1})) END"
    )
    aliases = dict(zip(_declared_classes(declaration), scores(declaration), strict=False))
    own = "".join(f" WHEN {dialect.text_literal(class_)} THEN {alias}" for class_, alias in aliases.items())
    probability = f"CASE {label} {own} END" if own and label else "CAST(NULL AS DOUBLE)"
    usable = "prediction IS NOT NULL AND probability BETWEEN 0 AND 1"
    return run.aggregate(
        [
            *row_tallies(label),
            f"sum(CASE WHEN {usable} THEN -ln(greatest(probability, 1e-15)) END) AS losses",
            f"count(CASE WHEN {usable} THEN 1 END) AS with_loss",
        ],
        by=["predicted", "actual"],
        derived={
            "predicted": place.format("prediction", known),
            "actual": place.format(label, known) if label else "-1",
            "probability": probability,
        },
        params={"classes": list(grid.classes)},
    )


def multiclass(run: Run, tallied: pl.DataFrame, grid: Grid) -> Counts:
    """Lay a tally by prediction and label out as Kind.MULTICLASS says."""
    k = len(grid.classes)
    found = blank("", Kind.MULTICLASS, run.groups.height, (k + 1) * (k + 2), 2)
    at, n = run.rows_of(tallied), tallied["n"].to_numpy()
    predicted, label = tallied["predicted"].to_numpy(), tallied["actual"].to_numpy()
    here = predicted >= 0
    np.add.at(found.tallies[:, 1], at[~here], n[~here])
    np.add.at(found.tallies[:, 0], at[here], n[here])
    place = predicted[here] * (k + 2) + np.where(label[here] < 0, k + 1, label[here])
    np.add.at(found.counts, (at[here], place), n[here])
    np.add.at(found.sums[:, 0], at, tallied["losses"].fill_null(0.0).to_numpy())
    np.add.at(found.sums[:, 1], at, tallied["with_loss"].to_numpy())
    return found


def regression_tally(run: Run, grid: Grid, centre: float) -> pl.DataFrame:
    """Aggregate what a regression's metrics need, rows included."""
    both = "NOT bad AND error IS NOT NULL"
    valid = "finite_error IS NOT NULL AND prediction_number > -1 AND label_number > -1"
    sums = [
        "centred_label",
        "centred_label * centred_label",
        "centred_prediction",
        "centred_prediction * centred_prediction",
        "finite_error",
        "abs(finite_error)",
        "finite_error * finite_error",
        "CASE WHEN label_number <> 0 THEN abs(finite_error / label_number) END",
        "CASE WHEN finite_error IS NOT NULL AND label_number <> 0 THEN 1.0 END",
        f"CASE WHEN {valid} THEN (ln(1 + prediction_number) - ln(1 + label_number)) ** 2 END",
        f"CASE WHEN {valid} THEN 1.0 END",
    ]
    items = [
        *row_tallies("label_number"),
        "count(finite_error) AS usable",
        f"count(CASE WHEN {both} AND isnan(error) THEN 1 END) AS nan",
        f"count(CASE WHEN {both} AND error = CAST('inf' AS DOUBLE) THEN 1 END) AS positive",
        f"count(CASE WHEN {both} AND error = CAST('-inf' AS DOUBLE) THEN 1 END) AS negative",
        "count(CASE WHEN bad THEN 1 END) AS bad",
        "min(finite_error) AS low",
        "max(finite_error) AS high",
        *(f"sum({item}) AS sum_{i}" for i, item in enumerate(sums)),
    ]
    params: dict[str, object] = {"centre": centre}
    if grid.error_edges:
        items.append(f"{dialect.histogram('finite_error', '$edges', len(grid.error_edges) + 1)} AS bins")
        params["edges"] = list(grid.error_edges)
    error = "(prediction_number - label_number)"
    bad = "(prediction_number_bad OR label_number_bad)"
    derived = {
        "error": error,
        "bad": f"coalesce({bad}, FALSE)",
        "finite_error": f"CASE WHEN isfinite({error}) AND NOT coalesce({bad}, FALSE) THEN {error} END",
        "centred_label": "CASE WHEN finite_error IS NOT NULL THEN label_number - $centre END",
        "centred_prediction": "CASE WHEN finite_error IS NOT NULL THEN prediction_number - $centre END",
    }
    return run.aggregate(items, derived=derived, params=params)


def regression(run: Run, tallied: pl.DataFrame, grid: Grid) -> Counts:
    """Lay the aggregates of a regression out as Kind.REGRESSION says."""
    width = len(grid.error_edges) + 1 if grid.error_edges else 0
    found, at = blank("", Kind.REGRESSION, run.groups.height, width, 11), run.rows_of(tallied)
    n, nan, positive, negative, bad = (
        tallied[name].to_numpy() for name in ("usable", "nan", "positive", "negative", "bad")
    )
    missing = tallied["n"].to_numpy() - n - nan - positive - negative - bad
    found.tallies[at] = np.column_stack([n, missing, nan, positive, negative, bad])
    found.low[at] = tallied["low"].fill_null(np.inf).to_numpy()
    found.high[at] = tallied["high"].fill_null(-np.inf).to_numpy()
    found.sums[at] = np.column_stack([tallied[f"sum_{i}"].fill_null(0.0).to_numpy() for i in range(11)])
    if width:
        found.counts[at] = tallied["bins"].explode().to_numpy().reshape(tallied.height, -1)
    return found


def argmax_prediction(declaration: Declaration) -> str | None:
    """Return the predicted class of a multiclass model that logs only scores; None where it logs classes."""
    aliases = list(scores(declaration))
    if declaration.predictions.prediction or len(aliases) < 2:
        return None
    every = f"[{', '.join(aliases)}]"
    finite = " AND ".join(f"coalesce(isfinite({alias}), FALSE)" for alias in aliases)
    names = ", ".join(dialect.text_literal(class_) for class_ in _declared_classes(declaration))
    return f"CASE WHEN {finite} THEN list_extract([{names}], list_position({every}, list_max({every}))) END"


def threshold_prediction(declaration: Declaration) -> str | None:
    """Return the predicted class of a binary model that logs only its score; None where it logs the class."""
    score = next(iter(scores(declaration)), None)
    if declaration.predictions.prediction or score is None:
        return None
    # Named without the grid, which is not there yet when the reference's own rows are read.
    no, yes = (dialect.text_literal(name) for name in binary_classes(declaration, ()).names)
    usable = f"coalesce(isfinite({score}), FALSE)"
    return (
        f"CASE WHEN {usable} THEN CASE WHEN {score} >= {declaration.threshold!r} THEN {yes} ELSE {no} END END"
    )


def _score_tally(
    run: Run,
    grid: Grid,
    score: str | None,
    derived: Mapping[str, str],
    params: Mapping[str, object],
    label: str | None,
) -> pl.DataFrame:
    unknown = "predicted < 0 OR coalesce(actual < 0, FALSE)"
    fate = f" WHEN predicted IS NULL THEN {_MISSING} WHEN {unknown} THEN {_UNCASTABLE}"
    if score:
        fate = (
            f" WHEN {score}_bad THEN {_UNCASTABLE} WHEN {score} IS NULL THEN {_MISSING}"
            f" WHEN isnan({score}) THEN {_NAN}"
            f" WHEN {score} = CAST('inf' AS DOUBLE) THEN {_POSITIVE}"
            f" WHEN {score} = CAST('-inf' AS DOUBLE) THEN {_NEGATIVE}"
            f" WHEN {score} NOT BETWEEN 0 AND 1 THEN {_UNCASTABLE}{fate}"
            f" ELSE {dialect.bin_of(score, grid.score_edges)}"
        )
    else:
        fate += " ELSE 0"
    value = score or "CAST(NULL AS DOUBLE)"
    chance = f"CASE actual WHEN 1 THEN {value} WHEN 0 THEN 1 - {value} END"
    return run.aggregate(
        [
            *row_tallies(label),
            f"sum({value}) AS scores",
            f"sum(CASE WHEN actual >= 0 THEN ({value} - actual) * ({value} - actual) END) AS squares",
            f"sum(CASE WHEN fate >= 0 AND actual >= 0 THEN -ln(greatest({chance}, 1e-15)) END) AS losses",
        ],
        by=["fate", "predicted", "actual"],
        derived={**derived, "fate": f"CASE{fate} END"},
        params=params,
    )


def _class_of(text: str) -> str:
    """Return 1 for the positive class, 0 for the negative, -1 for an unknown value, NULL for none."""
    negative = "CAST($negative AS VARCHAR[])"
    return (
        f"CASE WHEN {text} IS NULL THEN NULL WHEN list_contains(CAST($positive AS VARCHAR[]), {text}) THEN 1"
        f" WHEN len({negative}) = 0 OR list_contains({negative}, {text}) THEN 0 ELSE -1 END"
    )


def _class_params(classes: BinaryClasses) -> dict[str, object]:
    return {"positive": list(classes.positive), "negative": list(classes.negative)}


def _declared_classes(declaration: Declaration) -> Sequence[str]:
    declared = declaration.predictions.score
    return tuple(declared) if isinstance(declared, dict) else ()
