"""Data quality and volume."""

from core.catalogue.info import POSITIVE, SHARE, Better, MetricInfo


def _quality(
    name: str, title: str, definition: str, better: Better = "lower", *, needs_labels: bool = False
) -> MetricInfo:
    source = "share of rows, Wilson interval"
    return MetricInfo(name, title, "quality", better, "", SHARE, needs_labels, definition, source)


QUALITY = (
    _quality("missing_share", "Missing", "Rows without a value (NULL)."),
    _quality("non_finite_share", "Not finite", "Rows with NaN or an infinity."),
    _quality("type_mismatch", "Wrong type", "Rows whose value cannot be read as the column's type."),
    _quality(
        "out_of_range_share",
        "Out of range",
        "Usable numbers below the smallest or above the largest of the reference.",
    ),
    _quality(
        "unseen_share",
        "Unseen values",
        "Usable values that the reference never had; null where it has more than 50,000 different ones.",
    ),
    _quality("constant", "Constant", "1 where all usable values of the window are equal, else 0."),
    _quality(
        "invalid_outcome_share",
        "Invalid outcomes",
        "Rows with a score outside 0 to 1, a class the model does not know, or a label that is no number.",
    ),
    _quality(
        "duplicate_share",
        "Duplicates",
        "Rows removed because a later row has the same prediction_id, of all rows.",
    ),
    _quality(
        "labelled_share",
        "Labelled",
        "Rows with a label, of the rows that can get one.",
        better="higher",
        needs_labels=True,
    ),
)


VOLUME = (
    MetricInfo(
        "volume",
        "Rows",
        "volume",
        "none",
        "rows",
        POSITIVE,
        False,
        "Rows after deduplication. Usual is the median of the last eight earlier windows alike (days of the "
        "same weekday, hours of the same hour of the day, longer windows all; at least three); `drop` and "
        "`rise` of a monitor are against it, and a window without rows is a matter of freshness.",
        "the prediction log",
    ),
    MetricInfo(
        "freshness",
        "Freshness",
        "volume",
        "lower",
        "hours",
        POSITIVE,
        False,
        "From a window's newest row to its end; monitors judge the silence since, by the clock.",
        "the prediction log",
    ),
)
