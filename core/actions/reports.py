"""Reports of people and other tools: kept under their digest, signatures checked, attached as evidence.

An unsigned report is as trustworthy as whoever uploads it, who stands in the audit log with its digest. One
with a signature is only taken if a key of steward.yaml made it.
"""

import hashlib
import mimetypes
from datetime import timedelta
from pathlib import Path

from core.actions import versions
from core.actions.authority import require
from core.entities import Actor
from core.errors import InputError, PathError
from core.governed import AttachedEvidence
from core.records import Evidence, EvidenceKind
from core.settings import Workspace
from core.signatures import signer_of
from core.store import Store
from core.store.parquet import write_whole

FOLDER = "evidence"  # of the workspace
LARGEST_BYTES = 100 << 20
_UNKNOWN = "application/octet-stream"


def attach_report(
    store: Store,
    model: str,
    number: int,
    actor: Actor,
    *,
    kind: EvidenceKind,
    verdict: str,
    summary: str,
    report: Path | None = None,
    signature: Path | None = None,
    valid: timedelta | None = None,
) -> AttachedEvidence:
    """Attach what somebody else found out about a version.

    Parameters
    ----------
    report : its file is copied to ``evidence/<sha256>`` of the workspace
    signature : Ed25519 signature of the report; default: the file beside it that is called like it and
        ``.sig``
    valid : how long it holds; default: as long as the policy lets it

    Raises
    ------
    NotAllowed
        If the actor may not attach evidence, or not attest what only validators can.
    InputError
        If there is no such version, the report cannot be kept, or no known key made the signature.
    """
    with store.read() as c:
        require(c, actor, "evidence.attach", model=model)
        versions.found(c, model, number)
    now, told = store.workspace.now(), dict[str, object]()
    if report is not None:
        content = _content(report)
        told["signed_by"] = _signer(store.workspace, report, content, signature)
        told["report"] = kept(store.workspace, content)
        told["report_name"] = report.name
        told["media_type"] = mimetypes.guess_type(report.name)[0] or _UNKNOWN
    elif signature is not None:
        raise InputError("there is a signature and no report; name the file it is of: --report FILE")
    record = Evidence.model_validate(
        {
            "kind": kind,
            "verdict": verdict,
            "summary": summary,
            "produced_by": told.get("signed_by") or actor.id,
            "produced_at": now,
            "valid_until": now + valid if valid is not None else None,
            **told,
        }
    )
    (attached,) = versions.attach(store, model, number, [record], actor)
    return attached


def kept(workspace: Workspace, content: bytes) -> str:
    """Keep a file's content under its SHA-256 and return that; the same content is kept once."""
    digest = hashlib.sha256(content).hexdigest()
    place = workspace.root / FOLDER / digest
    if not place.exists():
        write_whole(place, lambda file: file.write(content))
    return digest


def _content(report: Path) -> bytes:
    if not report.is_file():
        raise PathError(f"{report} is no file; give the report, e.g. a PDF, HTML or JSON file")
    size = report.stat().st_size
    if not 0 < size <= LARGEST_BYTES:
        raise PathError(f"{report} has {size:,} bytes; a report has 1 to {LARGEST_BYTES >> 20} MB")
    return report.read_bytes()


def _signer(workspace: Workspace, report: Path, content: bytes, given: Path | None) -> str | None:
    beside = report.with_name(f"{report.name}.sig")
    file = given or (beside if beside.is_file() else None)
    if file is None:
        return None
    if not file.is_file():
        raise PathError(f"{file} is no file; give the signature of {report.name}")
    name = signer_of(content, file.read_bytes()[:1024], workspace.settings.signers)
    if name is None:
        known = ", ".join(workspace.settings.signers) or "none"
        raise InputError(
            f"{file.name} is no signature of {report.name} by a key that steward.yaml trusts (signers: "
            f"{known}); sign it again: openssl pkeyutl -sign -rawin -inkey KEY -in REPORT -out REPORT.sig"
        )
    return name
