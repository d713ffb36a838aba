"""Leases: one runner at a time works on a model, and one that was too slow can no longer write.

Each lease carries a token that grows with every new holder. A runner checks its token inside the transaction
that writes its results ("fencing", Kleppmann 2016): a process that was paused for longer than the lease finds
a newer token there and changes nothing.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from core.entities import Lease
from core.errors import LeaseHeld, LeaseLost
from core.store.database import Store
from core.store.processes import ended
from core.store.schema import leases
from core.store.upsert import upsert

DURATION = timedelta(seconds=60)
RENEW_EVERY = timedelta(seconds=15)


def acquire(store: Store, model: str, holder: str, *, wall: datetime | None = None) -> Lease:
    """Take the right to write a model's results.

    A lease that ran out, or whose holder was a process of this host that has ended, is taken over.

    Parameters
    ----------
    holder : ``host:pid:uuid``, see core.store.processes.identity
    wall : wall time, default now

    Raises
    ------
    LeaseHeld
        If another runner works on the model.
    """
    wall = wall or datetime.now(UTC)
    with store.write(shown=False) as c:
        row = c.execute(_row(model)).one_or_none()
        if row is not None and row.holder is not None and row.expires_at > wall and not ended(row.holder):
            raise LeaseHeld(
                f"{model} is leased to {row.holder} until {row.expires_at:%H:%M:%S} UTC; try again then"
            )
        lease = Lease(model, holder, (row.token if row is not None else 0) + 1)
        taken = {"model": model, "token": lease.token, "holder": holder, "expires_at": wall + DURATION}
        upsert(c, leases, [taken])
    return lease


def renew(store: Store, lease: Lease, *, wall: datetime | None = None) -> None:
    """Hold the lease for another 60 seconds.

    Raises
    ------
    LeaseLost
        If it was taken over.
    """
    with store.write(shown=False) as c:
        check(c, lease)
        _set(c, lease, expires_at=(wall or datetime.now(UTC)) + DURATION)


def release(store: Store, lease: Lease) -> None:
    """Let others have the model; a lease that was taken over is not ours to release and stays as it is."""
    with store.write(shown=False) as c:
        _set(c, lease, holder=None)


def check(c: sa.Connection, lease: Lease) -> None:
    """Make sure, until this transaction ends, that the lease is still the newest.

    Raises
    ------
    LeaseLost
        If it was taken over or released; let it pass through `store.write()`, which then writes nothing.
    """
    row = c.execute(_row(lease.model)).one_or_none()
    if row is None or (row.token, row.holder) != (lease.token, lease.holder):
        newest = "nobody" if row is None or row.holder is None else row.holder
        raise LeaseLost(
            f"{lease.model}: the lease of {lease.holder} was taken over (now: {newest}); "
            "nothing was written, the next sweep repeats the work"
        )


def _row(model: str) -> sa.Select[tuple[int, str | None, datetime]]:
    found = sa.select(leases.c.token, leases.c.holder, leases.c.expires_at).where(leases.c.model == model)
    return found.with_for_update()


def _set(c: sa.Connection, lease: Lease, **values: datetime | None) -> None:
    own = (leases.c.model == lease.model, leases.c.token == lease.token, leases.c.holder == lease.holder)
    c.execute(sa.update(leases).where(*own).values(values))
