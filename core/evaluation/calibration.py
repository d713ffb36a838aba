"""Whether predictions mean what they say: slope and intercept of the labels on them, how far they are off."""

from collections.abc import Mapping

import numpy as np

from core.comparison.answers import Binary, Multiclass, Regression
from core.comparison.labels import measured
from core.comparison.results import Measurement
from core.estimates import Z95, Numbers
from core.evaluation.answered import Answered
from core.evaluation.limits import Bar, within
from core.evaluation.resampling import Blocks, blocks
from core.evaluation.told import Judged, finding, interval, judged
from core.records import Finding

_EDGE = 1e-6
_ROUNDS, _CLOSE = 50, 1e-8  # of Newton and Raphson; how small its last step has to be


def calibration(rows: Answered, bar: Bar) -> Judged | None:
    """Return the evidence ``calibration``; None of a classifier that gives no scores.

    `calibration_slope` is 1 and `calibration_intercept` 0 where predictions are right: the logistic
    regression of the label on the log odds of the score, of a regression the line of the label on the
    prediction. A slope below 1 says that the predictions are too extreme. The intervals rest on whole windows
    (the sandwich by blocks), so days that err together do not look like proof.

    Source: Cox (1958), Biometrika 45; Liang and Zeger (1986), Biometrika 73.
    """
    answers, block = rows.answers, blocks(rows.times, rows.declaration)
    if isinstance(answers, Regression):
        found = _line(answers.predicted, answers.label, block)
        findings = _slopes(found, bar, "")
        bias = measured(answers).metrics["bias"]
        findings.append(finding("bias", bias))
        return judged("calibration", _summary(findings, []), findings)
    if isinstance(answers, Binary):
        sides = {} if answers.score is None else {"": (answers.score, answers.label == 1)}
    else:
        sides = _one_versus_rest(answers, rows.classes)
    if not sides:
        return None
    findings, errors = [], []
    for name, (score, label) in sides.items():
        findings += _slopes(logistic(score, label.astype(np.float64), block), bar, name)
        of = Binary(
            (score >= 0.5).astype(np.int64), label.astype(np.int64), score, np.ones(len(score), bool), ()
        )
        metrics = measured(of).metrics
        limit = bar.of("expected_calibration_error")
        error = metrics["expected_calibration_error"]
        passed = None
        if limit is not None and error.value is not None:
            passed = within("expected_calibration_error", error.value, limit)
        errors.append(
            finding("expected_calibration_error", error, threshold=limit, passed=passed, about=name)
        )
        findings += [errors[-1], finding("calibration_gap", metrics["calibration_gap"], about=name)]
    return judged("calibration", _summary(findings, errors), findings)


def logistic(score: Numbers, label: Numbers, block: Blocks) -> dict[str, Measurement]:
    """Return slope and intercept of the labels on the log odds of the scores, with 95 % intervals."""
    share = np.clip(score, _EDGE, 1 - _EDGE)
    x = np.column_stack([np.ones_like(share), np.log(share / (1 - share))])
    if len(np.unique(label)) < 2 or np.ptp(x[:, 1]) == 0:
        return _unknown(len(label), "needs labels of both classes and scores that differ")
    beta = np.zeros(2)
    for _ in range(_ROUNDS):
        fitted, bread = _at(beta, x)
        step = np.linalg.lstsq(bread, x.T @ (label - fitted), rcond=None)[0]
        beta = beta + step
        if np.abs(step).max() < _CLOSE:
            break
    else:
        return _unknown(len(label), "the scores part the labels without overlap, or nearly")
    fitted, bread = _at(beta, x)
    return _estimates(beta, bread, x * (label - fitted)[:, None], block)


def _at(beta: Numbers, x: Numbers) -> tuple[Numbers, Numbers]:
    """Return the fitted rates at the coefficients, and the information about them."""
    fitted = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
    return fitted, (x * (fitted * (1 - fitted))[:, None]).T @ x


def _line(predicted: Numbers, label: Numbers, block: Blocks) -> dict[str, Measurement]:
    if len(label) < 3 or np.ptp(predicted) == 0:
        return _unknown(len(label), "needs predictions that differ")
    x = np.column_stack([np.ones_like(predicted), predicted])
    bread = x.T @ x
    beta = np.linalg.solve(bread, x.T @ label)
    return _estimates(beta, bread, x * (label - x @ beta)[:, None], block)


def _estimates(beta: Numbers, bread: Numbers, scores: Numbers, block: Blocks) -> dict[str, Measurement]:
    """Return intercept and slope with their sandwich errors; `scores` are the rows' parts of the gradient."""
    groups = int(block.max()) + 1
    summed = np.column_stack([np.bincount(block, weights=column, minlength=groups) for column in scores.T])
    inverse = np.linalg.pinv(bread)
    spread = inverse @ (summed.T @ summed) @ inverse * groups / max(groups - 1, 1)
    errors = np.sqrt(np.maximum(np.diag(spread), 0.0))
    return {
        name: Measurement(float(b), len(scores), float(b - Z95 * e), float(b + Z95 * e), float(e))
        for name, b, e in zip(("calibration_intercept", "calibration_slope"), beta, errors, strict=True)
    }


def _unknown(n: int, reason: str) -> dict[str, Measurement]:
    return {
        name: Measurement(None, n, reason=reason) for name in ("calibration_intercept", "calibration_slope")
    }


def _one_versus_rest(answers: Multiclass, classes: tuple[str, ...]) -> dict[str, tuple[Numbers, Numbers]]:
    if answers.scores is None:
        return {}
    return {name: (answers.scores[:, i], answers.label == i) for i, name in enumerate(classes)}


def _slopes(found: Mapping[str, Measurement], bar: Bar, about: str) -> list[Finding]:
    """Return slope and intercept; the slope fails where its whole interval lies too far from 1."""
    limit, slope = bar.of("calibration_slope"), found["calibration_slope"]
    passed = None
    if limit is not None and slope.lower is not None and slope.upper is not None:
        passed = slope.lower <= 1 + limit and slope.upper >= 1 - limit
    note = "" if limit is None else f"at most {limit:g} from 1"
    return [
        finding("calibration_slope", slope, threshold=limit, passed=passed, about=about, note=note),
        finding("calibration_intercept", found["calibration_intercept"], about=about),
    ]


def _summary(findings: list[Finding], errors: list[Finding]) -> str:
    slope = next(each for each in findings if each.name == "calibration_slope")
    text = f"slope {interval(slope)} (1 is right)"
    if errors:
        worst = max(errors, key=lambda each: each.value or 0.0)
        text += f", expected calibration error {interval(worst)}"
        text += f" of {worst.about}" if worst.about else ""
    broken = [e for e in findings if e.passed is False]
    told = ", ".join(
        sorted({f"{e.name.replace('_', ' ')}{' of ' + e.about if e.about else ''}" for e in broken})
    )
    return text + (f"; out of limits: {told}" if broken else "")
