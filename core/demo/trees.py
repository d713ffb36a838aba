"""A trained forest as JSON, an artifact that runs no code when read; core/demo_scoring.py answers by it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.demo_scoring import FILE_NAME


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
