"""The demo's governed life: who answers for the models, what ran since when, and what waits for a decision.

People, dates and words are made up; evidence is computed from the real rows.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from core.actions import cards, decisions, promotions, releases, versions
from core.demo import challenger
from core.demo.challenger import CHALLENGER, CHAMPION, DELAY_30, PUSHBACK, Task
from core.demo.sources import NEW_YORK, flights
from core.entities import Actor
from core.governed import ModelVersion, Promotion
from core.records import Dataset, Version
from core.settings import Workspace
from core.steward_yaml import FixedClock
from core.store import Store
from core.store import versions as stored

DORA = Actor("dora@example.com", "cli", frozenset({"data_scientist"}))
VAL = Actor("val@example.com", "cli", frozenset({"validator"}))
APU = Actor("apu@example.com", "cli", frozenset({"approver"}))
EMIL = Actor("emil@example.com", "cli", frozenset({"ml_engineer"}))

# What stands in the cards beside what the records tell.
_CARDS = {
    "delay-30": {
        "ethical_considerations": "Everybody on a flight gets the same message; no traveller is judged.",
        "caveats": "Learned from winter months: in summer its inputs lie outside what it has seen. It ranks "
        "flights as well as ever, and promises too little in July and too much in October.",
    },
    "pushback-late15": {
        "ethical_considerations": "No person is judged; crews' shifts move within agreed hours.",
        "caveats": "It needs the departure delay, so it is asked only once the aircraft has left its gate.",
    },
    "release-decision": {
        "ethical_considerations": "It copies decisions of the past with their differences between groups: it "
        "is here to show them, and must not advise anybody.",
        "caveats": "Arrests of one city and one offence; years are shifted by eleven.",
    },
}


def govern(workspace: Workspace, models: Sequence[str]) -> None:
    """Register, adopt and review what runs, and ask for two promotions: one is approved, one waits.

    Models that have a version already are left as they are.
    """
    store = Store(workspace)
    with store.read() as c:
        known = {version.model for version in stored.every(c)}
    store.close()
    table = flights() if {DELAY_30.model, PUSHBACK.model} - known else None
    for model in models:
        if model in known:
            continue
        task = next((each for each in (DELAY_30, PUSHBACK) if each.model == model), None)
        if task is None or table is None:
            _adopted(workspace, model, _found_running(workspace, model))
        else:
            _challenged(workspace, task, table)


def _adopted(workspace: Workspace, model: str, record: Version) -> ModelVersion:
    """Register what ran before Steward came, adopt it, and let somebody else look at that."""
    made = versions.register(_at(workspace, "2013-04-01"), model, record, DORA)
    for section, text in _CARDS.get(model, {}).items():
        cards.write(_at(workspace, "2013-04-02"), model, section, text, DORA)
    store = _at(workspace, "2013-04-01")
    adopted = releases.adopt(store, model, made.number, EMIL, reason="serves since April 2013")
    releases.review(_at(workspace, "2013-04-03"), adopted.id, APU, finding="it is what its team described")
    return made


def _challenged(workspace: Workspace, task: Task, table: pl.DataFrame) -> None:
    """Register champion and challenger with their artifacts and runs, evaluate, and ask for the promotion."""
    made = challenger.files(workspace.root, table, task)
    store = _at(workspace, "2013-04-01")
    run = versions.log_run(store, task.model, challenger.training_run(made, CHAMPION, task), DORA)
    champion = _adopted(workspace, task.model, challenger.record(made, CHAMPION, task, run=run.id))
    store = _at(workspace, "2013-12-27")
    run = versions.log_run(store, task.model, challenger.training_run(made, CHALLENGER, task), DORA)
    record = challenger.record(made, CHALLENGER, task, run=run.id, parent=champion.number)
    number = versions.register(store, task.model, record, DORA).number
    challenger.evaluate(_at(workspace, "2013-12-29"), made, number, DORA, task)
    if task is DELAY_30:  # so that both stand side by side
        store = _at(workspace, "2013-12-29")
        challenger.evaluate(store, made, champion.number, DORA, task, version=CHAMPION)
    if task is DELAY_30:
        asked = _asked(
            workspace, task, number, "2013-12-30", "It has seen spring; summer and autumn are to gain."
        )
        if asked.state == "awaiting_approval":
            text = "Better in July and September only, says the evaluation. Is that worth the change?"
            decisions.comment(_at(workspace, "2013-12-31"), asked.id, VAL, text=text)
        return
    asked = _asked(workspace, task, number, "2013-12-29", "Twice the rows to learn from.")
    if asked.state == "awaiting_approval":
        decisions.approve(
            _at(workspace, "2013-12-30"), asked.id, APU, comment="No worse anywhere, better calibrated."
        )


def _asked(workspace: Workspace, task: Task, number: int, day: str, note: str) -> Promotion:
    return promotions.request(_at(workspace, day), task.model, number, DORA, note=note)


def _found_running(workspace: Workspace, model: str) -> Version:
    """Return what is known of a version whose team kept no artifact: the logged rows it learned from."""
    arrests = model == "release-decision"
    folders = sorted((workspace.root / "predictions" / model).glob("*" if arrests else "*/*"))
    learned = tuple(
        Dataset(
            name=f"{model} {'-'.join(each.relative_to(workspace.root / 'predictions' / model).parts)}",
            uri=each.relative_to(workspace.root).as_posix(),
            sensitive=("colour", "sex", "age") if arrests else (),
            personal_data=arrests,
            licence="MIT" if arrests else "CC0",
            split="time",
        )
        for each in folders[: 1 if arrests else 3]
    )
    return Version(
        name=CHAMPION,
        framework="scikit-learn",
        training=learned,
        note="found running when Steward came; its team kept no artifact",
    )


def _at(workspace: Workspace, day: str) -> Store:
    """Return the workspace's store on the morning of another day."""
    then = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(NEW_YORK)) + timedelta(hours=9)
    settings = workspace.settings.model_copy(update={"clock": FixedClock(fixed=then)})
    return Store(replace(workspace, settings=settings))
