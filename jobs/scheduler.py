"""The job process: APScheduler only ticks; what is due, and who does it, lies in the store's own tables."""

import logging
import signal
import threading
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler

from core.settings import Workspace
from core.store import Store, processes
from jobs import housekeeping, retrain
from jobs.sweep import Workers, run_due

log = logging.getLogger("steward.jobs")


def main(workspace: Workspace) -> None:
    """Run the jobs until SIGTERM or SIGINT; a sweep that is under way ends first."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    store = Store(workspace)
    store.migrate()
    runner, workers = processes.identity(), Workers(workspace.root)
    scheduler = BackgroundScheduler(timezone=UTC)
    for job, arguments, seconds in (
        (housekeeping.beat, (store, runner), 15),
        (run_due, (workspace, workers, runner), 5),
        (housekeeping.publish, (store,), 60),
        (housekeeping.clean, (store,), 3600),
        (housekeeping.wake, (store,), 60),
        (retrain.request, (store,), 600),
    ):
        scheduler.add_job(
            job,
            "interval",
            seconds=seconds,
            args=arguments,
            next_run_time=datetime.now(UTC),
            # A tick that comes late still counts, and many late ones count once.
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
    log.info("runner %s sweeps %s", runner, workspace.root)
    scheduler.start()
    stopped.wait()
    scheduler.shutdown(wait=True)
    workers.close()
    store.close()
