"""The challenger of delay-30: its artifact, its rows, and what the real evaluation says of it."""

import json
import shutil

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from core.actions import models
from core.demo import challenger, governance, trees
from core.demo.sources import flights
from core.demo_scoring import probabilities
from core.entities import Actor
from core.permissions import ROLES
from core.settings import Workspace
from core.store import Store, audit, evidence, promotions, releases

PERSON = Actor("dora@example.com", "cli", frozenset(ROLES))


@pytest.fixture(scope="module")
def root(demo, tmp_path_factory):
    """A workspace with the demo's settings and the declaration of delay-30 alone."""
    root = tmp_path_factory.mktemp("challenger")
    for name in ("steward.yaml", "models/delay-30.yaml", "use_cases/delay-messages.yaml"):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(demo / name, root / name)
    return root


@pytest.fixture(scope="module")
def made(root):
    return challenger.files(root, flights())


@pytest.fixture(scope="module")
def governed(root, made):
    """The store after the registry heard all of it; `made` spares teaching twice."""
    store = Store(Workspace.open(root))
    store.migrate()
    models.apply(store, [], PERSON)
    governance.govern(store.workspace, ["delay-30"])
    yield store
    store.close()


def test_a_forest_in_json_answers_as_the_model_itself():
    rng = np.random.default_rng(0)
    rows = pl.DataFrame({"word": rng.choice(list("abcdefgh"), 4_000), "x": rng.normal(size=4_000)})
    rows = rows.with_columns(x=pl.when(pl.Series(rng.random(4_000)) < 0.1).then(None).otherwise("x"))
    codes = rows["word"].rank("dense").cast(pl.Float64) - 1
    features = np.column_stack([codes.to_numpy(), rows["x"].to_numpy()])
    odds = rows["x"].fill_null(1.0).to_numpy() + (rows["word"].is_in(["b", "f"])).to_numpy()
    target = (rng.random(4_000) < 1 / (1 + np.exp(-odds))).astype(int)
    model = HistGradientBoostingClassifier(categorical_features=[0], max_iter=30, random_state=0)
    model.fit(features, target)
    content = json.loads(json.dumps(trees.forest(model, ["word"], ["x"], rows)))
    assert probabilities(content, rows) == pytest.approx(model.predict_proba(features)[:, 1], abs=1e-12)
    strange = rows.with_columns(word=pl.lit("never seen"))
    as_missing = np.column_stack([np.full(4_000, np.nan), features[:, 1]])
    expected = model.predict_proba(as_missing)[:, 1]
    assert probabilities(content, strange) == pytest.approx(expected, abs=1e-12)


def test_the_champions_artifact_answers_as_its_log_says(demo, root, made):
    answers = pl.read_parquet(root / made.answers["1.0"]).select("flight_id", "probability")
    log = pl.read_parquet(demo / "predictions" / "delay-30" / "2013" / "08" / "*.parquet")
    both = answers.join(log.select("flight_id", logged="probability").drop_nulls(), on="flight_id")
    assert both.height > 25_000
    assert (both["probability"] - both["logged"]).abs().max() < 1e-4


def test_no_row_of_the_evaluation_was_learned_from(root, made):
    frozen = pl.read_parquet(root / made.rows)
    for version in ("1.0", "2.0"):
        learned = pl.read_parquet(root / made.training[version])
        assert frozen["scored_at"].min() > learned["scored_at"].max()
        assert frozen.join(learned, on="flight_id").is_empty()


def test_the_evaluation_shows_where_the_challenger_is_better_and_where_not(governed):
    """By the real path; the numbers are those of the flights."""
    with governed.read() as c:
        by_kind = {each.record.kind: each.record for each in evidence.of_version(c, "delay-30", 2)}
    comparison = by_kind["champion_comparison"]
    assert comparison.verdict == "passed"
    assert "surely better in 2013-07, 2013-09; worse by Accuracy, Precision" in comparison.summary
    (auc,) = [f for f in comparison.findings if f.name == "roc_auc_difference" and not f.about]
    assert auc.value == pytest.approx(0.0266, abs=0.001)
    assert {kind: record.verdict for kind, record in by_kind.items()} == {
        "performance": "passed",
        "champion_comparison": "passed",
        "slice_performance": "passed",
        "calibration": "passed",
        "leakage": "passed",
        "robustness": "passed",
        "latency": "passed",
    }
    assert "a random split of such rows would promise +0.0" in by_kind["leakage"].summary


def test_its_promotion_waits_for_somebody_else(governed):
    with governed.read() as c:
        (asked,) = promotions.every(c, "delay-30")
        champion = releases.champion(c, "delay-30", "production")
        assert audit.verify(c).state == "intact"
        events = [(each.event, each.actor) for each in releases.events(c, "delay-30")]
        said = [each.actor for each in promotions.said(c, asked.id)]
    assert (asked.number, asked.state, asked.requested_by) == (2, "awaiting_approval", "dora@example.com")
    assert (champion.number, said) == (1, ["val@example.com"])
    assert events == [("adopted", "emil@example.com"), ("reviewed", "apu@example.com")]


def test_governing_again_changes_nothing(root, governed):
    with governed.read() as c:
        before = audit.head(c)
    governance.govern(Workspace.open(root), ["delay-30"])
    with governed.read() as c:
        assert audit.head(c) == before
