"""Where prediction logs and labels lie: their files, and which are new, changed or gone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.declaration import Declaration
from core.entities import LogFile
from core.errors import PathError
from core.settings import Workspace

SUFFIXES = (".parquet", ".csv")
GLOB_CHARACTERS = frozenset("*?[")
READ_AGAIN = ("gone", "changed")  # states of a known file that is read again whatever it looks like


@dataclass(frozen=True)
class Fingerprint:
    """What the ledger last saw of a file."""

    size: int
    mtime_ns: int
    state: str


@dataclass(frozen=True)
class Difference:
    """How the files that lie there differ from what the ledger knows."""

    new: tuple[LogFile, ...]  # never read
    changed: tuple[LogFile, ...]  # known, but written since; or back after it was gone; or to be read again
    gone: tuple[str, ...]  # paths the ledger knows that are no longer there

    @property
    def any(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.new or self.changed or self.gone)


def find(workspace: Workspace, declaration: Declaration) -> list[LogFile]:
    """Return the model's prediction logs and label files, oldest first (by mtime, then path).

    A path may be a file, a folder (everything below it) or a glob. Names that start with ``.`` or ``_``
    are skipped: writers use them for files that are not finished.

    Raises
    ------
    PathError
        If a declared path, or a file found under it, lies outside the workspace's roots.
    """
    found = [(path, "predictions") for path in _matches(workspace, declaration.predictions.path)]
    if declaration.labels and declaration.labels.path:
        found += [(path, "labels") for path in _matches(workspace, declaration.labels.path)]
    files = []
    for path, kind in found:
        try:
            stat = path.stat()
        except FileNotFoundError:  # removed since the folder was listed
            continue
        files.append(LogFile(str(path), kind, stat.st_size, stat.st_mtime_ns))
    return sorted(files, key=lambda file: (file.mtime_ns, file.path))


def unfinished(path: Path) -> bool:
    """Tell whether a path below a log's folder is one that is skipped."""
    return any(part.startswith((".", "_")) for part in path.parts)


def compare(files: Iterable[LogFile], known: Mapping[str, Fingerprint]) -> Difference:
    """Return what is new, changed and gone among `files` against the ledger's fingerprints by path."""
    new, changed, present = [], [], set()
    for file in files:
        present.add(file.path)
        before = known.get(file.path)
        if before is None:
            new.append(file)
        elif (before.size, before.mtime_ns) != (file.size, file.mtime_ns) or before.state in READ_AGAIN:
            changed.append(file)
    gone = sorted(path for path, before in known.items() if path not in present and before.state != "gone")
    return Difference(tuple(new), tuple(changed), tuple(gone))


def split_glob(target: Path) -> tuple[Path, str]:
    """Return the folder above the first wildcard of a path, and the pattern below it."""
    parts = target.parts
    first = next(index for index, part in enumerate(parts) if GLOB_CHARACTERS.intersection(part))
    return Path(*parts[:first]), str(Path(*parts[first:]))


def _matches(workspace: Workspace, declared: str) -> list[Path]:
    target = workspace.resolve(declared)
    if GLOB_CHARACTERS.intersection(declared):
        anchor, pattern = split_glob(target)
        candidates = anchor.glob(pattern)
    elif target.is_dir():
        anchor, candidates = target, target.rglob("*")
    else:
        return [target] if target.exists() else []
    paths = [
        path for path in candidates if path.suffix in SUFFIXES and not unfinished(path.relative_to(anchor))
    ]
    for place in {path.parent for path in paths} | {path for path in paths if path.is_symlink()}:
        _require_inside(workspace, place)
    return paths


def _require_inside(workspace: Workspace, place: Path) -> None:
    real = place.resolve()
    if not any(real.is_relative_to(root) for root in workspace.roots):
        raise PathError(
            f"{place} leads to {real}, outside the roots {', '.join(map(str, workspace.roots))}; "
            "copy the files into a root or add their folder to `roots` in steward.yaml"
        )
