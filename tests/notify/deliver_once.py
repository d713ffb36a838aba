"""Run by test_deliver.py: one runner that sends what is due to the channel ops, and ends."""

import sys

from core.settings import Workspace
from core.store import Store, processes
from jobs.deliver import deliver

if __name__ == "__main__":
    store = Store(Workspace.open(sys.argv[1]))
    print(f"ready {deliver(store, processes.identity(), 'ops')}", flush=True)
    store.close()
