"""How well predictions meet labels."""

from collections.abc import Iterable
from dataclasses import replace

from core.catalogue.info import ANY, POSITIVE, SHARE, Better, MetricInfo, Range


def _performance(
    name: str,
    title: str,
    better: Better,
    bounds: Range,
    definition: str,
    source: str = "scikit-learn",
    unit: str = "",
    needs_labels: bool = True,
) -> MetricInfo:
    return MetricInfo(name, title, "performance", better, unit, bounds, needs_labels, definition, source)


def averages() -> Iterable[MetricInfo]:
    """Yield precision, recall and F1 of several classes, averaged in three ways."""
    how = {
        "macro": "mean over the classes",
        "micro": "from the summed counts of the classes",
        "weighted": "mean over the classes weighted by their labels",
    }
    for name in ("precision", "recall", "f1"):
        for average, words in how.items():
            title = f"{name.capitalize()}, {average}"
            definition = f"{name.capitalize()} of each class against the rest, {words}."
            yield _performance(f"{name}_{average}", title, "higher", SHARE, definition)


CLASSIFICATION = (
    _performance("accuracy", "Accuracy", "higher", SHARE, "Share of labelled rows predicted right."),
    _performance(
        "balanced_accuracy", "Balanced accuracy", "higher", SHARE, "Mean of the recalls of all classes."
    ),
    _performance(
        "precision", "Precision", "higher", SHARE, "Share of positive predictions whose label is positive."
    ),
    _performance("recall", "Recall", "higher", SHARE, "Share of positive labels predicted positive."),
    _performance(
        "specificity", "Specificity", "higher", SHARE, "Share of negative labels predicted negative."
    ),
    _performance(
        "f1", "F1", "higher", SHARE, "2tp / (2tp + fp + fn), the harmonic mean of precision and recall."
    ),
    _performance(
        "matthews_correlation",
        "Matthews correlation",
        "higher",
        (-1.0, 1.0),
        "Correlation of prediction and label; 0 for guessing.",
        "Matthews (1975); Gorodkin (2004) for several classes",
    ),
    _performance(
        "roc_auc",
        "ROC AUC",
        "higher",
        SHARE,
        "Chance that a positive row scores higher than a negative one, ties half; from score bins.",
        "Hanley and McNeil (1982); sampling error DeLong (1988)",
    ),
    _performance(
        "average_precision",
        "Average precision",
        "higher",
        SHARE,
        "Precision averaged over the positive labels in order of score; from score bins.",
        "Davis and Goadrich (2006)",
    ),
    _performance(
        "log_loss",
        "Log loss",
        "lower",
        POSITIVE,
        "Mean of −ln of the probability given to the label, clipped at 1e-15.",
        "Good (1952)",
        "nats",
    ),
    _performance("brier", "Brier score", "lower", SHARE, "Mean of (score − label)².", "Brier (1950)"),
    _performance(
        "expected_calibration_error",
        "Expected calibration error",
        "lower",
        SHARE,
        "Mean |score − rate of positive labels| over 20 equal-width score bins, weighted by rows.",
        "Guo et al. (2017)",
    ),
    _performance(
        "calibration_gap",
        "Calibration gap",
        "none",
        (-1.0, 1.0),
        "Mean score minus rate of positive labels; above 0 the model promises too much.",
        "Murphy and Epstein (1967)",
    ),
    _performance(
        "value",
        "Cost of wrong decisions",
        "lower",
        POSITIVE,
        "Σ of the declared costs of all labelled rows, by prediction and label; in their currency.",
        "Elkan (2001)",
    ),
    _performance(
        "label_rate", "Positive labels", "none", SHARE, "Share of labelled rows whose label is positive."
    ),
    _performance(
        "prediction_rate",
        "Positive predictions",
        "none",
        SHARE,
        "Share of all rows predicted positive.",
        needs_labels=False,
    ),
    _performance(
        "calibration_shift",
        "Calibration shift",
        "lower",
        SHARE,
        "Concept drift: mean |change of the rate of positive labels at equal scores| against the reference, "
        "over ten groups of score bins; `expected` is what chance shows, the p-value a test of no change.",
        "Mantel and Haenszel (1959)",
    ),
)


REGRESSION = (
    _performance("mae", "Mean absolute error", "lower", POSITIVE, "Mean of |ŷ − y|.", unit="label"),
    _performance(
        "rmse", "Root mean squared error", "lower", POSITIVE, "√ of the mean of (ŷ − y)².", unit="label"
    ),
    _performance(
        "mape", "Mean absolute percentage error", "lower", POSITIVE, "Mean of |ŷ − y| / |y| where y ≠ 0."
    ),
    _performance(
        "rmsle", "Root mean squared log error", "lower", POSITIVE, "√ of the mean of (ln(1+ŷ) − ln(1+y))²."
    ),
    _performance("r2", "R²", "higher", (None, 1.0), "1 − Σ(ŷ−y)² / Σ(y−ȳ)²; 0 for always saying the mean."),
    _performance(
        "bias", "Bias", "none", ANY, "Mean of ŷ − y; above 0 the model says too much.", unit="label"
    ),
    *(
        _performance(f"error_p{share}", f"Error, {share} % quantile", "none", ANY, definition, unit="label")
        for share, definition in (
            (10, "ŷ − y of which a tenth of the rows is below."),
            (50, "Median of ŷ − y."),
            (90, "ŷ − y of which a tenth of the rows is above."),
        )
    ),
)

_ESTIMATED = {  # from calibrated scores: what of a classifier can be told without labels
    *("accuracy", "balanced_accuracy", "precision", "recall", "specificity", "f1", "matthews_correlation"),
    *("roc_auc", "average_precision", "log_loss", "brier", "calibration_gap", "value", "label_rate"),
    *(info.name for info in averages()),
}
_EXPECTED = {"mae", "rmse", "bias", "mape", "rmsle"}  # from a tree of the reference's errors


def estimated() -> Iterable[MetricInfo]:
    """Yield the performance that is estimated before labels come."""
    for info in (*CLASSIFICATION, *averages(), *REGRESSION):
        if info.name in _ESTIMATED | _EXPECTED:
            of_errors = info.name in _EXPECTED
            yield replace(
                info,
                name=f"estimated_{info.name}",
                title=f"Estimated {info.title[0].lower() if info.title[1].islower() else info.title[0]}"
                f"{info.title[1:]}",
                needs_labels=False,
                definition=f"Estimated, without labels: the {info.name} of all rows that "
                + ("errors of like rows in" if of_errors else "scores calibrated on")
                + " the reference let expect.",
                source="NannyML DLE (2022)" if of_errors else "NannyML CBPE (2021)",
            )
