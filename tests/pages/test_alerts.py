"""The pages about alerts in every state they can be in, and what people do there."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import app
from core import views
from core.actions import alerts as alert_actions
from core.entities import Actor, Alert
from core.settings import Workspace
from core.store import Store, alerts, annotations, outbox
from pages import _shared
from tests.pages import portfolio, watched
from tests.pages.test_states import Open, open_page, said

__all__ = ["open_page"]
BOB = Actor("bob@example.com", "ui", frozenset({"analyst"}))


@pytest.fixture
def own(watched_workspace: Workspace, tmp_path: Path) -> Iterator[Store]:
    """A copy of the watched portfolio that a test may change."""
    shutil.copytree(watched_workspace.root, tmp_path / "own")
    store = Store(Workspace.open(tmp_path / "own"))
    yield store
    store.close()


def kept(store: Store, identifier: int) -> Alert:
    with store.read() as c:
        found = alerts.get(c, identifier)
    assert found is not None
    return found


def button(at: AppTest, label: str) -> Any:
    return next(b for b in at.button if b.label == label)


def acting(at: AppTest) -> list[Any]:
    """Return the buttons that act on the ticked alerts."""
    found = [b for b in at.button if (b.key or "").startswith("bulk-")]
    assert found
    return found


def listed(at: AppTest) -> list[str]:
    return list(at.dataframe[0].value["What"])


def test_the_list_shows_what_waits_for_somebody_first(open_page: Open, watched_workspace: Workspace) -> None:
    at = open_page(watched_workspace, "alerts")
    table = at.dataframe[0].value
    assert list(table["State"]) == ["Open", "Open", "Open", "Acknowledged", "Snoozed"]
    assert [severity[0] for severity in table["Severity"]] == ["▲ Critical"] * 2 + ["◆ Warning"] * 3
    assert list(table["Model"])[2] == "cape-islands"
    assert str(table["Since"][0])[:10] == "2013-12-30"  # the day in New York
    told = {tuple(pair) for pair in table[["Value", "Threshold"]].to_numpy()}
    assert {("99.8%", "50%"), ("0.682", "0.69"), ("67.6 days", "2 days")} <= told, "each in its unit"
    assert "5 alerts" in said(at)
    assert all(b.disabled for b in acting(at)), "nothing is ticked yet"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ({"severity": "critical"}, 2),
        ({"states": "snoozed"}, 1),
        ({"models": "cape-islands"}, 1),
        ({"teams": "islands"}, 1),
        ({"people": "ada@example.com"}, 1),
        ({"people": "customer-comms@example.com"}, 5),
        ({"states": "resolved"}, 4),
    ],
)
def test_filters_live_in_the_address(
    open_page: Open, watched_workspace: Workspace, address: dict[str, str], expected: int
) -> None:
    assert len(listed(open_page(watched_workspace, "alerts", **address))) == expected


def test_no_match_offers_to_clear_the_filters(open_page: Open, watched_workspace: Workspace) -> None:
    at = open_page(watched_workspace, "alerts", severity="critical", models="cape-islands")
    assert "None of the 5 alerts matches" in said(at)
    at.button[0].click().run()
    assert len(listed(at)) == 5


def test_empty_it_says_whether_anybody_looks(
    open_page: Open, portfolio_workspace: Workspace, own: Store
) -> None:
    assert "No alert is open, because no monitor has judged" in said(open_page(portfolio_workspace, "alerts"))
    with own.read() as c:
        ids = [alert.id for alert in alerts.every(c, ended=False)]
    alert_actions.resolve(own, ids, BOB, reason="all over")
    assert "No alert is open.** Monitors judge 3 of 6 models." in said(open_page(own.workspace, "alerts"))


def test_ticked_alerts_are_acknowledged_together(open_page: Open, own: Store) -> None:
    at = open_page(own.workspace, "alerts")
    tick(at, [0, 2])
    at.run()
    button(at, "Acknowledge").click().run()
    assert [t.value.replace("\\", "") for t in at.toast] == ["Acknowledged: 2 alerts"]
    assert [kept(own, i).acknowledged_by for i in (watched.WIND, watched.SILENT)] == ["single-user"] * 2
    assert kept(own, watched.AUC).acknowledged_by is None
    assert list(at.dataframe[0].value["State"]) == [
        *("Open", "Acknowledged", "Acknowledged", "Acknowledged", "Snoozed")
    ]
    assert button(at, "Acknowledge").disabled, "the ticks are gone"


def test_ticks_do_not_move_to_other_alerts_when_one_goes(open_page: Open, own: Store) -> None:
    at = open_page(own.workspace, "alerts")
    tick(at, [1])
    at.run()
    alert_actions.resolve(own, [watched.WIND], BOB, reason="fixed")  # the first row; the second moves up
    at.run()
    assert button(at, "Acknowledge").disabled


def test_a_resolved_alert_among_the_ticked_is_explained(open_page: Open, own: Store) -> None:
    at = open_page(own.workspace, "alerts", states="resolved")
    tick(at, [0])
    at.run()
    assert "A resolved alert stays as it is" in said(at)
    assert all(b.disabled for b in acting(at))


def test_a_conflict_is_said_and_changes_nothing(open_page: Open, own: Store) -> None:
    at = open_page(own.workspace, "alert", id=str(watched.AUC))
    alert_actions.acknowledge(own, [watched.AUC], BOB)
    button(at, "Acknowledge").click().run()
    warning = at.warning[0].value.replace("\\", "")
    assert "Nothing was changed:" in warning
    assert "alert 3 of delay-30 was acknowledged by bob@example.com just now; reload" in warning
    assert kept(own, watched.AUC).acknowledged_by == "bob@example.com"


@pytest.mark.parametrize(
    ("alert", "words"),
    [
        (watched.AUC, "ROC AUC is 0.682, below its threshold 0.69, since 10 December 2013."),
        (watched.WIND, "Missing share of wind is 99.8%, above its threshold 50%, since 30 December 2013."),
        (
            watched.DRIFT,
            "Drift in location of temp: 0.31, above its usual 0.19, since 22 March 2013; over on ",
        ),
        (watched.SCORE, "resolved by ada@example.com: the new carrier mix is intended."),
        (
            watched.SILENT,
            "No predictions for 67.6 days from 25 October 2013 10:00 on, 2 days are allowed.",
        ),
        (watched.CARRIER, "snoozed until 21 Jan 2014 00:00: a new airline flies since November"),
        (watched.PARITY, "acknowledged by bob@example.com 23 Dec 2013 00:00 · assigned to ada@example.com"),
    ],
)
def test_an_alert_opens_with_one_sentence(
    open_page: Open, watched_workspace: Workspace, alert: int, words: str
) -> None:
    text = said(open_page(watched_workspace, "alert", id=str(alert)))
    assert words in text
    assert "cannot be shown" not in text


def test_an_alert_shows_its_course_its_windows_and_what_happened(
    open_page: Open, watched_workspace: Workspace
) -> None:
    at = open_page(watched_workspace, "alert", id=str(watched.AUC))
    windows, others = (table.value for table in at.dataframe)
    assert len(windows) >= 30
    verdicts = dict(zip(windows["Window"], windows["Verdict"], strict=True))
    assert verdicts["2013-12-31"] == "still open" and verdicts["2013-12-30"] == "labels still arrive"
    assert verdicts["2013-12-28"] == "▼ below the threshold"
    assert set(windows["Threshold"]) == {0.69}
    spec = at.get("plotly_chart")[0].proto.spec
    assert '"threshold"' in spec and "middle of the reference" in spec and "beyond the threshold" in spec
    text = said(at)
    assert "opened** by steward: ROC AUC 0.682" in text and "escalated** by steward" in text
    assert "Retraining requested** 13 Dec 2013 01:00" in text
    assert set(others["State"]) == {"Open", "Acknowledged", "Snoozed"}


def test_a_silence_is_drawn_as_rows_and_has_no_table_of_values(
    open_page: Open, watched_workspace: Workspace
) -> None:
    at = open_page(watched_workspace, "alert", id=str(watched.SILENT))
    assert "no statistics of these windows are kept" in said(at)
    assert not at.dataframe and "No other alert of this model was open" in said(at)
    at = open_page(watched_workspace, "alert", id=str(watched.GAP))
    assert "from 5 August 2013 00:00 on, 2 days are allowed; over on 13 August 2013: recovered." in said(at)
    assert len(at.get("plotly_chart")) == 1
    assert len(at.dataframe) == 1, "the other alerts of that time"


def test_a_resolved_alert_offers_nothing_but_a_comment(open_page: Open, watched_workspace: Workspace) -> None:
    at = open_page(watched_workspace, "alert", id=str(watched.DRIFT))
    assert [b.label for b in at.button] == ["Comment"]
    at = open_page(watched_workspace, "alert", id=str(watched.CARRIER))
    assert {"Acknowledge", "Wake", "Snooze"} <= {b.label for b in at.button if not b.disabled}


@pytest.mark.parametrize(
    ("given", "words"),
    [("", "No alert is chosen"), ("999", "There is no alert **999** here"), ("x[1](y)", "is no number"),
     ("99999999999999999999", "is no number")],
)  # fmt: skip
def test_an_alert_that_is_not_there_is_explained(
    open_page: Open, watched_workspace: Workspace, given: str, words: str
) -> None:
    assert words in said(open_page(watched_workspace, "alert", id=given))


def test_forbidden_a_viewer_sees_the_alert_and_why_the_buttons_are_off(
    open_page: Open, own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    vi = Actor("vi@example.com", "ui", frozenset({"viewer"}))
    monkeypatch.setattr(_shared, "asking", lambda: vi)
    at = open_page(own.workspace, "alert", id=str(watched.AUC))
    assert "may not attend to alerts; ask an admin for the role analyst or" in said(at)
    assert at.button and all(b.disabled for b in at.button)


def test_a_command_asks_afresh_who_runs_it(
    open_page: Open, own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page(own.workspace, "alert", id=str(watched.AUC))
    monkeypatch.setattr(_shared, "asking", lambda: Actor("vi@example.com", "ui", frozenset({"viewer"})))
    button(at, "Acknowledge").click().run()
    assert "vi@example.com is viewer and may not attend to alerts" in said(at)
    assert kept(own, watched.AUC).acknowledged_by is None


def test_forms_snooze_assign_and_resolve(open_page: Open, own: Store) -> None:
    at = open_page(own.workspace, "alert", id=str(watched.WIND))
    field(at, "To").set_value("eve@example.com")
    button(at, "Assign").click().run()
    assert kept(own, watched.WIND).assigned_to == "eve@example.com"
    button(at, "Snooze").click().run()
    assert "say why it can wait" in said(at)
    field(at, "Why can it wait?").set_value("the station is being repaired")
    button(at, "Snooze").click().run()
    snoozed = kept(own, watched.WIND)
    assert (snoozed.state(portfolio.NOW), str(snoozed.snoozed_until)[:16]) == ("snoozed", "2014-01-08 00:00")
    button(at, "Wake").click().run()
    assert kept(own, watched.WIND).state(portfolio.NOW) == "open"
    field(at, "Why is it over?").set_value("sensor replaced")
    button(at, "Resolve").click().run()
    assert "resolved by single-user: sensor replaced" in said(at)
    assert [b.label for b in at.button] == ["Comment"]


def test_stored_text_is_never_markdown_on_the_page_of_an_alert(open_page: Open, own: Store) -> None:
    evil = "[click](https://evil.example) <b>now</b>"
    alert_actions.assign(own, [watched.AUC], BOB, to=evil)
    alert_actions.snooze(own, [watched.AUC], BOB, until=portfolio.NOW.replace(day=3), reason=evil)
    at = open_page(own.workspace, "alert", id=str(watched.AUC))
    shown = [e.value for kind in (at.markdown, at.caption) for e in kind if "click" in e.value]
    assert len(shown) == 2
    assert all("[click](" not in text.replace("\\[click\\](", "") for text in shown)
    assert all("<b>" not in text.replace("\\<b\\>", "") for text in shown)


def test_the_model_page_shows_open_alerts_and_requests_first(
    open_page: Open, watched_workspace: Workspace
) -> None:
    at = open_page(watched_workspace, "model", model="delay-30")
    assert list(at.dataframe[0].value["State"]) == ["Open", "Open", "Acknowledged", "Snoozed"]
    text = said(at)
    assert "Retraining requested:" in text and "Critical since 10 December 2013" in text


def test_history_is_one_time_axis_of_all_that_happened(open_page: Open, watched_workspace: Workspace) -> None:
    at = open_page(watched_workspace, "model", model="delay-30", tab="History")
    table = at.dataframe[0].value
    assert set(table["Kind"]) == {"Alert", "Retraining", "Reference", "Declaration"}
    assert list(table["When"]) == sorted(table["When"], reverse=True)
    assert "resolved by ada@example.com: the new carrier mix is intended" in " ".join(table["What"])
    assert len(at.get("plotly_chart")) == 1
    narrowed = open_page(
        watched_workspace, "model", model="delay-30", tab="History",
        **{"from": "2013-05-01", "to": "2013-05-31"},
    )  # fmt: skip
    assert len(narrowed.dataframe[0].value) == 2, "alerts that lasted in May"
    empty = open_page(watched_workspace, "model", model="newcomer", tab="History")
    assert "nothing has happened to this model" in said(empty)


def test_why_shows_the_alert_of_the_address_and_else_the_most_urgent(
    open_page: Open, watched_workspace: Workspace
) -> None:
    address = {"model": "delay-30", "tab": "Why"}
    at = open_page(watched_workspace, "model", **address, alert=str(watched.AUC))
    verdict = at.info[0].value
    assert verdict.startswith("**ROC AUC") and " since " in verdict
    assert at.selectbox(key="chosen-alert").value == str(watched.AUC)
    inputs, parts = (table.value for table in at.dataframe)
    assert "temp" in list(inputs["Input"]) and "score" not in list(inputs["Input"])
    assert list(parts["Segment"]) == ["origin=JFK"]
    at.selectbox(key="chosen-alert").select(str(watched.WIND)).run()
    assert at.info[0].value.startswith("**Missing share of wind")
    unknown = open_page(watched_workspace, "model", **address, alert="nonsense")
    assert unknown.selectbox(key="chosen-alert").value in map(str, range(1, 10)) and not unknown.error
    calm = open_page(watched_workspace, "model", model="newcomer", tab="Why")
    assert "No alert has ever come" in said(calm)


def test_an_alert_says_why_and_leads_to_the_numbers(open_page: Open, watched_workspace: Workspace) -> None:
    at = open_page(watched_workspace, "alert", id=str(watched.WIND))
    assert any(box.value.startswith("**Why:** ") for box in at.info)
    assert [
        link.proto.query_string for link in at.get("page_link") if link.proto.label == "Why, in numbers"
    ] == [f"model=delay-30&tab=Why&alert={watched.WIND}"]


def test_a_judged_model_is_called_healthy_and_one_without_monitors_is_not(
    open_page: Open, watched_workspace: Workspace
) -> None:
    at = open_page(watched_workspace)
    table = at.dataframe[0].value.set_index("Model")
    assert table["Status"]["eta-air-time"][0] == "● Healthy"
    assert table["Why"]["eta-air-time"] == "no monitor raises an alarm"
    assert table["Alerts"]["delay-30"] == 4 and table["Alerts"]["eta-air-time"] == 0
    assert table["Alerts"].isna()["newcomer"]
    assert "Healthy: no monitor raises an alarm." in said(
        open_page(watched_workspace, "model", model="eta-air-time")
    )


def field(at: AppTest, label: str) -> Any:
    return next(text for text in at.text_input if text.label == label)


def tick(at: AppTest, rows: list[int]) -> None:
    """Tick rows of the table as the browser would."""
    at.session_state[at.dataframe[0].key] = {"selection": {"rows": rows, "columns": [], "cells": []}}


def test_the_system_page_shows_messages_that_got_stuck(
    open_page: Open, watched_workspace: Workspace, portfolio_workspace: Workspace
) -> None:
    at = open_page(watched_workspace, "system")
    assert "2 messages could not be delivered" in said(at)
    table = at.dataframe[1].value
    assert list(table["State"]) == ["✕ Given up", "✕ Given up", "◔ Waiting"]
    assert set(table["Last error"]) == {
        "answered 410 Gone; is the address still right?",
        "timed out after 10 s",
    }
    assert table["Next try (UTC)"].isna().to_list() == [True, True, False]
    assert "Nothing waits to be sent" in said(open_page(portfolio_workspace, "system"))


def test_metrics_count_what_is_not_resolved_by_severity(own: Store) -> None:
    text = app.prometheus(views.vital_signs(own))
    assert 'steward_open_alerts{severity="critical"} 2' in text
    assert 'steward_open_alerts{severity="warning"} 3' in text


def test_dead_letters_are_sent_again_and_channels_tested(open_page: Open, own: Store) -> None:
    file = own.root / "steward.yaml"
    file.write_text(file.read_text() + "channels:\n  ml-oncall: json://127.0.0.1:9/x\n")
    own.close()
    store = Store(Workspace.open(own.root))
    at = open_page(store.workspace, "system")
    assert button(at, "Send again").disabled
    at.session_state[at.dataframe[1].key] = {"selection": {"rows": [0, 2], "columns": [], "cells": []}}
    at.run()
    button(at, "Send again").click().run()
    assert "1 message could not be delivered" in said(at)
    button(at, "Send a test message").click().run()
    with store.read() as c:
        assert len(outbox.every(c, "dead")) == 1
        assert outbox.every(c)[0].kind == "test"
    store.close()


def test_only_those_who_configure_send_messages(
    open_page: Open, own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_shared, "asking", lambda: Actor("an@example.com", "ui", frozenset({"analyst"})))
    assert button(open_page(own.workspace, "system"), "Send again").disabled


def test_a_stretch_is_annotated_on_the_history_tab_and_taken_back_on_the_alerts_page(
    open_page: Open, own: Store
) -> None:
    at = open_page(own.workspace, "model", model="delay-30", tab="History")
    for name, value in (("First day", date(2013, 12, 24)), ("Last day", date(2013, 12, 26))):
        next(each for each in at.date_input if each.label == name).set_value(value)
    field(at, "What happened?").set_value("Christmas <b>peak</b>")
    button(at, "Annotate").click().run()
    assert not at.exception and "24 Dec 2013 to 26 Dec 2013" in said(at)
    with own.read() as c:
        (made,) = annotations.every(c, "delay-30")
    assert (made.start.isoformat(), made.end - made.start) == (
        "2013-12-24T05:00:00+00:00", timedelta(days=3),
    )  # fmt: skip
    assert not (made.mute or made.exclude_from_reference)
    assert "annotation" in set(views.history(own, "delay-30").events["kind"])
    at = open_page(own.workspace, "alerts")
    assert "delay-30 · by single-user" in said(at)
    button(at, "Take back").click().run()
    assert "Nothing is annotated." in said(at)


def test_all_models_are_annotated_on_the_alerts_page_and_a_refusal_is_told(
    open_page: Open, own: Store
) -> None:
    at = open_page(own.workspace, "alerts")
    button(at, "Annotate").click().run()
    assert "Nothing was changed: nothing was given" in said(at).replace("*", "")
    field(at, "What happened?").set_value("Holidays")
    button(at, "Annotate").click().run()
    assert "all models · by single-user" in said(at)


def test_who_only_reads_does_not_annotate(
    open_page: Open, own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_shared, "asking", lambda: Actor("v@example.com", "ui", frozenset({"viewer"})))
    at = open_page(own.workspace, "model", model="delay-30", tab="History")
    assert "may not annotate; ask an admin for the role analyst" in said(at)
    assert [b for b in at.button if b.label == "Annotate"] == []


def test_a_comment_stands_in_the_alerts_story_with_who_said_it(open_page: Open, own: Store) -> None:
    at = open_page(own.workspace, "alert", id=str(watched.SCORE))
    at.text_area[0].set_value("the mix was *agreed*")
    button(at, "Comment").click().run()
    assert not at.exception and "**commented** by single-user: the mix was *agreed*" in said(at)
