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
    metrics = sorted({verdicts.shown_metric(each.metric) for each in declaration.monitors})
    judgement = alerting.judge(
        store,
        declaration,
        normal.stored(store, declaration, metrics),
        annotated=annotated,
        last_timestamp=known.last_timestamp if known else None,
        now=now,
        afresh=True,
    )
    needed = {each.name: verdicts.persistence(each, declaration) for each in declaration.monitors}
    told = fold.fold(judgement.verdicts, needed)
    return [_of(name, judgement.verdicts, told) for name in needed]


def differences(before: Rehearsed, after: Rehearsed) -> tuple[int, int]:
    """Return how many alerts of one rule another would not have raised, and how many it would besides.

    Two alerts are the same where they speak of the same target and share a window.
    """
    return _without(before.episodes, after.episodes), _without(after.episodes, before.episodes)


def _without(episodes: Sequence[Episode], others: Sequence[Episode]) -> int:
    def among(one: Episode) -> bool:
        return any(
            one.target == other.target
            and one.first_window <= other.last_window
            and other.first_window <= one.last_window
            for other in others
        )

    return sum(not among(episode) for episode in episodes)


def _of(monitor: str, judged: pl.DataFrame, told: Mapping[fold.Cause, Sequence[Episode]]) -> Rehearsed:
    own = judged.filter(pl.col("monitor") == monitor)
    episodes = [episode for (name, _), each in told.items() if name == monitor for episode in each]
    skipped = Counter(own["reason"].drop_nulls().to_list())
    ordered = sorted(episodes, key=lambda episode: (episode.first_window, episode.target))
    return Rehearsed(monitor, ordered, own["level"].count(), dict(skipped.most_common()), own)
