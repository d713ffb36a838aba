"""How large a regression's errors were in the reference, by where its inputs lie: a small tree of means."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.entities import LossTree, Split
from core.estimates import Numbers
from core.regression import error_sums

LEAVES = 64
_GROWN_ON = 50_000  # more rows do not move its splits noticeably; the losses come from all
_LEAST = 50  # rows of a leaf


def grow(
    rows: pl.DataFrame,
    numeric: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    outcome: tuple[str, str],
) -> LossTree | None:
    """Return a regression tree of |prediction − label| with at most 64 leaves; None on fewer than 100 rows.

    Parameters
    ----------
    rows : the reference's rows, their numbers as numbers and categories as text
    numeric, categories : the columns it may split; of a category the values that are told apart
    outcome : names of the prediction and the label

    Source: Breiman, Friedman, Olshen and Stone (1984), Classification and Regression Trees.
    """
    predicted, label = (rows[name].cast(pl.Float64, strict=False).to_numpy() for name in outcome)
    usable = np.isfinite(predicted) & np.isfinite(label)
    if usable.sum() < 2 * _LEAST:
        return None
    rows, predicted, label = rows.filter(usable), predicted[usable], label[usable]
    some = np.unique(np.linspace(0, len(label) - 1, min(len(label), _GROWN_ON)).astype(np.intp))
    loss = np.abs(predicted - label)
    splits = _splits(rows[some], numeric, categories, loss[some])
    leaf = leaf_of(splits, rows)
    n, sums = error_sums(predicted, label, leaf, len(splits) + 1)
    means = sums / np.maximum(n, 1.0)[:, None]
    return LossTree(splits, tuple(tuple(each) for each in means.tolist()))


def leaf_of(splits: Sequence[Split], rows: pl.DataFrame) -> NDArray[np.intp]:
    """Return the leaf of every row, as the engine's statement does."""
    at = np.zeros(rows.height, dtype=np.intp) if splits else np.full(rows.height, -1)
    for i, split in enumerate(splits):  # a split stands before those below it
        here = np.flatnonzero(at == i)
        at[here] = np.where(_goes_left(split, rows[split.column][here]), split.left, split.right)
    return -1 - at


def _goes_left(split: Split, values: pl.Series) -> NDArray[np.bool_]:
    if split.threshold is None:
        named = values.cast(pl.String).is_in(list(split.words)).fill_null(False).to_numpy()
        return np.where(values.is_null().to_numpy(), split.missing_left, named == split.words_left)
    numbers = values.cast(pl.Float64, strict=False).to_numpy()
    return np.where(np.isfinite(numbers), numbers <= split.threshold, split.missing_left)


def _splits(
    rows: pl.DataFrame, numeric: Sequence[str], categories: Mapping[str, Sequence[str]], loss: Numbers
) -> tuple[Split, ...]:
    from sklearn.tree import DecisionTreeRegressor  # costs a second, and only the freezing needs it

    codes = {name: _by_loss(rows[name].cast(pl.String), words, loss) for name, words in categories.items()}
    columns = [_numbers(rows[name]) for name in numeric]
    columns += [_coded(rows[name].cast(pl.String), codes[name]) for name in codes]
    names = [*numeric, *codes]
    if not names:
        return ()
    least = max(_LEAST, len(loss) // 1000)
    model = DecisionTreeRegressor(max_leaf_nodes=LEAVES, min_samples_leaf=least, random_state=0)
    tree = model.fit(np.column_stack(columns), loss).tree_
    missing = [bool(np.isnan(values).any()) for values in columns]
    inner = [node for node in range(tree.node_count) if tree.children_left[node] >= 0]
    leaves = [node for node in range(tree.node_count) if tree.children_left[node] < 0]
    place = {node: i for i, node in enumerate(inner)} | {node: -1 - i for i, node in enumerate(leaves)}
    found = []
    for node in inner:
        name, left, right = names[tree.feature[node]], tree.children_left[node], tree.children_right[node]
        larger_left = bool(tree.n_node_samples[left] >= tree.n_node_samples[right])
        astray = bool(tree.missing_go_to_left[node]) if missing[tree.feature[node]] else larger_left
        threshold = float(tree.threshold[node])
        words: tuple[str, ...] = ()
        rest_left = False
        if name in codes:
            rest_left = codes[name][""] <= threshold
            words = tuple(w for w, code in codes[name].items() if w and (code <= threshold) != rest_left)
        found.append(
            Split(
                name, None if name in codes else threshold, words, not rest_left, astray,
                place[left], place[right],
            )
        )  # fmt: skip
    return tuple(found)


def _by_loss(values: pl.Series, words: Sequence[str], loss: Numbers) -> Mapping[str, float]:
    """Return the place of each value by its mean loss, "" for all others: an order in which splits are best.

    Source: Fisher (1958), Journal of the American Statistical Association 53.
    """
    mean = float(loss.mean())
    told = pl.DataFrame({"value": values, "loss": loss}).drop_nulls("value")
    named = told.with_columns(
        value=pl.when(pl.col("value").is_in(list(words))).then("value").otherwise(pl.lit(""))
    )
    means = named.group_by("value").agg(pl.col("loss").mean())
    by_value = dict.fromkeys(["", *words], mean) | dict(zip(means["value"], means["loss"], strict=True))
    order = sorted(by_value, key=lambda word: (by_value[word], word))
    return {word: float(i) for i, word in enumerate(order)}


def _coded(values: pl.Series, codes: Mapping[str, float]) -> Numbers:
    known = values.replace_strict(codes, default=codes[""], return_dtype=pl.Float64)
    return known.set(values.is_null(), None).to_numpy().astype(np.float64)


def _numbers(values: pl.Series) -> Numbers:
    numbers = values.cast(pl.Float64, strict=False).to_numpy().astype(np.float64)
    largest = float(np.finfo(np.float32).max)
    return np.where(np.isfinite(numbers), np.clip(numbers, -largest, largest), np.nan)
