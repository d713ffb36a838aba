"""A program of the administrator that lets a version answer rows: started without a shell, watched, checked.

`commands:` in steward.yaml names it; a declaration refers to it by name (`scoring: {command: …}`). It reads
Parquet, writes Parquet, and is never asked anything else: Steward loads no model itself.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from core.errors import ScoringError
from core.steward_yaml import Command

NEEDED = ("{input}", "{output}")
OUTPUT_BYTES = 1 << 30  # of everything the program writes
_LOOK_S = 0.05
_SAID = 400  # characters of its output that a message quotes


@dataclass(frozen=True)
class Scored:
    """What the program answered, a row for each it was given, and how long it took with its start."""

    frame: pl.DataFrame
    seconds: float


@dataclass(frozen=True)
class Scorer:
    """A scoring command and the artifact of one version."""

    name: str
    command: Command
    artifact: Path

    def __call__(self, rows: pl.DataFrame, answers: tuple[str, ...]) -> Scored:
        """Let the program answer rows.

        Parameters
        ----------
        rows : its input
        answers : columns it has to write, for the same rows in the same order

        Raises
        ------
        ScoringError
            If it cannot be started, fails, takes longer than its `timeout`, writes too much, or its output is
            not what was asked for.
        """
        if missing := [word for word in NEEDED if not any(word in part for part in self.command.run)]:
            raise ScoringError(
                f"commands.{self.name}: run holds no {' and no '.join(missing)}; a scoring command is told "
                "where to read and write: [score, --model, '{artifact}', '{input}', '{output}']"
            )
        with tempfile.TemporaryDirectory(prefix="steward-scoring-") as name:
            folder = Path(name).resolve()
            given, written = folder / "input.parquet", folder / "output.parquet"
            rows.write_parquet(given)
            seconds = self._run(folder, given, written)
            return Scored(self._checked(written, rows.height, answers), seconds)

    def _run(self, folder: Path, given: Path, written: Path) -> float:
        places = {
            "{input}": str(given),
            "{output}": str(written),
            "{artifact}": str(self.artifact),
            "{python}": sys.executable,
        }
        arguments = [_filled(part, places) for part in self.command.run]
        said, began = folder / "said.txt", time.monotonic()
        with said.open("wb") as log:
            try:
                process = subprocess.Popen(
                    arguments,
                    cwd=self.command.cwd or folder,
                    env=_environment(self.command.env, folder),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise ScoringError(
                    f"commands.{self.name} cannot be started: {error.strerror}: {arguments[0]}; name an "
                    "absolute path, or pass PATH: env: [PATH]"
                ) from error
            try:
                code = self._watched(process, folder, began)
            finally:
                _end(process)
        if code:
            raise ScoringError(f"commands.{self.name} ended with {code}: {_last_words(said)}")
        return time.monotonic() - began

    def _watched(self, process: subprocess.Popen[bytes], folder: Path, began: float) -> int:
        limit = self.command.timeout.total_seconds()
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(_LOOK_S)
            if time.monotonic() - began > limit:
                raise ScoringError(
                    f"commands.{self.name} took longer than its timeout of {limit:g} s and was stopped; "
                    "raise timeout, or evaluate fewer rows"
                )
            if sum(_size(path) for path in folder.rglob("*")) > OUTPUT_BYTES + _size(
                folder / "input.parquet"
            ):
                raise ScoringError(
                    f"commands.{self.name} wrote more than {OUTPUT_BYTES >> 20} MB and was stopped; it has "
                    "to write the answers alone"
                )

    def _checked(self, written: Path, rows: int, answers: tuple[str, ...]) -> pl.DataFrame:
        if not written.is_file() or written.is_symlink():
            raise ScoringError(
                f"commands.{self.name} ended well and wrote no {{output}}; it has to be a Parquet file"
            )
        if written.stat().st_size > OUTPUT_BYTES:
            raise ScoringError(f"commands.{self.name} wrote more than {OUTPUT_BYTES >> 20} MB")
        try:
            frame = pl.read_parquet(written, use_pyarrow=False)
        except (pl.exceptions.PolarsError, OSError) as error:
            reason = str(error).splitlines()[0]
            raise ScoringError(f"commands.{self.name} wrote what is no Parquet file: {reason}") from error
        if absent := [name for name in answers if name not in frame.columns]:
            raise ScoringError(
                f"commands.{self.name} wrote the columns {', '.join(frame.columns) or 'none'}; expected "
                f"{', '.join(absent)} too"
            )
        if frame.height != rows:
            raise ScoringError(
                f"commands.{self.name} was given {rows:,} rows and wrote {frame.height:,}; expected an "
                "answer to each, in the same order"
            )
        return frame.select(answers)


def _filled(part: str, places: dict[str, str]) -> str:
    for word, path in places.items():
        part = part.replace(word, path)
    return part


def _environment(passed: tuple[str, ...], folder: Path) -> dict[str, str]:
    """Return an environment without secrets: what the command's `env` names, and places of its own."""
    named = {name: os.environ[name] for name in passed if name in os.environ}
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": str(folder), "TMPDIR": str(folder)} | named


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:  # a temporary file of the program
        return 0


def _last_words(said: Path) -> str:
    with said.open("rb") as file:
        file.seek(max(0, _size(said) - 4 * _SAID))
        text = file.read().decode("utf-8", "replace").strip()
    return " ".join(text.split())[-_SAID:] or "it said nothing"
