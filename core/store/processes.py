"""The names processes sign leases and claims with, and whether such a process has ended."""

import os
import socket
import uuid

import psutil


def identity() -> str:
    """Return a new name for this process: ``host:pid:uuid``."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"


def ended(name: str) -> bool:
    """Tell whether the named process is known to be gone; of another host's processes nothing is known."""
    host, pid, _ = name.rsplit(":", 2)
    return host == socket.gethostname() and not psutil.pid_exists(int(pid))
