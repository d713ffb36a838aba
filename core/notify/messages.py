"""What messages say: the facts of an outbox row become a letter for a person who decides in a minute."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from core.alert_text import subject
from core.entities import Message, Target
from core.notify import governance
from core.notify.letter import NAME, SENTENCE, SUBJECT, Entry, Letter, Section, plain
from core.notify.times import age, count, day, moment

LISTED = 20
_TARGET = tuple(field.name for field in fields(Target))
STATES = ("critical", "warning", "no_data", "learning", "healthy", "paused")
_EVENTS = {"escalated": "escalated", "opened": "opened", "reminder": "still open", "resolved": "resolved"}


def letter(message: Message, public_url: str | None) -> Letter:
    """Return what a message says.

    The subject ends with the first characters of the message's id, so that a repeat is recognised.

    Parameters
    ----------
    public_url : where people reach the dashboard; without it letters have no links
    """
    links = _Links(public_url)
    match message.kind:
        case "alerts" | "reminder":
            written = _alerts(message.payload, links)
        case "digest":
            written = _digest(message.payload, links)
        case "promotion":
            written = governance.promotion(message.payload, links.approval(message.payload["promotion"]))
        case "audit":
            written = governance.audit(message.payload, links.audit())
        case _:
            written = _test(message)
    short = message.message_id[:8]
    return Letter(
        subject=f"{plain(written.subject, SUBJECT)} [{short}]",
        intro=written.intro,
        sections=written.sections,
        links=written.links,
        footer=f"{written.footer} Message {short} of Steward to {message.channel}.".strip(),
        tone=written.tone,
    )


class _Links:
    """The dashboard's addresses, none where nobody said how people reach it."""

    def __init__(self, public_url: str | None) -> None:
        self._root = public_url.rstrip("/") if public_url else None

    def alert(self, identifier: int) -> str | None:
        return f"{self._root}/alert?id={identifier}" if self._root else None

    def model(self, slug: str) -> str | None:
        return f"{self._root}/model?model={quote(slug)}" if self._root else None

    def approval(self, identifier: int) -> str | None:
        return f"{self._root}/approvals?id={identifier}" if self._root else None

    def audit(self) -> str | None:
        return f"{self._root}/audit" if self._root else None

    def home(self) -> str | None:
        return f"{self._root}/" if self._root else None


def _alerts(facts: Mapping[str, Any], links: _Links) -> Letter:
    zone, model = ZoneInfo(facts["zone"]), plain(facts["model"])
    events = sorted(facts["events"], key=_urgency)
    entries = tuple(_event(event, facts, links) for event in events[:LISTED])
    rest = len(events) - LISTED
    team = f", team {plain(facts['team'])}" if facts.get("team") else ""
    page = links.model(facts["model"])
    first = (
        f"This was the first sweep of {model}: these alerts are what its history shows. "
        "From now on you hear of changes."
    )
    return Letter(
        subject=_subject(model, events, first_sweep=bool(facts.get("first_sweep"))),
        intro=(first,) if facts.get("first_sweep") else (),
        sections=(Section("", entries, f"And {rest:,} more." if rest > 0 else ""),),
        links=((f"All about {model}", page),) if page else (),
        footer=f"{model} belongs to {plain(facts['owner'])}{team}. {moment(facts['at'], zone)}.",
        tone=_tone(events[0]),
    )


def _subject(model: str, events: Sequence[Mapping[str, Any]], *, first_sweep: bool) -> str:
    worst = events[0]
    level = "Resolved" if worst["event"] == "resolved" else _level(worst)
    if first_sweep:
        return f"{level} {model}: {count(len(events), 'alert')} in its history so far"
    if len(events) == 1:
        still = "still open, " if worst["event"] == "reminder" else ""
        said = _what(worst) if worst["event"] == "resolved" else plain(worst["message"], SENTENCE)
        return f"{level} {model}: {still}{said}"
    happened = Counter(event["event"] for event in events)
    told = ", ".join(f"{happened[name]:,} {words}" for name, words in _EVENTS.items() if happened[name])
    return f"{level} {model}: {count(len(events), 'alert')}, {told}"


def _event(event: Mapping[str, Any], facts: Mapping[str, Any], links: _Links) -> Entry:
    zone, ended = ZoneInfo(facts["zone"]), event["event"] == "resolved"
    since, last = (day(event[name], zone) for name in ("first_window", "last_window"))
    if ended:
        reason = plain(event.get("closed_reason") or "", SENTENCE)
        span = since if since == last else f"{since} to {last}"
        when = f"It lasted from {span}." if since != last else f"It lasted one window, {span}."
        when = f"{when} Closed: {reason}." if reason else when
    else:
        until = "" if since == last else f", the last time in the window of {last}"
        open_for = (
            f" Open for {age(event['opened_at'], facts['at'])}." if event["event"] == "reminder" else ""
        )
        when = f"Since {since}{until}.{open_for}"
    message = plain(event["message"], SENTENCE).rstrip(".")
    said = f"Last breach: {message}." if ended else f"{message}."
    level = "Resolved" if ended else f"{_level(event)} {_EVENTS[event['event']]}"
    why = (f"Why: {plain(event['why'], SENTENCE)}",) if event.get("why") else ()
    return Entry(
        title=f"{level}: {_what(event)}",
        lines=(said, when, *why, f"Monitor {plain(event['monitor'])}, alert {event['alert']}."),
        link=links.alert(event["alert"]),
        tone=_tone(event),
    )


def _what(event: Mapping[str, Any]) -> str:
    """Say what is watched: the metric, its column, and the slice of the traffic."""
    return plain(subject(Target(**{name: event.get(name) or "" for name in _TARGET})), SENTENCE)


def _digest(facts: Mapping[str, Any], links: _Links) -> Letter:
    zone = ZoneInfo(facts["zone"])
    states = {state: names for state in STATES if (names := facts["states"].get(state))}
    counts = ", ".join(f"{len(names):,} {_state(state)}" for state, names in states.items()) or "none"
    models = count(sum(map(len, states.values())), "model")
    whose = f" for {plain(facts['who'])}" if facts["who"] else ""
    since = f"since {moment(facts['since'], zone)}"
    sections: tuple[Section, ...] = ()
    if facts["news"]:
        subject = f"{models}, {counts}; {count(len(facts['changes']), 'change')}"
        intro = tuple(
            f"{_state(state).capitalize()}: {_listed(names)}."
            for state, names in states.items()
            if state != "healthy"
        )
        sections = tuple(section for section in _digest_sections(facts, links, since) if section.entries)
    else:
        waiting = f" {count(facts['open'], 'alert')} open" if facts["open"] else ""
        waiting += f", the oldest for {age(facts['oldest'], facts['at'])}." if facts["oldest"] else ""
        subject, intro = "nothing new", (f"Nothing new {since}: {models} ({counts}).{waiting}",)
    home = links.home()
    return Letter(
        subject=f"Digest{whose}: {subject}",
        intro=intro,
        sections=sections,
        links=(("Dashboard", home),) if home else (),
        footer=f"Digest{whose}, {moment(facts['at'], zone)}.",
        tone=next((state for state in states if state in ("critical", "warning")), "info"),
    )


def _digest_sections(facts: Mapping[str, Any], links: _Links, since: str) -> tuple[Section, ...]:
    changes, alerts, requests = facts["changes"], facts["alerts"], facts["requests"]
    resolved = f" {count(facts['resolved'], 'alert')} resolved." if facts["resolved"] else ""
    return (
        Section(
            f"What changed {since}.{resolved}",
            tuple(_change(change, links) for change in changes[:LISTED]),
            _more(len(changes)),
        ),
        Section(
            f"Open alerts ({facts['open']:,}), the worst and oldest first",
            tuple(_open(alert, facts["at"], links) for alert in alerts[:LISTED]),
            _more(facts["open"]),
        ),
        Section(
            f"Retraining requests ({len(requests):,})",
            tuple(_request(request, facts["at"], links) for request in requests[:LISTED]),
            _more(len(requests)),
        ),
    )


def _change(change: Mapping[str, Any], links: _Links) -> Entry:
    before, after = (_state(change[name]) if change[name] else "not watched" for name in ("before", "after"))
    tone = change["after"] if change["after"] in ("critical", "warning") else "info"
    reason = plain(change["reason"] or "", SENTENCE)
    return Entry(
        f"{plain(change['model'])}: {before} → {after}",
        (reason,) if reason else (),
        links.model(change["model"]) if change["after"] else None,
        tone,
    )


def _open(alert: Mapping[str, Any], at: str, links: _Links) -> Entry:
    state = "" if alert["state"] == "open" else f", {alert['state']}"
    by = f" by {plain(alert['by'])}" if alert["by"] else ""
    title = f"{age(alert['opened_at'], at)}: {_level(alert)} {plain(alert['model'])}{state}{by}"
    return Entry(title, (plain(alert["message"], SENTENCE),), links.alert(alert["alert"]), alert["severity"])


def _request(request: Mapping[str, Any], at: str, links: _Links) -> Entry:
    title = f"{plain(request['model'])}, asked {age(request['requested_at'], at)} ago"
    return Entry(title, (plain(request["text"], SENTENCE),), links.model(request["model"]))


def _test(message: Message) -> Letter:
    asked = f"{plain(message.payload['by'])} asked for it, {moment(message.payload['at'], ZoneInfo('UTC'))}."
    return Letter(
        subject=f"Test of the channel {plain(message.channel)}",
        intro=("If you can read this, Steward's messages reach you here.",),
        footer=asked,
    )


def _urgency(event: Mapping[str, Any]) -> tuple[bool, bool, str, int]:
    """Sort the worst first: what has ended comes last, and of equals the oldest leads."""
    ended = event["event"] == "resolved"
    return ended, event["severity"] != "critical", event["first_window"], event["alert"]


def _tone(event: Mapping[str, Any]) -> str:
    return "resolved" if event["event"] == "resolved" else str(event["severity"])


def _level(facts: Mapping[str, Any]) -> str:
    return "CRITICAL" if facts["severity"] == "critical" else "Warning"


def _state(state: str) -> str:
    return state.replace("_", " ")


def _more(n: int) -> str:
    return f"And {n - LISTED:,} more." if n > LISTED else ""


def _listed(names: Sequence[str]) -> str:
    rest = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return ", ".join(plain(name, NAME) for name in names[:LISTED]) + rest
