"""Estimated performance against NannyML's CBPE, run on the car-loan files of its own wheel.

NannyML gets an environment of its own, made here; what it answered is kept, so that a run that was cut off or
is repeated goes on from there. The three-class files are measured as well: NannyML scales each row's
calibrated probabilities to add up to one, which counts cannot do.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from benchmarks.table import Table
from core.declaration import Declaration
from core.engine import DuckDBEngine
from core.entities import Source
from core.measures import measure, merge_cells

HELD = 0.005
NANNYML = ("nannyml==0.13.1", "statsmodels", "pandas<2.3", "numpy<2", "scikit-learn<1.6", "setuptools")
BINARY = ("roc_auc", "f1", "precision", "recall", "specificity", "accuracy", "average_precision")
SEVERAL = {"f1_macro": "f1", "precision_macro": "precision", "recall_macro": "recall", "accuracy": "accuracy"}
CLASSES = ("prepaid_card", "highstreet_card", "upmarket_card")

# Runs in NannyML's environment: writes the files of its wheel and its estimates of every month as JSON.
SCRIPT = """
import json, sys
import nannyml
folder, binary, several, classes = json.loads(sys.argv[1])
answers = {}
for name, load, score, label, metrics in (
    ("car-loan", nannyml.load_synthetic_car_loan_dataset, "y_pred_proba", "repaid", binary),
    ("cards", nannyml.load_synthetic_multiclass_classification_dataset,
     {c: "y_pred_proba_" + c for c in classes}, "y_true", several),
):
    reference, analysis, target = load()
    problem = "classification_binary" if isinstance(score, str) else "classification_multiclass"
    estimator = nannyml.CBPE(
        y_pred_proba=score, y_pred="y_pred", y_true=label, timestamp_column_name="timestamp",
        metrics=metrics, chunk_period="M", problem_type=problem,
    )
    found = estimator.fit(reference).estimate(analysis).filter(period="analysis").to_df(multilevel=True)
    months = [str(start)[:7] for start in found[("chunk", "start_date")]]
    answers[name] = {m: dict(zip(months, map(float, found[(m, "value")]))) for m in metrics}
    reference.to_csv(folder + "/" + name + "-reference.csv", index=False)
    labelled = analysis.merge(target, on="id", suffixes=("", "_late"))
    labelled.to_csv(folder + "/" + name + "-log.csv", index=False)
json.dump(answers, open(folder + "/answers.part", "w"))
"""


def run() -> list[Table]:
    """Compare every metric of every month."""
    folder = Path(tempfile.gettempdir()) / "steward-benchmarks" / "nannyml-0.13.1"
    answers = _asked(folder)
    return [
        _table(
            f"Estimated performance: NannyML's car loans, by month, within {HELD}",
            dict(zip(BINARY, BINARY, strict=True)),
            answers["car-loan"],
            _measured(folder, "car-loan", _binary(), "repaid"),
            held=True,
        ),
        _table(
            "Estimated performance: NannyML's cards of three classes, by month, for comparison",
            SEVERAL,
            answers["cards"],
            _measured(folder, "cards", _several(), "y_true"),
            held=False,
        ),
    ]


def _asked(folder: Path) -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """Return NannyML's estimates: dataset → metric → month → value."""
    kept = folder / "answers.json"
    if not kept.exists():
        python = _environment(folder / "venv")
        asked = json.dumps([str(folder), BINARY, sorted(set(SEVERAL.values())), CLASSES])
        alone = os.environ | {"NML_DISABLE_USAGE_LOGGING": "1"}  # it would call its makers
        subprocess.run([python, "-W", "ignore", "-c", SCRIPT, asked], check=True, env=alone)
        (folder / "answers.part").rename(kept)
    answers: Mapping[str, Mapping[str, Mapping[str, float]]] = json.loads(kept.read_text(encoding="utf-8"))
    return answers


def _environment(folder: Path) -> Path:
    """Return the interpreter of an environment with NannyML, made on the first call."""
    python, done = folder / "bin" / "python", folder / "complete"
    if not done.exists():
        print(f"making NannyML's environment in {folder} …", file=sys.stderr)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *NANNYML], check=True)
        done.touch()
    return python


def _binary() -> dict[str, object]:
    return {"task": "binary_classification", "predictions": {"score": "y_pred_proba"}}


def _several() -> dict[str, object]:
    scores = {name: f"y_pred_proba_{name}" for name in CLASSES}
    return {"task": "multiclass_classification", "predictions": {"score": scores}}


def _measured(folder: Path, name: str, of_task: Mapping[str, object], label: str) -> pl.DataFrame:
    """Return METRICS of the months of the log, as a sweep would measure them."""
    columns = {"path": "log", "timestamp": "timestamp", "prediction": "y_pred", "actual": label}
    predictions = of_task["predictions"]
    assert isinstance(predictions, dict)
    declaration = Declaration.model_validate(
        {
            **{"model": name, "owner": "bench@example.com", "risk_tier": 4, "window": "1mo"},
            **{"features": {}, "task": of_task["task"], "predictions": columns | predictions},
        }
    )
    past, log = (Source((str(folder / f"{name}-{part}.csv"),)) for part in ("reference", "log"))
    with DuckDBEngine(threads=2) as engine:
        windows = list(engine.windows_of(past, declaration))
        grid = engine.build_grid(past, declaration, windows, reference_id="bench", frozen=True)
        normal = merge_cells(engine.profile(past, declaration, grid, windows))
        cells = engine.profile(log, declaration, grid, list(engine.windows_of(log, declaration)))
    return measure(cells, normal, grid, declaration).filter(column="")


def _table(
    title: str,
    metrics: Mapping[str, str],
    answers: Mapping[str, Mapping[str, float]],
    measured: pl.DataFrame,
    *,
    held: bool,
) -> Table:
    lines, worst = [], 0.0
    for ours, theirs in metrics.items():
        estimated, realised = (_by_month(measured, name) for name in (f"estimated_{ours}", ours))
        months = answers[theirs]
        apart = max(abs(estimated[month] - value) for month, value in months.items())
        off = [
            sum(abs(told[month] - realised[month]) for month in months) / len(months)
            for told in (estimated, months)
        ]
        worst = max(worst, apart)
        lines.append([ours, f"{len(months)}", f"{apart:.4f}", f"{off[0]:.4f}", f"{off[1]:.4f}"])
    columns = ["metric", "months", "largest difference", "Steward's mean error", "NannyML's mean error"]
    verdict = f"held to {HELD}: {'held' if worst <= HELD else 'missed'} (largest difference {worst:.4f})"
    return Table(title, columns, lines, verdict if held else "")


def _by_month(measured: pl.DataFrame, metric: str) -> Mapping[str, float]:
    found = measured.filter(metric=metric)
    months = found["window_start"].dt.strftime("%Y-%m")
    return dict(zip(months, found["value"], strict=True))
