"""A governed model whose champion is in its log, and frozen rows that a candidate answers better or worse."""

import json
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from core.settings import Workspace, initialise
from core.store import Store
from jobs.cli import main

START = datetime(2026, 1, 1, tzinfo=UTC)
USE_CASE = {
    "use_case": "loans",
    "objective": "lend to those who pay back",
    "decision": "grant a loan",
    "decision_type": "human_in_the_loop",
    "affected_persons": "applicants",
    "success": "AUC above .7",
    "false_positive": "a loan lost",
    "false_negative": "a customer lost",
    "ai_act_class": "high",
    "ai_act_rationale": "credit",
    "accountable": "owner@example.com",
    "personal_data": True,
}
# What the scoring command of the tests does: the artifact holds the weights of a logistic model.
PROGRAM = """\
import json, sys
from pathlib import Path
import numpy as np, polars as pl
weights = json.loads((Path(sys.argv[1]) / "model.json").read_text())
rows = pl.read_parquet(sys.argv[2])
x = rows["income"].cast(pl.Float64).fill_null(0.0).to_numpy()
south = (rows["region"] == "south").fill_null(False).to_numpy()
z = weights["income"] * x + weights["bias"] + weights["south"] * south
pl.DataFrame({"p": 1 / (1 + np.exp(-z))}).write_parquet(sys.argv[3])
"""
GOOD, POOR = {"income": 1.5, "south": 0.5, "bias": -0.5}, {"income": 0.3, "south": -1.0, "bias": 0.0}


def loans(n: int = 3_000, seed: int = 0, days: int = 60) -> pl.DataFrame:
    """Rows whose label follows the logistic law of GOOD exactly."""
    rng = np.random.default_rng(seed)
    income, region = rng.normal(size=n), rng.choice(["north", "south", "west"], n)
    p = answer(GOOD, income, region)
    return pl.DataFrame(
        {
            "id": [f"r{i}" for i in range(n)],
            "at": [START + timedelta(days=days * i / n) for i in range(n)],
            "income": income,
            "noise": rng.normal(size=n),
            "region": region,
            "sex": rng.choice(["f", "m"], n),
            "version": "1",
            "paid": (rng.random(n) < p).astype(np.int64),
        }
    )


def answer(weights: dict[str, float], income: Any, region: Any) -> Any:
    z = weights["income"] * income + weights["bias"] + weights["south"] * (region == "south")
    return 1 / (1 + np.exp(-z))


def answered(rows: pl.DataFrame, weights: dict[str, float]) -> pl.DataFrame:
    return rows.with_columns(p=answer(weights, rows["income"].to_numpy(), rows["region"].to_numpy()))


def declared(**changes: Any) -> dict[str, Any]:
    return {
        "model": "loans",
        "owner": "owner@example.com",
        "task": "binary_classification",
        "risk_tier": 2,
        "description": "Will it be paid back?",
        "use_case": "loans",
        "predictions": {
            "path": "predictions/loans",
            "timestamp": "at",
            "prediction_id": "id",
            "version": "version",
            "score": "p",
            "actual": "paid",
        },
        "features": {"numeric": ["income", "noise"], "categorical": ["region"]},
        "segments": ["region"],
        "protected": ["sex"],
        "monitors": [{"metric": "roc_auc", "below": 0.7}],
    } | changes


class Office:
    """The workspace and its command line."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *words: str) -> int:
        return main([*words, "--workspace", str(self.root)])

    def write(self, name: str, frame: pl.DataFrame) -> str:
        file = self.root / "frozen" / name
        file.parent.mkdir(exist_ok=True)
        frame.write_csv(file) if file.suffix == ".csv" else frame.write_parquet(file)
        return str(file)

    def register(self, name: str, weights: dict[str, float] | None = None, **record: Any) -> None:
        """Register a version with an artifact, and the training and evaluation data its card asks for."""
        folder = self.root / "artifacts" / name
        folder.mkdir(parents=True)
        (folder / "model.json").write_text(json.dumps(weights or GOOD | {"name": name}))
        written = {"name": name, "artifact": f"artifacts/{name}", "format": "json"} | record
        file = self.root / f"{name}.yaml"
        file.write_text(yaml.safe_dump(written))
        assert self.run("version", "register", "loans", str(file)) == 0

    def apply(self, **changes: Any) -> None:
        (self.root / "models" / "loans.yaml").write_text(yaml.safe_dump(declared(**changes)))
        assert self.run("apply", "--force") == 0

    def settings(self, **keys: Any) -> None:
        (self.root / "steward.yaml").write_text(yaml.safe_dump(keys))

    def store(self) -> Store:
        return Store(Workspace.open(self.root))

    def scoring(self, program: str = PROGRAM, **keys: Any) -> dict[str, Any]:
        """Put a scoring command into steward.yaml and return what the declaration says of it."""
        file = self.root / "score.py"
        file.write_text(program)
        words = [sys.executable, str(file), "{artifact}", "{input}", "{output}"]
        self.settings(commands={"score": {"run": words, "timeout": "60s"} | keys})
        return {"scoring": {"command": "score"}}


@pytest.fixture
def office(furnished: Path, tmp_path: Path) -> Office:
    """Version 1 (poor) is in production and in the log, version 2 (good) waits with its frozen rows."""
    return Office(Path(shutil.copytree(furnished, tmp_path / "workspace")))


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace that each test gets a copy of."""
    root = initialise(tmp_path_factory.mktemp("office") / "workspace").root
    office = Office(root)
    assert office.run("init") == 0
    (root / "use_cases" / "loans.yaml").write_text(yaml.safe_dump(USE_CASE))
    office.apply()
    (root / "predictions" / "loans").mkdir(parents=True)
    log = answered(loans(), POOR)
    log.write_parquet(root / "predictions" / "loans" / "log.parquet")
    office.register("1", POOR)
    assert office.run("release", "loans", "1", "--adopt", "--reason", "ran before") == 0
    train = loans(400, seed=9).with_columns(
        id=pl.format("t{}", pl.int_range(pl.len())), at=pl.col("at") - timedelta(days=90)
    )
    office.write("train.parquet", train)
    office.register("2", GOOD, training=[{"name": "train", "uri": "frozen/train.parquet"}])
    office.write("candidate.parquet", answered(loans(), GOOD).with_columns(version=pl.lit("2")))
    return root
