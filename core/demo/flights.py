"""The five models about New York's flights: what each asks, learns from and hears back the next morning."""

from collections.abc import Callable, Mapping

import polars as pl

from core.demo.recording import END_OF_YEAR, Recording, daily_feed, daily_logs, serving
from core.demo.sources import NEW_YORK, WEATHER
from core.demo.training import Estimator, classifier, matrix, predictions, regressor

CLASSES = ("disrupted", "early", "late", "on_time")
ROUTE = ("origin", "dest", "carrier")
PLAN = ("hour", "distance")
SCHEDULE = (*ROUTE, *PLAN)
# The inputs of delay-30.
DELAY_CATEGORIES, DELAY_NUMBERS = (*ROUTE, "weekday"), (*PLAN, *WEATHER)

PUSHBACK_NUMBERS = (*PLAN, "dep_delay")

SCORED_AT = pl.col("scheduled_at").dt.offset_by("-2h").alias("scored_at")
_LOCAL_DEPARTURE = pl.col("departed_at").dt.convert_time_zone(NEW_YORK).dt.replace_time_zone(None)
PUSHED_BACK_AT = _LOCAL_DEPARTURE.alias("pushed_back_at")
_SERVED_BY = (pl.lit("1.0").alias("model_version"), pl.lit("champion").alias("variant"))
# When the outcome is known: of a cancelled flight by its schedule, of a diverted one by its departure.
_KNOWN_AT = pl.coalesce("landed_at", "departed_at", "scheduled_at").alias("known_at")

_CANCELLED = pl.col("dep_delay").is_null()
LATE_OR_CANCELLED = (pl.col("dep_delay") > 30) | _CANCELLED
_STATUS = (
    pl.when(pl.col("arr_delay").is_null()).then(pl.lit("disrupted"))
    .when(pl.col("arr_delay") < -10).then(pl.lit("early"))
    .when(pl.col("arr_delay") > 15).then(pl.lit("late"))
    .otherwise(pl.lit("on_time"))
)  # fmt: skip


def eta_air_time(flights: pl.DataFrame) -> Recording:
    """Minutes in the air, from the plan; of a cancelled flight the feed says that no air time will come."""
    air_time = pl.col("air_time")
    predicted = _ask(flights, air_time, regressor(3), categorical=ROUTE, numeric=PLAN)
    log = flights.select(
        "flight_id",
        SCORED_AT,
        *_SERVED_BY,
        predicted.to_series().round(2).alias("predicted_air_time"),
        *SCHEDULE,
    )
    log = serving(log, seed=1, answer=["predicted_air_time"], median_ms=12)
    outcome = pl.when(_CANCELLED).then(pl.lit("cancelled")).when(air_time.is_null()).then(pl.lit("diverted"))
    labels = flights.select(
        "flight_id",
        SCORED_AT,
        outcome=outcome.otherwise(pl.lit("landed")),
        air_time=air_time.cast(pl.Float64),
        landed_at="landed_at",
        known_at=_KNOWN_AT,
    )
    return Recording("eta-air-time", daily_logs(log, "scored_at"), daily_feed(labels, "known_at"))


def delay_30(flights: pl.DataFrame) -> Recording:
    """More than 30 minutes late, or cancelled? From schedule and weather, two hours ahead."""
    predicted = _ask(
        flights,
        LATE_OR_CANCELLED,
        classifier(len(DELAY_CATEGORIES)),
        categorical=DELAY_CATEGORIES,
        numeric=DELAY_NUMBERS,
    )
    log = flights.select(
        "flight_id",
        SCORED_AT,
        *_SERVED_BY,
        predicted.to_series().round(5).alias("probability"),
        *SCHEDULE,
        "weekday",
        *WEATHER,
    )
    log = serving(log, seed=2, answer=["probability"], median_ms=35)
    labels = flights.select("flight_id", late=LATE_OR_CANCELLED, landed_at="landed_at", known_at=_KNOWN_AT)
    return Recording("delay-30", daily_logs(log, "scored_at"), daily_feed(labels, "known_at"))


def arrival_status(flights: pl.DataFrame) -> Recording:
    """Early, on time, late or disrupted (cancelled, diverted)? From schedule and weather, two hours ahead."""
    shares = _ask(
        flights,
        _STATUS,
        classifier(3, iterations=20),
        categorical=("origin", "carrier", "weekday"),
        numeric=(*PLAN, *WEATHER),
    )
    shares = shares.rename(dict(zip(shares.columns, CLASSES, strict=True)))
    best = pl.concat_list(CLASSES).list.arg_max()
    log = flights.select("flight_id", SCORED_AT, *_SERVED_BY, *SCHEDULE, "weekday", *WEATHER).with_columns(
        shares.select(pl.lit(pl.Series(CLASSES)).gather(best).alias("status_predicted")).to_series(),
        *(shares[name].round(5).alias(f"p_{name}") for name in CLASSES),
    )
    answer = ["status_predicted", *(f"p_{name}" for name in CLASSES)]
    log = serving(log, seed=3, answer=answer, median_ms=60, cost_usd=0.0004)
    labels = flights.select(
        "flight_id",
        SCORED_AT,
        status_actual=_STATUS,
        landed_at="landed_at",
        known_at=_KNOWN_AT,
    )
    return Recording("arrival-status", daily_logs(log, "scored_at"), daily_feed(labels, "known_at"))


def pushback_late15(flights: pl.DataFrame) -> Recording:
    """Will it arrive more than 15 minutes late? Asked at the gate, logged in New York's local time."""
    left = flights.filter(PUSHED_BACK_AT < END_OF_YEAR)
    late = pl.col("arr_delay") > 15
    probability = _ask(left, late, classifier(3), categorical=ROUTE, numeric=PUSHBACK_NUMBERS).to_series()
    log = left.select(
        "flight_id",
        PUSHED_BACK_AT,
        *_SERVED_BY,
        probability.round(5).alias("probability"),
        (probability >= 0.5).alias("predicted_late"),
        "dep_delay",
        *SCHEDULE,
    )
    log = serving(log, seed=4, answer=["probability", "predicted_late"], median_ms=8)
    labels = left.select("flight_id", late=late, landed_at="landed_at", known_at=_KNOWN_AT)
    return Recording("pushback-late15", daily_logs(log, "pushed_back_at"), daily_feed(labels, "known_at"))


def cape_islands(flights: pl.DataFrame) -> Recording:
    """Delay-30 for the islands, learned from the short flights of the winter: none goes there before May."""
    islands = pl.col("dest").is_in(["ACK", "MVY"])
    short = flights.filter(islands | ((pl.col("month") <= 3) & (pl.col("distance") <= 300)))
    probability = _ask(
        short,
        LATE_OR_CANCELLED,
        classifier(2),
        categorical=("origin", "carrier"),
        numeric=(*PLAN, *WEATHER),
    ).to_series()
    short = short.with_columns(probability=probability.round(5)).filter(islands)
    local = SCORED_AT.dt.convert_time_zone(NEW_YORK).dt.replace_time_zone(None)
    log = short.select("flight_id", local, *_SERVED_BY, "probability", *SCHEDULE, *WEATHER)
    log = serving(log, seed=5, answer=["probability"], median_ms=30)
    labels = short.select("flight_id", late=LATE_OR_CANCELLED, landed_at="landed_at", known_at=_KNOWN_AT)
    return Recording("cape-islands", daily_logs(log, "scored_at"), daily_feed(labels, "known_at"))


FLIGHT_MODELS: Mapping[str, Callable[[pl.DataFrame], Recording]] = {
    "eta-air-time": eta_air_time,
    "delay-30": delay_30,
    "arrival-status": arrival_status,
    "pushback-late15": pushback_late15,
    "cape-islands": cape_islands,
}


def _ask(
    flights: pl.DataFrame,
    target: pl.Expr,
    make: Callable[[], Estimator],
    *,
    categorical: tuple[str, ...],
    numeric: tuple[str, ...],
) -> pl.DataFrame:
    """Train on January to March and return the answer for each flight: one column, or one per class."""
    answer = flights.select(target.alias("answer")).to_series()
    numbers = answer if answer.dtype == pl.String else answer.cast(pl.Float64)
    return pl.from_numpy(
        predictions(
            make,
            matrix(flights, categorical, numeric),
            numbers.to_numpy(),
            training=(flights["month"] <= 3).to_numpy(),
            known=answer.is_not_null().to_numpy(),
            block=flights["week"].to_numpy(),
        )
    )
