"""`steward channels` and what `steward check` says of channels and folders."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import Workspace
from core.store import Store, outbox, processes
from jobs.cli import main
from jobs.deliver import deliver

CHANNELS = "channels: {ops: 'slack://t0ken', disk: {folder: messages}}"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEWARD_WORKSPACE", str(tmp_path / "workspace"))
    assert main(["init"]) == 0
    (tmp_path / "workspace" / "steward.yaml").write_text(CHANNELS)
    return tmp_path / "workspace"


def deliver_to(root: Path, channel: str) -> None:
    store = Store(Workspace.open(root))
    deliver(store, processes.identity(), channel)
    store.close()


def test_channels_lists_each_with_its_last_delivery(root, capsys):
    assert main(["channels", "--test", "disk"]) == 0
    assert "A test message for disk is queued" in capsys.readouterr().out
    assert main(["channels", "--json"]) == 0
    ops, disk = json.loads(capsys.readouterr().out)
    assert (ops["channel"], ops["kind"], ops["waiting"], ops["last_sent"]) == ("ops", "slack", 0, None)
    assert (disk["kind"], disk["waiting"]) == ("folder", 1)
    deliver_to(root, "disk")
    main(["channels", "--json"])
    _, disk = json.loads(capsys.readouterr().out)
    assert disk["waiting"] == 0 and disk["last_sent"] and disk["error"] is None
    assert len(list((root / "messages").glob("*-test-*.html"))) == 1


def test_an_unknown_channel_is_answered_with_the_nearest_one(root, capsys):
    assert main(["channels", "--test", "disc"]) == 2
    assert "'disc' is no channel of steward.yaml; did you mean 'disk'?" in capsys.readouterr().err


def test_a_dead_letter_is_shown_with_the_command_that_sends_it_again(root, capsys):
    main(["channels", "--test", "disk"])
    (root / "steward.yaml").write_text("channels: {}")
    deliver_to(root, "disk")
    capsys.readouterr()
    assert main(["channels"]) == 0
    told = capsys.readouterr().out
    assert "not in steward.yaml" in told and "once more: steward channels --again 1" in told
    assert main(["channels", "--again", "1"]) == 0
    assert main(["channels", "--again", "1"]) == 2
    store = Store(Workspace.open(root))
    with store.read() as c:
        assert [message.state for message in outbox.every(c)] == ["pending"]
    store.close()


def test_without_channels_it_says_where_to_add_one(root, capsys):
    (root / "steward.yaml").write_text("")
    assert main(["channels"]) == 0
    assert "No channel is declared; add one to steward.yaml" in capsys.readouterr().out


def test_check_names_the_channel_that_cannot_work_and_not_its_secret(root, capsys):
    assert main(["check"]) == 2
    told = capsys.readouterr()
    assert "channels   ops (slack, not tested), disk (folder, not tested)" in told.out
    assert "steward.yaml: channels.ops: this slack:// address is none that Apprise takes" in told.out
    assert "t0ken" not in told.out + told.err


def test_check_names_folders_that_cannot_be_written(root, capsys, monkeypatch):
    (root / "steward.yaml").write_text("")
    (root / "statistics").mkdir()
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "statistics" not in str(path) and real(path, mode))
    assert main(["check"]) == 2  # root may write everywhere, so it is told that it may not
    assert f"{root / 'statistics'} cannot be written by this user" in capsys.readouterr().out


def test_running_jobs_send_what_is_queued_and_stop_when_told(root):
    main(["channels", "--test", "disk"])
    command = [sys.executable, "-m", "jobs.cli", "jobs", "--workspace", str(root)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(300):
            if list((root / "messages").glob("*-test-*.html")):
                break
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0 and "sent message 1 (test) to disk" in log and "Traceback" not in log
