"""Commands that change what Steward knows: who may, what is audited, and that a mistake changes nothing."""

from pathlib import Path

import pytest
import yaml

from core.actions.models import apply, rebuild
from core.entities import Actor
from core.errors import DeclarationError, InputError, NotAllowed, PathError
from core.store import Store, audit, models
from tests.sweep.conftest import ACTOR, Model


def file_of(model: Model) -> Path:
    return model.store.root / "models" / f"{model.name}.yaml"


def edit(model: Model, **changes: object) -> None:
    declared = yaml.safe_load(file_of(model).read_text()) | changes
    file_of(model).write_text(yaml.safe_dump(declared))


def actions(store: Store) -> list[str]:
    with store.read() as c:
        return [entry.action for entry in audit.entries(c)]


def test_applying_twice_changes_nothing(model: Model) -> None:
    before = (model.store.revision(), actions(model.store))
    assert [change.what for change in apply(model.store, [], ACTOR)] == ["unchanged"]
    assert actions(model.store) == before[1]


def test_a_change_is_audited_with_what_was_and_what_is(model: Model) -> None:
    edit(model, risk_tier=1)
    (change,) = apply(model.store, [], ACTOR)
    assert (change.what, change.before, change.after) == ("changed", {"risk_tier": 3}, {"risk_tier": 1})
    with model.store.read() as c:
        entry = audit.entries(c)[0]
    assert (entry.actor, entry.action, entry.entity) == (ACTOR.id, "model.changed", "model:loans")
    assert (entry.before, entry.after) == ({"risk_tier": 3}, {"risk_tier": 1})


def test_one_mistake_applies_nothing(model: Model) -> None:
    edit(model, risk_tier=1)
    broken = model.store.root / "models" / "other.yaml"
    broken.write_text(file_of(model).read_text().replace("model: loans", "model: ../x"))
    with pytest.raises(DeclarationError, match=r"\.\./x"):
        apply(model.store, [], ACTOR)
    with model.store.read() as c:
        assert [(each.declaration.model, each.declaration.risk_tier) for each in models.every(c)] == [
            ("loans", 3)
        ]


def test_a_dry_run_tells_and_changes_nothing(model: Model) -> None:
    edit(model, risk_tier=1)
    before = actions(model.store)
    assert [change.what for change in apply(model.store, [], ACTOR, dry_run=True)] == ["changed"]
    assert actions(model.store) == before


def test_two_files_cannot_declare_one_model(model: Model) -> None:
    (model.store.root / "models" / "again.yaml").write_text(file_of(model).read_text())
    with pytest.raises(DeclarationError, match="is declared in .*again.yaml too"):
        apply(model.store, [], ACTOR)


def test_a_path_outside_the_roots_is_refused(model: Model, tmp_path: Path) -> None:
    elsewhere = {"path": str(tmp_path / "elsewhere"), "timestamp": "at", "score": "score"}
    edit(model, predictions=elsewhere)
    with pytest.raises(PathError, match="outside the folders Steward may read"):
        apply(model.store, [], ACTOR)


def test_pruning_pauses_a_model_without_a_file_and_its_return_resumes_it(model: Model) -> None:
    text = file_of(model).read_text()
    file_of(model).unlink()
    assert [change.what for change in apply(model.store, [], ACTOR)] == []
    assert [change.what for change in apply(model.store, [], ACTOR, prune=True)] == ["paused"]
    with model.store.read() as c:
        assert [each.paused for each in models.every(c)] == [True]
    file_of(model).write_text(text)
    apply(model.store, [], ACTOR)
    with model.store.read() as c:
        assert [each.paused for each in models.every(c)] == [False]


def test_a_change_made_in_the_dashboard_is_not_overwritten_unasked(model: Model) -> None:
    with model.store.write() as c:
        known = models.get(c, "loans")
        assert known is not None
        models.put(c, known.declaration, text=known.text, managed="ui", now=known.updated_at)
    edit(model, risk_tier=1)
    with pytest.raises(DeclarationError, match=r"-risk_tier: 3\n\+risk_tier: 1"):
        apply(model.store, [], ACTOR)
    assert [change.what for change in apply(model.store, [], ACTOR, force=True)] == ["changed"]


@pytest.mark.parametrize("role", ["viewer", "analyst", "approver"])
def test_only_who_configures_models_may_declare_and_rebuild(model: Model, role: str) -> None:
    reader = Actor("reader@example.com", "test", frozenset({role}))
    with pytest.raises(NotAllowed, match=f"{role} and may not declare models"):
        apply(model.store, [], reader)
    with pytest.raises(NotAllowed, match="rebuild"):
        rebuild(model.store, "loans", reader, start=None, end=None)


def test_an_unknown_model_cannot_be_rebuilt(model: Model) -> None:
    with pytest.raises(InputError, match="no model 'lones' is registered"):
        rebuild(model.store, "lones", ACTOR, start=None, end=None)
