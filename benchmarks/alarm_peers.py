"""The same streams judged by Evidently and NannyML, each in an environment of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.alarm_streams import FOR_PEERS, STREAMS
from benchmarks.table import Table

REFERENCES = 20
BUDGET_MINUTES = 90
MATCHED = 0.05
ROWS = (200, 1_000)
# Their newest releases, and what they need beside them to be importable at all.
REQUIREMENTS = {
    "evidently": ("evidently==0.7.23", "pandas<3"),
    "nannyml": ("nannyml==0.13.1", "statsmodels"),
}
RULES = {
    "evidently": "Evidently, defaults",
    "evidently-ks": "Evidently, KS and chi-squared",
    "nannyml": "NannyML, defaults",
}
_SILENT = {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1"}
_WORKER = Path(__file__).with_name("alarm_peer_worker.py")


def run(cache: Path) -> list[Table]:
    """Judge with every peer that can be installed, as far as the time allows; what is done is kept."""
    begun, lines, without = time.monotonic(), [], []
    environments = {name: environment(cache, name) for name in REQUIREMENTS}
    without = [name for name, python in environments.items() if python is None]
    for rows in ROWS:
        for law in STREAMS:
            for peer in RULES:
                python = environments[peer.partition("-")[0]]
                left = BUDGET_MINUTES * 60 - (time.monotonic() - begun)
                if python is not None:
                    lines += _judged(cache, python, peer, law, rows, left)
    heads = ["peer, stream", "references", "any alarm, own threshold", *(f"{k}, matched" for k in FOR_PEERS)]
    note = f"matched: one threshold for all columns but the longest category, {MATCHED:.0%} of quiet windows"
    if without:
        note += f"; could not be installed here: {', '.join(without)}"
    return [Table("Peers", heads, lines, note)]


def environment(cache: Path, name: str) -> Path | None:
    """Return the Python of a peer's environment, made where it is missing; None where it cannot be."""
    folder = cache / "environments" / name
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [python, "-m", "pip", "install", "-q", *REQUIREMENTS[name]]
        works = [python, "-c", f"import {name}"]
        for command in (install, works):
            if subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
                return None
        (folder / "complete").touch()
    return python


def _judged(cache: Path, python: Path, peer: str, law: str, rows: int, seconds: float) -> Iterator[list[str]]:
    file = cache / f"{peer}-{law}-{rows}.jsonl"
    done = len(file.read_text().splitlines()) if file.exists() else 0
    if done < REFERENCES and seconds > 0:
        command = [python, _WORKER, peer, law, str(rows), str(REFERENCES), file]
        with suppress(subprocess.TimeoutExpired):  # what was measured is told, with its references
            subprocess.run(command, check=True, timeout=seconds, env=os.environ | _SILENT)
    if file.exists() and file.read_text():
        yield row(
            f"{RULES[peer]}, {law}, {rows:,}", [json.loads(each) for each in file.read_text().splitlines()]
        )


def row(name: str, found: list[dict[str, Any]]) -> list[str]:
    """Return one line of the table: false alarms, and power at matched false alarms."""
    quiet = np.sort(np.concatenate([each["quiet"] for each in found]))
    limit = quiet[int(np.ceil(len(quiet) * (1 - MATCHED))) - 1]
    power = [
        interval([float(np.mean(np.array(each["drifts"][kind][0]) > limit)) for each in found])
        for kind in FOR_PEERS
    ]
    return [name, str(len(found)), interval([float(np.mean(each["alarms"])) for each in found]), *power]


def interval(per_reference: list[float]) -> str:
    """Return the mean over references with its 95 % interval."""
    values = np.array(per_reference)
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return f"{values.mean():.3f} ± {half:.3f}"
