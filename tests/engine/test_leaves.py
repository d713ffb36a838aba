"""The leaves of a loss tree as the engine counts them, against the same tree in numpy."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from core.entities import Source
from core.loss_tree import grow, leaf_of
from tests.engine.oracle import cell

START = datetime(2024, 5, 1, tzinfo=UTC)
WORDS = ("it's", "rough", "wild")


def rows(n=4_000):
    rng = np.random.default_rng(1)
    x = np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)).tolist()
    x[:30] = [None] * 10 + [float("inf")] * 10 + [float("-inf")] * 10
    word = rng.choice([*WORDS, "rare"], n, p=[0.4, 0.3, 0.25, 0.05]).tolist()
    word[100:200] = [None] * 100
    size = np.array([{"it's": 1.0, "rough": 2.0, "wild": 5.0, "rare": 3.0, None: 4.0}[each] for each in word])
    label = rng.normal(50, 5, n)
    away = np.array([abs(each) if each is not None and np.isfinite(each) else 2.0 for each in x])
    predicted = label + size * rng.normal(size=n) * (1 + away)
    predicted[:5] = np.nan
    return pl.DataFrame(
        {
            "at": [START + timedelta(seconds=40 * i) for i in range(n)],
            "origin": rng.choice(["JFK", "EWR"], n),
            "x": pl.Series(x, dtype=pl.Float64, strict=False),
            "word": word,
            "minutes": predicted,
            "actual": label,
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )


def test_leaves_are_counted_as_numpy_does_in_every_slice(engine, declare, write):
    frame = rows()
    declaration = declare(
        "regression",
        columns={"prediction": "minutes", "actual": "actual"},
        features={"numeric": ["x"], "categorical": ["word"]},
        segments=["origin"],
    )
    source = Source((write(frame),))
    windows = list(engine.windows_of(source, declaration))
    grid = engine.build_grid(source, declaration, windows, reference_id="r", frozen=True)
    tree = grow(frame, ["x", "minutes"], {"word": WORDS}, ("minutes", "actual"))
    assert {split.column for split in tree.splits} == {"x", "word", "minutes"}
    cells = engine.profile(source, declaration, replace(grid, loss_tree=tree), windows)
    usable = frame.filter(pl.col("minutes").is_finite())
    usable = usable.with_columns(leaf=pl.Series(leaf_of(tree.splits, usable)))
    for window in windows:
        for segment in ("", "origin=JFK", "origin=EWR"):
            here = pl.col("at").is_between(window.start, window.end, closed="left")
            if segment:
                here &= pl.col("origin") == segment.partition("=")[2]
            found = cell(cells, "", "leaves", window_start=window.start, segment=segment)
            expected = np.bincount(usable.filter(here)["leaf"].to_numpy(), minlength=len(tree.losses))
            assert found["counts"] == expected.tolist()
            assert found["n"] == expected.sum()
            assert found["n"] + found["missing"] == frame.filter(here).height
