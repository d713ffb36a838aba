"""Monitors as YAML: what is edited is edited alone, and comments stay where they are."""

import pytest
import yaml

from core.actions.monitors import drafted, without
from core.declaration import Declaration
from core.monitor_yaml import block, edited
from tests.settings.declarations import BINARY

MONITORS = """\
# What wakes us up
monitors:
  # everybody's rule
  - {metric: drift, columns: all, threshold: auto, for: 2 windows}    # quick
  - metric: roc_auc     # the headline
    below: 0.6
    for: 3 windows

  # hours without a prediction
  - {metric: freshness,
     above: 24}
# and whom
notify: []
"""
FLOOR = {"metric": "roc_auc", "below": {"warning": 0.65, "critical": 0.6}, "for": "3 windows"}


def read(text: str) -> Declaration:
    return Declaration.model_validate(yaml.safe_load(text))


def test_a_changed_monitor_changes_its_own_lines_only() -> None:
    text = BINARY + MONITORS
    after = drafted(read(text), FLOOR, replaces="roc_auc")
    expected = text.replace(
        "  - metric: roc_auc     # the headline\n    below: 0.6\n    for: 3 windows\n",
        "  - {metric: roc_auc, below: {warning: 0.65, critical: 0.6}, for: 3 windows}\n",
    )
    assert edited(text, after) == expected
    changed = drafted(read(text), {"metric": "freshness", "above": 48}, replaces="freshness")
    assert "  # hours without a prediction\n  - {metric: freshness, above: 48}\n# and whom" in edited(
        text, changed
    )


def test_a_comment_at_the_end_of_a_changed_line_stays() -> None:
    text = BINARY + MONITORS
    drift = {"metric": "drift", "columns": "all", "threshold": "auto", "for": "3 windows"}
    assert "for: 3 windows}    # quick\n" in edited(text, drafted(read(text), drift, replaces="drift"))


def test_monitors_come_last_and_go_alone() -> None:
    text = BINARY + MONITORS
    added = edited(text, drafted(read(text), {"metric": "volume", "below": 10}, replaces=None))
    assert added == text.replace("     above: 24}\n", "     above: 24}\n  - {metric: volume, below: 10}\n")
    gone = edited(added, without(read(added), "roc_auc"))
    assert gone.splitlines() == [
        line for line in added.splitlines() if line.strip() not in
        ("- metric: roc_auc     # the headline", "below: 0.6", "for: 3 windows")
    ]  # fmt: skip
    assert [each.name for each in read(gone).monitors] == ["drift", "freshness", "volume"]


def test_the_block_is_what_stands_in_the_file() -> None:
    text = BINARY + MONITORS
    assert block(text, read(text)) == MONITORS.split("\n", 1)[1].partition("# and whom")[0]
    assert block(BINARY, read(BINARY)) == "monitors: []\n"


@pytest.mark.parametrize(
    "text",
    [
        BINARY,
        BINARY + "monitors: []\n",
        BINARY + "monitors: [{metric: volume, below: 10}, {metric: roc_auc, below: 0.6}]   # two\n",
        BINARY + "monitors:\n- {metric: roc_auc, below: 0.6}\nnotify: []\n",
        BINARY + "monitors:\n  - &a {metric: roc_auc, below: 0.6}\n",
        str(yaml.safe_load(BINARY)),
        "model: delay-30\n",
        "no: [declaration",
    ],
)
def test_however_a_declaration_is_written_what_is_edited_says_what_was_meant(text: str) -> None:
    base = read(text) if "owner" in text else read(BINARY)
    after = drafted(base, {"metric": "log_loss", "above": 0.5, "name": "loss"}, replaces=None)
    for end in (after, without(after, "loss"), *(without(after, m.name) for m in after.monitors)):
        again = read(edited(edited(text, after), end))
        assert again.monitors == end.monitors
        assert again.model_copy(update={"monitors": ()}) == end.model_copy(update={"monitors": ()})
    assert read(BINARY + block(edited(text, after), after)).monitors == after.monitors
