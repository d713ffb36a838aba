"""The form's texts become a monitor and back, rules are said in words, what is proposed can be declared."""

import pytest

from core.actions.monitors import drafted
from core.monitor_form import Fields, fields, kinds, monitor
from core.monitor_text import sentence, severities
from core.monitor_yaml import as_declared
from core.monitors import Monitor
from core.suggestions import suggested
from tests.settings.declarations import BINARY, REGRESSION, changed
from tests.settings.test_monitor_yaml import read

RULES: list[tuple[dict[str, object], str]] = [
    ({"metric": "mae", "rise": "10%", "for": "2 windows"}, "Mean absolute error rises by 10% for 2 windows"),
    ({"metric": "f1", "below": 0.92, "for": "48h", "severity": "critical"}, "F1 is below 0.92 for 48h"),
    ({"metric": "accuracy", "drop": 0.05, "for": "3 windows"}, "Accuracy drops by 0.05 for 3 windows"),
    (
        {"metric": "bias", "outside": {"warning": [-1, 2], "critical": [-5, 5]}, "segments": ["origin"]},
        "Bias in any origin is outside -1 to 2 (critical: -5 to 5)",
    ),
    (
        {"metric": "drift", "columns": "all", "threshold": "auto"},
        "Drift of any column is more than usual for 2 windows",
    ),
    (
        {"metric": "pca_reconstruction", "threshold": "auto", "segments": ["origin"]},
        "PCA reconstruction error in any origin is outside its usual range for 2 windows",
    ),
    ({"metric": "pca_reconstruction", "above": 2.5}, "PCA reconstruction error is above 2.5"),
    (
        {"metric": "missing_share", "columns": ["a", "b", "c"], "above": 0.1},
        "Missing share of a, b or c is above 10%",
    ),
    ({"metric": "volume", "below": 2000, "versions": "each"}, "Rows of any version is below 2,000 rows"),
    (
        {"metric": "freshness", "above": {"warning": 6, "critical": 48}},
        "No predictions for 6 hours (critical: 2 days)",
    ),
    (
        {"metric": "demographic_parity_ratio", "below": 0.8},
        "Demographic parity ratio by any protected attribute is below 0.8",
    ),
    (
        {"metric": "complaint_rate", "above": 0.02, "segments": "all"},
        "complaint_rate in any segment is above 2%",
    ),
]


@pytest.mark.parametrize(("declared", "words"), RULES)
def test_a_rule_is_said_in_words(declared: dict[str, object], words: str) -> None:
    assert sentence(Monitor.model_validate(declared)) == words


@pytest.mark.parametrize("declared", [rule for rule, _ in RULES])
def test_a_form_that_is_left_as_it_is_declares_the_same(declared: dict[str, object]) -> None:
    base = as_declared(Monitor.model_validate(declared))
    assert monitor(base, fields(Monitor.model_validate(declared))) == base


def test_levels_are_severities() -> None:
    both = Monitor.model_validate({"metric": "mae", "above": {"warning": 1, "critical": 2}})
    assert severities(both) == ("warning", "critical")
    assert severities(Monitor.model_validate({"metric": "mae", "above": 1})) == ("warning",)
    base = {"metric": "mae", "above": 1, "severity": "warning"}
    assert monitor(base, Fields("above", "1", "2")) == {
        "metric": "mae",
        "above": {"warning": 1, "critical": 2},
    }
    assert monitor(base, Fields("above", critical="2")) == {
        "metric": "mae",
        "above": 2,
        "severity": "critical",
    }
    assert monitor(base, Fields("above", " 3 ")) == {"metric": "mae", "above": 3, "severity": "warning"}


def test_what_cannot_be_read_is_left_for_the_declaration_to_refuse() -> None:
    assert monitor({"metric": "mae"}, Fields("above", "ten")) == {"metric": "mae", "above": "ten"}
    assert monitor({"metric": "mae"}, Fields("above")) == {"metric": "mae"}
    for text, said in (("-1 to 2", [-1, 2]), ("[-1, 2.5]", [-1, 2.5]), ("-1", [-1]), ("a to b", ["a", "b"])):
        assert monitor({"metric": "bias"}, Fields("outside", text))["outside"] == said


def test_the_rules_that_make_sense_for_a_metric_come_first() -> None:
    assert kinds("drift") == ["threshold"]
    assert kinds("freshness") == ["above"]
    assert kinds("roc_auc")[:2] == ["below", "drop"] and kinds("mae")[:2] == ["above", "rise"]
    assert kinds("pca_reconstruction") == ["threshold", "above", "rise", "below", "outside", "drop"]
    assert kinds("complaint_rate") == ["above", "below", "outside", "drop", "rise"]


@pytest.mark.parametrize(
    "text",
    [
        BINARY,
        REGRESSION,
        changed(BINARY, "pca: true"),
        changed(BINARY, "window: 1y", "operations: {latency_ms: ms}"),
        changed(BINARY, "predictions: {path: d, timestamp: at, prediction: p}"),
        changed(REGRESSION, "task: custom", "predictions: {path: d, timestamp: at}"),
        changed(REGRESSION, "task: multiclass_classification"),
    ],
)
def test_whatever_is_proposed_can_be_declared_and_is_proposed_once(text: str) -> None:
    declaration = read(text)
    assert suggested(declaration)
    for each in suggested(declaration):
        declaration = drafted(declaration, as_declared(each), replaces=None)
    assert suggested(declaration) == []
