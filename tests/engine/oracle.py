"""What the cells of a slice must be, computed from Python rows one by one, without DuckDB and the kernel."""

import math
from bisect import bisect_left

import polars as pl

TALLIES = ("n", "missing", "nan", "positive_infinity", "negative_infinity", "uncastable")

LATENCY = [0.1 * 1.02**i for i in range(815)]
ERRORS_OK = {"ok", "success", "succeeded", "true"}


def as_number(value):
    """Return (number or None, whether the value is there but is no number)."""
    if value is None:
        return None, False
    if isinstance(value, bool | int | float):
        return float(value), False
    try:
        return float(str(value).strip()), False
    except ValueError:
        return None, True


def as_text(value):
    """Return the canonical text of a category."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    text = str(value)
    if text in ("True", "TRUE", "False", "FALSE"):
        return text.lower()
    if text.endswith(".0") and text[:-2].lstrip("-").isdigit() and len(text) < 17:
        return str(int(text[:-2]))
    return text


def failed(status):
    text = as_text(status)
    if text is None or text.lower() in ERRORS_OK:
        return False
    return not (text.isdigit() and 200 <= int(text) <= 299)


def bins(values, edges):
    """Counts [below, (e0, e1], …, above]."""
    counts = [0] * (len(edges) + 1) if edges else []
    for value in values if edges else ():
        counts[bisect_left(edges, value)] += 1
    return counts


def tallies(values, uncastable):
    """[n, missing, nan, +inf, -inf, uncastable] of numbers, None = missing."""
    finite = [v for v in values if v is not None and math.isfinite(v)]
    return [
        len(finite),
        sum(v is None for v in values) - uncastable,
        sum(v is not None and math.isnan(v) for v in values),
        sum(v == math.inf for v in values),
        sum(v == -math.inf for v in values),
        uncastable,
    ]


def numeric(raw, edges, centre):
    read = [as_number(value) for value in raw]
    finite = [v for v, _ in read if v is not None and math.isfinite(v)]
    return {
        "tallies": tallies([v for v, _ in read], sum(bad for _, bad in read)),
        "low": min(finite, default=None),
        "high": max(finite, default=None),
        "counts": bins(finite, list(edges)),
        "sums": [math.fsum(v - centre for v in finite), math.fsum((v - centre) ** 2 for v in finite)],
    }


def latency(raw):
    found = numeric(raw, LATENCY, 0.0)
    return found | {"sums": found["sums"][:1]}


def categorical(raw, vocabulary):
    texts = [as_text(value) for value in raw]
    counts = [0] * (len(vocabulary.kept) + 2)
    place = {value: i for i, value in enumerate(vocabulary.kept)}
    place |= dict.fromkeys(vocabulary.rest, len(vocabulary.kept))
    for text in texts:
        if text is not None:
            counts[place.get(text, len(vocabulary.kept) + 1)] += 1
    missing = sum(text is None for text in texts)
    return {"tallies": [len(texts) - missing, missing, 0, 0, 0, 0], "counts": counts, "sums": []}


def rows(kept, dropped, label, status):
    """`kept` and `dropped` are dicts with `at` in epoch seconds."""
    bad = [status is not None and failed(row.get(status)) for row in kept]
    labels = [
        None if b or label is None else as_text(row.get(label)) for row, b in zip(kept, bad, strict=True)
    ]
    return {
        "tallies": [len(kept), sum(value is None for value in labels), 0, 0, 0, 0],
        "low": min((row["at"] for row in kept), default=None),
        "high": max((row["at"] for row in kept), default=None),
        "counts": [len(dropped), sum(bad), len(kept) - sum(bad)],
        "sums": [],
    }


def classification(scores, predicted, labels, edges):
    """`predicted` and `labels` are 1, 0, -1 (unknown) or None; `scores` are raw, None for a model without."""
    width = (len(edges) - 1 if scores is not None else 1) * 6
    counts, sums, found = [0] * width, [0.0] * (width + 2), [0] * 6
    for i, label in enumerate(labels):
        score, bin_ = None, 0
        if scores is not None:
            score, bad = as_number(scores[i])
            place = fate(score, bad)
            if place:
                found[place] += 1
                continue
            bin_ = max(0, bisect_left(edges, score) - 1)
        if predicted[i] is None or predicted[i] < 0 or label == -1:
            found[1 if predicted[i] is None else 5] += 1
            continue
        found[0] += 1
        place = (bin_ * 2 + predicted[i]) * 3 + (2 if label is None else label)
        counts[place] += 1
        if score is not None:
            sums[place] += score
            if label is not None:
                sums[width] += (score - label) ** 2
                sums[width + 1] -= math.log(max(score if label else 1 - score, 1e-15))
    return {"tallies": found, "counts": counts, "sums": sums}


def fate(score, bad):
    """Return which tally a score goes to instead of a bin; 0 = it has a bin."""
    if bad:
        return 5
    if score is None:
        return 1
    if math.isnan(score):
        return 2
    if math.isinf(score):
        return 3 if score > 0 else 4
    return 0 if 0 <= score <= 1 else 5


def regression(predicted, labels, edges, centre):
    pairs = [(as_number(p), as_number(y)) for p, y in zip(predicted, labels, strict=True)]
    found, errors, both = [0] * 6, [], []
    for (p, p_bad), (y, y_bad) in pairs:
        if p_bad or y_bad:
            found[5] += 1
        elif p is None or y is None:
            found[1] += 1
        elif not math.isfinite(p - y):
            found[fate(p - y, False)] += 1
        else:
            found[0] += 1
            errors.append(p - y)
            both.append((p, y))
    relative = [abs(p - y) / abs(y) for p, y in both if y != 0]
    logs = [(math.log(1 + p) - math.log(1 + y)) ** 2 for p, y in both if p > -1 and y > -1]
    sums = [
        math.fsum(y - centre for _, y in both),
        math.fsum((y - centre) ** 2 for _, y in both),
        math.fsum(p - centre for p, _ in both),
        math.fsum((p - centre) ** 2 for p, _ in both),
        math.fsum(errors),
        math.fsum(map(abs, errors)),
        math.fsum(e * e for e in errors),
        math.fsum(relative),
        len(relative),
        math.fsum(logs),
        len(logs),
        math.fsum(e**4 for e in errors),
        math.fsum(r * r for r in relative),
        math.fsum(x * x for x in logs),
        math.fsum((p - y) ** 2 * (y - centre) for p, y in both),
        math.fsum((p - y) ** 2 * (y - centre) ** 2 for p, y in both),
        math.fsum((y - centre) ** 3 for _, y in both),
        math.fsum((y - centre) ** 4 for _, y in both),
    ]
    return {
        "tallies": found,
        "low": min(errors, default=None),
        "high": max(errors, default=None),
        "counts": bins(errors, list(edges)),
        "sums": sums,
    }


def multiclass(predicted, labels, probabilities, classes):
    """`probabilities`: class → raw scores."""
    k = len(classes)
    place = {value: i for i, value in enumerate(classes)}
    counts, found, losses = [0] * ((k + 1) * (k + 2)), [0] * 6, []
    for i, (p, y) in enumerate(zip(predicted, labels, strict=True)):
        if p is None:
            found[1] += 1
            continue
        found[0] += 1
        counts[place.get(p, k) * (k + 2) + (k + 1 if y is None else place.get(y, k))] += 1
        chance = as_number(probabilities[y][i])[0] if y in probabilities else None
        if chance is not None and 0 <= chance <= 1:
            losses.append(-math.log(max(chance, 1e-15)))
    sums = [math.fsum(losses), len(losses), math.fsum(loss**2 for loss in losses)]
    return {"tallies": found, "counts": counts, "sums": sums}


def cell(cells, column="", kind="numeric", **keys):
    """Return the one cell with these keys; keys not named are ''."""
    where = {"segment": "", "version": "", "variant": "", "group": ""} | keys
    found = cells.filter(
        pl.col("column") == column, pl.col("kind") == kind, *(pl.col(k) == v for k, v in where.items())
    )
    assert found.height == 1, f"{found.height} cells {column} {kind} {keys}"
    return found.row(0, named=True)


def assert_cell(found, expected):
    """Compare counts exactly and sums to the last digits."""
    assert [found[name] for name in TALLIES] == expected["tallies"]
    assert found["counts"] == expected["counts"]
    if "low" in expected:
        assert (found["low"], found["high"]) == (expected["low"], expected["high"])
    assert len(found["sums"]) == len(expected["sums"])
    for got, wanted in zip(found["sums"], expected["sums"], strict=True):
        assert math.isclose(got, wanted, rel_tol=1e-9, abs_tol=1e-9), (got, wanted)
