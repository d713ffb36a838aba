"""Cells for the tests, counted from rows by plain numpy: what the engine counts, without the engine."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from core.declaration import Declaration
from core.entities import CELLS, LATENCY_EDGES_MS, Grid, NumericGrid, Vocabulary

START = datetime(2026, 1, 1, tzinfo=UTC)
ID = "reference-1"
EQUAL_WIDTH = np.linspace(0, 1, 21)


def declaration(task="binary_classification", predictions=(), **other):
    columns = {"path": "p", "timestamp": "t", **dict(predictions)}
    return Declaration(model="m", owner="o@example.com", task=task, risk_tier=2, predictions=columns, **other)


def grid(**other):
    return Grid(**{"reference_id": ID, "frozen": True, **other})


def numeric_grid(values, bins=100):
    values = np.sort(np.asarray(values, dtype=float))
    at = np.ceil(np.arange(1, bins + 1) / bins * len(values)).astype(int) - 1
    edges = np.unique(np.append(values[at], np.nextafter(values[0], -np.inf)))
    return NumericGrid(tuple(edges.tolist()), float(values.mean()), float(values.std()))


def vocabulary(*kept):
    return Vocabulary(kept=kept)


def counted(values, edges):
    """Counts [below, bin 1 … bin m, above], bins (a, b]."""
    return np.bincount(np.searchsorted(np.asarray(edges), values, side="left"), minlength=len(edges) + 1)


def frame(*cells):
    return pl.DataFrame(list(cells), schema=CELLS, orient="row")


def cell(kind, counts, *, column="", day=0, sums=(), n=None, low=None, high=None, **other):
    start = START + timedelta(days=day)
    specials = ("missing", "nan", "positive_infinity", "negative_infinity", "uncastable")
    return {
        "window_start": start,
        "window_end": start + timedelta(days=1),
        **dict.fromkeys(("segment", "version", "variant", "group"), ""),
        "column": column,
        "kind": kind,
        "n": int(np.sum(counts)) if n is None else n,
        **dict.fromkeys(specials, 0),
        "low": low,
        "high": high,
        "counts": [int(count) for count in counts],
        "sums": [float(total) for total in sums],
        "reference_id": ID,
        **other,
    }


def rows(n, day=0, counts=None, **other):
    last = (START + timedelta(days=day, hours=23)).timestamp()
    return cell(
        "rows", [0, 0, n] if counts is None else counts, n=n, day=day, low=last - 60, high=last, **other
    )


def numeric(values, bins, column="x", **other):
    values = np.asarray(values, dtype=float)
    moved = values - bins.centre
    extremes = {"low": float(values.min()), "high": float(values.max())} if len(values) else {}
    sums = (moved.sum(), (moved**2).sum())
    return cell("numeric", counted(values, bins.edges), column=column, sums=sums, **extremes, **other)


def moments(values, grids, **other):
    """Cell of the features that are taken together, and their grids."""
    moved = [(np.asarray(v, dtype=float) - g.centre) / g.scale for v, g in zip(values, grids, strict=True)]
    whole = np.array(moved) @ np.array(moved).T
    return cell("moments", [], n=len(moved[0]), sums=whole[np.triu_indices(len(moved))], **other)


def categorical(values, words, column="c", **other):
    seen = [sum(value == kept for value in values) for kept in words.kept]
    rest = sum(value in words.rest for value in values)
    return cell("categorical", [*seen, rest, len(values) - sum(seen) - rest], column=column, **other)


def score_edges(scores):
    inner = np.quantile(scores, np.linspace(0, 1, 101)[1:-1])
    return tuple(np.unique(np.concatenate([EQUAL_WIDTH, inner])).tolist())


def classification(score, predicted, label, edges, **other):
    """Cell of rows with a score; label 0, 1 or 2 (unlabelled)."""
    score, predicted, label = (np.asarray(values) for values in (score, predicted, label))
    bins = len(edges) - 1
    at = np.maximum(np.searchsorted(np.asarray(edges), score, side="left") - 1, 0)
    place = (at * 2 + predicted) * 3 + label
    width = bins * 6
    known = label < 2
    right = np.where(label == 1, score, 1 - score)[known]
    sums = np.append(
        np.bincount(place, score, minlength=width),
        [((score - label)[known] ** 2).sum(), -np.log(np.clip(right, 1e-15, 1)).sum()],
    )
    return cell("classification", np.bincount(place, minlength=width), sums=sums, **other)


def decisions(predicted, label, **other):
    """Cell of a binary model without score."""
    counts = np.bincount(np.asarray(predicted) * 3 + np.asarray(label), minlength=6)
    return cell("classification", counts, sums=np.zeros(8), **other)


def multiclass(predicted, label, classes, losses=0.0, **other):
    """Cell of class numbers; `classes` = unknown, label `classes` + 1 = unlabelled."""
    place = np.asarray(predicted) * (classes + 2) + np.asarray(label)
    counts = np.bincount(place, minlength=(classes + 1) * (classes + 2))
    known = float((np.asarray(label) < classes).sum())
    return cell("multiclass", counts, sums=(losses, known, 2 * losses**2 / max(known, 1)), **other)


def regression(predicted, label, edges, centre=0.0, **other):
    p, y = np.asarray(predicted, dtype=float), np.asarray(label, dtype=float)
    e = p - y
    known, valid = y != 0, (p > -1) & (y > -1)
    logs = (np.log1p(p[valid]) - np.log1p(y[valid])) ** 2
    moved = (y - centre, (y - centre) ** 2, p - centre, (p - centre) ** 2, e, np.abs(e), e**2)
    relative = np.abs(e[known] / y[known])
    sums = [*(values.sum() for values in moved), relative.sum(), known.sum(), logs.sum(), valid.sum()]
    away = y - centre
    powers = (e**4, relative**2, logs**2, e**2 * away, e**2 * away**2, away**3, away**4)
    sums += [values.sum() for values in powers]
    extremes = {"low": float(e.min()), "high": float(e.max())} if len(e) else {}
    return cell("regression", counted(e, edges), n=len(e), sums=sums, **extremes, **other)


def latency(milliseconds, column="latency_ms", **other):
    values = np.asarray(milliseconds, dtype=float)
    extremes = {"low": float(values.min()), "high": float(values.max())}
    return cell(
        "latency", counted(values, LATENCY_EDGES_MS), column=column, sums=[values.sum()], **extremes, **other
    )


def value(metrics, metric, **keys):
    """The one value of a metric in a METRICS frame."""
    found = metrics.filter(pl.col("metric") == metric, *(pl.col(key) == of for key, of in keys.items()))
    assert len(found) == 1, f"{metric} {keys}: {len(found)} rows"
    return found["value"][0]
