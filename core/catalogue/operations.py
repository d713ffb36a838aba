"""How the serving system does."""

from core.catalogue.info import POSITIVE, SHARE, Better, MetricInfo, Range


def _operations(
    name: str, title: str, better: Better, unit: str, bounds: Range, definition: str
) -> MetricInfo:
    return MetricInfo(
        name, title, "operations", better, unit, bounds, False, definition, "the prediction log"
    )


OPERATIONS = (
    _operations(
        "throughput", "Throughput", "none", "rows/h", POSITIVE, "Rows per hour of the window's length."
    ),
    _operations("error_share", "Errors", "lower", "", SHARE, "Share of rows with an error status."),
    *(
        _operations(f"latency_p{share}", f"Latency, {share} % quantile", "lower", "ms", POSITIVE, definition)
        for share, definition in (
            (50, "Half of the answers took longer."),
            (95, "One answer in 20 took longer."),
            (99, "One answer in 100 took longer."),
        )
    ),
    _operations(
        "cost_per_prediction", "Cost per prediction", "lower", "USD", POSITIVE, "Mean cost of a row."
    ),
)
