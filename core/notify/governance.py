"""Letters about decisions: a promotion that waits or was decided, and an audit log that is not whole."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from core.notify.letter import SENTENCE, Entry, Letter, Section, plain
from core.notify.times import age, moment

_HAPPENED: Mapping[str, tuple[str, str]] = {
    "awaiting_approval": ("waits for a decision", "warning"),
    "reminder": ("still waits", "warning"),
    "approved": ("is approved", "resolved"),
    "asked_back": ("was returned with a question", "warning"),
    "rejected": ("was rejected", "critical"),
    "expired": ("expired", "warning"),
    "invalidated": ("is void", "warning"),
    "executed": ("is in production", "resolved"),
}
_LISTED = 12


def promotion(facts: Mapping[str, Any], link: str | None) -> Letter:
    """Return what a message about a promotion says: what is asked, what it rests on, what to do."""
    zone = ZoneInfo(facts["zone"])
    happened, tone = _HAPPENED[facts["event"]]
    model = plain(facts["model"])
    team = f", team {plain(facts['team'])}" if facts["team"] else ""
    return Letter(
        subject=f"{model} version {facts['version']} {happened}",
        intro=tuple(filter(None, (_what(facts), _next(facts, zone)))),
        sections=(_checks(facts),) if facts["event"] in ("awaiting_approval", "reminder") else (),
        links=(("See it and decide" if facts["state"] == "awaiting_approval" else "See it", link),)
        if link
        else (),
        footer=f"{model} belongs to {plain(facts['owner'])}{team}. {moment(facts['at'], zone)}.",
        tone=tone,
    )


def audit(facts: Mapping[str, Any], link: str | None) -> Letter:
    """Return what a message about a chain that is not whole says."""
    after = "after" if facts["state"] == "truncated" else "at"
    return Letter(
        subject=f"CRITICAL the audit log is {plain(facts['state'])} {after} entry {facts['seq']}",
        intro=(
            f"The daily check found: {plain(facts['problem'] or '', SENTENCE)}.",
            "Somebody changed the registry database past Steward, or it was restored from an older copy. "
            "Keep the database and the anchors as they are, and find out who could write them; "
            "`steward audit verify` repeats the check.",
        ),
        links=(("The audit log", link),) if link else (),
        footer=f"Checked {moment(facts['at'], ZoneInfo('UTC'))}.",
        tone="critical",
    )


def _what(facts: Mapping[str, Any]) -> str:
    asked = f"{plain(facts['requested_by'])} asked for it to go to {plain(facts['environment'])}"
    note = f": {plain(facts['note'], SENTENCE)}" if facts["note"] else ""
    return f"Risk tier {facts['risk_tier']}. {asked}{note}."


def _next(facts: Mapping[str, Any], zone: ZoneInfo) -> str:
    by, reason = plain(facts["by"]), plain(facts["reason"] or "", SENTENCE).rstrip(".")
    seats = " and ".join(" or ".join(seat) for seat in facts["seats"])
    until = f" It ends {moment(facts['expires_at'], zone)}." if facts["expires_at"] else ""
    match facts["event"]:
        case "awaiting_approval":
            return f"It needs the approval of: {seats}.{until}"
        case "reminder" if facts["state"] == "awaiting_approval":
            waited = age(facts["since"], facts["at"])
            return f"Nobody said anything for {waited}. It needs the approval of: {seats}.{until}"
        case "reminder":
            return f"It is approved, and nobody released it for {age(facts['since'], facts['at'])}.{until}"
        case "approved":
            return f"Decided by {by}. An ML engineer can release it now.{until}"
        case "asked_back":
            return f"{by} asks: {reason}."
        case "executed":
            return f"Released by {by}."
    return f"{by}: {reason}." if reason else f"By {by}."


def _checks(facts: Mapping[str, Any]) -> Section:
    unmet = facts["unmet"]
    heading = f"The gate: {facts['passed']} checks passed"
    heading += f", {len(unmet)} to look at" if unmet else ", none left open"
    entries = tuple(
        Entry(
            f"{plain(each['name'])}: {plain(each['state'])}", (plain(each["text"], SENTENCE),), tone="warning"
        )
        for each in unmet[:_LISTED]
    )
    rest = len(unmet) - _LISTED
    return Section(heading, entries, f"And {rest} more." if rest > 0 else "")
