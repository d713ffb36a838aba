"""The command `alerts`: as words, and as the JSON that outsiders rely on."""

import json
from pathlib import Path

import pytest

from core.store import Store
from jobs.cli import main
from tests.pages import portfolio, watched

KEYS = (
    "id model monitor metric column segment group severity state opened_at resolved_at first_window "
    "last_window value threshold message closed_reason"
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with alerts in every state."""
    workspace = portfolio.workspace(tmp_path_factory.mktemp("alerts") / "workspace")
    store = Store(workspace)
    store.migrate()
    portfolio.build(store)
    watched.watch(store)
    store.close()
    return workspace.root


def test_without_alerts_it_says_so(tmp_path, capsys):
    assert main(["init", "--workspace", str(tmp_path)]) == 0
    capsys.readouterr()
    for option, words in (([], "No alert is open."), (["--all"], "No alert has ever been raised.")):
        assert main(["alerts", "--workspace", str(tmp_path), *option]) == 0
        assert capsys.readouterr().out == f"{words}\n"
    assert main(["alerts", "--json", "--workspace", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_json_has_the_keys_that_outsiders_rely_on(root, capsys):
    assert main(["alerts", "--json", "--workspace", str(root)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert all(list(alert) == KEYS.split() for alert in found)
    assert {alert["state"] for alert in found} == {"open", "acknowledged", "snoozed"}
    wind = next(alert for alert in found if alert["id"] == watched.WIND)
    assert (wind["model"], wind["metric"], wind["column"], wind["severity"]) == (
        "delay-30", "missing_share", "wind", "critical",
    )  # fmt: skip
    assert (wind["value"], wind["threshold"], wind["state"]) == (0.998, 0.5, "open")
    assert wind["first_window"] == "2013-12-30T05:00:00+00:00"
    assert (wind["resolved_at"], wind["closed_reason"]) == (None, None)


def test_all_has_the_resolved_ones_too_newest_first(root, capsys):
    assert main(["alerts", "--all", "--json", "--workspace", str(root)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == 9
    assert [a["opened_at"] for a in found] == sorted((a["opened_at"] for a in found), reverse=True)
    by_hand = next(alert for alert in found if alert["id"] == watched.SCORE)
    assert by_hand["state"] == "resolved"
    assert by_hand["closed_reason"] == "resolved by ada@example.com: the new carrier mix is intended"


def test_as_words_it_is_a_table(root, capsys):
    assert main(["alerts", "--workspace", str(root)]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["id", "severity", "state", "model"]
    assert len(rows) == 5 and "99.8% of wind missing" in rows[0]


def test_a_comment_is_said_about_one_alert(root, capsys):
    words = ["alerts", "comment", str(watched.WIND), "seen upstream"]
    assert main([*words, "--workspace", str(root)]) == 0
    assert capsys.readouterr().out == f"Commented on alert {watched.WIND}.\n"
    assert main(["alerts", "--workspace", str(root), *words[1:], "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["alert"], said["actor"], said["comment"]) == (watched.WIND, "single-user", "seen upstream")
    assert main(["alerts", "comment", "999", "x", "--workspace", str(root)]) == 2
    assert "there is no alert 999" in capsys.readouterr().err
