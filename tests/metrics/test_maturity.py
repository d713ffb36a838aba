"""When a window's labels are complete: the delay, or the declared share."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from core.declaration import Declaration
from core.entities import METRICS
from core.maturity import ripened

START = datetime(2024, 1, 1, tzinfo=UTC)
END = START + timedelta(days=1)
DUE = START + timedelta(days=10)


def declaration(**labels: Any) -> Declaration:
    return Declaration.model_validate(
        {
            "model": "m",
            "owner": "o@example.com",
            "task": "binary_classification",
            "risk_tier": 3,
            "predictions": {"path": "p", "timestamp": "at", "score": "s", "actual": "y"},
            "labels": {"delay": "9d", **labels},
        }
    )


def metrics(share: float | None, *, mature_at: datetime = DUE, **keys: str) -> pl.DataFrame:
    """One window: its labelled share, a metric that waits for labels and one that does not."""
    rows = [("labelled_share", share, mature_at), ("f1", 0.9, mature_at), ("psi", 0.1, None)]
    frame = pl.DataFrame(
        {name: [row[i] for row in rows] for i, name in enumerate(("metric", "value", "mature_at"))},
        schema_overrides={"value": pl.Float64, "mature_at": METRICS["mature_at"]},
    )
    fixed = {name: pl.lit(keys.get(name, "")) for name in ("segment", "version", "variant", "group")}
    bounds = {"window_start": pl.lit(START), "window_end": pl.lit(END)}
    instants = {name: bound.cast(METRICS[name]) for name, bound in bounds.items()}
    return frame.with_columns(**fixed, **instants)


NONE = metrics(None).clear()


def since(found: pl.DataFrame) -> dict[str, datetime | None]:
    return dict(found.select("metric", "mature_at").iter_rows())


def test_without_a_declared_share_the_delay_decides_alone() -> None:
    found = ripened(metrics(1.0), NONE, declaration(), now=START + timedelta(days=3))
    assert since(found) == {"labelled_share": DUE, "f1": DUE, "psi": None}


def test_the_declared_share_matures_a_window_at_the_sweep_that_counts_it() -> None:
    now, declared = START + timedelta(days=3), declaration(share=0.95)
    assert since(ripened(metrics(0.95), NONE, declared, now=now)) == {
        "labelled_share": now,
        "f1": now,
        "psi": None,
    }
    assert since(ripened(metrics(0.9499), NONE, declared, now=now))["f1"] == DUE
    assert since(ripened(metrics(None), NONE, declared, now=now))["f1"] == DUE  # no row can get a label


def test_the_delay_stays_the_latest_time() -> None:
    now = START + timedelta(days=40)
    assert since(ripened(metrics(1.0), NONE, declaration(share=0.95), now=now))["f1"] == DUE


def test_what_was_mature_stays_mature_since_then() -> None:
    before = metrics(0.96, mature_at=START + timedelta(days=2))
    found = ripened(metrics(0.99), before, declaration(share=0.95), now=START + timedelta(days=5))
    assert since(found)["f1"] == START + timedelta(days=2)


def test_new_rows_without_labels_make_a_window_wait_again() -> None:
    before = metrics(0.96, mature_at=START + timedelta(days=2))
    found = ripened(metrics(0.5), before, declaration(share=0.95), now=START + timedelta(days=5))
    assert since(found)["f1"] == DUE


def test_an_open_window_waits_for_its_close_however_many_labels_it_has() -> None:
    now = START + timedelta(hours=9)
    found = ripened(metrics(1.0), NONE, declaration(share=0.95), now=now)
    assert since(found)["f1"] == END + timedelta(hours=1)  # its grace


def test_a_segment_with_all_its_labels_does_not_make_the_window_mature() -> None:
    sliced = pl.concat([metrics(0.5), metrics(1.0, segment="city=Oslo")])
    found = ripened(sliced, NONE, declaration(share=0.95), now=START + timedelta(days=3))
    assert found.filter(pl.col("metric") == "f1")["mature_at"].to_list() == [DUE, DUE]


def test_where_only_a_share_is_declared_the_lookback_is_the_latest_time() -> None:
    assert declaration(delay=None, share=0.95, lookback="21d").label_delay == timedelta(days=21)
    assert declaration(delay=None).label_delay == timedelta()
