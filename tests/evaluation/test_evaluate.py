"""`steward evaluate` from a file to the gate: what it attaches, what it refuses, and nothing half done."""

import json
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from core.actions import evaluations
from core.entities import Actor
from core.errors import NotAllowed
from core.store import audit, evidence, versions
from tests.evaluation.conftest import GOOD, POOR, Office, answered, loans


def evaluated(office: Office, capsys, *words: str, file: str = "candidate.parquet", code: int = 0) -> dict:
    """Run the command and return its JSON, evidence by kind."""
    capsys.readouterr()
    given = ("--predictions", str(office.root / "frozen" / file), *words)
    assert office.run("evaluate", "loans", "2", *given, "--json") == code
    told = json.loads(capsys.readouterr().out)
    return told | {"by_kind": {each["kind"]: each for each in told["evidence"]}}


def finding(evidence: dict, name: str, about: str = "") -> dict:
    (found,) = [f for f in evidence["findings"] if f["name"] == name and f.get("about", "") == about]
    return found


def attached(office: Office, number: int = 2) -> list:
    store = office.store()
    with store.read() as c:
        found = evidence.of_version(c, "loans", number)
    store.close()
    return found


def refused(office: Office, capsys, *words: str) -> str:
    """Run the command, which refuses, and return what it says; nothing is attached."""
    capsys.readouterr()
    assert office.run("evaluate", "loans", "2", *words) == 2
    assert attached(office) == []
    return capsys.readouterr().err


def test_a_better_version_passes_on_every_kind_the_file_can_tell(office, capsys):
    told = evaluated(office, capsys)
    assert {kind: each["verdict"] for kind, each in told["by_kind"].items()} == {
        "performance": "passed",
        "champion_comparison": "passed",
        "slice_performance": "passed",
        "fairness": "passed",
        "calibration": "passed",
        "leakage": "passed",
    }
    assert told["champion"] == "loans version 1"
    rows = answered(loans(), GOOD)
    auc = roc_auc_score(rows["paid"], rows["p"])
    assert finding(told["by_kind"]["performance"], "roc_auc")["value"] == pytest.approx(auc)
    worse = roc_auc_score(rows["paid"], answered(loans(), POOR)["p"])
    difference = finding(told["by_kind"]["champion_comparison"], "roc_auc_difference")
    assert difference["value"] == pytest.approx(auc - worse)
    assert difference["threshold"] == -0.01
    assert any("robustness: name a scoring command" in each for each in told["untold"])


def test_evidence_is_bound_to_the_version_and_its_rows_and_audited_once(office, capsys):
    told = evaluated(office, capsys)
    found = attached(office)
    store = office.store()
    with store.read() as c:
        version, lineage = versions.get(c, "loans", 2), versions.ancestry(c, "version:loans/2")
        entries = [e for e in audit.entries(c) if e.action == "evidence.attached"]
    store.close()
    assert {each.artifact_digest for each in found} == {version.digest}
    assert {each.record.dataset for each in found} == {told["dataset"]}
    assert (f"dataset:{told['dataset']}", "evaluated", "version:loans/2") in lineage
    assert len(entries) == 1
    assert len(entries[0].after) == len(found) == 6


def test_the_gate_passes_because_of_the_evidence_and_fails_because_of_it(office, capsys):
    def states() -> dict[str, str]:
        capsys.readouterr()
        office.run("gate", "loans", "2", "--json")
        return {c["name"]: c["state"] for c in json.loads(capsys.readouterr().out)["checks"]}

    kinds = ("performance", "champion_comparison", "calibration", "leakage", "fairness")
    assert [states()[kind] for kind in kinds] == ["missing"] * 5
    evaluated(office, capsys)
    assert [states()[kind] for kind in kinds] == ["passed"] * 5
    office.write("worse.parquet", answered(loans(), POOR | {"income": -1.0}))
    told = evaluated(office, capsys, file="worse.parquet", code=1)
    assert told["by_kind"]["champion_comparison"]["verdict"] == "failed"
    assert "not shown to be non-inferior in ROC AUC" in told["by_kind"]["champion_comparison"]["summary"]
    after = states()
    assert (after["performance"], after["champion_comparison"]) == ("failed", "failed")


def test_with_a_scoring_command_the_gate_of_tier_3_says_yes_and_the_exit_code_is_0(office, capsys):
    office.apply(risk_tier=3, **office.scoring())
    assert office.run("gate", "loans", "2") == 1
    told = evaluated(office, capsys, code=1)
    assert told["by_kind"]["robustness"]["verdict"] == "failed"  # it cannot do without income
    assert told["by_kind"]["latency"]["verdict"] == "passed"
    assert office.run("gate", "loans", "2") == 0  # tier 3 only warns of robustness


def test_a_label_file_joins_by_id_and_csv_is_read_as_well(office, capsys):
    rows = answered(loans(), GOOD)
    (office.root / "labels" / "loans").mkdir(parents=True)
    rows.select("id", "paid").write_csv(office.root / "labels" / "loans" / "labels.csv")
    labels = {"path": "labels/loans/*.csv", "prediction_id": "id", "actual": "paid"}
    office.apply(labels=labels, predictions=declared_without_label())
    office.write("unlabelled.csv", rows.drop("paid"))
    told = evaluated(office, capsys, file="unlabelled.csv")
    assert told["rows"] == 3_000
    auc = roc_auc_score(rows["paid"], rows["p"])
    assert finding(told["by_kind"]["performance"], "roc_auc")["value"] == pytest.approx(auc)


def declared_without_label() -> dict[str, str]:
    names = {"path": "predictions/loans", "timestamp": "at", "prediction_id": "id", "version": "version"}
    return names | {"score": "p"}


def test_a_given_champion_file_is_compared_instead_of_the_log(office, capsys):
    champion = office.write("champion.parquet", answered(loans(), GOOD))
    told = evaluated(office, capsys, "--champion", champion)
    assert finding(told["by_kind"]["champion_comparison"], "roc_auc_difference")["value"] == 0


def test_the_champion_of_other_rows_is_refused(office, capsys):
    others = loans(300, seed=5).with_columns(id=pl.format("x{}", pl.int_range(pl.len())))
    champion = office.write("champion.parquet", answered(others, POOR))
    words = ("--predictions", str(office.root / "frozen" / "candidate.parquet"), "--champion", champion)
    assert "holds 0.0% of the candidate's 3,000 labelled rows" in refused(office, capsys, *words)


def test_without_enough_of_the_champion_in_the_log_the_comparison_is_left_out_and_said(office, capsys):
    (office.root / "predictions" / "loans" / "log.parquet").unlink()
    answered(loans().head(500), POOR).write_parquet(office.root / "predictions" / "loans" / "log.parquet")
    told = evaluated(office, capsys)
    assert "champion_comparison" not in told["by_kind"]
    assert any("holds 16.7% of these rows" in each and "--champion FILE" in each for each in told["untold"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.drop("p"), "has no column 'p'"),
        (lambda rows: rows.drop("at"), "has no column 'at'"),
        (lambda rows: rows.drop("paid"), "none of its 3,000 rows has both an answer and a label (paid)"),
        (lambda rows: rows.with_columns(p=pl.col("p") * 100), "expected probabilities"),
        (lambda rows: rows.head(0), "has no rows with a usable at"),
    ],
)
def test_a_file_that_is_not_as_declared_is_refused_and_nothing_is_attached(office, capsys, change, said):
    file = office.write("odd.parquet", change(answered(loans(), GOOD)))
    assert said in refused(office, capsys, "--predictions", file)


def test_a_file_that_is_none_or_lies_elsewhere_is_refused(office, capsys, tmp_path):
    assert "is no file" in refused(office, capsys, "--predictions", "frozen/absent.parquet")
    outside = tmp_path / "outside.parquet"
    answered(loans(50), GOOD).write_parquet(outside)
    assert "outside the folders Steward may read" in refused(office, capsys, "--predictions", str(outside))
    garbage = office.root / "frozen" / "garbage.parquet"
    garbage.write_bytes(b"PAR1 not really")
    refused(office, capsys, "--predictions", str(garbage))


def test_who_may_not_attach_evidence_is_told_before_anything_is_computed(office):
    store = office.store()
    ana = Actor("ana@example.com", "ui", frozenset({"analyst"}))
    with pytest.raises(NotAllowed, match="may not attach evidence"):
        evaluations.evaluate(store, "loans", 2, ana, predictions="frozen/none.parquet")
    store.close()


def test_a_dataset_of_the_version_binds_the_evidence_and_other_rows_are_refused(office, capsys):
    frozen = office.write("frozen.parquet", loans().select("id", "income"))
    entry = {"name": "frozen", "uri": "frozen/frozen.parquet", "split": "time"}
    office.register("3", GOOD | {"extra": 1}, evaluation=[entry])
    assert frozen
    capsys.readouterr()
    candidate = str(office.root / "frozen" / "candidate.parquet")
    words = ("evaluate", "loans", "3", "--predictions", candidate, "--dataset")
    assert office.run(*words, "frozn") == 2
    assert "did you mean 'frozen'" in capsys.readouterr().err
    assert office.run(*words, "frozen", "--json") in (0, 1)
    store = office.store()
    with store.read() as c:
        (dataset,) = versions.get(c, "loans", 3).record.evaluation
    store.close()
    assert json.loads(capsys.readouterr().out)["dataset"] == dataset.digest
    more = loans().with_columns(id=pl.when(pl.col("id") == "r7").then(pl.lit("new")).otherwise("id"))
    office.write("more.parquet", answered(more, GOOD))
    capsys.readouterr()
    file = str(office.root / "frozen" / "more.parquet")
    assert office.run("evaluate", "loans", "3", "--predictions", file, "--dataset", "frozen") == 2
    assert "1 of 3,000 rows are not in the dataset frozen (e.g. new)" in capsys.readouterr().err


def test_a_slice_left_behind_fails_although_the_whole_is_better(office, capsys):
    rows = answered(loans(6_000), GOOD)
    answered(loans(6_000), POOR).write_parquet(office.root / "predictions" / "loans" / "log.parquet")
    rng = np.random.default_rng(3)
    west = rows["region"] == "west"
    shuffled = pl.Series(rng.permutation(rows["p"].to_numpy()))
    office.write("candidate.parquet", rows.with_columns(p=pl.when(west).then(shuffled).otherwise("p")))
    told = evaluated(office, capsys, code=1)
    slices = told["by_kind"]["slice_performance"]
    assert slices["verdict"] == "failed"
    assert "left behind: region=west" in slices["summary"]
    assert finding(slices, "roc_auc", "region=north")["passed"] is True


def test_an_unfair_version_fails_by_the_four_fifths_rule(office, capsys):
    less = pl.when(pl.col("sex") == "f").then(0.8).otherwise(1.0)
    rows = answered(loans(), GOOD).with_columns(p=pl.col("p") * less)
    office.write("candidate.parquet", rows)
    told = evaluated(office, capsys, code=1)
    fairness = told["by_kind"]["fairness"]
    assert fairness["verdict"] == "failed"
    chosen = {sex: (rows.filter(sex=sex)["p"] >= 0.5).mean() for sex in "fm"}
    ratio = finding(fairness, "demographic_parity_ratio", "sex")
    assert ratio["value"] == pytest.approx(min(chosen.values()) / max(chosen.values()))
    assert ratio["threshold"] == 0.8
    of_women = finding(fairness, "selection_rate", "sex=f")
    assert of_women["lower"] < of_women["value"] < of_women["upper"]


def test_overconfident_scores_fail_calibration(office, capsys):
    rows = answered(loans(), GOOD)
    odds = 3 * (rows["p"] / (1 - rows["p"])).log()
    office.write("candidate.parquet", rows.with_columns(p=1 / (1 + (-odds).exp())))
    told = evaluated(office, capsys, code=1)
    assert told["by_kind"]["calibration"]["verdict"] == "failed"
    slope = finding(told["by_kind"]["calibration"], "calibration_slope")
    assert slope["value"] == pytest.approx(1 / 3, abs=0.05)


def test_rows_of_the_training_fail_and_unknown_training_is_only_noted(office, capsys):
    train = pl.read_parquet(office.root / "frozen" / "train.parquet")
    leaking = pl.concat([loans().head(2_900), train.head(100)])
    office.write("candidate.parquet", answered(leaking, GOOD))
    told = evaluated(office, capsys, code=1)
    leakage = told["by_kind"]["leakage"]
    assert leakage["verdict"] == "failed"
    assert finding(leakage, "shared_rows")["value"] == 100
    office.register("3", GOOD | {"extra": 2})
    capsys.readouterr()
    candidate = str(office.root / "frozen" / "candidate.parquet")
    office.run("evaluate", "loans", "3", "--predictions", candidate, "--json")
    by_kind = {each["kind"]: each for each in json.loads(capsys.readouterr().out)["evidence"]}
    assert by_kind["leakage"]["verdict"] == "noted"
    assert "cannot be told" in by_kind["leakage"]["summary"]


def test_a_run_that_promised_more_than_the_rows_show_fails(office, capsys):
    run = office.root / "run.yaml"
    run.write_text("name: spring\nmetrics: {roc_auc: 0.97}\n")
    assert office.run("version", "log-run", "loans", str(run)) == 0
    train = {"name": "train", "uri": "frozen/train.parquet"}
    office.register("3", GOOD | {"extra": 3}, run=1, training=[train])
    capsys.readouterr()
    candidate = str(office.root / "frozen" / "candidate.parquet")
    assert office.run("evaluate", "loans", "3", "--predictions", candidate, "--json") == 1
    by_kind = {each["kind"]: each for each in json.loads(capsys.readouterr().out)["evidence"]}
    assert by_kind["leakage"]["verdict"] == "failed"
    assert "its run promised 0.97" in by_kind["leakage"]["summary"]


def test_what_is_promised_fails_too_where_nothing_else_is_known_of_the_training(office, capsys):
    run = office.root / "run.yaml"
    run.write_text("name: spring\nmetrics: {roc_auc: 0.97}\n")
    assert office.run("version", "log-run", "loans", str(run)) == 0
    office.register("3", GOOD | {"extra": 4}, run=1)
    capsys.readouterr()
    candidate = str(office.root / "frozen" / "candidate.parquet")
    assert office.run("evaluate", "loans", "3", "--predictions", candidate, "--json") == 1
    by_kind = {each["kind"]: each for each in json.loads(capsys.readouterr().out)["evidence"]}
    assert by_kind["leakage"]["verdict"] == "failed"


def test_a_random_split_flatters_where_days_have_their_own_luck(office, capsys):
    """A feature that is one number a day, and a day's luck: a random split learns the luck by that number."""
    rng = np.random.default_rng(11)
    rows = loans(6_000, days=60)
    day = np.arange(6_000) // 100
    luck, weather = rng.normal(scale=2, size=60), rng.normal(size=60)
    paid = (rng.random(6_000) < 1 / (1 + np.exp(-luck[day]))).astype(int)
    rows = rows.with_columns(noise=pl.Series(weather[day]), paid=pl.Series(paid))
    office.write("candidate.parquet", answered(rows, GOOD))
    (office.root / "predictions" / "loans" / "log.parquet").unlink()
    told = evaluated(office, capsys, code=1)
    gap = finding(told["by_kind"]["leakage"], "random_split_gap", "roc_auc")
    assert gap["lower"] > 0.1


def test_latencies_beside_the_predictions_are_told_with_order_statistics(office, capsys):
    office.apply(operations={"latency_ms": "ms"})
    ms = np.random.default_rng(0).lognormal(3, 0.4, 3_000)
    office.write("candidate.parquet", answered(loans(), GOOD).with_columns(ms=pl.Series(ms)))
    told = evaluated(office, capsys)
    p99 = finding(told["by_kind"]["latency"], "latency_p99")
    assert p99["value"] == pytest.approx(np.quantile(ms, 0.99), rel=1e-6)
    assert p99["lower"] < p99["value"] < p99["upper"]


def test_rows_that_carry_another_versions_name_are_told(office, capsys):
    assert evaluated(office, capsys)["untold"][0].startswith("robustness")
    office.write("candidate.parquet", answered(loans(), GOOD))
    said = "the rows' column version says 1, the version is called 2"
    assert evaluated(office, capsys)["untold"][0] == said


def test_months_say_where_it_is_better(office, capsys):
    rows = loans(6_000, days=85)
    early = rows["at"] < rows["at"][0] + timedelta(days=31)
    p = pl.when(early).then(answered(rows, POOR)["p"]).otherwise(answered(rows, GOOD)["p"])
    office.write("candidate.parquet", rows.with_columns(p=p))
    answered(rows, POOR).write_parquet(office.root / "predictions" / "loans" / "log.parquet")
    told = evaluated(office, capsys, code=1)  # scores of two scales do not rank rows of both together
    comparison = told["by_kind"]["champion_comparison"]
    assert "surely better in 2026-02, 2026-03" in comparison["summary"]
    assert finding(comparison, "roc_auc_difference", "2026-01")["value"] == 0


def test_people_read_a_table_and_the_next_step(office, capsys):
    capsys.readouterr()
    candidate = str(office.root / "frozen" / "candidate.parquet")
    assert office.run("evaluate", "loans", "2", "--predictions", candidate) == 0
    out = capsys.readouterr().out
    assert "champion_comparison  passed" in out
    assert "Next: steward gate loans 2" in out
