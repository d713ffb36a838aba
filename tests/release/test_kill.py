"""Every command, killed at every write: all of it or nothing."""

import json
import subprocess
import sys
from pathlib import Path

from core.store import Store

PROGRAM = Path(__file__).with_name("killed_commands.py")
ROOT = PROGRAM.parents[2]


def test_a_command_that_is_killed_leaves_nothing_and_one_that_ends_leaves_all(released: Store):
    (released.root / "steward.yaml").write_text(
        (released.root / "steward.yaml").read_text() + "\nclock: {fixed: 2014-01-01T05:00:00+00:00}\n"
    )
    # On PostgreSQL, where looking at all tables takes longer, as far as the first request.
    last = "remove" if released.file else "request"
    command = [sys.executable, str(PROGRAM), str(released.root), last]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env={"PYTHONPATH": str(ROOT)}, check=False
    )
    assert ended.returncode == 0, ended.stderr
    deaths = dict(json.loads(ended.stdout))
    assert last in deaths and len(deaths) > 5
    assert all(count >= 4 for count in deaths.values()), deaths
