"""The tab Users and tokens: what admins see and do there, what everybody else does."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.actions import sign_ins
from core.entities import Actor
from core.settings import Workspace
from core.store import Store, identities
from pages import _shared
from tests.identity.conftest import ADA, PASSWORD, user, with_session
from tests.pages.test_governance import button
from tests.pages.test_states import Open, open_page, said

__all__ = ["open_page"]


@pytest.fixture
def own(empty_workspace: Workspace, tmp_path: Path) -> Iterator[Store]:
    root = shutil.copytree(empty_workspace.root, tmp_path / "own")
    with (root / "steward.yaml").open("a") as settings:
        settings.write("\nauth: {mode: local}\n")
    store = Store(Workspace.open(root))
    user(store, ADA, "admin")
    user(store, "dora@example.com", "data_scientist", by=with_session(store, ADA))
    yield store
    store.close()


@pytest.fixture
def opened(open_page: Open, own: Store, monkeypatch: pytest.MonkeyPatch):
    def as_(address: str) -> AppTest:
        actor = with_session(own, address)
        monkeypatch.setattr(_shared, "asking", lambda: actor)
        return open_page(own.workspace, "system", part="Users and tokens")

    return as_


def field(at: AppTest, label: str):
    return next(w for w in [*at.text_input, *at.multiselect, *at.checkbox] if w.label == label)


def roles(store: Store, address: str) -> frozenset[str] | None:
    with store.read() as c:
        found = identities.get(c, address)
    return None if found is None else found.roles


def test_an_admin_makes_a_user_who_can_sign_in(opened, own: Store) -> None:
    at = opened(ADA)
    assert list(at.dataframe[0].value["User"]) == [ADA, "dora@example.com"]
    field(at, "E-mail address").set_value("Apu@example.com")
    field(at, "Roles").set_value(["approver"])
    field(at, "Password").set_value("short")
    button(at, "Make the user").click()
    at.run()
    assert "Nothing was changed" in said(at) and roles(own, "apu@example.com") is None
    field(at, "Password").set_value(PASSWORD)
    button(at, "Make the user").click()
    at.run()
    assert roles(own, "apu@example.com") == {"approver"}
    assert sign_ins.sign_in(own, "apu@example.com", PASSWORD)
    assert not any(each.value == PASSWORD for each in at.text_input)


def test_a_token_is_shown_once(opened, own: Store) -> None:
    at = opened("dora@example.com")
    field(at, "What it is for").set_value("ci")
    field(at, "Roles").set_value(["data_scientist"])
    button(at, "Make the token").click()
    at.run()
    secret = at.code[0].value
    assert sign_ins.by_token(own, secret).id == "dora@example.com"
    at.run()
    assert not at.code and list(at.dataframe[0].value["Token"]) == ["ci"]


def test_who_is_no_admin_sees_nothing_of_others(opened) -> None:
    at = opened("dora@example.com")
    assert "Users" not in [each.value for each in at.subheader]
    assert ADA not in said(at)


def test_somebody_changes_their_own_password_with_the_old_one(opened, own: Store) -> None:
    at = opened("dora@example.com")
    field(at, "Password until now").set_value("wrong password")
    field(at, "New password").set_value("a better password")
    button(at, "Change it").click()
    at.run()
    assert "not your password until now" in said(at)
    field(at, "Password until now").set_value(PASSWORD)
    button(at, "Change it").click()
    at.run()
    assert sign_ins.sign_in(own, "dora@example.com", "a better password")


def test_an_admin_without_the_role_any_more_changes_nothing(
    opened, own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = opened(ADA)
    field(at, "E-mail address").set_value("eve@example.com")
    field(at, "Password").set_value(PASSWORD)
    stranger = Actor(ADA, "ui", frozenset({"admin"}), "0" * 64)
    monkeypatch.setattr(_shared, "asking", lambda: stranger)
    button(at, "Make the user").click()
    at.run()
    assert roles(own, "eve@example.com") is None


def test_who_works_alone_is_told_what_that_is_worth(open_page: Open, empty_workspace: Workspace) -> None:
    for page in ({"page": "system", "part": "Users and tokens"}, {"page": "approvals"}):
        at = open_page(empty_workspace, page.pop("page"), **page)
        assert "four eyes cannot be enforced" in said(at)
