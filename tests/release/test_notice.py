"""Who has to decide hears of it: a message when a request waits, goes on or is stuck."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from core.actions import decisions, promotions, releases
from core.notify.letter import as_html, as_text
from core.notify.messages import letter
from core.store import Store, models, outbox
from core.store import promotions as stored
from jobs import reminders
from tests.release.conftest import APU, DORA, EMIL, NOW, Register, at, declaration

URL = "https://steward.example.com"


@pytest.fixture
def told(released: Store) -> Store:
    """The store, in which tier-2 tells the channel risk."""
    with released.write() as c:
        declared = declaration("tier-2", 2).model_copy(update={"notify": ("risk",)})
        models.put(c, declared, text="", now=NOW)
    return released


def messages(store: Store) -> list[str]:
    """What was queued, in order, as text."""
    with store.read() as c:
        queued = [each for each in outbox.every(c)[::-1] if each.kind == "promotion"]
    assert {each.channel for each in queued} <= {"risk"}
    return [
        letter(each, URL).subject.rpartition(" [")[0] + "\n" + as_text(letter(each, URL)) for each in queued
    ]


def test_approvers_hear_what_is_asked_on_what_and_where_to_decide(told: Store, register: Register):
    register(2, explainability="failed")
    promotions.request(told, "tier-2", 1, DORA, note="better in July")
    (text,) = messages(told)
    subject, first, second, *rest = text.splitlines()
    assert subject == "tier-2 version 1 waits for a decision"
    assert first == "Risk tier 2. dora@example.com asked for it to go to production: better in July."
    assert second.startswith("It needs the approval of: validator or approver. It ends Wed 15 Jan 2014")
    assert "explainability: warned" in rest
    assert f"See it and decide: {URL}/approvals?id=1" in rest


def test_everybody_hears_how_it_ended(told: Store, register: Register):
    register(2)
    asked = promotions.request(told, "tier-2", 1, DORA)
    decisions.ask_back(told, asked.id, APU, comment="and in winter?")
    asked = promotions.submit(told, asked.id, DORA)
    decisions.approve(told, asked.id, APU)
    releases.release(told, "tier-2", 1, EMIL)
    subjects = [text.splitlines()[0] for text in messages(told)]
    assert subjects == [
        "tier-2 version 1 waits for a decision",
        "tier-2 version 1 was returned with a question",
        "tier-2 version 1 waits for a decision",
        "tier-2 version 1 is approved",
        "tier-2 version 1 is in production",
    ]
    assert "apu@example.com asks: and in winter?." in messages(told)[1]


def test_a_model_without_channels_queues_nothing(released: Store, register: Register):
    register(3)
    promotions.request(released, "tier-3", 1, DORA)
    assert messages(released) == []


def test_what_is_written_by_people_is_no_markup(told: Store, register: Register):
    register(2)
    promotions.request(told, "tier-2", 1, DORA, note="<img src=x> <!channel> @here")
    with told.read() as c:
        written = letter(outbox.every(c)[0], URL)
    assert "<img" not in as_html(written)
    assert "@here" not in as_text(written)


def test_approvers_are_reminded_every_two_days_until_somebody_goes_on(told: Store, register: Register):
    def remind(days: float) -> int:
        now: datetime = NOW + timedelta(days=days)
        return reminders.remind_approvers(at(told, now), now)

    register(2)
    asked = promotions.request(told, "tier-2", 1, DORA)
    assert [remind(days) for days in (1.9, 2, 3.9, 4)] == [0, 1, 0, 1]
    assert "Nobody said anything for 2 days." in messages(told)[1]
    decisions.approve(told, asked.id, APU)
    assert [remind(days) for days in (5.9, 6)] == [0, 1]
    assert "It is approved, and nobody released it for 2 days." in messages(told)[-1]
    releases.release(told, "tier-2", 1, EMIL)
    assert remind(30) == 0
    with told.read() as c:
        assert stored.get(c, asked.id) == replace(stored.get(c, asked.id), state="executed")
