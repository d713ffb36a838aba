"""One model of every task with all it can declare: between them they show every metric."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from core import loss_tree
from core.declaration import Declaration
from core.entities import Grid, NumericGrid
from tests.metrics import portfolio as p

WORDS = p.vocabulary("red", "green", "blue")
SEXES = ("sex=F", "sex=M")


@dataclass(frozen=True)
class Scenario:
    cells: pl.DataFrame
    reference: pl.DataFrame
    grid: Grid
    declaration: Declaration


def binary(relabelled=False):
    """Features, score, groups, latency, cost and custom metrics; `relabelled` swaps the classes."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, (6, 600))
    score = 1 / (1 + np.exp(-rng.normal(size=(6, 600)) - label + 0.4))
    if relabelled:
        label, score = 1 - label, 1 - score
    predicted = (score > 0.5).astype(int)
    bins, money = p.numeric_grid(rng.normal(size=5000)), p.numeric_grid(rng.gamma(2, size=5000))
    together = (bins, NumericGrid(centre=60.0, scale=9.0), money)
    edges = p.score_edges(np.concatenate([score[0], 1 - score[0]]))
    sex = np.array(SEXES)[rng.integers(0, 2, (6, 600))]

    def window(day, moved):
        outcome = (score[day], predicted[day], label[day], edges)
        words = rng.choice(
            ["red", "green", "blue", "new"], 600, p=[0.5 + moved / 5, 0.3 - moved / 5, 0.15, 0.05]
        )
        x = rng.normal(size=600) + moved
        spread = (x - moved / 2, 60 - 9 * x + rng.normal(size=600), rng.gamma(2, size=600))
        yield p.rows(600, day, [12, 9, 590], missing=30)
        yield p.numeric(x, bins, day=day, missing=20, nan=3, uncastable=2)
        yield p.moments(spread, together, day=day)
        yield p.categorical(words, WORDS, day=day, missing=5)
        yield p.numeric(rng.gamma(2, size=600), money, "cost", day=day)
        yield p.numeric(rng.gamma(2, size=600), money, "tokens", day=day)
        yield p.latency(rng.lognormal(4, size=600), day=day)
        yield p.cell("rate", [60], n=600, column="complained", day=day)
        yield p.classification(*outcome, day=day)
        for name in SEXES:
            here = sex[day] == name
            yield p.classification(*(each[here] for each in outcome[:3]), edges, day=day, group=name)

    grid = p.grid(
        numeric={"x": bins, "cost": money, "tokens": money},
        categorical={"c": WORDS},
        score_edges=edges,
        groups={"sex": SEXES},
        together=("x", "v", "w"),
    )
    declaration = p.declaration(
        predictions={"score": "s", "actual": "y"},
        protected=("sex",),
        operations={"latency_ms": "latency_ms", "status": "status", "cost_usd": "cost"},
        custom={
            "tokens": {"column": "tokens", "kind": "numeric"},
            "complained": {"column": "complained", "kind": "rate"},
        },
        labels={"delay": "2d"},
        costs={"false_positive": 3.0, "false_negative": 20.0},
        pca=True,
    )
    cells = p.frame(*(cell for day in range(3) for cell in window(day, 0.3)))
    reference = p.frame(*(cell for day in range(3, 6) for cell in window(day, 0.0)))
    return Scenario(cells, reference, grid, declaration)


def multiclass():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 3, 600)
    predicted = np.where(rng.random(600) < 0.7, label, rng.integers(0, 3, 600))
    scores = np.where(predicted == np.arange(3)[:, None], 0.7, 0.15) + rng.normal(0, 0.04, (3, 600))
    edges = p.score_edges(scores)
    each = (
        p.classification(scores[i], predicted == i, (label == i).astype(int), edges, column=name)
        for i, name in enumerate(("early", "on time", "late"))
    )
    cells = p.frame(p.rows(600), p.multiclass(predicted, label, 3, losses=500), *each)
    declaration = p.declaration(
        "multiclass_classification", {"score": {"early": "a", "on time": "b", "late": "c"}, "actual": "y"}
    )
    grid = p.grid(classes=("early", "on time", "late"), score_edges=edges)
    return Scenario(cells, cells, grid, declaration)


def regression(moved=0.0):
    """`moved` is added to labels and predictions alike."""
    rng = np.random.default_rng(2)
    label = rng.gamma(9, 5, 600) + moved
    predicted = label + rng.normal(2, 4, 600)
    edges = np.linspace(-30, 30, 61)
    sex = np.array(SEXES)[rng.integers(0, 2, 600)]
    rows = pl.DataFrame({"x": rng.normal(size=600), "p": predicted, "y": label})
    tree = loss_tree.grow(rows, ["x", "p"], {}, ("p", "y"))
    fallen = np.bincount(loss_tree.leaf_of(tree.splits, rows), minlength=len(tree.losses))
    groups = [p.regression(predicted[sex == name], label[sex == name], edges, group=name) for name in SEXES]
    own = p.regression(predicted, label, edges, centre=40.0)
    cells = p.frame(p.rows(600), own, p.cell("leaves", fallen), *groups)
    declaration = p.declaration("regression", {"prediction": "p", "actual": "y"}, protected=("sex",))
    return Scenario(
        cells, cells, p.grid(error_edges=tuple(edges), groups={"sex": SEXES}, loss_tree=tree), declaration
    )


def seen_as(scenario, change, reference_change=None):
    """The same scenario with its cells (and its reference's) changed."""
    other = reference_change or change
    return Scenario(change(scenario.cells), other(scenario.reference), scenario.grid, scenario.declaration)
