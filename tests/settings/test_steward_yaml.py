"""steward.yaml: what it may say, and what it says about a mistake."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import DeclarationError, PathError
from core.settings import Workspace, initialise
from core.steward_yaml import TEMPLATE, Webhook


@pytest.fixture(autouse=True)
def no_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STEWARD_AUTH", raising=False)


def opened(folder: Path, text: str) -> Workspace:
    (folder / "steward.yaml").write_text(text, encoding="utf-8")
    return Workspace.open(folder)


def test_a_new_workspace_has_commented_settings_and_its_folders(tmp_path):
    workspace = initialise(tmp_path / "new")
    assert (workspace.root / "steward.yaml").read_text(encoding="utf-8") == TEMPLATE
    assert {"models", "predictions", "labels"} <= {path.name for path in workspace.root.iterdir()}
    assert workspace.database_url == f"sqlite:///{workspace.root}/registry.db"


def test_every_commented_key_of_a_new_workspace_is_accepted_when_uncommented(tmp_path, monkeypatch):
    for name in ("DB_PASSWORD", "SLACK_TOKEN", "HOOK_SECRET"):
        monkeypatch.setenv(name, "x")
    lines = [line.removeprefix("# ") for line in TEMPLATE.splitlines() if line.startswith(("# ", "#   "))]
    keys = (
        "database_url",
        "clock",
        "public_url",
        "auth",
        "roots",
        "channels",
        "digests",
        "commands",
        "retention",
    )
    text = "\n".join(line for line in lines if line.startswith((*keys, "  ")))
    settings = opened(tmp_path, text).settings
    assert set(keys) == settings.model_fields_set
    assert settings.retention.statistics == timedelta(days=3 * 366)
    assert isinstance(settings.channels["audit-hook"], Webhook)


def test_making_a_workspace_twice_changes_nothing(tmp_path):
    initialise(tmp_path)
    (tmp_path / "steward.yaml").write_text("public_url: https://steward.example.com\n")
    assert initialise(tmp_path).settings.public_url == "https://steward.example.com"


def test_a_folder_without_settings_says_how_to_make_a_workspace(tmp_path):
    with pytest.raises(
        PathError, match=f"{tmp_path} is no workspace.*run: steward init --workspace {tmp_path}"
    ):
        Workspace.open(tmp_path)


def test_the_clock_is_real_unless_it_is_fixed(tmp_path):
    before = datetime.now(UTC)
    assert before <= opened(tmp_path, "").now() <= datetime.now(UTC)
    fixed = opened(tmp_path, "clock: {fixed: 2014-01-01T00:00:00-05:00}")
    assert fixed.now() == datetime(2014, 1, 1, 5, tzinfo=UTC)


def test_secrets_come_from_the_environment_and_are_not_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("DB_PASSWORD", "s3cret")
    workspace = opened(tmp_path, "database_url: postgresql://steward:${DB_PASSWORD}@db/steward")
    assert workspace.database_url == "postgresql://steward:s3cret@db/steward"
    assert "s3cret" not in repr(workspace)


def test_a_mistake_in_a_secret_is_told_without_the_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("HOOK", "s3cret")
    with pytest.raises(DeclarationError) as error:
        opened(tmp_path, "channels: {audit: {webhook: '${HOOK}', secret: '${HOOK}'}}")
    assert "channels.audit.webhook: '${HOOK}' is no address" in str(error.value)
    assert "s3cret" not in str(error.value)


def test_the_environment_chooses_the_sign_in(tmp_path, monkeypatch):
    monkeypatch.setenv("STEWARD_AUTH", "local")
    assert opened(tmp_path, "auth: {mode: single}").settings.auth.mode == "local"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clok: real", "clok: unknown key; did you mean 'clock'?"),
        ("clock: unreal", "clock: 'unreal' is not allowed; did you mean 'real'?"),
        (
            "clock: {fixed: 2014-01-01 00:00:00}",
            "clock.fixed: 2014-01-01 00:00:00 has no zone; expected a time such as",
        ),
        ("auth: {mode: locl}", "auth.mode: 'locl' is not allowed; did you mean 'local'?"),
        ("auth: {mode: oidc}", "auth: mode is oidc but oidc is missing"),
        ("roots: /lake", "roots: '/lake' is no list; write [a, b]"),
        ("roots: ['']", "roots.0: is empty; write a value or leave the key out"),
        ("public_url: steward", "public_url: 'steward' is no address; expected https://…"),
        ("channels: {ops: 5}", "channels.ops: 5 is no text; write it in quotes"),
        ("channels: {a b: mailto://x}", "'a b' is no name; expected up to 63 letters"),
        (
            "channels: {ops: 'slack://${NO_TOKEN}'}",
            "channels.ops: the environment variable NO_TOKEN is not set",
        ),
        ("digests: [{channel: ops, at: 0 8 * * *}]", "digests: 'ops' is no channel; none is declared"),
        ("digests: [{channel: ops, at: 0 80 * * *}]", "digests.0.at: '80' is no hour of the cron line"),
        (
            "digests: [{channel: ops, at: 0 8 * * *, scope: me}]",
            "digests.0.scope: 'me' is no scope; expected all",
        ),
        ("commands: {train: {run: []}}", "commands.train.run: [] is too short; expected at least 1"),
        ("commands: {train: python}", "commands.train: 'python' is not allowed; expected keys below it"),
        (
            "retention: {ledger: long}",
            "retention.ledger: 'long' is no duration; write a number and s, m, h, d or w",
        ),
        ("clock: real\nclock: real", "line 2: the key 'clock' stands twice; keep one"),
        ("clock: [", "line 1: expected the node content"),
        ("- clock", "holds ['clock']; expected lines of the form key: value"),
    ],
)
def test_a_mistake_names_file_key_value_and_expectation(tmp_path, text, message):
    with pytest.raises(DeclarationError) as error:
        opened(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path}/steward.yaml: ")
    assert message in str(error.value)
