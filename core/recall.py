"""What the store knows of a model when a sweep begins, and whether there is anything to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import alerting, health, reference, verdicts
from core.annotations import Span, left_out, muted
from core.declaration import Declaration
from core.entities import Annotation, LedgerEntry, ModelStatus
from core.errors import InputError
from core.logs import Fingerprint
from core.store import Store, annotations, ledger, models, references, status


@dataclass(frozen=True)
class Known:
    """What the store knows of a model when a sweep begins."""

    declaration: Declaration
    ledger: Mapping[str, LedgerEntry]
    reference: references.Reference | None
    status: ModelStatus | None
    annotations: Sequence[Annotation] = ()  # that stand and concern the model

    @property
    def left_out(self) -> Sequence[Span]:
        """The stretches of time that the model's reference does without."""
        return reference.concerning(left_out(self.annotations), self.declaration, self.reference)

    @property
    def fingerprints(self) -> dict[str, Fingerprint]:
        """How each file looked when it was read."""
        return {
            path: Fingerprint(entry.file.size, entry.file.mtime_ns, entry.state)
            for path, entry in self.ledger.items()
        }


def recall(store: Store, slug: str) -> Known:
    """Return what the store knows of a model.

    Raises
    ------
    InputError
        If no such model is registered.
    """
    with store.read() as c:
        model = models.get(c, slug)
        if model is None:
            raise InputError(f"no model {slug!r} is registered; declare it in models/ and run: steward apply")
        entries = {entry.file.path: entry for entry in ledger.entries(c, slug)}
        said = annotations.every(c, slug)
        return Known(model.declaration, entries, references.current(c, slug), status.get(c, slug), said)


def time_has_come(store: Store, known: Known, now: datetime) -> bool:
    """Tell whether a status is out of date though no file changed.

    A window has closed, labels have matured, the declaration has changed or the last sweep failed.
    """
    before = known.status
    if before is None or before.updated_at is None or before.error is not None or known.reference is None:
        return True
    name = reference.identity(store.workspace, known.declaration, known.left_out)
    if not known.reference.reference_id.endswith(name):
        return True
    if before.rules != alerting.rules_of(known.declaration, known.annotations) or _falls_silent(
        known, before, now
    ):
        return True
    return any(
        health.last_closed(known.declaration, before.updated_at - delay)
        != health.last_closed(known.declaration, now - delay)
        for delay in (timedelta(), known.declaration.label_delay)
    )


def _falls_silent(known: Known, before: ModelStatus, now: datetime) -> bool:
    """Tell whether a silence has grown longer than a freshness limit since the last sweep.

    It began with the newest prediction, or with the end of a mute after that.
    """
    if before.last_timestamp is None or before.updated_at is None:
        return False
    began = [before.last_timestamp, *(end for _, end in muted(known.annotations))]
    limits = (limit for each in known.declaration.monitors for limit in verdicts.silent_after(each))
    return any(before.updated_at < at + limit <= now for limit in limits for at in began)
