"""`steward users` and `tokens`, and what a command without a token may change where people sign in."""

import io
import json
from datetime import timedelta
from pathlib import Path

import pytest

from core.actions import sign_ins, tokens
from core.settings import Workspace, initialise
from core.store import Store, audit
from jobs.cli import main
from tests.identity.conftest import with_session

PASSWORD = "correct horse battery"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> Path:
    """A fresh workspace in which people sign in."""
    monkeypatch.delenv("STEWARD_TOKEN", raising=False)
    root = initialise(tmp_path / "workspace").root
    (root / "steward.yaml").write_text("auth: {mode: local}\n")
    assert main(["init", "--workspace", str(root)]) == 0
    capsys.readouterr()
    return root


def run(root: Path, monkeypatch: pytest.MonkeyPatch, *words: str, typed: str = "") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return main([*words, "--workspace", str(root)])


def token(root: Path, address: str, *roles: str) -> str:
    """A token as its owner would have made it on the page."""
    store = Store(Workspace.open(root))
    _, secret = tokens.create(
        store, with_session(store, address), name="terminal", roles=roles, lasts=timedelta(days=2)
    )
    store.close()
    return secret


def test_the_first_admin_is_made_at_the_machine_and_everybody_else_with_a_token(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    assert run(root, monkeypatch, "users", "list") == 0
    assert "steward users add ADDRESS --role admin" in capsys.readouterr().out
    first = ("users", "add", "Ada@example.com", "--role", "admin", "--name", "Ada L")
    assert run(root, monkeypatch, *first, typed=PASSWORD + "\n") == 0
    assert capsys.readouterr().out == "ada@example.com (local) is active: admin.\n"
    more = ("users", "add", "dora@example.com", "--role", "data_scientist")
    assert run(root, monkeypatch, *more, typed=PASSWORD + "\n") == 2
    assert "put a token of yours into STEWARD_TOKEN" in capsys.readouterr().err
    monkeypatch.setenv("STEWARD_TOKEN", token(root, "ada@example.com", "admin"))
    assert run(root, monkeypatch, *more, typed=PASSWORD + "\n") == 0
    assert run(root, monkeypatch, "users", "grant", "dora@example.com", "analyst") == 0
    assert run(root, monkeypatch, "users", "revoke", "dora@example.com", "data_scientist") == 0
    assert run(root, monkeypatch, "users", "passwd", "dora@example.com", typed="another password\n") == 0
    assert run(root, monkeypatch, "users", "disable", "dora@example.com", "--reason", "left") == 0
    assert run(root, monkeypatch, "users", "enable", "dora@example.com") == 0
    capsys.readouterr()
    assert run(root, monkeypatch, "users", "list", "--json") == 0
    told = {each["user"]: (each["state"], each["roles"]) for each in json.loads(capsys.readouterr().out)}
    assert told == {"ada@example.com": ("active", ["admin"]), "dora@example.com": ("active", ["analyst"])}
    assert run(root, monkeypatch, "users", "disable", "ada@example.com") == 2
    assert "the last active admin" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("apply",),
        ("approve", "1"),
        ("version", "register", "churn", "--name", "a"),
        ("release", "churn", "1"),
        ("rollback", "churn", "--reason", "x"),
        ("annotations", "add", "--all-models", "--from", "2014-01-01", "--to", "2014-01-02", "x"),
        ("tokens", "create", "x", "--role", "viewer"),
        ("tokens", "revoke", "1"),
    ],
)
@pytest.mark.parametrize("held", [None, "steward_forged"])
def test_without_a_token_that_holds_nothing_changes(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys, words: tuple[str, ...], held: str | None
):
    if held:
        monkeypatch.setenv("STEWARD_TOKEN", held)
    assert run(root, monkeypatch, *words) == 2
    assert "STEWARD_TOKEN" in capsys.readouterr().err
    assert run(root, monkeypatch, "status") == 0


def test_a_pipeline_has_tokens_of_its_own_that_end(root: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    first = ("users", "add", "ada@example.com", "--role", "admin")
    run(root, monkeypatch, *first, typed=PASSWORD + "\n")
    monkeypatch.setenv("STEWARD_TOKEN", token(root, "ada@example.com", "admin"))
    service = ("users", "add", "ci@example.com", "--service", "--role", "ml_engineer")
    assert run(root, monkeypatch, *service) == 0
    capsys.readouterr()
    create = ("tokens", "create", "deploys", "--role", "ml_engineer", "--for", "ci@example.com", "--json")
    assert run(root, monkeypatch, *create) == 2
    assert "outlasts" in capsys.readouterr().err
    assert run(root, monkeypatch, *create, "--days", "1") == 0
    assert json.loads(capsys.readouterr().out)["secret"].startswith("steward_")
    assert run(root, monkeypatch, "tokens", "list", "--json") == 0
    its, mine = json.loads(capsys.readouterr().out)
    assert (its["user"], its["roles"], "secret" in its) == ("ci@example.com", ["ml_engineer"], False)
    assert run(root, monkeypatch, "tokens", "revoke", str(mine["id"])) == 0
    assert run(root, monkeypatch, "tokens", "revoke", str(mine["id"])) == 2
    monkeypatch.delenv("STEWARD_TOKEN")
    capsys.readouterr()
    assert run(root, monkeypatch, "tokens", "list") == 0
    assert "ci@example.com" in (out := capsys.readouterr().out) and "ada@" not in out


def test_an_admin_who_forgot_the_password_is_helped_on_the_record(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    first = ("users", "add", "ada@example.com", "--role", "admin")
    run(root, monkeypatch, *first, typed=PASSWORD + "\n")
    recover = ("users", "passwd", "ada@example.com", "--recover")
    assert run(root, monkeypatch, *recover, typed="some other password\n") == 0
    store = Store(Workspace.open(root))
    assert sign_ins.sign_in(store, "ada@example.com", "some other password")
    with store.read() as c:
        said = audit.entries(c, entity="user:ada@example.com")
    store.close()
    assert ("user.recovered", "recovery") in {(entry.action, entry.actor) for entry in said}


def test_where_one_person_works_alone_there_are_no_users(tmp_path: Path, capsys):
    root = initialise(tmp_path / "alone").root
    main(["init", "--workspace", str(root)])
    assert main(["users", "add", "ada@example.com", "--role", "admin", "--workspace", str(root)]) == 2
    assert "auth mode 'single' has no users" in capsys.readouterr().err
