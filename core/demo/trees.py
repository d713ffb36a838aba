"""A trained forest as JSON, and its answers from that alone: an artifact that runs no code when read."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.estimates import Numbers

FILE_NAME = "forest.json"


def forest(
    model: Any, categorical: Sequence[str], numeric: Sequence[str], words: pl.DataFrame
) -> dict[str, Any]:
    """Return a fitted HistGradientBoostingClassifier of two classes as plain data.

    Parameters
    ----------
    categorical, numeric : its features, in this order
    words : the frame whose ranks `matrix` gave it as categories
    """
    encoder = model._preprocessor.named_transformers_["encoder"]
    known = {}
    for name, codes in zip(categorical, encoder.categories_, strict=True):
        values = words[name].unique().drop_nulls().sort().to_list()
        known[name] = [values[int(code)] for code in codes]
    return {
        "categories": known,
        "numbers": list(numeric),
        "baseline": float(model._baseline_prediction.ravel()[0]),
        "trees": [_tree(trees[0]) for trees in model._predictors],
    }


def write(content: dict[str, Any], folder: Path) -> None:
    """Write an artifact folder with a forest."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE_NAME).write_text(json.dumps(content, separators=(",", ":")))


def read(folder: Path) -> dict[str, Any]:
    """Return the forest of an artifact folder."""
    content: dict[str, Any] = json.loads((folder / FILE_NAME).read_text())
    return content


def probabilities(content: dict[str, Any], rows: pl.DataFrame) -> Numbers:
    """Return the probability of the second class for each row; an unseen category is as good as missing."""
    codes = [
        rows[name]
        .cast(pl.String)
        .replace_strict(known, range(len(known)), default=None, return_dtype=pl.Float64)
        for name, known in content["categories"].items()
    ]
    numbers = [rows[name].cast(pl.Float64) for name in content["numbers"]]
    features = np.column_stack([column.to_numpy() for column in (*codes, *numbers)])
    raw = np.full(len(features), content["baseline"])
    for tree in content["trees"]:
        raw += _answers(tree, features)
    return 1 / (1 + np.exp(-raw))


def _tree(predictor: Any) -> dict[str, Any]:
    nodes = predictor.nodes
    sets = [_members(bits) for bits in predictor.raw_left_cat_bitsets]
    return {
        "feature": nodes["feature_idx"].tolist(),
        "threshold": [float(t) if np.isfinite(t) else None for t in nodes["num_threshold"]],
        "left_categories": [
            sets[i] if yes else None
            for yes, i in zip(nodes["is_categorical"], nodes["bitset_idx"], strict=True)
        ],
        "missing_left": nodes["missing_go_to_left"].astype(bool).tolist(),
        "left": nodes["left"].tolist(),
        "right": nodes["right"].tolist(),
        "leaf": nodes["is_leaf"].astype(bool).tolist(),
        "value": nodes["value"].tolist(),
    }


def _members(bits: NDArray[np.uint32]) -> list[int]:
    return [32 * i + bit for i, word in enumerate(bits) for bit in range(32) if int(word) >> bit & 1]


def _answers(tree: dict[str, Any], features: Numbers) -> Numbers:
    """Return the value of the leaf that each row falls into; a node stands before the nodes below it."""
    answers, here = np.empty(len(features)), {0: np.arange(len(features))}
    for node, leaf in enumerate(tree["leaf"]):
        rows = here.pop(node, np.arange(0))
        if leaf:
            answers[rows] = tree["value"][node]
            continue
        values, words, threshold = features[rows, tree["feature"][node]], tree["left_categories"][node], None
        if words is None:
            threshold = tree["threshold"][node]
            left = values <= (np.inf if threshold is None else threshold)
        else:
            left = np.isin(values, words)
        left = np.where(np.isnan(values), tree["missing_left"][node], left)
        here[tree["left"][node]], here[tree["right"][node]] = rows[left], rows[~left]
    return answers
