"""Rates of protected groups and the gaps between them."""

from core.catalogue.info import POSITIVE, SHARE, Better, MetricInfo, Range


def _fairness(
    name: str,
    title: str,
    better: Better,
    bounds: Range,
    definition: str,
    source: str = "fairlearn",
    unit: str = "",
    needs_labels: bool = True,
) -> MetricInfo:
    return MetricInfo(name, title, "fairness", better, unit, bounds, needs_labels, definition, source)


FAIRNESS = (
    _fairness(
        "selection_rate",
        "Selection rate",
        "none",
        SHARE,
        "Share of rows predicted favourable.",
        needs_labels=False,
    ),
    _fairness(
        "tpr", "True positive rate", "higher", SHARE, "Share of favourable labels predicted favourable."
    ),
    _fairness(
        "fpr", "False positive rate", "lower", SHARE, "Share of unfavourable labels predicted favourable."
    ),
    _fairness(
        "fnr", "False negative rate", "lower", SHARE, "Share of favourable labels predicted unfavourable."
    ),
    _fairness(
        "demographic_parity_difference",
        "Demographic parity difference",
        "lower",
        SHARE,
        "Largest minus smallest selection rate of the groups.",
        needs_labels=False,
    ),
    _fairness(
        "demographic_parity_ratio",
        "Demographic parity ratio",
        "higher",
        SHARE,
        "Smallest over largest selection rate of the groups (disparate impact; the rule asks for 0.8).",
        needs_labels=False,
    ),
    _fairness(
        "equal_opportunity_difference",
        "Equal opportunity difference",
        "lower",
        SHARE,
        "Largest minus smallest true positive rate of the groups.",
    ),
    _fairness(
        "equalized_odds_difference",
        "Equalized odds difference",
        "lower",
        SHARE,
        "The larger of the groups' differences in true positive rate and in false positive rate.",
    ),
    _fairness(
        "equalized_odds_ratio",
        "Equalized odds ratio",
        "higher",
        SHARE,
        "The smaller of the groups' ratios (smallest over largest) of true and of false positive rates.",
    ),
    _fairness(
        "predictive_parity_difference",
        "Predictive parity difference",
        "lower",
        SHARE,
        "Largest minus smallest precision of the groups.",
        "Chouldechova (2017)",
    ),
    _fairness(
        "bias_difference",
        "Difference of bias",
        "lower",
        POSITIVE,
        "Largest minus smallest mean error ŷ − y of the groups.",
        unit="label",
    ),
    _fairness(
        "mae_difference",
        "Difference of mean absolute error",
        "lower",
        POSITIVE,
        "Largest minus smallest mean absolute error of the groups.",
        unit="label",
    ),
)
