"""Ten million rows in one file: counted to the last one, in memory that does not grow with them."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.sweep.conftest import FIRST, Model

ROWS, DAYS = 10_000_000, 10
SWEEP = r"""
import json, re, sys
from datetime import datetime
from pathlib import Path
from core import monitoring
from core.settings import Workspace
from core.store import Store
store = Store(Workspace.open(sys.argv[1]))
result = monitoring.sweep(store, "loans", now=datetime.fromisoformat(sys.argv[2]), holder="here:1:test")
# Not ru_maxrss, which begins with the peak of the process that started this one.
status = Path("/proc/self/status").read_text()
peak_mb = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024
print(json.dumps({"rows": result.rows, "windows": result.windows, "peak_mb": peak_mb}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_ten_million_rows_in_one_file(sqlite_store, make_model) -> None:
    model: Model = make_model(sqlite_store)
    number = pl.int_range(ROWS, eager=True)
    step_us = DAYS * 86_400_000_000 // ROWS
    share = (number * 7919 % 10_007) / 10_007
    log = pl.select(
        at=(pl.lit(FIRST).dt.timestamp("us") + number * step_us).cast(pl.Datetime("us", "UTC")),
        score=share,
        actual=(number % 3 == 0).cast(pl.Int8),
        amount=share * 100,
    )
    model.write(log, "everything.parquet")
    model.declare(
        predictions={"path": "predictions/loans", "timestamp": "at", "score": "score", "actual": "actual"},
        features={"numeric": ["amount"]},
        reference={"period": ["2024-01-01", "2024-01-03"]},
    )
    now = (FIRST + timedelta(days=DAYS, hours=2)).isoformat()
    command = [sys.executable, "-c", SWEEP, str(sqlite_store.root), now]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert (found["rows"], found["windows"]) == (ROWS, DAYS)
    assert found["peak_mb"] < 600
    assert model.values("volume") == dict.fromkeys(range(DAYS), ROWS // DAYS)
    assert model.values("label_rate")[0] == 0.333334  # of a million rows
