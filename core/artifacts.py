"""The files behind a version or a dataset: which they are and what they hold, as SHA-256."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from core.errors import PathError
from core.records import Dataset, File, Version, digest, manifest_digest
from core.settings import Workspace


def with_manifest(workspace: Workspace, version: Version) -> Version:
    """Return the version with the files of its artifact, where this machine can read them.

    An artifact elsewhere (``s3://…``) keeps the manifest it was registered with.

    Raises
    ------
    PathError
        If the artifact is absent, leads outside the roots, or differs from the manifest that was given.
    """
    if version.artifact is None or is_remote(version.artifact):
        return version
    found = tuple(files(workspace, version.artifact))
    if version.manifest and manifest_digest(version.manifest) != manifest_digest(found):
        raise PathError(
            f"{version.artifact} does not hold what its manifest says; leave the manifest out to register "
            "what is there"
        )
    return version.model_copy(update={"manifest": found})


def files(workspace: Workspace, uri: str) -> Iterator[File]:
    """Yield the files of an artifact, one file or a folder, in the order of their paths.

    Raises
    ------
    PathError
        If it is absent, holds nothing, or a file or link of it leads outside the roots.
    """
    root = workspace.resolve(uri)
    if not root.exists():
        raise PathError(f"{uri} does not exist ({root}); put the artifact there, or name where it is")
    paths = [root] if root.is_file() else sorted(path for path in root.rglob("*") if not path.is_dir())
    if not paths:
        raise PathError(f"{uri} is an empty folder ({root}); an artifact has at least one file")
    for path in paths:
        if not workspace.contains(path):
            raise PathError(
                f"{uri}: {path} leads outside the folders Steward may read; put the file itself there"
            )
        name = path.name if path == root else path.relative_to(root).as_posix()
        yield File(path=name, size=path.stat().st_size, sha256=sha256(path))


def artifact_digest(version: Version) -> str:
    """Return what a version is bound to: its files, or without any what its record says."""
    if version.manifest:
        return manifest_digest(version.manifest)
    return digest(version.model_dump(mode="json", exclude={"note"}))


def with_digest(workspace: Workspace, dataset: Dataset) -> Dataset:
    """Return the dataset with digest, rows and columns of its files, where this machine can read them.

    Raises
    ------
    PathError
        If its files cannot be read and no digest was given, or they do not have the digest that was given.
    """
    if is_remote(dataset.uri) or dataset.kind not in ("parquet", "csv"):
        if dataset.digest is None:
            raise PathError(f"{dataset.uri} cannot be read from here; give the digest of its content")
        return dataset
    found = tuple(files(workspace, dataset.uri))
    content = manifest_digest(found)
    if dataset.digest not in (None, content):
        raise PathError(f"{dataset.uri} has the digest {content}, not {dataset.digest}; it was changed")
    update: dict[str, object] = {"digest": content}
    if dataset.kind == "parquet":
        root = workspace.resolve(dataset.uri)
        parts = [
            root if root.is_file() else root / file.path for file in found if file.path.endswith(".parquet")
        ]
        if parts:
            update["rows"] = sum(pq.read_metadata(part).num_rows for part in parts)
            update["columns"] = {field.name: str(field.type) for field in pq.read_schema(parts[-1])}
    return dataset.model_copy(update=update)


def is_remote(uri: str) -> bool:
    """Tell whether an address is not a path of this machine."""
    return "://" in uri


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
