"""The demo's scoring command: a forest in JSON, rows in Parquet, answers in Parquet.

It stands beside the demo, not in it, so that it starts without the demo's imports.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from core.estimates import Numbers

FILE_NAME = "forest.json"


def main(artifact: str, given: str, written: str) -> None:
    """Answer the rows of one file into another."""
    probability = probabilities(read(Path(artifact)), pl.read_parquet(given))
    pl.DataFrame({"probability": probability}).write_parquet(written)


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


if __name__ == "__main__":
    main(*sys.argv[1:])
