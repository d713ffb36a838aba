"""A limit on how long a statement may run, for people who wait for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from core.errors import LogError

REPEAT_S = 0.1


@contextmanager
def deadline(connection: duckdb.DuckDBPyConnection, seconds: float, advice: str) -> Iterator[None]:
    """Stop what the block reads on the connection after so many seconds.

    Raises
    ------
    LogError
        If the time was up; it ends with the advice.
    """
    over, late = threading.Event(), threading.Event()

    def watch() -> None:
        if over.wait(seconds):
            return
        late.set()
        # An interrupt between two statements is lost: it is sent until the block gives up.
        connection.interrupt()
        while not over.wait(REPEAT_S):
            connection.interrupt()

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    except (duckdb.Error, LogError) as error:
        if late.is_set():
            raise LogError(f"reading took longer than {seconds:g} s and was stopped; {advice}") from error
        raise
    finally:
        over.set()
        watching.join()
