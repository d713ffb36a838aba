"""The pages Models, Compare and Approvals and the tab Versions: their states, and what people do there."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.actions import decisions, promotions, releases, versions, waivers
from core.entities import Actor
from core.governed import Promotion
from core.records import Dataset, Evidence, Finding, Run, UseCase, Version
from core.settings import Workspace
from core.store import Store, card_texts, models, use_cases
from core.store import promotions as stored
from core.store import versions as stored_versions
from pages import _shared
from tests.pages import portfolio
from tests.pages.test_states import Open, open_page, said
from tests.release.conftest import APU, DORA, EMIL, USE_CASE, VAL

__all__ = ["open_page"]
DATA = Dataset(name="flights <b>", uri="s3://lake/flights", digest="a" * 64, split="time")


@pytest.fixture
def own(portfolio_workspace: Workspace, tmp_path: Path) -> Iterator[Store]:
    """The portfolio with two versions of delay-30: 1 adopted, 2 with evidence."""
    shutil.copytree(portfolio_workspace.root, tmp_path / "own")
    store = Store(Workspace.open(tmp_path / "own"))
    govern(store)
    yield store
    store.close()


def govern(store: Store) -> None:
    now = portfolio.NOW
    with store.write() as c:
        use_cases.put(c, UseCase.model_validate(USE_CASE.model_dump()), at=now, by="o@example.com")
        for section in ("ethical_considerations", "caveats"):
            card_texts.add(c, "delay-30", section, "said", at=now, by="o@example.com")
    portfolio.register(
        store,
        "delay-30",
        segments=("origin",),
        protected=("sex",),
        description="Late?",
        use_case="punctuality",
    )
    run = versions.log_run(
        store, "delay-30", Run(name="spring", metrics={"roc_auc": 0.7}, dataset=DATA), DORA
    )
    for number in (1, 2):
        record = Version(
            name=f"{number}.0",
            format="onnx",
            seed=number,
            run=run.id,
            parent=1 if number == 2 else None,
            training=(DATA,),
            evaluation=(DATA,),
            note="a *bold* [link](x)",
        )
        versions.register(store, "delay-30", record, DORA)
        versions.attach(store, "delay-30", number, evidence(0.7 + number / 100), VAL)
    adopted = releases.adopt(store, "delay-30", 1, EMIL, reason="runs since April")
    releases.review(store, adopted.id, APU, finding="as told")


def evidence(auc: float) -> list[Evidence]:
    kinds = ("performance", "champion_comparison", "calibration", "robustness", "leakage", "latency")
    told = {"lower": auc - 0.01, "upper": auc + 0.01, "threshold": 0.65, "passed": True}
    finding = Finding(name="roc_auc", value=auc, **told)
    return [
        Evidence(
            kind=kind,  # type: ignore[arg-type]
            verdict="passed",
            summary=f"{kind} is fine",
            produced_by="evaluate",
            produced_at=portfolio.NOW,
            findings=(finding,) if kind == "performance" else (),
        )
        for kind in (*kinds, "fairness")
    ]


def acting(monkeypatch: pytest.MonkeyPatch, actor: Actor) -> None:
    monkeypatch.setattr(_shared, "asking", lambda: actor)


def button(at: AppTest, label: str) -> Any:
    return next(b for b in at.button if b.label == label)


def requests(store: Store) -> list[Promotion]:
    with store.read() as c:
        return stored.every(c)


def test_empty_registries_say_what_comes_first(open_page: Open, empty_workspace: Workspace) -> None:
    assert "No model is registered yet" in said(open_page(empty_workspace, "models"))
    assert "No model has a registered version yet" in said(open_page(empty_workspace, "compare"))
    assert "Nothing waits for a decision" in said(open_page(empty_workspace, "approvals"))


def test_a_model_without_versions_says_the_steps(open_page: Open, portfolio_workspace: Workspace) -> None:
    at = open_page(portfolio_workspace, "model", model="eta-air-time", tab="Versions")
    assert "steward version register eta-air-time version.yaml" in said(at)


def test_models_lists_who_answers_and_what_is_live(open_page: Open, own: Store) -> None:
    at = open_page(own.workspace, "models")
    table = at.dataframe[0].value.set_index("Model")
    assert table.loc["delay-30", "Live"] == "1 (1.0)"
    assert (table.loc["delay-30", "Versions"], table.loc["delay-30", "Case"]) == (2, "punctuality")
    assert "tell travellers early" in said(at)
    assert list(open_page(own.workspace, "models", risk="4").dataframe[0].value["Model"]) == ["never-swept"]
    assert "None of the 6 models matches" in said(
        open_page(own.workspace, "models", risk="4", of_team="islands")
    )


def test_a_data_scientist_asks_from_the_comparison(
    open_page: Open, own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting(monkeypatch, DORA)
    at = open_page(own.workspace, "compare", model="delay-30", a="1", b="2")
    assert "Every check that counts passed" in said(at)
    evidence_shown = at.dataframe[0].value
    assert list(evidence_shown["Compared with"])[0] == "0.71 (0.7 to 0.72)"
    assert list(evidence_shown["Candidate"])[0] == "0.72 (0.71 to 0.73)"
    assert r"a \*bold\* \[link\](x)" in "".join(each.value for each in at.markdown)
    at.text_area[0].set_value("better in July")
    button(at, "Request promotion").click().run()
    (made,) = requests(own)
    assert (made.state, made.note, made.requested_by) == ("awaiting_approval", "better in July", DORA.id)
    assert "Awaits approval" in said(at)


def test_the_comparison_tells_kind_by_kind_what_was_found_and_what_failed_first(
    open_page: Open, own: Store
) -> None:
    said_of = {
        "robustness": [Finding(name="robustness_drop", value=0.01, passed=True, about="temp missing")],
        "champion_comparison": [
            Finding(name="accuracy_difference", value=-0.04, note="worse: candidate 0.78, champion 0.82"),
            Finding(name="roc_auc_difference", value=-0.02, threshold=-0.01, passed=False),
        ],
    }
    records = [
        Evidence(
            kind=kind,  # type: ignore[arg-type]
            verdict="failed",
            summary="looked at",
            findings=tuple(findings),
            produced_by="evaluate",
            produced_at=portfolio.NOW,
        )
        for kind, findings in said_of.items()
    ]
    versions.attach(own, "delay-30", 2, records, VAL)
    shown = open_page(own.workspace, "compare", model="delay-30", b="2").dataframe[0].value
    told = list(zip(shown["Evidence"], shown["Number"], shown["Asked for"].fillna("–"), strict=True))
    assert told == [
        ("Performance", "ROC AUC", "✓ 0.65"),
        ("Champion comparison", "ROC AUC, difference", "✕ -0.01"),
        ("Champion comparison", "Accuracy, difference", "–"),
        ("Robustness", "Robustness drop", "✓"),
    ]
    assert list(shown["Note"])[2] == "worse: candidate 0.78, champion 0.82"


def test_who_may_not_ask_is_told_who_may(
    open_page: Open, own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting(monkeypatch, Actor("vi@example.com", "ui", frozenset({"viewer"})))
    at = open_page(own.workspace, "compare", model="delay-30", b="2")
    asking = button(at, "Request promotion")
    assert asking.disabled and "may not request promotions; ask an admin" in asking.help


def test_an_approver_decides_on_what_was_frozen(
    open_page: Open, own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = promotions.request(own, "delay-30", 2, DORA, note="better <script>")
    acting(monkeypatch, DORA)
    at = open_page(own.workspace, "approvals", id=str(asked.id))
    assert button(at, "Approve").disabled
    assert "requested it; somebody else has to approve" in said(at)
    acting(monkeypatch, APU)
    at = open_page(own.workspace, "approvals", id=str(asked.id))
    assert r"better \<script\>" in "".join(each.value for each in at.markdown)
    at.text_area[0].set_value("July convinced me")
    button(at, "Approve").click().run()
    assert requests(own)[0].state == "approved"
    assert "July convinced me" in said(at)
    acting(monkeypatch, EMIL)
    at = open_page(own.workspace, "model", model="delay-30", tab="Versions")
    button(at, "Release version 2").click().run()
    with own.read() as c:
        assert releases.releases.champion(c, "delay-30", "production").number == 2  # type: ignore[union-attr]
    assert "Version 2" in said(at)


def test_a_request_somebody_answered_meanwhile_is_a_conflict(
    open_page: Open, own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = promotions.request(own, "delay-30", 2, DORA)
    acting(monkeypatch, APU)
    at = open_page(own.workspace, "approvals", id=str(asked.id))
    decisions.ask_back(own, asked.id, VAL, comment="which months?")
    button(at, "Approve").click().run()
    assert "Nothing was changed:** promotion 1" in said(at) and "reload to see it as it is" in said(at)
    assert requests(own)[0].state == "draft"


def test_waivers_and_emergencies_wait_for_a_second_person(
    open_page: Open, own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = portfolio.NOW + timedelta(days=5)
    waivers.propose(own, "delay-30", 2, APU, check="explainability", reason="trees are small", until=until)
    releases.suspend(own, "delay-30", EMIL, reason="wrong prices")
    acting(monkeypatch, APU)
    at = open_page(own.workspace, "approvals")
    assert button(at, "Confirm").disabled
    acting(monkeypatch, VAL)
    at = open_page(own.workspace, "approvals")
    button(at, "Confirm").click().run()
    assert "explainability" not in said(at)
    field = next(each for each in at.text_input if each.label == "What was found?")
    field.set_value("a feed was wrong")
    button(at, "Review").click().run()
    assert "Waits for a second person" not in said(at)


def test_an_unknown_version_or_request_is_said_so(open_page: Open, own: Store) -> None:
    promotions.request(own, "delay-30", 2, DORA)
    assert "There was never a promotion 99" in said(open_page(own.workspace, "approvals", id="99"))
    at = open_page(own.workspace, "compare", model="delay-30", b="77")
    assert not at.exception and "version 2 (2.0)" in said(at)


def test_what_ran_on_a_day_is_told(open_page: Open, own: Store) -> None:
    at = open_page(own.workspace, "model", model="delay-30", tab="Versions", on="2014-01-01")
    assert "At the end of that day: **version 1 (1.0)**" in said(at)
    with own.read() as c:
        assert models.get(c, "delay-30") is not None


def test_a_version_is_registered_in_the_dashboard_from_the_same_yaml(
    open_page: Open, own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting(monkeypatch, DORA)
    artifact = own.root / "artifacts" / "three.json"
    artifact.parent.mkdir(exist_ok=True)
    artifact.write_text("weights")

    def register(text: str) -> str:
        at = open_page(own.workspace, "model", model="delay-30", tab="Versions")
        at.text_area[0].set_value(text)
        button(at, "Register").click().run()
        return said(at)

    assert "artefact: unknown key; did you mean 'artifact'?" in register("artefact: artifacts/three.json")
    assert "outside the folders Steward may read" in register("artifact: ../../etc/passwd\nformat: json")
    register("name: '3.0'\nartifact: artifacts/three.json\nformat: json\nframework:")
    with own.read() as c:
        made = stored_versions.named(c, "delay-30", "3.0")
    assert made is not None
    assert (made.number, made.registered_by, [f.path for f in made.record.manifest]) == (
        3,
        DORA.id,
        ["three.json"],
    )
    acting(monkeypatch, VAL)
    at = open_page(own.workspace, "model", model="delay-30", tab="Versions")
    assert button(at, "Register").disabled


def test_a_closed_request_is_opened_by_its_address_and_says_how_it_ended(
    open_page: Open, own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting(monkeypatch, APU)
    asked = promotions.request(own, "delay-30", 2, DORA, note="better in July")
    decisions.reject(own, asked.id, APU, comment="not in winter")
    text = said(open_page(own.workspace, "approvals", id=str(asked.id)))
    assert "better in July" in text and "The gate when it was submitted" in text
    assert f"Rejected by {APU.id}" in text and "not in winter" in text
    assert "There was never a promotion 999" in said(open_page(own.workspace, "approvals", id="999"))
