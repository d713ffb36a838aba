"""The alerts that a model's monitors would have raised over the past, from its stored metrics."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from core import alerting, fold, normal, verdicts
from core.declaration import Declaration
from core.entities import Episode
from core.store import Store, annotations, status


@dataclass(frozen=True)
class Rehearsed:
    """What one monitor would have said: its episodes in time order, and how much it could judge.

    `judged` and `skipped` count windows × targets, which `verdicts` holds; `skipped` says why.
    """

    monitor: str
    episodes: Sequence[Episode]
    judged: int
    skipped: Mapping[str, int]
    verdicts: pl.DataFrame


def rehearse(store: Store, declaration: Declaration, *, now: datetime) -> list[Rehearsed]:
    """Judge the whole past by the monitors of a declaration; nothing is kept and nobody is told."""
    with store.read() as c:
        known = status.get(c, declaration.model)
        annotated = annotations.every(c, declaration.model)
    judgement = alerting.judge(
        store,
        declaration,
        normal.stored(store, declaration),
        annotated=annotated,
        last_timestamp=known.last_timestamp if known else None,
        now=now,
        afresh=True,
    )
    needed = {each.name: verdicts.persistence(each, declaration) for each in declaration.monitors}
    told = fold.fold(judgement.verdicts, needed)
    return [_of(name, judgement.verdicts, told) for name in needed]


def _of(monitor: str, judged: pl.DataFrame, told: Mapping[fold.Cause, Sequence[Episode]]) -> Rehearsed:
    own = judged.filter(pl.col("monitor") == monitor)
    episodes = [episode for (name, _), each in told.items() if name == monitor for episode in each]
    skipped = Counter(own["reason"].drop_nulls().to_list())
    ordered = sorted(episodes, key=lambda episode: (episode.first_window, episode.target))
    return Rehearsed(monitor, ordered, own["level"].count(), dict(skipped.most_common()), own)
