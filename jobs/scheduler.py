"""The job process: APScheduler only ticks; what is due, and who does it, lies in the store's own tables."""

import logging
import os
import signal
import socket
import threading
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler

from core.settings import Workspace
from core.store import Store, processes
from jobs import digests, housekeeping, logs, reminders, retrain
from jobs.deliver import Deliverer
from jobs.sweep import Workers, run_due

log = logging.getLogger("steward.jobs")

FINISH_S, LONGEST_STOP_S = 4.0, 8.0


def main(workspace: Workspace) -> None:
    """Run the jobs until SIGTERM or SIGINT, then end within ten seconds.

    A sweep or delivery that is under way has a few seconds to finish; cut off, it is done again by whoever
    runs next, with the same result.
    """
    logs.begin()
    asleep, waker = socket.socketpair()
    waker.setblocking(False)
    # The kernel may hand a signal to any thread: this one hears of it by a byte, where a lock might sleep on.
    signal.set_wakeup_fd(waker.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    store = Store(workspace)
    store.migrate()
    runner, workers = processes.identity(), Workers(workspace.root, logged=True)
    deliverer = Deliverer(store, runner)
    scheduler = BackgroundScheduler(timezone=UTC)
    for job, arguments, seconds in (
        (housekeeping.beat, (store, runner), 15),
        (run_due, (workspace, workers, runner), 5),
        (deliverer.tick, (), 5),
        (digests.make_due, (store,), 30),
        (reminders.remind, (store,), 60),
        (reminders.remind_approvers, (store,), 600),
        (housekeeping.publish, (store,), 60),
        (housekeeping.expire, (store,), 3600),
        (housekeeping.clean, (store,), 3600),
        (housekeeping.wake, (store,), 60),
        (retrain.request, (store,), 600),
        (housekeeping.govern, (store,), 600),
        (housekeeping.anchor, (store,), 60),
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
    asleep.recv(1)
    log.info("runner %s stops", runner)
    last_resort = threading.Timer(LONGEST_STOP_S, os._exit, (0,))  # what hangs is cut off, as by a kill
    last_resort.daemon = True
    last_resort.start()
    workers.stop(FINISH_S)
    scheduler.shutdown(wait=True)
    deliverer.close()
    store.close()
    signal.set_wakeup_fd(-1)
    asleep.close()
    waker.close()
