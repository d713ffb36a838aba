"""Anchors: signed notes of how far the audit chain had got, kept where the database's writers do not reach.

Who can write the whole database can write a chain that fits; he cannot change what an anchor elsewhere says.
"""

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.errors import InputError, PathError

FILE_NAME = "anchors.jsonl"
KEY_BYTES = 32


@dataclass(frozen=True)
class Anchor:
    """The `n`-th anchor: at `ts` entry `seq` was the newest and had this hash."""

    n: int
    seq: int
    hash: str
    ts: datetime
    key: str | None = None  # names the key that signed it
    signature: str | None = None

    def body(self) -> bytes:
        """Return the bytes that are signed."""
        said: dict[str, Any] = asdict(self) | {"v": 1, "ts": self.ts.astimezone(UTC).isoformat()}
        del said["signature"]
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()

    def line(self) -> str:
        """Return the anchor as a line of JSON."""
        return json.dumps(json.loads(self.body()) | {"signature": self.signature}, sort_keys=True)


@dataclass(frozen=True)
class Anchors:
    """The anchors of a folder in their order, and what is wrong with the first that cannot be believed."""

    every: Sequence[Anchor] = ()
    problem: str | None = None

    @property
    def last(self) -> Anchor | None:
        """The newest one."""
        return self.every[-1] if self.every else None


def generate_key(file: Path) -> str:
    """Write a new private key (Ed25519) that only this user can read, and return the public one.

    Raises
    ------
    PathError
        If the file exists: whoever replaces a key can no longer vouch for what it signed.
    """
    key = Ed25519PrivateKey.generate()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise PathError(f"{file} exists; a key is never replaced, name another file") from None
    with os.fdopen(descriptor, "w") as out:
        out.write(base64.b64encode(key.private_bytes_raw()).decode() + "\n")
    return _text(key.public_key())


def private_key(file: Path) -> Ed25519PrivateKey:
    """Return the private key of a file.

    Raises
    ------
    InputError
        If the file is absent or holds no such key.
    """
    try:
        return Ed25519PrivateKey.from_private_bytes(_raw(file.read_text()))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it holds no key of `steward audit keygen`"
        raise InputError(
            f"audit.key_file {file}: {reason}; make one with: steward audit keygen FILE"
        ) from None


def public_key(text: str) -> Ed25519PublicKey:
    """Return the public key that `steward audit keygen` printed as `text`.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        return Ed25519PublicKey.from_public_bytes(_raw(text))
    except ValueError:
        raise InputError(f"{text!r} is no public key; expected what steward audit keygen printed") from None


def signed(anchor: Anchor, key: Ed25519PrivateKey | None) -> Anchor:
    """Return the anchor with its signature; without a key as it is."""
    if key is None:
        return anchor
    named = replace(anchor, key=_name(key.public_key()))
    return replace(named, signature=base64.b64encode(key.sign(named.body())).decode())


def append(folder: Path, anchor: Anchor) -> None:
    """Add an anchor to the folder's file, on the disk when this returns."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE_NAME).open("a", encoding="utf-8") as out:
        out.write(anchor.line() + "\n")
        out.flush()
        os.fsync(out.fileno())


def read(folder: Path, keys: Iterable[Ed25519PublicKey]) -> Anchors:
    """Return a folder's anchors, each checked against its number and, where there are keys, its signature."""
    file = folder / FILE_NAME
    if not file.exists():
        return Anchors()
    known = {_name(key): key for key in keys}
    found: list[Anchor] = []
    *lines, rest = file.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate([*lines, rest] if rest else lines, 1):
        anchor = _parsed(line)
        if anchor is None:
            if line is rest:  # half written: whoever wrote it was killed
                break
            return Anchors(found, f"anchor {number} cannot be read")
        if anchor.n != number:
            return Anchors(found, f"anchor {number} is missing")
        if problem := _doubt(anchor, known):
            return Anchors(found, problem)
        found.append(anchor)
    return Anchors(found)


def newest(folder: Path) -> Anchor | None:
    """Return the last anchor as it stands there, without checking it or those before: `read` does."""
    file = folder / FILE_NAME
    lines = file.read_text(encoding="utf-8").split("\n") if file.exists() else []
    return next(filter(None, (_parsed(line) for line in reversed(lines) if line)), None)


def _parsed(line: str) -> Anchor | None:
    try:
        content = json.loads(line)
        fields = {name: content[name] for name in ("n", "seq", "hash", "key", "signature")}
        return Anchor(ts=datetime.fromisoformat(content["ts"]), **fields)
    except (ValueError, KeyError, TypeError):
        return None


def _doubt(anchor: Anchor, known: dict[str, Ed25519PublicKey]) -> str | None:
    """Return why an anchor cannot be believed; without any key none is doubted."""
    if not known:
        return None
    if anchor.key is None or anchor.signature is None:
        return f"anchor {anchor.n} is not signed"
    if anchor.key not in known:
        return f"anchor {anchor.n} is signed with the key {anchor.key}, which steward.yaml does not list"
    try:
        known[anchor.key].verify(base64.b64decode(anchor.signature), anchor.body())
    except (InvalidSignature, ValueError):
        return f"anchor {anchor.n} was changed: its signature does not fit"
    return None


def _name(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _text(key: Ed25519PublicKey) -> str:
    return base64.b64encode(key.public_bytes_raw()).decode()


def _raw(text: str) -> bytes:
    return base64.b64decode(text.strip(), validate=True)
