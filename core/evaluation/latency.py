"""How long a version takes to answer, from the latencies beside its predictions."""

import numpy as np
import polars as pl

from core.comparison.labels import measurements
from core.declaration import Declaration
from core.evaluation.limits import Bar
from core.evaluation.told import Judged, finding, interval, judged
from core.records import Finding
from core.regression import between_ranks

_QUANTILES = {"latency_p50": 0.50, "latency_p95": 0.95, "latency_p99": 0.99}


def latencies(frame: pl.DataFrame, declaration: Declaration) -> np.ndarray | None:
    """Return the finite latencies of rows in ms, sorted; None where there is none."""
    column = declaration.operations.latency_ms
    if column is None or column not in frame.columns:
        return None
    values = frame[column].cast(pl.Float64, strict=False).to_numpy()
    known: np.ndarray = np.sort(values[np.isfinite(values)])
    return known if len(known) else None


def latency(values: np.ndarray, bar: Bar, *, measured: str) -> Judged:
    """Return the evidence ``latency``: quantiles with the intervals of order statistics.

    Parameters
    ----------
    values : sorted, in ms
    measured : how they were measured, for people
    """
    n = np.array([float(len(values))])
    found = measurements(
        {
            name: between_ranks(lambda at: np.quantile(values, np.clip(at, 0, 1)), share, n)
            for name, share in _QUANTILES.items()
        }
    )
    findings = []
    for name, of in found.items():
        limit = bar.of(name)
        within = of.value is not None and (limit is None or of.value <= limit)
        findings.append(finding(name, of, threshold=limit, passed=within, note=measured))
    said = ", ".join(f"{e.name.removeprefix('latency_')} {interval(e)} ms" for e in findings)
    broken = [f"{e.name} over {e.threshold:g} ms" for e in findings if not e.passed]
    ending = "; ".join(broken) or ("no limit is set" if not any(e.threshold for e in findings) else "kept")
    return judged("latency", f"{said} ({measured}); {ending}", findings)


def latency_of_batch(first_s: float, every_s: float, rows: int, bar: Bar) -> Judged:
    """Return the evidence ``latency`` of a scoring command.

    Parameters
    ----------
    first_s, every_s : how long it took for one row and for all of them, each with the program's start
    """
    said = "scoring command, in one batch, its start shared by all rows"
    limit, per_row_ms = bar.of("latency_per_row"), every_s * 1_000 / rows
    kept = limit is None or per_row_ms <= limit
    findings = [
        Finding(name="latency_per_row", value=per_row_ms, n=rows, threshold=limit, passed=kept, note=said),
        Finding(name="latency_of_start", value=first_s * 1_000, n=1, note="one row, with the start"),
    ]
    ending = "no limit is set" if limit is None else f"the limit is {limit:g} ms"
    text = f"{per_row_ms:.3g} ms a row ({said}: {rows:,} rows), {first_s * 1_000:,.0f} ms for one alone"
    return judged("latency", f"{text}; {ending}", findings)
