"""What the Model page reads: who the model is, and its metrics window by window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from core import volume
from core.declaration import Declaration
from core.entities import Annotation, ModelStatus
from core.store import Store, annotations, due, models, references, statistics, status
from core.store.models import RegisteredModel
from core.store.references import Reference
from core.volume import VOLUME


@dataclass(frozen=True)
class ModelPage:
    """A model, its status and reference, its slices, and what its last sweep said.

    `segments` are slices such as ``origin=JFK``; `groups` has the groups of each protected attribute and
    intersection. `annotations` are those that stand, of the model and of all models.
    """

    registered: RegisteredModel
    status: ModelStatus | None
    reference: Reference | None
    segments: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    last_error: str | None
    last_finished: datetime | None
    now: datetime
    annotations: Sequence[Annotation] = ()

    @property
    def declaration(self) -> Declaration:
        """What the team declared."""
        return self.registered.declaration


def model_page(store: Store, slug: str) -> ModelPage | None:
    """Return what stands above the tabs, or None when no model has this name."""
    with store.read() as c:
        registered = models.get(c, slug)
        if registered is None:
            return None
        found = status.get(c, slug)
        reference = references.current(c, slug)
        annotated = annotations.every(c, slug)
        sweep = next((row for row in due.every(c) if row.model == slug), None)
    slices: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = {}
    if reference is not None and (registered.declaration.segments or registered.declaration.protected):
        grid = references.read_grid(store, slug, reference.reference_id)
        slices = tuple(f"{column}={value}" for column, values in grid.segments.items() for value in values)
        groups = grid.groups
    return ModelPage(
        registered,
        found,
        reference,
        slices,
        groups,
        (found.error if found else None) or (sweep.last_error if sweep else None),
        sweep.last_finished if sweep else None,
        store.workspace.now(),
        annotated,
    )


def series(
    store: Store,
    slug: str,
    metrics: Sequence[str],
    start: datetime | None,
    end: datetime | None,
    segment: str = "",
    columns: Sequence[str] | None = None,
    group: str | None = "",
) -> pl.DataFrame:
    """Return metrics of all versions together, window by window.

    Returns
    -------
    The columns of METRICS and ``phase``: ``open`` until the window's end and grace have passed, ``immature``
    while its labels still arrive, else ``closed``. Of the volume alone, also ``usual``.
    """
    with store.read() as c:
        registered = models.get(c, slug)
    frame = statistics.read(
        store,
        slug,
        "metrics",
        start=start,
        end=end,
        metrics=metrics,
        columns=columns,
        segment=segment,
        version="",
        variant="",
        group=group,
    )
    if registered is None:
        return frame.with_columns(phase=pl.lit("closed"))
    shown = with_phase(frame, registered.declaration, store.workspace.now())
    return with_usual_volume(store, registered.declaration, shown, segment) if VOLUME in metrics else shown


def reference_series(store: Store, slug: str, metrics: Sequence[str], segment: str = "") -> pl.DataFrame:
    """Return the metrics of the reference's own windows; empty when it is a file or incomplete."""
    with store.read() as c:
        reference = references.current(c, slug)
    if reference is None or reference.first_window is None or reference.last_window is None:
        return series(store, slug, metrics, None, None, segment).clear()
    frame = series(store, slug, metrics, reference.first_window, None, segment)
    return frame.filter(pl.col("window_start") <= reference.last_window)


def with_labelled(frame: pl.DataFrame) -> pl.DataFrame:
    """Return METRICS of one segment with ``labelled``: the share of labels their window has so far."""
    shares = frame.filter(pl.col("metric") == "labelled_share")
    shares = shares.select("window_start", labelled="value").unique("window_start")
    return frame.join(shares, on="window_start", how="left", maintain_order="left")


def with_usual_volume(
    store: Store, declaration: Declaration, frame: pl.DataFrame, segment: str = "", version: str = ""
) -> pl.DataFrame:
    """Return METRICS of one slice with what volume is usual in each window; null for other metrics."""
    first: datetime | None = frame["window_start"].min()  # type: ignore[assignment]
    if first is None:
        return frame.with_columns(usual=pl.lit(None, pl.Float64))
    volumes = statistics.read(
        store,
        declaration.model,
        "metrics",
        start=first - volume.reach(declaration.calendar),
        metrics=[VOLUME],
        segment=segment,
        version=version,
        variant="",
        group="",
    )
    usual = volume.with_usual(volumes, declaration.calendar).select("metric", "window_start", "usual")
    return frame.join(usual, on=["metric", "window_start"], how="left", maintain_order="left")


def with_phase(frame: pl.DataFrame, declaration: Declaration, now: datetime) -> pl.DataFrame:
    """Return the frame with the column ``phase`` as of `now`."""
    return frame.with_columns(
        phase=pl.when(pl.col("window_end") + declaration.grace > now)
        .then(pl.lit("open"))
        .when(pl.col("mature_at") > now)
        .then(pl.lit("immature"))
        .otherwise(pl.lit("closed"))
    )
