"""The content of a card against the records it is made of: each section filled, and each section empty."""

from datetime import timedelta

import polars as pl
import pytest

from core import documenting, views
from core.actions import cards, decisions, promotions, releases, versions
from core.card import SECTIONS, Course, Facts, Intervals, ModelCard, Table, changed
from core.entities import ModelStatus
from core.errors import InputError
from core.records import Evidence, Version
from core.store import Store, alerts, statistics, status
from tests.card.conftest import HOSTILE, full_evidence
from tests.pages import portfolio
from tests.release.conftest import APU, DORA, EMIL, VAL, Register


def card_of(store: Store, slug: str = "delay-30", number: int | None = None) -> ModelCard:
    found = documenting.card_of(store, slug, number)
    assert found is not None
    return found


def section(card: ModelCard, name: str):
    return next(each for each in (*card.sections, *card.beside) if each.name == name)


def facts(card: ModelCard, name: str) -> dict[str, str]:
    return {
        key: value
        for block in section(card, name).blocks
        if isinstance(block, Facts)
        for key, value in block.rows
    }


def tables(card: ModelCard, name: str) -> dict[str, Table]:
    return {block.title: block for block in section(card, name).blocks if isinstance(block, Table)}


def test_a_documented_version_has_a_complete_card(documented: Store):
    card = card_of(documented)
    assert (card.title, card.number, card.completeness) == ("delay-30, version 1 (2013-03)", 1, 1.0)
    assert [each.name for each in card.sections] == list(SECTIONS)
    assert card.missing == ()


def test_the_details_are_those_of_declaration_and_record(documented: Store):
    told = facts(card_of(documented), "details")
    with documented.read() as c:
        version = versions.found(c, "delay-30", 1)
    assert told["Artifact digest"] == version.digest
    assert told["Owner"] == "customer-comms@example.com"
    assert told["Code"] == "https://git.example.com/delay at 3f2a91c, with changes not committed"
    assert told["Environment"] == f"Python 3.12, lock {'b' * 64}"
    assert (told["Licence"], told["Parameters"], told["Training run"]) == (
        "Apache-2.0",
        "max_iter = 200",
        "1: spring",
    )


def test_use_case_factors_monitors_and_data_are_told(documented: Store):
    card = card_of(documented)
    assert facts(card, "intended_use")["Affected persons"] == "travellers"
    assert facts(card, "factors")["Protected attributes"] == "sex"
    assert tables(card, "metrics")["Monitors"].rows == (("roc_auc", "ROC AUC is below 0.6", "warning"),)
    assert facts(card, "metrics")["Cost of a false negative"] == "9"
    assert facts(card, "training_data")["Period"] == "1 Jan 2012 to 31 Dec 2012"
    assert facts(card, "training_data")["Rows"] == "120,000"
    assert facts(card, "evaluation_data")["Split"] == "at random"


def test_evidence_keeps_its_intervals_thresholds_and_dates(documented: Store):
    card = card_of(documented)
    found = tables(card, "quantitative_analyses")
    assert [row[:2] for row in found["Evidence"].rows] == [
        ("Performance", "passed"),
        ("Slice performance", "noted"),
        ("Fairness", "failed"),
    ]
    assert found["Performance"].rows == (
        ("all rows", "ROC AUC", "0.71", "0.7 to 0.72", "9,000", "0.65", "✓ passed"),
        ("all rows", "Log loss", "no scores in the file", "–", "–", "–", "✕ failed"),
    )
    assert found["Performance"].note == "Computed 30 Dec 2013 by evaluate."
    plots = {b.title: b for b in section(card, "quantitative_analyses").blocks if isinstance(b, Intervals)}
    assert [row.label for row in plots["Slice performance: ROC AUC"].rows] == [
        "origin=JFK",
        "origin=LGA",
        "origin=EWR",
    ]


def test_production_is_live_and_of_complete_windows_only(documented: Store):
    card = card_of(documented)
    blocks = section(card, "quantitative_analyses").blocks
    (course,) = (block for block in blocks if isinstance(block, Course))
    assert course.live and course.title == "ROC AUC in production, all versions together"
    assert all(point.at + timedelta(days=3) <= portfolio.NOW for point in course.points)
    assert len(course.points) > 300
    gaps = tables(card, "quantitative_analyses")["Gaps between groups in production"]
    assert gaps.live and {row[0] for row in gaps.rows} == {"sex"}
    groups = next(b for b in blocks if isinstance(b, Intervals) and b.live)
    assert all(row.lower is not None and row.lower <= row.value for row in groups.rows)
    assert [row.label for row in groups.rows] == ["sex=F, n = 880", "sex=M, n = 880"]


def test_groups_of_few_rows_are_marked_as_not_judged(documented: Store):
    portfolio.register(documented, "delay-30", protected=("sex",), minimum_group_size=1000)
    blocks = section(card_of(documented), "quantitative_analyses").blocks
    groups = next(block for block in blocks if isinstance(block, Intervals) and block.live)
    assert groups.rows[0].label == "sex=F, n = 880, too few to judge"


def test_a_version_that_made_predictions_is_told_by_its_own(documented: Store):
    december = portfolio.NOW - timedelta(days=31)
    kept = statistics.read(documented, "delay-30", "metrics", start=december)
    month = f"{december:%Y-%m}"
    own = kept.filter(pl.col("metric") == "roc_auc", pl.col("segment") == "").with_columns(
        version=pl.lit("2013-03"), value=pl.lit(0.61)
    )
    generation = statistics.write(documented, "delay-30", month, "metrics", pl.concat([kept, own]))
    with documented.write() as c:
        statistics.publish(c, "delay-30", month, "metrics", generation)
    blocks = section(card_of(documented), "quantitative_analyses").blocks
    (course,) = (block for block in blocks if isinstance(block, Course))
    assert course.title == "ROC AUC in production, version 2013-03"
    assert 20 < len(course.points) < 32 and {point.value for point in course.points} == {0.61}


def test_what_people_entered_says_by_whom_and_when(documented: Store):
    card = card_of(documented)
    entered = section(card, "ethical_considerations").entered
    assert entered.text == "Warnings worry people.\n\nWe asked ten."
    assert (entered.by, entered.on) == (DORA.id, portfolio.NOW)
    hidden = section(card, "caveats").entered.text
    assert "\u202e" not in hidden and "\x07" not in hidden and hidden.startswith("<script>")
    assert facts(card, "caveats") == {
        "Known biases of train": "no flights of 2011",
        "Known biases of test": "no flights of 2011",
        "Evaluation": "on a random split, which promises more than time will keep",
    }


def test_a_bare_model_says_of_each_section_how_it_gets_filled(documented: Store):
    card = card_of(documented, "never-swept")
    assert (card.number, card.title, card.completeness) == (None, "never-swept", 0.0)
    assert len(card.missing) == len(SECTIONS) and all(each.how for each in card.missing)
    assert facts(card, "health")["State"] == "Not swept yet"
    assert section(card, "quantitative_analyses").blocks == ()


@pytest.mark.parametrize("name", SECTIONS)
def test_a_text_fills_any_section_and_taking_it_back_empties_it(documented: Store, name: str):
    cards.write(documented, "never-swept", name, "as we see it", DORA)
    card = card_of(documented, "never-swept")
    assert [each.name for each in card.sections if each.filled] == [name]
    cards.write(documented, "never-swept", name, "", DORA)
    assert card_of(documented, "never-swept").completeness == 0


def test_the_history_tells_that_a_card_was_written(documented: Store):
    rows = views.history(documented, "delay-30").events.filter(what="Model card written: caveats")
    assert rows["who"].to_list() == [VAL.id]


def test_evidence_of_another_artifact_or_an_older_one_is_not_told(documented: Store):
    older = full_evidence()[0].model_copy(
        update={"summary": "older", "produced_at": portfolio.NOW - timedelta(90)}
    )
    versions.attach(documented, "delay-30", 1, [older], VAL)
    rows = tables(card_of(documented), "quantitative_analyses")["Evidence"].rows
    assert [row[2] for row in rows if row[0] == "Performance"] == ["ROC AUC 0.71"]
    versions.register(documented, "delay-30", Version(name="bare"), DORA)
    assert section(card_of(documented, number=2), "quantitative_analyses").filled is False


def test_releases_approvals_and_waivers_are_told(released: Store, register: Register):
    version = register(2)
    asked = promotions.request(released, "tier-2", version.number, DORA)
    decisions.approve(released, asked.id, APU, comment="good in July")
    releases.release(released, "tier-2", version.number, EMIL, reason="Monday")
    card = card_of(released, "tier-2")
    found = tables(card, "releases")
    assert found["What was released"].rows == (("1 Jan 2014", "deployed", "1", EMIL.id, "Monday"),)
    (decision,) = found["Decisions on this version"].rows
    assert decision[1:] == ("promotion 1 to production", "approved as approver", APU.id, "good in July")
    assert facts(card, "releases")["State of version 1"] == "Deployed"


def test_open_alerts_are_told_with_their_severity(watched_workspace):
    store = Store(watched_workspace)
    card = card_of(store)
    with store.read() as c:
        amiss = alerts.of_model(c, "delay-30", ended=False)
    store.close()
    assert amiss
    table = tables(card, "health")["Open alerts"]
    assert {row[1] for row in table.rows} == {alert.message for alert in amiss}
    assert table.live and table.rows[0][0] == "critical"


def test_the_version_in_production_is_the_one_described_unless_another_is_asked_for(documented: Store):
    versions.register(documented, "delay-30", Version(name="newer"), DORA)
    assert card_of(documented).number == 2  # the newest, nothing is live
    adopted = releases.adopt(documented, "delay-30", 1, EMIL, reason="runs")
    releases.review(documented, adopted.id, APU, finding="as told")
    assert card_of(documented).number == 1
    assert card_of(documented, number=2).number == 2
    with pytest.raises(InputError, match="has no version 77"):
        card_of(documented, number=77)
    assert documenting.card_of(documented, "nobody") is None


def test_the_canonical_bytes_hold_the_whole_card(documented: Store):
    card = card_of(documented)
    again = ModelCard.model_validate_json(card.canonical())
    assert again == card and again.canonical() == card.canonical()
    assert HOSTILE.splitlines()[0] in card.canonical().decode().replace('\\"', '"')


def test_live_numbers_do_not_change_what_is_signed_and_records_do(documented: Store):
    before = card_of(documented)
    with documented.write() as c:
        status.put(c, ModelStatus("delay-30", "no_data", portfolio.NOW))
    after = card_of(documented)
    assert after != before and after.records_digest == before.records_digest
    extra = Evidence(
        kind="latency", verdict="passed", summary="fast", produced_by="x", produced_at=portfolio.NOW
    )
    versions.attach(documented, "delay-30", 1, [extra], VAL)
    cards.write(documented, "delay-30", "caveats", "none known", DORA)
    assert changed(before, card_of(documented)) == ("Quantitative analyses", "Caveats and recommendations")
