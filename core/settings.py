"""The workspace: one folder with steward.yaml, the roots it may read, its clock and its database."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.declaration import Declaration, load_declaration
from core.errors import DeclarationError, PathError
from core.steward_yaml import FILE_NAME, TEMPLATE, FixedClock, Settings, load_settings
from core.strict import nearest

__all__ = ["FILE_NAME", "FOLDERS", "Settings", "Workspace", "initialise"]

FOLDERS = ("models", "use_cases", "predictions", "labels")


@dataclass(frozen=True)
class Workspace:
    """A workspace folder and its settings."""

    root: Path
    settings: Settings

    @classmethod
    def open(cls, path: str | Path) -> "Workspace":
        """Return the workspace at `path`.

        Raises
        ------
        PathError
            If there is no steward.yaml.
        DeclarationError
            If steward.yaml holds what Steward does not accept, or names an unset environment variable.
        """
        root = Path(path).expanduser().resolve()
        file = root / FILE_NAME
        if not file.is_file():
            if (root.parent / FILE_NAME).is_file():
                above = f"but the folder above it is one; add: --workspace {root.parent}"
                raise PathError(f"{root} is no workspace, {above}")
            raise PathError(
                f"{root} is no workspace, it has no {FILE_NAME}; run: steward init --workspace {root}"
            )
        return cls(root, load_settings(file))

    @property
    def database_url(self) -> str:
        """The registry database: SQLite in the workspace unless steward.yaml names another."""
        return self.settings.database_url or f"sqlite:///{self.root / 'registry.db'}"

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders that declarations may read: the workspace and the `roots` of steward.yaml."""
        declared = ((self.root / Path(root).expanduser()).resolve() for root in self.settings.roots)
        return (self.root, *declared)

    def now(self) -> datetime:
        """Return the business time, aware UTC: the real clock, or the fixed time of steward.yaml."""
        clock = self.settings.clock
        return clock.fixed.astimezone(UTC) if isinstance(clock, FixedClock) else datetime.now(UTC)

    def resolve(self, path: str) -> Path:
        """Return a declared path or glob as an absolute path inside the roots; links are followed first.

        Raises
        ------
        PathError
            If it leads outside the roots.
        """
        parts = (self.root / Path(path).expanduser()).parts
        wild = next((i for i, part in enumerate(parts) if re.search(r"[*?\[]", part)), len(parts))
        fixed = Path(*parts[:wild]).resolve()
        if ".." in parts[wild:]:
            raise PathError(f"{path}: '..' after a wildcard; write the path without it")
        if not self.contains(fixed):
            roots = ", ".join(str(root) for root in self.roots)
            raise PathError(
                f"{path} leads to {fixed}, outside the folders Steward may read ({roots}); "
                f"move the data or add its folder to `roots` in {self.root / FILE_NAME}"
            )
        return fixed.joinpath(*parts[wild:])

    def declaration(self, file: str | Path) -> Declaration:
        """Return the declaration in `file`, all of whose paths, channels and commands this workspace knows.

        Raises
        ------
        DeclarationError
            If the file is not as it should be, or names a channel or command that steward.yaml does not have.
        PathError
            If a path leads outside the roots.
        """
        declared = load_declaration(file)
        labels, reference = declared.labels, declared.reference
        for path in (declared.predictions.path, labels and labels.path, reference and reference.path):
            if path:
                try:
                    self.resolve(path)
                except PathError as error:
                    raise PathError(f"{file}: {error}") from None
        notified = [*declared.notify, *(name for monitor in declared.monitors for name in monitor.notify)]
        named = [("channels", name) for name in notified]
        if declared.retraining and declared.retraining.command:
            named.append(("commands", declared.retraining.command))
        if declared.scoring:
            named.append(("commands", declared.scoring.command))
        for key, name in named:
            known = getattr(self.settings, key)
            if name not in known:
                hint = nearest(name, known)
                raise DeclarationError(f"{file}: {name!r} is none of the {key} of {FILE_NAME}; {hint}")
        return declared

    def contains(self, path: Path) -> bool:
        """Tell whether a file, links followed, lies inside the roots; ask it of each file a glob matches."""
        real = path.resolve()
        return any(real.is_relative_to(root) for root in self.roots)


def initialise(path: str | Path) -> Workspace:
    """Make a workspace: a commented steward.yaml and its folders; what is already there stays as it is."""
    root = Path(path).expanduser().resolve()
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    file = root / FILE_NAME
    if not file.exists():
        file.write_text(TEMPLATE, encoding="utf-8")
    return Workspace.open(root)
