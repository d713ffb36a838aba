"""The page Audit log: filters, one entry whole, certainty, and taking it out."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from core import auditing
from core.actions import audits
from core.entities import Actor
from core.errors import NotAllowed
from core.settings import Workspace
from core.store import Store, audit
from tests.pages.test_states import Open, open_page, said

__all__ = ["open_page"]
DAY = datetime(2026, 1, 2, 12, tzinfo=UTC)
ADA, EVE = Actor("ada@example.com", "ui"), Actor("eve@example.com", "token")
AUDITOR = Actor("aud@example.com", "ui", frozenset({"auditor"}))


@pytest.fixture
def logged(empty_workspace: Workspace, tmp_path) -> Iterator[Store]:
    """A store with entries of two people on two days, one of them hostile."""
    root = tmp_path / "logged"
    root.mkdir()
    (root / "steward.yaml").write_text("")
    store = Store(Workspace.open(root))
    store.migrate()
    with store.write() as c:
        audit.append(c, ADA, "model.registered", "model:delay-30", after={"risk_tier": 2}, ts=DAY)
        audit.append(
            *(c, EVE, "promotion.requested", "promotion:1"),
            reason="=1+1 <b>*bold*</b>",
            before={"state": "draft"},
            ts=DAY + timedelta(days=1),
        )
    yield store
    store.close()


def test_a_new_workspace_says_what_will_be_here(open_page: Open, empty_workspace: Workspace) -> None:
    assert "Nothing was done yet" in said(open_page(empty_workspace, "audit"))


def test_filters_live_in_the_address_and_no_match_says_so(open_page: Open, logged: Store) -> None:
    def shown(**address: str) -> list[int]:
        page = open_page(logged.workspace, "audit", **address)
        return page.dataframe[0].value["No."].to_list() if page.dataframe else []

    assert shown() == [2, 1]
    assert shown(who="ada@example.com") == shown(who="ada") == [1]
    assert shown(what="Promotions") == [2]
    assert shown(about="model:") == shown(about="delay-30") == [1]
    assert shown(since="2026-01-03") == [2]
    assert shown(until="2026-01-02") == [1]
    assert shown(before="2") == [1]
    assert shown(who="nobody") == []
    assert "None of the 2 entries matches" in said(open_page(logged.workspace, "audit", who="nobody"))


def test_the_page_says_how_sure_one_can_be(open_page: Open, logged: Store) -> None:
    assert "was never checked as a whole. Not anchored yet" in said(open_page(logged.workspace, "audit"))
    auditing.anchor(logged)
    auditing.check(logged)
    text = said(open_page(logged.workspace, "audit"))
    assert "2 entries were checked" in text and "are intact. Anchored to entry 2" in text
    assert "not signed: steward.yaml names no key" in text
    with logged.write() as c:
        audit.checked(c, audit.AuditReport("broken", 2, 1, "entry 2 was edited"), at=datetime.now(UTC))
    assert "The log is not whole. It is broken at entry 2: entry 2 was edited" in said(
        open_page(logged.workspace, "audit")
    ).replace("**", "")


def test_it_is_checked_at_once_on_demand(open_page: Open, logged: Store) -> None:
    page = open_page(logged.workspace, "audit")
    next(each for each in page.button if each.label == "Check it now").click().run()
    assert "2 entries were checked" in said(page)


def test_an_export_is_an_entry_and_a_spreadsheet_calculates_nothing_from_it(logged: Store) -> None:
    rows = audits.export(logged, AUDITOR, "csv", action="promotion.").decode().splitlines()
    assert rows[0].startswith("seq,ts,actor")
    assert "'=1+1 <b>*bold*</b>" in rows[1]
    with logged.read() as c:
        newest = audit.entries(c, limit=1)[0]
    assert (newest.actor, newest.action) == (AUDITOR.id, "audit.exported")
    assert newest.after == {"format": "csv", "entries": 1, "action": "promotion."}
    with pytest.raises(NotAllowed, match="may not take the audit log out; ask an admin for the role auditor"):
        audits.export(logged, Actor("ann@example.com", "ui", frozenset({"analyst"})), "csv")
