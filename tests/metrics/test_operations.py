import numpy as np
import pytest

from core.measures import measure
from tests.metrics import portfolio as p
from tests.metrics.portfolio import value

OPERATED = p.declaration(
    "custom", operations={"latency_ms": "latency_ms", "status": "status", "cost_usd": "cost"}
)


def measured(*cells, declaration=OPERATED, **grid):
    return measure(p.frame(*cells), p.frame(), p.grid(**grid), declaration)


@pytest.mark.parametrize("law", ["lognormal", "exponential", "two humps"])
def test_latency_quantiles_are_within_one_percent(law):
    rng = np.random.default_rng(0)
    milliseconds = {
        "lognormal": 30 * rng.lognormal(size=20_001),
        "exponential": 5 + rng.exponential(80, 20_001),
        "two humps": np.where(rng.random(20_001) < 0.97, 12.0, 900.0) * rng.uniform(0.9, 1.1, 20_001),
    }[law]
    found = measured(p.latency(milliseconds))
    for name, share in {"latency_p50": 0.5, "latency_p95": 0.95, "latency_p99": 0.99}.items():
        exact = np.quantile(milliseconds, share, method="inverted_cdf")
        assert value(found, name) == pytest.approx(exact, rel=0.0101), name


def test_latencies_beyond_the_grid_stay_between_their_extremes():
    found = measured(p.latency([2e6, 2e6, 2e6]))
    assert 1e6 <= value(found, "latency_p50") <= 2e6
    assert value(measured(p.latency([0.0, 0.0, 0.0])), "latency_p50") == 0


def test_equal_latencies_are_exact():
    assert value(measured(p.latency([42.0] * 9)), "latency_p99") == 42


def test_throughput_and_errors_by_hand():
    found = measured(p.rows(480, counts=[0, 12, 468]))
    assert value(found, "throughput") == 20
    assert value(found, "error_share") == 0.025


def test_cost_is_the_mean_with_its_error():
    money = np.random.default_rng(0).gamma(2, size=500)
    bins = p.numeric_grid(money + 3)
    found = measured(p.numeric(money, bins, "cost"), numeric={"cost": bins})
    row = found.filter(found["metric"] == "cost_per_prediction").row(0, named=True)
    assert row["value"] == pytest.approx(money.mean())
    assert row["sampling_error"] == pytest.approx(money.std(ddof=1) / 500**0.5)


def test_nothing_declared_is_nothing_measured():
    found = measured(p.rows(5), p.latency([1.0]), declaration=p.declaration("custom"))
    assert set(found["metric"]) == {"volume", "freshness", "duplicate_share", "throughput"}


def test_no_latency_is_no_quantile():
    empty = p.cell("latency", [0] * 816, column="latency_ms", sums=[0])
    assert value(measured(empty), "latency_p50") is None
