"""What messages say, and that nothing stored in them is ever markup."""

import json
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from apprise.conversion import convert_between

from core.entities import Alert, Episode, Severity, Target
from core.notify import facts as stored
from core.notify.letter import as_html, as_text
from core.notify.messages import letter
from core.notify.routes import channels_of
from tests.notify.conftest import AT, URL, declared, event, facts, message

HOSTILE = "<!channel> <b>*x*</b> {{x}} <http://evil.example|click> @everyone\r\nBcc: a@example.com\x00\u202e"


def text_of(*events, **changes) -> str:
    return as_text(letter(message(facts(*events, **changes)), URL))


def subject_of(*events, **changes) -> str:
    return letter(message(facts(*events, **changes)), URL).subject


def test_a_message_says_what_since_when_how_much_and_where_to_look():
    told = text_of(event(segment="origin=JFK", version="3"))
    assert told.splitlines()[:5] == [
        "CRITICAL opened: F1, origin=JFK, version 3",
        "  F1 was 0.874, below 0.92 for 48 hours.",
        "  Since Sun 3 Mar 2013, the last time in the window of Mon 4 Mar 2013.",
        "  Monitor f1-floor, alert 12.",
        "  https://steward.example.com/alert?id=12",
    ]
    assert "All about delay-30: https://steward.example.com/model?model=delay-30" in told
    assert "delay-30 belongs to comms@example.com, team comms. Tue 5 Mar 2013, 01:00 EST." in told


def test_a_message_says_why_where_that_is_known():
    told = text_of(event(why="Usually 0.95; temp moved most among its inputs."))
    assert told.splitlines()[3] == "  Why: Usually 0.95; temp moved most among its inputs."
    assert "Why" not in text_of(event())


def test_the_subject_says_it_too_and_ends_with_the_message_s_id():
    assert subject_of() == "CRITICAL delay-30: F1 was 0.874, below 0.92 for 48 hours. [1f0c9a2e]"
    ended = event(event="resolved", closed_reason="2 quiet windows")
    assert subject_of(ended) == "Resolved delay-30: F1 [1f0c9a2e]"
    assert subject_of(event(severity="warning"), ended).startswith(
        "Warning delay-30: 2 alerts, 1 opened, 1 resolved ["
    )
    assert subject_of(event(event="reminder")).startswith("CRITICAL delay-30: still open, F1 was 0.874")


def test_times_are_in_the_model_s_zone_and_windows_within_a_day_show_their_hour():
    told = text_of(event(first_window="2013-03-05T03:00:00+00:00"), zone="Asia/Tokyo")
    assert "Since Tue 5 Mar 2013, 12:00 JST" in told and "Tue 5 Mar 2013, 15:00 JST." in told


def test_what_has_ended_says_how_long_it_lasted_and_why_it_was_closed():
    told = text_of(event(event="resolved", closed_reason="corrected by late data"))
    assert "Resolved: F1" in told
    assert "It lasted from Sun 3 Mar 2013 to Mon 4 Mar 2013. Closed: corrected by late data." in told
    assert "Last breach: F1 was 0.874, below 0.92 for 48 hours." in told


def test_a_reminder_says_for_how_long_it_is_open():
    told = text_of(event(event="reminder"), at=(AT + timedelta(days=3, hours=2)).isoformat())
    assert "CRITICAL still open: F1" in told and "Open for 3 days." in told


def test_the_worst_comes_first_and_what_has_ended_last():
    told = text_of(
        event(1, event="resolved"),
        event(2, severity="warning"),
        event(3, first_window="2013-03-04T05:00:00+00:00"),
        event(4, first_window="2013-03-02T05:00:00+00:00"),
    )
    assert [line.rpartition("=")[2] for line in told.splitlines() if "/alert?id=" in line] == list("4321")


def test_three_hundred_alerts_are_one_message_that_lists_twenty():
    written = letter(message(facts(*(event(i, column=f"c{i}") for i in range(300)))), URL)
    assert written.subject.startswith("CRITICAL delay-30: 300 alerts, 300 opened")
    assert as_text(written).count("/alert?id=") == 20
    assert "And 280 more." in as_text(written) and "And 280 more." in as_html(written)


def test_a_first_sweep_is_told_as_a_summary():
    written = letter(message(facts(event(1), event(2), first_sweep=True)), URL)
    assert written.subject.startswith("CRITICAL delay-30: 2 alerts in its history so far")
    assert "the first sweep of delay-30" in as_text(written)


def test_without_a_public_url_there_are_no_links():
    written = letter(message(), None)
    assert "http" not in as_text(written) + as_html(written) and "alert 12" in as_text(written)


class Tags(HTMLParser):
    """All tags and addresses of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str | None] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attributes if name in ("href", "src")]


@pytest.mark.parametrize("kind", ["alerts", "reminder"])
@pytest.mark.parametrize(
    "field", ["monitor", "message", "column", "segment", "version", "group", "owner", "team"]
)
def test_no_stored_text_is_markup_a_header_or_a_call_to_everyone(field, kind):
    hostile = event(**{field: HOSTILE}) if field in event() else event()
    written = letter(message(facts(hostile, **({} if field in event() else {field: HOSTILE})), kind), URL)
    page = Tags(as_html(written))
    expected = {"html", "head", "meta", "title", "body", "h2", "p", "b", "br", "a"}
    assert page.tags == expected and all(link.startswith(URL) for link in page.links if link)
    told = as_text(written)
    assert "{{x}}" in told  # no template is filled in
    assert "\r" not in told and "\nBcc" not in told and "@everyone" not in told
    assert not any(char in told + as_html(written) for char in "\x00\u202e")
    assert "\n" not in written.subject and "\r" not in written.subject
    markdown = convert_between("text", "markdown", told)
    assert "<!channel>" not in markdown and "*x*" not in markdown.replace(r"\*x\*", "")


@pytest.mark.parametrize("field", ["monitor", "message", "column", "segment", "owner"])
def test_endless_names_are_cut(field):
    endless = "x" * 10_000
    changes = {field: endless} if field == "owner" else {}
    hostile = event() if changes else event(**{field: endless})
    written = letter(message(facts(hostile, **changes)), URL)
    assert len(written.subject) < 180
    assert max(map(len, as_text(written).splitlines())) < 500
    assert "x" * 50 in as_text(written) and "…" in as_text(written)


def test_the_facts_of_an_alert_are_json_and_make_a_message():
    target = Target("f1", segment="origin=JFK")
    windows = {"first_window": AT - timedelta(days=2), "last_window": AT - timedelta(days=1)}
    times = {"opened_at": AT, "judged_at": AT}
    numbers = {"value": 0.8743, "threshold": 0.92, "side": "below"}
    episode = Episode("f1-floor", target, Severity.CRITICAL, **windows, **times, **numbers)
    alert = Alert(12, "delay-30", episode, "F1 was 0.874.")
    payload = stored.of_alerts(declared(), [("opened", alert)], AT)
    assert json.loads(json.dumps(payload)) == payload
    assert set(payload["events"][0]) == set(event()) and set(payload) == set(facts())
    assert as_text(letter(message(payload), URL)).startswith(
        "CRITICAL opened: F1, origin=JFK\n  F1 was 0.874."
    )


def test_channels_of_an_alert_are_its_monitor_s_and_its_model_s_each_once():
    monitors = [
        {"metric": "mae", "above": 3, "name": "floor", "notify": ["pager", "ops"]},
        {"metric": "rmse", "above": 3},
    ]
    model = declared(monitors=monitors, notify=["ops", "mail"])
    assert channels_of(model, "floor") == ("pager", "ops", "mail")
    assert channels_of(model, "rmse") == channels_of(model, "removed") == ("ops", "mail")


def test_a_test_message_says_who_asked():
    written = letter(message({"at": AT.isoformat(), "by": "ada@example.com"}, "test"), URL)
    assert written.subject == "Test of the channel ops [1f0c9a2e]"
    assert "ada@example.com asked for it, Tue 5 Mar 2013, 06:00 UTC." in as_text(written)
