"""The model card of a version as everything stands now: read from the registry and the statistics."""

from collections.abc import Mapping
from datetime import datetime

import polars as pl
import sqlalchemy as sa

from core import card
from core.actions import gating
from core.actions import versions as version_actions
from core.card import Known, ModelCard
from core.card.measured import Production
from core.declaration import Declaration
from core.entities import METRICS
from core.errors import InputError
from core.governed import ModelVersion
from core.health import HEADLINES, MINIMUM_LABELLED
from core.store import (
    Store,
    alerts,
    attestations,
    card_texts,
    evidence,
    models,
    promotions,
    references,
    releases,
    statistics,
    status,
    use_cases,
    versions,
)
from core.store.models import RegisteredModel
from core.usual import Normal

MOST_WINDOWS = 400
FAIR_WINDOWS = 60  # this far back a group's newest value may lie
GROUP_METRICS = {"regression": "mae"}
GAPS = (
    "demographic_parity_difference",
    "equal_opportunity_difference",
    "equalized_odds_difference",
    "predictive_parity_difference",
    "bias_difference",
    "mae_difference",
)


def card_of(store: Store, slug: str, number: int | None = None) -> ModelCard | None:
    """Return the card of a version, by default of the one in production, else of the newest.

    Returns
    -------
    The card, or None if no model has this name.

    Raises
    ------
    InputError
        If the model has no such version.
    """
    with store.read() as c:
        registered = models.get(c, slug)
        if registered is None:
            return None
        version = chosen(c, slug, number)
    shown = production(store, registered.declaration, version)
    with store.read() as c:
        return card.model_card(known(c, registered, version, shown, store.workspace.now()))


def chosen(c: sa.Connection, slug: str, number: int | None) -> ModelVersion | None:
    """Return a model's version of a number, else the one in production, else the newest; None without any."""
    if number is not None:
        return version_actions.found(c, slug, number)
    live = releases.champion(c, slug, gating.ENVIRONMENT)
    if live is not None and live.number is not None:
        return versions.get(c, slug, live.number)
    return next(iter(versions.every(c, slug)), None)


def known(
    c: sa.Connection,
    registered: RegisteredModel,
    version: ModelVersion | None,
    production: Production,
    now: datetime,
) -> Known:
    """Return all that a card is made of, in one transaction."""
    declaration = registered.declaration
    slug, number = declaration.model, version.number if version else None
    run = versions.run(c, version.record.run) if version and version.record.run is not None else None
    mine = [each for each in promotions.every(c, slug) if each.number == number]
    return Known(
        declaration=declaration,
        lifecycle=registered.lifecycle,
        paused=registered.paused,
        version=version,
        run=run,
        use_case=use_cases.get(c, declaration.use_case) if declaration.use_case else None,
        texts={name: each for name, each in card_texts.newest(c, slug).items() if each.text},
        evidence=evidence.of_version(c, slug, number) if number is not None else (),
        production=production,
        status=status.get(c, slug),
        alerts=alerts.of_model(c, slug, ended=False),
        releases=releases.events(c, slug, environment=gating.ENVIRONMENT),
        promotions=mine,
        said={each.id: promotions.said(c, each.id) for each in mine},
        waivers=promotions.waivers_of(c, slug, number) if number is not None else (),
        retirement=attestations.retirement(c, slug),
        now=now,
    )


def production(store: Store, declaration: Declaration, version: ModelVersion | None) -> Production:
    """Return what production showed of a version, or where it made no predictions of all of them."""
    slug, now = declaration.model, store.workspace.now()
    with store.read() as c:
        current, reference = status.get(c, slug), references.current(c, slug)
    empty = Production(None, None, pl.DataFrame(schema=METRICS), None, {}, pl.DataFrame(schema=METRICS))
    newest = current.last_window if current else None
    if newest is None:
        return empty
    length = declaration.calendar.nominal
    usual_metrics = HEADLINES[declaration.task]
    metric = (current.headline if current else None) or (usual_metrics[0] if usual_metrics else None)
    groups, gaps = _fairness(store, declaration, newest - FAIR_WINDOWS * length, now)
    if metric is None:
        return Production(None, None, empty.course, None, groups, gaps)
    since = newest - MOST_WINDOWS * length
    first = reference.first_window if reference else None
    begin = min(since, first or since)
    frame = statistics.read(
        store, slug, "metrics", start=begin, metrics=[metric], columns=[""],
        segment="", variant="", group="",
    )  # fmt: skip
    frame = _closed(frame, declaration, now).filter(pl.col("n").fill_null(0) >= MINIMUM_LABELLED)
    every = frame.filter(pl.col("version") == "")
    own = frame.filter(pl.col("version") == version.name) if version else frame.clear()
    normal = None
    if reference is not None and first is not None and reference.last_window is not None:
        normal = Normal.of(every.filter(pl.col("window_start").is_between(first, reference.last_window)))
    name, course = (version.name, own) if version and own.height else (None, every)
    return Production(metric, name, course.filter(pl.col("window_start") >= since), normal, groups, gaps)


def _fairness(
    store: Store, declaration: Declaration, since: datetime, now: datetime
) -> tuple[Mapping[str, pl.DataFrame], pl.DataFrame]:
    """Return each attribute's newest groups, and the newest gaps between them."""
    if not declaration.protected:
        return {}, pl.DataFrame(schema=METRICS)
    metric = GROUP_METRICS.get(declaration.task, "selection_rate")
    found = statistics.read(
        store, declaration.model, "metrics", start=since, metrics=[metric, *GAPS],
        segment="", version="", variant="",
    )  # fmt: skip
    closed = _closed(found, declaration, now).filter(pl.col("value").is_not_null())
    gaps = closed.filter(pl.col("metric") != metric)
    gaps = gaps.sort("window_start").group_by("column", "metric", maintain_order=True).last()
    names = [each if isinstance(each, str) else each.column for each in declaration.protected]
    groups = {}
    for name in names:
        mine = closed.filter(
            (pl.col("metric") == metric)
            & pl.col("group").str.starts_with(f"{name}=")
            & ~pl.col("group").str.contains(" & ", literal=True)
        )
        if mine.height:
            groups[name] = mine.filter(pl.col("window_start") == mine["window_start"].max()).sort("group")
    return groups, gaps.select(list(METRICS)).sort("column", "metric")


def _closed(frame: pl.DataFrame, declaration: Declaration, now: datetime) -> pl.DataFrame:
    """Return the windows that are over and whose labels are complete, in order."""
    over = (pl.col("window_end") + declaration.grace <= now) & (pl.col("mature_at").fill_null(now) <= now)
    return frame.filter(over).sort("window_start")


def must_be_registered(c: sa.Connection, slug: str) -> RegisteredModel:
    """Return a registered model.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    registered = models.get(c, slug)
    if registered is None:
        raise InputError(f"no model {slug!r} is registered; run: steward status")
    return registered
