"""Whether the numbers tell the stories of the demo, recomputed with polars, numpy and scikit-learn alone."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

WINTER = pl.col("month") <= 3


@pytest.fixture(scope="module")
def eta(joined):
    return joined("eta-air-time").with_columns(error=pl.col("predicted_air_time") - pl.col("air_time"))


@pytest.fixture(scope="module")
def delay(joined):
    return joined("delay-30")


def by_month(frame, value):
    months = frame.group_by("month").agg(value.alias("value")).sort("month")
    return dict(months.iter_rows())


def auc_by_month(frame):
    usable = frame.drop_nulls(["probability", "late"])
    parts = usable.partition_by("month", as_dict=True)
    return {month: roc_auc_score(part["late"], part["probability"]) for (month,), part in parts.items()}


def population_stability_index(reference, current):
    p, q = (counts + 0.5 for counts in (np.asarray(reference), np.asarray(current)))
    p, q = p / p.sum(), q / q.sum()
    return float(((q - p) * np.log(q / p)).sum())


def in_bins_of(reference):
    """Return a function that counts values in 20 quantile bins of the reference, the outer ones open."""
    inner = np.unique(np.quantile(reference, np.linspace(0, 1, 21)))[1:-1]
    return lambda values: np.histogram(values, [-np.inf, *inner, np.inf])[0]


def test_the_air_time_error_doubles_from_winter_to_september(eta):
    error = by_month(eta, pl.col("error").abs().mean())
    assert all(6.5 < error[month] < 9 for month in (1, 2, 3, 4))
    assert 13 < error[9] < 15
    assert max(error, key=error.get) == 9
    assert 6.5 < error[11] < 8


def test_the_air_time_bias_is_small_in_the_reference_and_grows_to_more_than_12_minutes(eta):
    bias = by_month(eta, pl.col("error").mean())
    assert abs(eta.filter(WINTER)["error"].mean()) < 1
    assert 12 < bias[9] < 13.5


def test_the_inputs_of_eta_air_time_stay_quiet_all_year(eta):
    for column in ("origin", "carrier", "hour"):
        counts = eta.group_by(column, "month").len().pivot("month", index=column).fill_null(0)
        reference = counts.select(pl.sum_horizontal("1", "2", "3")).to_series()
        drift = [population_stability_index(reference, counts[str(month)]) for month in range(4, 13)]
        assert max(drift) < 0.01, column
    winter = eta.filter(WINTER)["distance"]
    count = in_bins_of(winter)
    months = eta.filter(~WINTER).partition_by("month")
    drift = [population_stability_index(count(winter), count(month["distance"])) for month in months]
    assert max(drift) < 0.035


def test_summer_temperatures_are_off_the_scale_of_the_reference(delay):
    winter = delay.filter(WINTER)["temp"].drop_nulls()
    count = in_bins_of(winter)
    summer = delay.filter(pl.col("month").is_in([6, 7, 8])).partition_by("date")
    drift = [population_stability_index(count(winter), count(day["temp"].drop_nulls())) for day in summer]
    assert 6.5 < np.median(drift) < 10


def test_delay_30_ranks_flights_alike_all_year_while_its_inputs_drift(delay):
    assert all(0.67 < value < 0.77 for value in auc_by_month(delay).values())


def test_delay_30_promises_too_little_in_july_and_too_much_in_autumn(delay):
    gap = by_month(delay.drop_nulls("probability"), (pl.col("probability") - pl.col("late")).mean())
    assert -0.13 < gap[7] < -0.07
    assert min(gap, key=gap.get) == 7
    assert 0.02 < gap[10] < 0.07


def test_the_blizzard_cancels_half_of_all_flights_and_lifts_the_predictions_rightly(delay, eta):
    cancelled = (
        eta.filter(pl.col("month") == 2).group_by("date").agg((pl.col("outcome") == "cancelled").mean())
    )
    shares = dict(cancelled.iter_rows())
    assert 0.5 < shares[date(2013, 2, 8)] < 0.52
    assert 0.56 < shares[date(2013, 2, 9)] < 0.59
    predicted = dict(delay.group_by("date").agg(pl.col("probability").mean()).iter_rows())
    assert predicted[date(2013, 2, 8)] > 0.25
    assert predicted[date(2013, 2, 7)] < 0.18


def test_an_impossible_wind_was_reported_on_12_february(delay):
    windy = delay.filter(pl.col("wind_speed") > 100)
    assert 1 <= windy.height < 10
    assert windy["date"].unique().to_list() == [date(2013, 2, 12)]
    assert windy["wind_speed"].max() == pytest.approx(1048.36, abs=0.01)


def test_the_weather_is_missing_for_all_flights_of_31_december(delay):
    last = delay.filter(pl.col("date") == date(2013, 12, 31))
    assert last.height == 776
    assert last["temp"].null_count() == last["wind_speed"].null_count() == 776
    assert delay.filter(pl.col("date") < date(2013, 12, 30))["temp"].is_null().mean() < 0.005


def test_the_share_of_early_arrivals_more_than_doubles_between_months(joined):
    status = joined("arrival-status")
    actual = by_month(status, (pl.col("status_actual") == "early").mean())
    assert (min(actual.values()), max(actual.values())) == pytest.approx((0.25, 0.54), abs=0.01)
    predicted = by_month(status, (pl.col("status_predicted") == "early").mean())
    assert max(predicted.values()) - min(predicted.values()) > 0.15


def test_pushback_late15_stays_healthy(joined):
    auc = auc_by_month(joined("pushback-late15", "pushed_back_at"))
    assert all(0.87 < value < 0.95 for value in auc.values())


def test_cape_islands_has_scored_nothing_since_25_october(joined):
    islands = joined("cape-islands")
    assert islands.height == 486
    assert islands["date"].min() == date(2013, 5, 16)
    assert islands["date"].max() == date(2013, 10, 25)
    assert set(islands["dest"]) == {"ACK", "MVY"}


def test_release_is_recommended_far_less_often_for_black_people(demo):
    cases = pl.read_parquet(demo / "predictions" / "release-decision" / "*.parquet")
    assert cases.height == 5226
    released = (pl.col("recommended") == "released").mean()
    rates = dict(cases.group_by("colour").agg(released).iter_rows())
    assert 0.58 < rates["black"] < 0.64
    assert 0.75 < rates["white"] < 0.80
    yearly = cases.group_by(pl.col("decided_at").dt.year(), "colour").agg(released.alias("rate"))
    gaps = yearly.pivot("colour", index="decided_at", values="rate").select(pl.col("white") - pl.col("black"))
    assert gaps.height == 6
    assert gaps.to_series().min() > 0.08
