"""The portfolio with monitors: alerts in every state, a retraining request, and messages that got stuck."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from core.alerts import standing
from core.entities import Actor, Alert, AlertEvent, Episode, ModelStatus, Severity, Target
from core.store import Store, alerts, audit, models, outbox, references, retraining, status
from tests.pages import portfolio

NOW = portfolio.NOW
MONITORS = [
    {"metric": "drift", "columns": "all", "threshold": "auto", "for": "2 windows", "severity": "warning"},
    {"name": "auc-floor", "metric": "roc_auc", "below": {"warning": 0.7, "critical": 0.69},
     "for": "3 windows", "then": "request_retraining"},
    {"metric": "missing_share", "columns": ["wind"], "above": 0.5, "severity": "critical"},
    {"name": "parity", "metric": "demographic_parity_difference", "protected": "sex", "above": 0.1},
]  # fmt: skip
# The ids, in the order of `episodes`.
DRIFT, CARRIER, AUC, WIND, PARITY, SCORE, SILENT, OLD, GAP = range(1, 10)


def watch(store: Store) -> None:
    """Give the portfolio monitors and what they found."""
    declared = portfolio.declared(
        "delay-30", segments=("origin",), protected=("sex",), pca=True, monitors=MONITORS,
        description="Late by more than 30 minutes?",
    )  # fmt: skip
    with store.write() as c:
        models.put(c, declared, text="model: delay-30\n", now=NOW - timedelta(days=100))
        admin = Actor("admin@example.com", "cli")
        for action in ("registered", "changed"):
            audit.append(c, admin, f"model.{action}", "model:delay-30", after={"risk_tier": 2}, ts=NOW)
        early = portfolio.FIRST + timedelta(days=2)
        earlier = references.Reference("delay-30", "reference-0", False, None, None, 0, early)
        current = references.current(c, "delay-30")
        references.put(c, earlier)
        assert current is not None
        references.put(c, replace(current, created_at=early + timedelta(days=95)))
        for model, episode, message in episodes():
            kept = alerts.add(c, Alert(0, model, episode, message))
            alerts.happened(c, AlertEvent(kept.id, episode.opened_at, "steward", "opened", message))
        _attended(c)
        auc = alerts.get(c, AUC)
        assert auc is not None
        text = "ROC AUC below 0.69 for 3 windows"
        at = auc.episode.opened_at
        retraining.propose(c, "delay-30", "auc-floor", text=text, evidence={"value": 0.68}, at=at, alert=AUC)
        refresh(c)
    _messages(store)


def episodes() -> list[tuple[str, Episode, str]]:
    """Return each episode with its model and message."""
    days = [start for start, _ in portfolio.windows()]

    def episode(
        monitor: str, target: Target, severity: str, first: int, last: int, value: float, threshold: float,
        side: str = "above", needed: int = 1, ended: int | None = None, why: str | None = None,
    ) -> Episode:  # fmt: skip
        opened = days[first + needed - 1] + timedelta(days=1, hours=1)
        resolved = None if ended is None else days[ended] + timedelta(days=1, hours=1)
        judged = days[last] + timedelta(days=1, hours=1)
        known = (Severity(severity), days[first], days[last], opened, judged, value, threshold, side)
        return Episode(monitor, target, *known, resolved_at=resolved, closed_reason=why)

    end = len(days) - 3  # the last day that is closed: the one after it waits for its grace
    drift, auc = Target("drift", "temp"), Target("roc_auc")
    silence = episode("freshness", Target("freshness"), "warning", 0, 0, 1623.0, 48.0)
    last_row = datetime(2013, 10, 25, 14, tzinfo=UTC)
    silence = replace(
        silence, first_window=last_row, last_window=last_row, opened_at=last_row + timedelta(hours=48),
        judged_at=NOW,
    )  # fmt: skip
    august = datetime(2013, 8, 5, 4, tzinfo=UTC)
    gap = replace(
        silence, first_window=august, last_window=august, opened_at=august + timedelta(hours=48), value=168.0,
        judged_at=august + timedelta(days=7), resolved_at=august + timedelta(days=8),
        closed_reason="recovered",
    )  # fmt: skip
    by_hand = "resolved by ada@example.com: the new carrier mix is intended"
    return [
        ("delay-30", episode("drift", drift, "warning", 80, 290, 0.31, 0.19, "above", 2, 292, "recovered"),
         "Drift in location of temp: 0.31, above its usual 0.19"),
        ("delay-30", episode("drift", Target("drift", "carrier"), "warning", 300, end, 0.089, 0.08,
                             "above", 2), "Drift of carrier 0.089, above 0.08 for 2 windows"),
        ("delay-30", episode("auc-floor", auc, "critical", end - 20, end - 3, 0.682, 0.69, "below", 3),
         "ROC AUC 0.682, below 0.69 for 3 windows"),
        ("delay-30", episode("missing_share-wind", Target("missing_share", "wind"), "critical", end, end,
                             0.998, 0.5), "99.8% of wind missing, above 50%"),
        ("delay-30", episode("parity", Target("demographic_parity_difference", "sex"), "warning", 200, end,
                             0.17, 0.1), "Demographic parity difference by sex 0.17, above 0.1"),
        ("delay-30", episode("drift", Target("drift", "probability"), "warning", 100, 150, 0.25, 0.12,
                             "above", 2, 151, by_hand), "Drift of probability 0.25, above 0.12"),
        ("cape-islands", silence, "No predictions for 1,623 hours, allowed are 48"),
        ("eta-air-time", episode("mae", Target("mae"), "warning", 3, 9, 9.5, 9.0, "above", 1, 12,
                                 "recovered"), "Mean absolute error 9.5, above 9"),
        ("delay-30", gap, "No predictions for 168 hours, allowed are 48"),
    ]  # fmt: skip


def _attended(c: sa.Connection) -> None:
    """What people did: snoozed the carriers, took on and assigned the gap, resolved the score."""
    day = timedelta(days=1)
    snoozed = alerts.get(c, CARRIER)
    parity = alerts.get(c, PARITY)
    assert snoozed is not None and parity is not None
    why = "a new airline flies since November"
    rest = NOW + 20 * day
    alerts.put(c, replace(snoozed, snoozed_until=rest, snooze_reason=why))
    taken = {"acknowledged_at": NOW - 9 * day, "acknowledged_by": "bob@example.com"}
    alerts.put(c, replace(parity, **taken, assigned_to="ada@example.com"))
    for alert, at, actor, event, detail in (
        (CARRIER, NOW - 5 * day, "ada@example.com", "snoozed", f"until 21 Jan 2014 05:00 UTC: {why}"),
        (AUC, NOW - 8 * day, "steward", "escalated", "ROC AUC 0.688, below 0.69"),
        (PARITY, NOW - 9 * day, "bob@example.com", "acknowledged", None),
        (PARITY, NOW - 9 * day, "bob@example.com", "assigned", "ada@example.com"),
        (SCORE, NOW - 200 * day, "ada@example.com", "resolved", "the new carrier mix is intended"),
        (DRIFT, NOW - 70 * day, "steward", "resolved", "recovered"),
    ):
        alerts.happened(c, AlertEvent(alert, at, actor, event, detail))


def refresh(c: sa.Connection) -> None:
    """Let the alerts into the status of every model that a monitor judges."""
    for slug in ("delay-30", "cape-islands", "eta-air-time"):
        known = status.get(c, slug)
        assert isinstance(known, ModelStatus)
        judged = replace(
            known, rules="1", condition=known.state, condition_since=known.since,
            condition_reasons=known.reasons,
        )  # fmt: skip
        unresolved = alerts.of_model(c, slug, ended=False)
        status.put(c, standing(judged, unresolved, NOW))


def _messages(store: Store) -> None:
    """Queue four messages: one waits, one was sent, two are dead letters."""
    with store.write() as c:
        for channel, model in (("ml-oncall", "delay-30"), ("ml-oncall", "delay-30"), ("audit-hook", None),
                               ("audit-hook", "cape-islands")):  # fmt: skip
            outbox.add(c, channel, "alerts" if model else "digest", {"alerts": []}, model=model)
    with store.read() as c:
        *dead, sent, waiting = outbox.every(c)
    outbox.sent(store, sent)
    for message in dead:
        outbox.failed(store, message, "answered 410 Gone; is the address still right?", None)
    later = datetime.now(UTC) + timedelta(minutes=10)
    outbox.failed(store, waiting, "timed out after 10 s", later)
