"""The kernel for rows and performance: counts of score bin, prediction and label, enough for every metric."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from core.declaration import Declaration
from core.engine import dialect
from core.engine.binning import lookup
from core.engine.counts import Counts, blank
from core.engine.histograms import (
    MISSING,
    NAN,
    NEGATIVE,
    POSITIVE,
    STATES,
    UNCASTABLE,
    Binned,
    Histogram,
)
from core.engine.roles import binary_classes, canonical, scores
from core.engine.run import Run
from core.entities import Grid, Kind
from core.regression import SUMS

_UNKNOWN = -9  # a class that is neither
_FAILED, _UNLABELLABLE, _LABELLED = 1, 2, 4  # what a row can be; together its bin
_STATUS = np.arange(8)


def row_bins(label: str | None) -> dict[str, Binned]:
    """Return how rows are binned by what `rows` wants to know, and their instants for the first and last."""
    status = f"CAST(t.failed AS TINYINT) * {_FAILED} + CAST(t.failed OR t.never AS TINYINT) * {_UNLABELLABLE}"
    status += f" + CAST(t.{label} IS NOT NULL AS TINYINT) * {_LABELLED}" if label else ""
    instant = Binned("CAST(t.instant AS DOUBLE)", 3, lookup((0.0,)), everywhere=True)
    return {"row_status": Binned(status, _STATUS.size, everywhere=True), "row_instant": instant}


def rows(histograms: Mapping[str, Histogram], run: Run, duplicates: pl.DataFrame | None) -> Counts:
    """Add up rows by their status."""
    status, instants = histograms["row_status"].bins, histograms["row_instant"]
    found = blank("", Kind.ROWS, len(status), 3, 0)
    found.tallies[:, 0] = status.sum(axis=1)
    found.tallies[:, 1] = status[:, _STATUS & _LABELLED == 0].sum(axis=1)
    found.counts[:, 1] = status[:, _STATUS & _FAILED > 0].sum(axis=1)
    found.counts[:, 2] = status[:, _STATUS & _UNLABELLABLE == 0].sum(axis=1)
    if duplicates is not None:
        found.counts[run.rows_of(duplicates), 0] = duplicates["n"].to_numpy()
    return replace(found, low=instants.low / 1e6, high=instants.high / 1e6)


def binary(declaration: Declaration, grid: Grid, label: str | None) -> Binned:
    """Return how a binary model's rows are binned by score, prediction and label."""
    classes = binary_classes(declaration, grid.classes)
    score = next(iter(scores(declaration)), None)
    params: dict[str, object] = {}
    if label or declaration.predictions.prediction:  # a statement refuses parameters it does not use
        params = {"positive": list(classes.positive), "negative": list(classes.negative)}
    predicted = _class_of("t.prediction")
    if score and not declaration.predictions.prediction:
        predicted = f"CASE WHEN t.{score} >= CAST($threshold AS DOUBLE) THEN 1 ELSE 0 END"
        params["threshold"] = declaration.threshold
    return _scored(grid, score, predicted, _class_of(f"t.{label}") if label else "NULL", params)


def one_versus_rest(declaration: Declaration, grid: Grid, label: str | None) -> dict[str, Binned]:
    """Return for each class of a multiclass model how rows are binned against the rest."""
    aliases = dict(zip(_declared_classes(declaration), scores(declaration), strict=False))
    found = {}
    for i, class_ in enumerate(grid.classes):
        known = f"list_contains(CAST($classes AS VARCHAR[]), t.{label})"
        actual = f"CASE WHEN {known} THEN CAST(t.{label} = $class_{i} AS INTEGER) ELSE {_UNKNOWN} END"
        actual = f"CASE WHEN t.{label} IS NOT NULL THEN {actual} END" if label else "NULL"
        predicted = f"CAST(t.prediction = $class_{i} AS INTEGER)"
        params = {f"class_{i}": class_} | ({"classes": list(grid.classes)} if label else {})
        found[class_] = _scored(grid, aliases.get(class_), predicted, actual, params)
    return found


def classification(column: str, binned: Histogram) -> Counts:
    """Lay a histogram by score bin, prediction and label out as Kind.CLASSIFICATION says."""
    width = binned.bins.shape[1] - STATES
    counts, tallies = binned.bins[:, :width], binned.bins[:, width:].copy()
    tallies[:, 0] = counts.sum(axis=1)
    nothing = blank(column, Kind.CLASSIFICATION, len(counts), 0, 0)
    return replace(nothing, tallies=tallies, counts=counts, sums=binned.sums[:, : width + 2])


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
            "count(*) AS n",
            f"sum(CASE WHEN {usable} THEN -ln(greatest(probability, 1e-15)) END) AS losses",
            f"count(CASE WHEN {usable} THEN 1 END) AS with_loss",
            f"sum(CASE WHEN {usable} THEN ln(greatest(probability, 1e-15)) ** 2 END) AS squared_losses",
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
    found = blank("", Kind.MULTICLASS, run.groups.height, (k + 1) * (k + 2), 3)
    at, n = run.rows_of(tallied), tallied["n"].to_numpy()
    predicted, label = tallied["predicted"].to_numpy(), tallied["actual"].to_numpy()
    here = predicted >= 0
    np.add.at(found.tallies[:, 1], at[~here], n[~here])
    np.add.at(found.tallies[:, 0], at[here], n[here])
    place = predicted[here] * (k + 2) + np.where(label[here] < 0, k + 1, label[here])
    np.add.at(found.counts, (at[here], place), n[here])
    np.add.at(found.sums[:, 0], at, tallied["losses"].fill_null(0.0).to_numpy())
    np.add.at(found.sums[:, 1], at, tallied["with_loss"].to_numpy())
    np.add.at(found.sums[:, 2], at, tallied["squared_losses"].fill_null(0.0).to_numpy())
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
        "log_error ** 2",
        f"CASE WHEN {valid} THEN 1.0 END",
        "finite_error ** 4",
        "CASE WHEN label_number <> 0 THEN (finite_error / label_number) ** 2 END",
        "log_error ** 4",
        "finite_error ** 2 * centred_label",
        "finite_error ** 2 * centred_label ** 2",
        "centred_label ** 3",
        "centred_label ** 4",
    ]
    items = [
        "count(*) AS n",
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
        "log_error": f"CASE WHEN {valid} THEN ln(1 + prediction_number) - ln(1 + label_number) END",
    }
    return run.aggregate(items, derived=derived, params=params)


def regression(run: Run, tallied: pl.DataFrame, grid: Grid) -> Counts:
    """Lay the aggregates of a regression out as Kind.REGRESSION says."""
    width = len(grid.error_edges) + 1 if grid.error_edges else 0
    found, at = blank("", Kind.REGRESSION, run.groups.height, width, SUMS), run.rows_of(tallied)
    n, nan, positive, negative, bad = (
        tallied[name].to_numpy() for name in ("usable", "nan", "positive", "negative", "bad")
    )
    missing = tallied["n"].to_numpy() - n - nan - positive - negative - bad
    found.tallies[at] = np.column_stack([n, missing, nan, positive, negative, bad])
    found.low[at] = tallied["low"].fill_null(np.inf).to_numpy()
    found.high[at] = tallied["high"].fill_null(-np.inf).to_numpy()
    found.sums[at] = np.column_stack([tallied[f"sum_{i}"].fill_null(0.0).to_numpy() for i in range(SUMS)])
    if width:
        found.counts[at] = tallied["bins"].explode().to_numpy().reshape(tallied.height, width)
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


def _scored(
    grid: Grid, score: str | None, predicted: str, actual: str, params: Mapping[str, object]
) -> Binned:
    """Bin rows; `predicted` and `actual` (SQL) are 1, 0, _UNKNOWN or NULL: without them."""
    # Nothing known adds up to less than zero with _UNKNOWN.
    outcome = f"coalesce(({predicted}) * 3 + coalesce({actual}, 2), {-MISSING})"
    outcome = f"CAST(greatest({outcome}, {-UNCASTABLE}) AS TINYINT)"
    if not score:
        none = "CAST('nan' AS DOUBLE)"
        return Binned(none, 2 * STATES, lookup((0.0, 1.0)), state=outcome, everywhere=True, params=params)
    value = f"t.{score}"
    state = (
        f"CASE WHEN {value}_bad THEN {-UNCASTABLE} WHEN {value} IS NULL THEN {-MISSING}"
        f" WHEN isnan({value}) THEN {-NAN}"
        f" WHEN {value} = CAST('inf' AS DOUBLE) THEN {-POSITIVE}"
        f" WHEN {value} = CAST('-inf' AS DOUBLE) THEN {-NEGATIVE}"
        f" WHEN {value} NOT BETWEEN 0 AND 1 THEN {-UNCASTABLE} ELSE {outcome} END"
    )
    bins, state = len(grid.score_edges) * STATES, f"CAST({state} AS TINYINT)"
    return Binned(value, bins, lookup(grid.score_edges), state=state, everywhere=True, params=params)


def _class_of(text: str) -> str:
    """Return 1 for the positive class, 0 for the negative, _UNKNOWN for another value, NULL for none."""
    negative = "CAST($negative AS VARCHAR[])"
    return (
        f"CASE WHEN {text} IS NULL THEN NULL WHEN list_contains(CAST($positive AS VARCHAR[]), {text}) THEN 1"
        f" WHEN len({negative}) = 0 OR list_contains({negative}, {text}) THEN 0 ELSE {_UNKNOWN} END"
    )


def _declared_classes(declaration: Declaration) -> Sequence[str]:
    declared = declaration.predictions.score
    return tuple(canonical(class_) for class_ in declared) if isinstance(declared, dict) else ()
