"""What can be told of a run while it runs: how long, by which code, and with how much energy."""

import importlib
import importlib.util
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from core.records import Code, Dataset, Run

GIT_WITHIN_S = 5.0


@dataclass
class RunInProgress:
    """A run that is under way: put what it shows into `metrics`; `id` is there once it is over."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    dataset: Dataset | None = None
    id: int | None = None
    record: Run | None = None


@contextmanager
def measured(run: RunInProgress) -> Iterator[None]:
    """Time what happens inside and make the run's record of it; a run that fails has none.

    Energy is measured by codecarbon where that is installed.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    tracker = _tracker()
    try:
        yield
    finally:
        energy = _energy(tracker)
    run.record = Run(
        name=run.name,
        started=started,
        duration=timedelta(seconds=round(time.monotonic() - clock)),
        parameters=run.parameters,
        metrics={name: float(value) for name, value in run.metrics.items()},
        dataset=run.dataset,
        code=code_here(),
        energy_kwh=energy,
    )


def code_here(folder: Path | None = None) -> Code | None:
    """Return the commit that is checked out here, None outside a git repository or without git.

    The repository is the address of `origin` without user and password, else the folder's name.
    """
    with suppress(OSError, subprocess.SubprocessError):
        top, commit = _git(folder, "rev-parse", "--show-toplevel", "HEAD").split("\n")
        dirty = bool(_git(folder, "status", "--porcelain"))
        try:
            origin = re.sub(r"//[^/@]*@", "//", _git(folder, "remote", "get-url", "origin"))
        except subprocess.SubprocessError:
            origin = Path(top).name
        return Code(repository=origin, commit=commit, dirty=dirty)
    return None


def dataset_of(given: str | Path | Mapping[str, Any], root: Path) -> Dataset:
    """Return the dataset that a mapping of records.Dataset or a path names.

    A path is one from here, or if nothing is there from the workspace `root`.
    """
    if isinstance(given, Mapping):
        return Dataset.model_validate(given)
    path = Path(given)
    if path.exists():
        path = path.resolve()
        path = path.relative_to(root) if path.is_relative_to(root) else path
    return Dataset(name=path.stem, uri=str(path), kind="csv" if path.suffix == ".csv" else "parquet")


def _git(folder: Path | None, *words: str) -> str:
    asked = ["git", *words]
    done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=True, timeout=GIT_WITHIN_S)
    return done.stdout.strip()


def _tracker() -> Any:
    if importlib.util.find_spec("codecarbon") is None:
        return None
    made = importlib.import_module("codecarbon").OfflineEmissionsTracker(
        country_iso_code="USA",  # of emissions, which nobody reads here
        save_to_file=False,
        log_level="critical",
    )
    made.start()
    return made


def _energy(tracker: Any) -> float | None:
    if tracker is None:
        return None
    tracker.stop()
    return float(tracker.final_emissions_data.energy_consumed)
