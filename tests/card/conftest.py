"""A model with everything a card can hold, on the statistics of the portfolio; and one that holds nothing."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.actions import cards, versions
from core.entities import Actor
from core.records import Code, Dataset, Environment, Evidence, Finding, Run, Version
from core.settings import Workspace
from core.store import Store, use_cases
from tests.pages import portfolio
from tests.pages.conftest import portfolio_workspace, watched_workspace
from tests.release.conftest import DORA, USE_CASE, VAL, register, released

__all__ = ["portfolio_workspace", "register", "released", "watched_workspace"]
OWNER = Actor("Customer-Comms@example.com", "ui", frozenset({"viewer"}))
VI = Actor("vi@example.com", "ui", frozenset({"viewer"}))
HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)>\n"
    "![track](https://evil.example/x.png) [click](javascript:alert(1)) www.evil.example http://evil.example\n"
    "# not a heading\n- no list\n1. no list\n===\n> no quote\n```\nno code\n```\n    no code either\n"
    "a | b :red[c] $d$ &lt;b&gt; :smile: \u202eesrever\x07"
)


def dataset(name: str, **said: object) -> Dataset:
    return Dataset.model_validate(
        {
            "name": name,
            "uri": f"s3://lake/{name}.parquet",
            "digest": "a" * 64,
            "rows": 120_000,
            "columns": {"temp": "double", "late": "boolean"},
            "period": ("2012-01-01", "2012-12-31"),
            "label": "arrived more than 30 minutes late",
            "split": "time",
            "known_biases": "no flights of 2011",
            "licence": "CC0",
        }
        | said
    )


def full_version(run: int | None) -> Version:
    return Version(
        name="2013-03",
        format="onnx",
        framework="scikit-learn 1.6",
        licence="Apache-2.0",
        code=Code(repository="https://git.example.com/delay", commit="3f2a91c", dirty=True),
        environment=Environment(python="3.12", lock="b" * 64),
        parameters={"max_iter": 200},
        seed=7,
        run=run,
        training=(dataset("train"),),
        evaluation=(dataset("test", split="random"),),
        energy_kwh=0.3,
        note="trained on the spring",
    )


def full_evidence() -> list[Evidence]:
    told = {"produced_by": "evaluate", "produced_at": portfolio.NOW - timedelta(days=2)}
    auc = Finding(name="roc_auc", value=0.71, lower=0.7, upper=0.72, n=9000, threshold=0.65, passed=True)
    slices = tuple(
        Finding(name="roc_auc", about=f"origin={name}", value=value, lower=value - 0.02, upper=value + 0.02)
        for name, value in (("JFK", 0.69), ("LGA", 0.72), ("EWR", 0.7))
    )
    unknown = Finding(name="log_loss", value=None, note="no scores in the file", passed=False)
    return [
        Evidence(
            kind="performance", verdict="passed", summary="ROC AUC 0.71", findings=(auc, unknown), **told
        ),
        Evidence(kind="slice_performance", verdict="noted", summary="even", findings=slices, **told),
        Evidence(kind="fairness", verdict="failed", summary="sexes differ by 0.17", **told),
    ]


def document(store: Store) -> None:
    """Give delay-30 of the portfolio a use case, a version, evidence and texts."""
    with store.write() as c:
        use_cases.put(c, USE_CASE, at=portfolio.NOW, by="o@example.com")
    portfolio.register(
        store, "delay-30", segments=("origin",), protected=("sex",), use_case="punctuality",
        description="Late by more than 30 minutes?", sensitive=("sex",), backup_owner="deputy@example.com",
        monitors=[{"metric": "roc_auc", "below": 0.6}], costs={"false_positive": 1, "false_negative": 9},
    )  # fmt: skip
    run = versions.log_run(store, "delay-30", Run(name="spring", metrics={"roc_auc": 0.7}), DORA)
    versions.register(store, "delay-30", full_version(run.id), DORA)
    versions.attach(store, "delay-30", 1, full_evidence(), VAL)
    cards.write(store, "delay-30", "ethical_considerations", "Warnings worry people.\n\nWe asked ten.", DORA)
    cards.write(store, "delay-30", "caveats", HOSTILE, VAL)


@pytest.fixture(scope="session")
def documented_root(portfolio_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("documented") / "workspace"
    shutil.copytree(portfolio_workspace.root, root)
    store = Store(Workspace.open(root))
    document(store)
    store.close()
    return root


@pytest.fixture
def documented(documented_root: Path, tmp_path: Path) -> Iterator[Store]:
    """The portfolio with delay-30 fully documented; a copy that the test may change."""
    store = Store(Workspace.open(shutil.copytree(documented_root, tmp_path / "documented")))
    yield store
    store.close()
