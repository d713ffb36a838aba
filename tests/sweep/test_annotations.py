"""What people say about a stretch of time mutes verdicts, leaves windows out of a reference, and can go."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from core import monitoring
from core.actions import annotations as annotation_actions
from core.entities import Actor, Annotation
from core.errors import Conflict, InputError, NotAllowed
from core.reconcile import MUTED
from core.store import Store, alerts, annotations, audit, due, references
from core.views import why_page
from tests.sweep.conftest import FIRST, MONITOR, Model, rows
from tests.sweep.test_alerts import kept, told, write

ADA = Actor("ada@example.com", "test", frozenset({"analyst"}))
DAN = Actor("dan@example.com", "test", frozenset({"data_scientist"}))
ROOT = Actor("root@example.com", "test", frozenset({"admin"}))


def at(day: float) -> datetime:
    return FIRST + timedelta(days=day)


def say(store: Store, start: float, end: float, who: Actor = ADA, model: str | None = "loans", **what):
    return annotation_actions.add(
        store, who, model=model, start=at(start), end=at(end), text="Black Friday", **what
    )


def standing(store: Store) -> list[Annotation]:
    with store.read() as c:
        return annotations.every(c)


def reference_id(model: Model) -> str:
    with model.store.read() as c:
        current = references.current(c, model.name)
    assert current is not None
    return current.reference_id


def pending(model: Model, day: float) -> bool:
    return monitoring.pending(model.store, model.name, now=at(day))


def test_a_mute_closes_the_alerts_of_its_windows_and_taking_it_back_opens_them_again(
    store: Store,
    make_watched,
) -> None:
    model = make_watched(store)
    for day in range(14):
        write(model, day, 0.2 if day == 13 else 0.0)
    model.sweep(14.1)
    assert model.status().state == "warning" and not pending(model, 14.2)
    muted = say(store, 13, 14, mute=True)
    assert pending(model, 14.2)
    model.sweep(14.2)
    (alert,) = kept(model)
    assert alert.episode.closed_reason == MUTED and model.status().state == "healthy"
    assert told(model) == [("ops", ["opened"]), ("ops", ["resolved"])]
    assert not pending(model, 14.3)
    annotation_actions.remove(store, muted.id, ADA)
    model.sweep(14.3)
    assert kept(model)[0].episode.resolved_at is None and model.status().state == "warning"
    with store.read() as c:
        happened = [(event.event, event.detail) for event in alerts.events(c, alert.id)]
    assert happened == [
        ("opened", None),
        ("corrected", MUTED),
        ("reopened", f"it was closed as {MUTED}"),
    ]


def test_a_mute_neither_extends_nor_breaks_a_row_of_windows(sqlite_store: Store, make_watched) -> None:
    model = make_watched(sqlite_store, (MONITOR | {"for": "2 windows"},))
    for day in range(19):
        write(model, day, 0.2 if day in (12, 14, 15, 16, 17, 18) else 0.0)
    say(sqlite_store, 13, 18, mute=True)  # five windows: more than may be missing without a word
    model.sweep(18.1)
    assert kept(model) == [], "what lies under the mute does not extend the row"
    model.sweep(19.1)
    (alert,) = kept(model)
    assert (alert.episode.first_window, alert.episode.opened_at) == (at(12), at(19) + timedelta(hours=1))


def test_a_mute_changes_no_verdict_elsewhere(sqlite_store: Store, make_watched) -> None:
    model = make_watched(sqlite_store)
    for day in range(20):
        write(model, day, 0.2 if day in (11, 15, 18) else 0.0)
    model.sweep(20.1)
    before = {alert.id: alert for alert in kept(model)}
    say(sqlite_store, 15, 15.5, mute=True)
    model.sweep(20.2)
    changed = [alert.episode.first_window for alert in kept(model) if alert != before[alert.id]]
    assert changed == [at(15)]


def test_silence_under_a_mute_does_not_count(sqlite_store: Store, make_watched) -> None:
    model = make_watched(sqlite_store, ({"metric": "freshness", "above": 30},))
    for day in range(12):
        write(model, day)
    model.sweep(12.1)
    say(sqlite_store, 12, 15, mute=True)
    model.sweep(15.1)
    assert kept(model) == []
    assert pending(model, 15 + 31 / 24)
    model.sweep(15 + 31 / 24)
    assert kept(model)[0].episode.opened_at == at(15) + timedelta(hours=30)


def test_a_reference_does_without_what_is_excluded(store: Store, model_of_reference: Model) -> None:
    model = model_of_reference
    before = reference_id(model)
    shifted = model.values("wasserstein", "amount")
    made = say(store, 3, 5, DAN, exclude_from_reference=True)
    assert pending(model, 15.2)
    model.sweep(15.2)
    assert reference_id(model) != before
    assert not pending(model, 15.3)
    with store.read() as c:
        kept_reference = references.current(c, model.name)
    assert kept_reference is not None and kept_reference.rows == 8 * 200
    after = model.values("wasserstein", "amount")
    assert after[12] < shifted[12], "the odd days no longer blur what is normal"
    annotation_actions.remove(store, made.id, DAN)
    model.sweep(15.4)
    assert reference_id(model) == before
    assert model.values("wasserstein", "amount") == pytest.approx(shifted)


@pytest.fixture
def model_of_reference(store: Store, make_model) -> Model:
    """A swept model, two of whose ten reference days lie far off."""
    model = make_model(store)
    for day in range(15):
        model.write(rows(day, shift=3.0 if day in (3, 4) else 0.0), f"{day:03}.parquet")
    model.sweep(15.1)
    return model


def test_an_exclusion_after_the_reference_changes_nothing(store: Store, model_of_reference: Model) -> None:
    before = reference_id(model_of_reference)
    say(store, 12, 13, DAN, exclude_from_reference=True)
    assert not pending(model_of_reference, 15.2)
    model_of_reference.sweep(15.2)
    assert reference_id(model_of_reference) == before


def test_half_of_a_reference_must_stay(sqlite_store: Store, model: Model) -> None:
    say(sqlite_store, 0, 3, DAN, exclude_from_reference=True)
    with pytest.raises(InputError, match="annotations leave 4 of its 10 windows from 1 Jan 2024"):
        say(sqlite_store, 2, 6, DAN, exclude_from_reference=True)
    assert len(standing(sqlite_store)) == 1


def test_a_reference_found_by_itself_takes_later_windows_instead(sqlite_store: Store, make_model) -> None:
    model = make_model(sqlite_store)
    model.declare(reference=None)
    for day in range(32):
        model.write(rows(day, 1000), f"{day:03}.parquet")
    say(sqlite_store, 3, 5, DAN, exclude_from_reference=True)
    model.sweep(29.1)
    with sqlite_store.read() as c:
        learning = references.current(c, model.name)
    assert learning is not None and not learning.frozen
    assert (
        model.status()
        .reasons[0]
        .startswith(
            "learning what is normal: 27 of 28 complete windows with at least 1,000 rows, 2 more are left out"
        )
    )
    model.sweep(32.1)
    with sqlite_store.read() as c:
        current = references.current(c, model.name)
    assert current is not None and (current.first_window, current.last_window) == (at(0), at(29))


def test_who_may_say_what(sqlite_store: Store, model: Model) -> None:
    for role in ("viewer", "auditor"):
        with pytest.raises(NotAllowed, match="may not annotate; ask an admin for the role analyst"):
            say(sqlite_store, 0, 1, Actor("eve@example.com", "test", frozenset({role})))
    with pytest.raises(NotAllowed, match="may not leave windows out of a reference"):
        say(sqlite_store, 0, 1, ADA, exclude_from_reference=True)
    with pytest.raises(NotAllowed, match="may not mute all models"):
        say(sqlite_store, 0, 1, DAN, None, mute=True)
    every = say(sqlite_store, 0, 1, ROOT, None, mute=True)
    with pytest.raises(NotAllowed):
        annotation_actions.remove(sqlite_store, every.id, ADA)
    assert say(sqlite_store, 0, 1, ADA, None).model is None
    with sqlite_store.read() as c:
        assert [each.id for each in annotations.every(c, "loans")] == [1, 2]


def test_what_makes_no_sense_is_refused(sqlite_store: Store, model: Model) -> None:
    with pytest.raises(InputError, match=r"'loan' is no registered model; .*loans"):
        say(sqlite_store, 0, 1, ADA, "loan")
    with pytest.raises(InputError, match=r"is not before"):
        say(sqlite_store, 1, 1)
    with pytest.raises(InputError, match=r"a mute of 91 days is too long"):
        say(sqlite_store, 0, 91, mute=True)
    with pytest.raises(InputError, match=r"in 1 to 500 characters"):
        annotation_actions.add(sqlite_store, ADA, model=None, start=at(0), end=at(1), text=" ")
    assert standing(sqlite_store) == []


def test_saying_twice_is_saying_once_and_two_people_do_not_take_back_the_same(
    sqlite_store: Store, model: Model
) -> None:
    made = say(sqlite_store, 0, 1)
    assert say(sqlite_store, 0, 1) == made and len(standing(sqlite_store)) == 1
    gone = annotation_actions.remove(sqlite_store, made.id, ADA)
    assert annotation_actions.remove(sqlite_store, made.id, ADA) == gone
    with pytest.raises(Conflict, match=r"annotation 1 was removed by ada@example.com just now; reload"):
        annotation_actions.remove(sqlite_store, made.id, DAN)
    with pytest.raises(InputError, match="there is no annotation 9"):
        annotation_actions.remove(sqlite_store, 9, DAN)
    with sqlite_store.read() as c:
        entries = audit.entries(c, entity="annotation:1")
        assert audit.verify(c).state == "intact"
    assert sorted(entry.action for entry in entries) == ["annotation.added", "annotation.removed"]
    assert [entry.actor for entry in entries] == ["ada@example.com"] * 2


def test_what_has_consequences_is_due_at_once(sqlite_store: Store, model: Model) -> None:
    model.sweep(15.1)
    with sqlite_store.write() as c:
        due.schedule(c, "loans", at(900_000))
    say(sqlite_store, 0, 1)
    with sqlite_store.read() as c:
        assert due.every(c)[0].due_at == at(900_000), "a note alone changes no verdict"
    made = say(sqlite_store, 11, 12, mute=True)
    with sqlite_store.read() as c:
        assert due.every(c)[0].due_at == made.made_at


def test_what_is_left_out_of_a_reference_is_not_judged_against_it(
    sqlite_store: Store, make_watched: Callable[..., Model]
) -> None:
    drift = {"metric": "drift", "columns": ["amount"], "threshold": "auto", "for": "1 window"}
    model = make_watched(sqlite_store, (drift,))
    for day in range(12):
        model.write(rows(day, shift=3.0 if day in (3, 4) else 0.0), f"{day:03}.parquet")
    say(sqlite_store, 3, 5, DAN, exclude_from_reference=True)
    model.sweep(12.1)
    assert kept(model) == []


def test_an_annotation_is_told_among_the_reasons_of_an_alert(
    sqlite_store: Store, make_watched: Callable[..., Model]
) -> None:
    model = make_watched(sqlite_store)
    for day in range(14):
        write(model, day, 0.2 if day == 13 else 0.0)
    say(sqlite_store, 11, 20)
    say(sqlite_store, 1, 2)
    model.sweep(14.1)
    page = why_page(sqlite_store, kept(model)[0].id)
    assert page is not None
    assert page.explanation.happened.rows() == [(at(11), "Black Friday")]
    assert page.explanation.verdict.endswith("Black Friday on 12 January 2024.")
