"""A store of the release before: after `steward init` everything in it is there, and goes on."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from core.actions import models as model_actions
from core.declaration import Declaration
from core.entities import Actor, Alert, Episode, Severity, Target
from core.errors import SchemaError
from core.settings import Workspace
from core.store import Store, alerts, audit, due, migration, models, status

TS = datetime(2026, 1, 2, tzinfo=UTC)
ADA = Actor("ada", "cli", frozenset({"admin"}))
BEFORE = "0004"
EPISODE = Episode(
    *("drift", Target("psi", column="temp"), Severity.CRITICAL, TS, TS, TS, TS),
    value=0.4,
    threshold=0.25,
    side="above",
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def earlier(request, workspace, declared) -> Store:
    """A store of the release before: a running and a paused model, an alert, audit entries."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
        (workspace.root / "steward.yaml").write_text(f"database_url: {url}\n")
        workspace = Workspace.open(workspace.root)
    store = Store(workspace)
    if store.file:
        store.file.touch()
    with store.write(shown=False) as c:
        migration.upgrade(c, BEFORE)
    with store.write() as c:
        for model, paused in (("delay-30", "false"), ("resting", "true")):
            _insert(c, declared(model), paused)
            due.schedule(c, model, TS)
            audit.append(c, ADA, "model.registered", f"model:{model}", ts=TS)
        # The tables of alerts and of the audit log are as they were.
        alerts.add(c, Alert(0, "delay-30", EPISODE, "it moved"))
    yield store
    store.close()


def test_an_earlier_store_is_refused_with_the_command_that_mends_it(earlier):
    with pytest.raises(SchemaError, match=rf"schema {BEFORE}.*steward init"):
        earlier.require_current()


def test_nothing_is_lost_and_everything_goes_on(earlier):
    earlier.migrate()
    with earlier.read() as c:
        found = {each.declaration.model: each for each in models.every(c)}
        assert [each.lifecycle for each in found.values()] == ["active", "active"]
        assert (found["resting"].paused, found["resting"].paused_by) == (True, models.PRUNED)
        assert audit.verify(c).entries == 2
        assert [(each.episode, each.message) for each in alerts.every(c)] == [(EPISODE, "it moved")]
        assert set(status.overview(c)["state"]) == {"no_data", "paused"}
    model_actions.resume(earlier, "resting", ADA, reason="wanted again")
    with earlier.read() as c:
        assert not models.get(c, "resting").paused
        assert audit.verify(c).state == "intact"


def _insert(c: sa.Connection, declaration: Declaration, paused: str) -> None:
    columns = (
        "model, owner, team, task, risk_tier, declaration, text, managed, paused, created_at, updated_at"
    )
    c.execute(
        sa.text(
            f"INSERT INTO models ({columns}) VALUES (:model, 'ops@example.com', 'ops', 'regression', 2, "
            f":declaration, '', 'file', {paused}, '2026-01-02 00:00:00', '2026-01-02 00:00:00')"
        ),
        {"model": declaration.model, "declaration": declaration.model_dump_json(exclude_unset=True)},
    )
