"""The page Model card and the tab Documentation: their states, and what people do there."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from benchmarks import dashboard
from core import documenting, views
from core.actions import cards, promotions, versions
from core.card import HOW, SECTIONS
from core.entities import Actor
from core.records import Version
from core.settings import Workspace
from core.store import Store, card_texts, documents
from tests.card.conftest import HOSTILE, VI
from tests.pages.conftest import empty_workspace
from tests.pages.test_governance import acting, button
from tests.pages.test_states import Open, open_page, said
from tests.release.conftest import APU, DORA, VAL

__all__ = ["empty_workspace", "open_page"]


def texts(at: AppTest) -> list[str]:
    return [element.value for element in at.text]


def signed(store: Store) -> list[Any]:
    with store.read() as c:
        return documents.of_version(c, "delay-30", 1, cards.KIND)


def area(at: AppTest, label: str) -> Any:
    return next(each for each in at.text_area if each.label == label)


def save(at: AppTest, label: str) -> None:
    """Press the button of the form that holds a text area."""
    form = area(at, label).form_id
    next(each for each in at.button if each.form_id == form).click().run()


def test_without_models_it_says_what_comes_first(open_page: Open, empty_workspace: Workspace):
    assert "No model is registered yet" in said(open_page(empty_workspace, "card"))


def test_without_a_model_all_cards_stand_beside_each_other(open_page: Open, documented: Store):
    at = open_page(documented.workspace, "card")
    table = at.dataframe[0].value.set_index("Model")
    assert list(table.index)[-1] == "delay-30"
    assert table.loc["delay-30", "Complete"] == 1 and table.loc["never-swept", "Complete"] == 0
    assert "Training data" in table.loc["never-swept", "Missing"]
    assert "1 of 6 cards are complete" in said(at)


def test_the_table_says_of_every_model_what_its_card_says(documented: Store):
    versions.register(documented, "newcomer", Version(name="bare"), DORA)
    cards.write(documented, "newcomer", "caveats", "young", DORA)
    cards.write(documented, "resting", "caveats", "tired", DORA)
    cards.write(documented, "resting", "caveats", "", DORA)
    cards.sign_off(documented, "newcomer", 1, APU)
    for row in views.cards(documented).iter_rows(named=True):
        card = documenting.card_of(documented, row["model"])
        assert card is not None
        assert (row["complete"], row["number"]) == (card.completeness, card.number)
        assert row["missing"] == ", ".join(section.title for section in card.missing)
        assert row["signed_by"] == (APU.id if row["model"] == "newcomer" else None)


def test_a_card_shows_records_numbers_and_texts(open_page: Open, documented: Store):
    at = open_page(documented.workspace, "card", model="delay-30")
    words = said(at)
    assert "9 of 9 sections say something" in words and "not signed off" in words
    assert "Artifact digest" in words and "tell travellers early" in words
    assert "Entered by dora@example.com on 1 Jan 2014" in words
    assert "Warnings worry people.\n\nWe asked ten." in texts(at)
    assert len(at.get("plotly_chart")) == 4
    assert [each.label for each in at.get("download_button")] == ["PDF", "HTML", "Markdown"]


def test_hostile_texts_reach_no_markdown(open_page: Open, documented: Store):
    for page, address in (("card", {}), ("model", {"tab": "Documentation"})):
        at = open_page(documented.workspace, page, model="delay-30", **address)
        assert any(text.startswith("<script>alert(1)</script>") for text in texts(at))
        shown = "".join(each.value for kind in (at.markdown, at.caption) for each in kind)
        assert "evil.example" not in shown and "<script" not in shown


def test_a_bare_card_says_of_each_section_what_is_missing(open_page: Open, documented: Store):
    words = said(open_page(documented.workspace, "card", model="never-swept"))
    assert [name for name in SECTIONS if HOW[name] not in words] == []


def test_unknown_models_and_versions_are_said_so(open_page: Open, documented: Store):
    assert "No model is called nobody" in said(
        open_page(documented.workspace, "card", model="nobody")
    ).replace("*", "")
    words = said(open_page(documented.workspace, "card", model="delay-30", version="77"))
    assert "has no version 77" in words and "Artifact digest" in words
    words = said(open_page(documented.workspace, "card", model="delay-30", version="x' OR 1=1"))
    assert "Artifact digest" in words


def test_another_model_is_shown_in_its_own_version(open_page: Open, documented: Store):
    for name in ("one", "two"):
        versions.register(documented, "newcomer", Version(name=name), DORA)
    at = open_page(documented.workspace, "card", model="newcomer", version="1")
    assert "Version 1" in said(at)
    at.selectbox(key="picked-model").set_value("delay-30").run()
    assert "has no version" not in said(at) and "2013-03" in said(at)
    at.selectbox(key="picked-model").set_value("newcomer").run()
    assert "Version 2" in said(at)


@pytest.mark.parametrize(("page", "address"), [("card", {}), ("model", {"tab": "Documentation"})])
def test_a_person_writes_a_text(
    open_page: Open, documented: Store, monkeypatch: pytest.MonkeyPatch, page: str, address: dict[str, str]
):
    acting(monkeypatch, DORA)
    at = open_page(documented.workspace, page, model="newcomer", **address)
    area(at, "Factors").set_value(HOSTILE)
    save(at, "Factors")
    assert not at.exception
    with documented.read() as c:
        made = card_texts.newest(c, "newcomer")["factors"]
    assert made.by == DORA.id and made.text.startswith("<script>")
    assert any(text.startswith("<script>") for text in texts(at))
    assert "Factors: saved" in [toast.value.replace("\\", "") for toast in at.toast]


def test_a_text_written_meanwhile_is_a_conflict(
    open_page: Open, documented: Store, monkeypatch: pytest.MonkeyPatch
):
    acting(monkeypatch, DORA)
    at = open_page(documented.workspace, "card", model="delay-30")
    area(at, "Ethical considerations").set_value("mine")
    cards.write(documented, "delay-30", "ethical_considerations", "theirs", VAL)
    save(at, "Ethical considerations")
    assert "Nothing was changed:** Ethical considerations of delay-30 was written by val@example.com" in said(
        at
    )
    with documented.read() as c:
        assert card_texts.standing(c, "delay-30")["ethical_considerations"] == "theirs"


def test_who_may_not_write_or_sign_is_told_who_may(
    open_page: Open, documented: Store, monkeypatch: pytest.MonkeyPatch
):
    acting(monkeypatch, VI)
    at = open_page(documented.workspace, "card", model="delay-30")
    refused = [each.proto.popover.help for each in at.get("popover") if each.proto.popover.disabled]
    assert len(refused) == len(SECTIONS) + 1
    assert any(
        "may not sign model cards off; ask an admin for the role validator or approver" in r for r in refused
    )
    button(at, "Sign off as it is now").click().run()  # a browser that sends the click all the same
    assert "may not sign model cards off" in said(at) and signed(documented) == []


def test_an_approver_signs_and_the_page_says_what_changed_since(
    open_page: Open, documented: Store, monkeypatch: pytest.MonkeyPatch
):
    acting(monkeypatch, APU)
    at = open_page(documented.workspace, "card", model="delay-30", version="1")
    button(at, "Sign off as it is now").click().run()
    (made,) = signed(documented)
    assert (made.actor, made.roles) == (APU.id, ["approver"])
    assert "signed off 1 Jan 2014 00:00 by apu@example.com, unchanged since" in said(at)
    assert made.digest in said(at)
    cards.write(documented, "delay-30", "caveats", "one more", DORA)
    at = open_page(documented.workspace, "card", model="delay-30")
    assert "changed since: Caveats and recommendations" in said(at).replace("*", "")
    labels = [each.label for each in at.get("download_button")]
    assert labels == ["PDF", "HTML", "Markdown", "PDF", "HTML", "Markdown", "Signed bytes"]


def test_a_card_that_changed_since_the_page_was_opened_is_not_signed(
    open_page: Open, documented: Store, monkeypatch: pytest.MonkeyPatch
):
    acting(monkeypatch, APU)
    at = open_page(documented.workspace, "card", model="delay-30")
    cards.write(documented, "delay-30", "caveats", "one more", DORA)
    button(at, "Sign off as it is now").click().run()
    assert "says something else since you read it" in said(at) and signed(documented) == []


def test_an_altered_signature_is_said_so_and_the_card_still_shows(open_page: Open, documented: Store):
    cards.sign_off(documented, "delay-30", 1, APU)
    with documented.write() as c:
        c.execute(sa.text("DROP TRIGGER documents_refuses_update"))
        c.execute(sa.text("UPDATE documents SET content = X'7b7d'"))
    words = said(open_page(documented.workspace, "card", model="delay-30"))
    assert "document 1 was altered: its bytes do not fit its digest" in words
    assert "Artifact digest" in words and "Document 1 cannot be shown" in words


def test_the_tab_leads_to_the_card_and_lists_what_people_wrote(open_page: Open, documented: Store):
    at = open_page(documented.workspace, "model", model="delay-30", tab="Documentation")
    assert "From the records" in said(at) and "Nobody has signed this card off yet" in said(at)
    assert "Warnings worry people.\n\nWe asked ten." in texts(at)
    links = [each.proto for each in at.get("page_link")]
    (link,) = [each for each in links if "Read the card" in each.label]
    assert "version 1" in link.label and "of=delay-30" in link.query_string


def test_a_promotion_leads_to_the_card_of_its_version(open_page: Open, documented: Store):
    asked = promotions.request(documented, "delay-30", 1, DORA)
    for page, address in (("compare", {"model": "delay-30", "b": "1"}), ("approvals", {"id": str(asked.id)})):
        links = [each.proto for each in open_page(documented.workspace, page, **address).get("page_link")]
        (link,) = [each for each in links if each.label == "Model card of version 1"]
        assert set(link.query_string.split("&")) == {"of=delay-30", "version=1"}


def test_models_shows_how_complete_the_cards_are(open_page: Open, documented: Store):
    table = open_page(documented.workspace, "models").dataframe[0].value.set_index("Model")
    assert (table.loc["delay-30", "Card"], table.loc["newcomer", "Card"]) == (1, 0)


def test_strangers_see_no_card(open_page: Open, documented: Store, monkeypatch: pytest.MonkeyPatch):
    acting(monkeypatch, Actor("nobody@example.com", "ui", frozenset()))
    words = said(open_page(documented.workspace, "card", model="delay-30"))
    assert "No access" in words and "Artifact" not in words


def test_the_cards_of_a_thousand_models_fit_into_400_kb(open_page: Open, tmp_path: Path):
    at = open_page(dashboard.portfolio(tmp_path / "many", 1000), "card")
    assert len(at.dataframe[0].value) == 1000
    sent = [*at.dataframe, *at.selectbox]
    assert sum(len(element.proto.SerializeToString()) for element in sent) < 400_000


def test_a_full_card_fits_into_400_kb(open_page: Open, documented: Store):
    at = open_page(documented.workspace, "card", model="delay-30")
    sent = [*at.get("plotly_chart"), *at.markdown, *at.text, *at.text_area]
    assert sum(len(element.proto.SerializeToString()) for element in sent) < 400_000
