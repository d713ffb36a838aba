"""The sweep job: sweep models in worker processes; one that fails never stops the others."""

import atexit
import logging
import os
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path

from core import monitoring
from core.entities import ModelStatus
from core.errors import LeaseHeld, StewardError
from core.schedule import next_run
from core.settings import Workspace
from core.store import Store, due, models, processes, status, sweeps
from jobs import logs

log = logging.getLogger("steward.sweep")

WORKERS = max(1, min(2, os.cpu_count() or 1))
CLAIMED_AT_ONCE = 16  # few enough that a second runner finds something to do
# BLAS threads would fight DuckDB's for the same cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@dataclass(frozen=True)
class Swept:
    """How the sweep of one model ended: done, `error`, or left to the runner that has its lease (`held`)."""

    model: str
    result: monitoring.SweepResult
    error: str | None = None
    held: bool = False


class Workers:
    """Worker processes for sweeps; when one dies, new ones are started and the other models go on."""

    def __init__(self, root: Path, *, logged: bool = False) -> None:
        self._root, self._logged = root, logged
        self._pool: ProcessPoolExecutor | None = None
        self.stopped = False

    def sweep(self, slugs: Sequence[str], now: datetime) -> Iterator[Swept]:
        """Sweep models side by side; results come in the order they end."""
        unfinished = set(slugs)
        for swept in self._attempt(slugs, now):
            unfinished.discard(swept.model)
            yield swept
        if self.stopped:  # whoever runs next has them
            return
        # One of these killed its worker, and the pool with it. Alone, it can only fail itself.
        for slug in sorted(unfinished):
            yield next(self._attempt([slug], now), None) or _died(self._root, slug, now)

    def close(self) -> None:
        """End the worker processes, each after the sweep it is in."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def stop(self, seconds: float) -> None:
        """End the worker processes for good; sweeps that take longer than `seconds` are cut off."""
        self.stopped = True
        if self._pool is None:
            return
        self._pool.shutdown(wait=False, cancel_futures=True)
        until = time.monotonic() + seconds
        for process in active_children():
            process.join(max(0.0, until - time.monotonic()))
            process.kill()

    def _attempt(self, slugs: Sequence[str], now: datetime) -> Iterator[Swept]:
        if self._pool is None:
            spawn = get_context("spawn")
            self._pool = ProcessPoolExecutor(WORKERS, spawn, initializer=_begin, initargs=(self._logged,))
        futures = [self._pool.submit(sweep_one, self._root, slug, now) for slug in slugs]
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenProcessPool:
                log.warning("a worker process died; starting new ones")
                self.close()
                return


def _begin(logged: bool) -> None:
    """Begin a worker: it logs as its parent does, and ends when that is gone, however it ended."""
    parent = parent_process()
    # Registered first, so it runs last: torn down further, DuckDB's binding would list its objects as leaked.
    atexit.register(os._exit, 0)
    if logged:
        logs.begin()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run_once(workspace: Workspace, slugs: Iterable[str], now: datetime) -> Iterator[Swept]:
    """Sweep these models, due or not; those with nothing new first, the others side by side."""
    store = _store(workspace.root)
    busy = []
    for slug in slugs:
        if _pending(store, slug, now):
            busy.append(slug)
        else:
            yield Swept(slug, monitoring.SweepResult(slug))
    if len(busy) == 1:  # not worth a worker's start
        yield sweep_one(workspace.root, busy[0], now)
    elif busy:
        workers = Workers(workspace.root)
        try:
            yield from workers.sweep(busy, now)
        finally:
            workers.close()


def run_due(workspace: Workspace, workers: Workers, runner: str) -> int:
    """Claim models that are due and sweep them, until none is left; return how many."""
    store, count = _store(workspace.root), 0
    while claimed := due.claim(store, runner, now := workspace.now(), CLAIMED_AT_ONCE):
        busy = [slug for slug in claimed if _pending(store, slug, now)]
        for slug in claimed:
            if slug not in busy:
                _give_back(store, slug, now, None)
        for swept in workers.sweep(busy, now):
            _give_back(store, swept.model, now, swept.error)
        count += len(claimed)
        if workers.stopped:
            break
    return count


def sweep_one(root: Path, slug: str, now: datetime) -> Swept:
    """Sweep one model; whatever goes wrong is logged, stored and returned, never raised."""
    store, started = _store(root), datetime.now(UTC)
    try:
        result = monitoring.sweep(store, slug, now=now, holder=processes.identity())
    except LeaseHeld as error:
        return Swept(slug, monitoring.SweepResult(slug), str(error), held=True)
    except Exception as error:
        return _failed(store, slug, now, started, error)
    if result.files or result.windows:
        counts = (result.files, result.windows, result.rows)
        log.info("swept %s: %d files, %d windows, %d rows", slug, *counts, extra={"model": slug})
    return Swept(slug, result)


def _pending(store: Store, slug: str, now: datetime) -> bool:
    try:
        return monitoring.pending(store, slug, now=now)
    except Exception:  # the sweep meets it too, and keeps it as the model's error
        return True


def _give_back(store: Store, slug: str, now: datetime, error: str | None) -> None:
    with store.write(shown=False) as c:
        model = models.get(c, slug)
        if model is not None:
            declared = model.declaration
            due.done(c, slug, next_run(declared.schedule, now, declared.zone), error)


def _died(root: Path, slug: str, now: datetime) -> Swept:
    error = StewardError("its worker process died, perhaps for lack of memory; see the system's log")
    return _failed(_store(root), slug, now, datetime.now(UTC), error)


def _failed(store: Store, slug: str, now: datetime, started: datetime, error: Exception) -> Swept:
    """Keep what went wrong, under an id that finds it in the log, and show it with the model."""
    error_id = uuid.uuid4().hex[:8]
    message = str(error) if isinstance(error, StewardError) else f"{type(error).__name__}: {error}"
    trace = None if isinstance(error, StewardError) else error  # where in our code helps only with our faults
    log.error("sweep of %s failed [%s]: %s", slug, error_id, message, exc_info=trace, extra={"model": slug})
    run = sweeps.SweepRun(slug, started, datetime.now(UTC), error=message, error_id=error_id)
    try:
        with store.write() as c:
            before = status.get(c, slug) or ModelStatus(slug, "no_data", now, ("its first sweep failed",))
            status.put(c, replace(before, error=f"{message} [{error_id}]"))
            sweeps.record(c, run)
    except StewardError:
        log.exception("the error of %s could not be stored", slug)
    return Swept(slug, monitoring.SweepResult(slug), f"{message} [{error_id}]")


@cache
def _store(root: Path) -> Store:
    store = Store(Workspace.open(root))
    atexit.register(store.close)
    return store
