"""The commands that check the audit log, take it out, back a workspace up and stop models."""

import hashlib
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.settings import Workspace
from core.store import Store
from jobs.cli import main


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with one declared model whose log holds nothing yet."""
    root = tmp_path / "workspace"
    assert main(["init", "--workspace", str(root)]) == 0
    (root / "models" / "loans.yaml").write_text(
        "model: loans\nowner: o@example.com\ntask: regression\nrisk_tier: 3\n"
        "predictions: {path: predictions/loans, timestamp: at, prediction: p}\n"
    )
    assert main(["apply", "--workspace", str(root)]) == 0
    return root


def run(root: Path, *words: str) -> int:
    return main([*words, "--workspace", str(root)])


def test_verify_says_what_is_so_and_its_exit_code_agrees(root: Path, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    assert run(root, "audit", "verify") == 0
    assert capsys.readouterr().out == "intact: 1 entry, none anchored\n"
    assert run(root, "run", "--once") == 0
    capsys.readouterr()
    assert run(root, "audit", "verify", "--json") == 0
    assert json.loads(capsys.readouterr().out)["anchored"] == 2
    store = Store(Workspace.open(root))
    with store.write() as c:
        for name in ("update", "delete"):
            c.execute(sa.text(f"DROP TRIGGER audit_refuses_{name}"))
        c.execute(sa.text("DELETE FROM audit"))
        c.execute(sa.text(f"UPDATE audit_head SET seq = 0, hash = '{'0' * 64}'"))
    store.close()
    assert run(root, "audit", "verify") == 1
    assert capsys.readouterr().out == "truncated after 0: the last entry is 0, but 2 were written\n"


def test_exported_lines_can_be_checked_with_any_sha_256(root: Path, capsys: pytest.CaptureFixture[str]):
    for reason in ("one", "two"):
        run(root, "pause", "loans", "--reason", reason)
        run(root, "resume", "loans", "--reason", reason)
    capsys.readouterr()
    assert run(root, "audit", "list", "--action", "model.paused", "--json") == 0
    assert [each["reason"] for each in json.loads(capsys.readouterr().out)] == ["two", "one"]
    file = root / "log.jsonl"
    assert run(root, "audit", "export", str(file)) == 0
    lines = file.read_bytes().splitlines()
    for line, following in zip(lines, lines[1:], strict=False):
        assert json.loads(following)["prev_hash"] == hashlib.sha256(line).hexdigest()
    assert len(lines) == 5
    assert run(root, "audit", "export", str(file)) == 2  # it exists
    assert run(root, "audit", "export", str(root / "log.xlsx")) == 2
    assert "expected .jsonl or .csv" in capsys.readouterr().err


def test_a_key_signs_the_anchors_from_then_on(root: Path, capsys: pytest.CaptureFixture[str]):
    key = root.parent / "anchor.key"
    assert run(root, "audit", "keygen", str(key)) == 0
    (root / "steward.yaml").write_text(f"audit: {{key_file: {key}}}\n")
    assert run(root, "run", "--once") == 0
    anchor = json.loads((root / "anchors" / "anchors.jsonl").read_text())
    assert anchor["signature"] and anchor["seq"] == 2
    capsys.readouterr()
    assert run(root, "audit", "verify") == 0
    assert capsys.readouterr().out == "intact: 2 entries, the first 2 anchored\n"


def test_backup_restore_pause_and_remove_say_what_they_did(root: Path, capsys: pytest.CaptureFixture[str]):
    assert run(root, "pause", "loans", "--reason", "the feed moves") == 0
    assert run(root, "backup", str(root.parent / "b.tar.gz")) == 0
    assert run(root, "remove", "loans", "--reason", "not wanted") == 0
    assert run(root.parent / "again", "restore", str(root.parent / "b.tar.gz")) == 0
    told = capsys.readouterr().out
    assert "go on with: steward resume loans" in told
    assert "loans is in the archive" in told
    assert "Its audit log is intact: 2 entries, none anchored." in told
    assert run(root, "status", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert run(root.parent / "again", "status", "--json") == 0
    assert [each["state"] for each in json.loads(capsys.readouterr().out)] == ["paused"]
