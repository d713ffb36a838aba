"""Run by test_statistics.py: write and publish a new generation, and be killed before the commit."""

import os
import signal
import sys

import polars as pl

from core.settings import Workspace
from core.store import Store, statistics

if __name__ == "__main__":
    root, frame = sys.argv[1:]
    store = Store(Workspace.open(root))
    name = statistics.write(store, "delay-30", "2013-04", "metrics", pl.read_parquet(frame))
    with store.write() as c:
        statistics.publish(c, "delay-30", "2013-04", "metrics", name)
        os.kill(os.getpid(), signal.SIGKILL)
