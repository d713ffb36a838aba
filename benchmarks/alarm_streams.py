"""Streams of windows that are quiet, or drift in a known way: the same rows for Steward and its peers.

Numpy alone, so that every peer's environment can import it. A column is a function of a normal number: laws
with ties, tails and zeros, and categories of 5 to 1,000 values. Windows differ by a shift of that number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

REFERENCE, WINDOWS = 30, 20
STREAMS = {
    "iid": "windows differ by chance alone",
    "jitter": "each column's mean differs by 0.05 sd from window to window",
    "season": "a weekly wave of 0.1 sd in every column",
}
# What the method is not made for.
HARD = {
    "heavy": "window shifts of 0.05 sd × Student t with 3 degrees of freedom",
    "autocorrelated": "window shifts of 0.05 sd that remember 0.6 of the last one",
    "wide": "each column's mean differs by 0.2 sd from window to window",
}
DRIFTS = {
    "mean + 0.05 sd": ("shift", 0.05),
    "mean + 0.1 sd": ("shift", 0.1),
    "mean + 0.2 sd": ("shift", 0.2),
    "mean + 0.3 sd": ("shift", 0.3),
    "mean + 0.5 sd": ("shift", 0.5),
    "variance x 1.2": ("scale", 1.2),
    "two of five values change places": ("swap", 0.0),
    "missing + 2 points": ("missing", 0.02),
    "mean creeps to 0.5 sd": ("creep", 0.5),
}
# The peers take their time: what they are asked about.
FOR_PEERS = (
    "mean + 0.3 sd",
    "variance x 1.2",
    "two of five values change places",
    "missing + 2 points",
)
_FIVE = np.array([0.35, 0.25, 0.20, 0.12, 0.08])


@dataclass(frozen=True)
class Stream:
    """Columns by name, each (windows, rows) with NaN for missing; the reference's windows come first."""

    columns: Mapping[str, Numbers]
    days: Numbers
    categorical: frozenset[str]

    def drifted(self, seed: int, kind: str) -> tuple[str, Numbers]:
        """Return a column's name and its drifted rows, windows after the reference only."""
        how, size = DRIFTS[kind]
        rng = np.random.default_rng([seed, 7, sorted(DRIFTS).index(kind)])
        if how == "swap":
            name = next(name for name in self.columns if name.startswith("five"))
            rows = self.columns[name][REFERENCE:]
            codes = rows.copy()
            codes[rows == 2], codes[rows == 4] = 4, 2
            return name, codes
        rows = self.columns["plain0"][REFERENCE:]
        if how == "shift":
            return "plain0", rows + size
        if how == "scale":
            return "plain0", rows * np.sqrt(size)
        if how == "creep":
            return "plain0", rows + np.linspace(size / WINDOWS, size, WINDOWS)[:, None]
        return "plain0", np.where(rng.uniform(size=rows.shape) < size, np.nan, rows)


def stream(seed: int, law: str, rows: int, columns: int = 20) -> Stream:
    """Return a reference and the windows after it; equal seeds give equal rows."""
    rng = np.random.default_rng([seed, sorted((*STREAMS, *HARD)).index(law), rows, columns])
    windows = REFERENCE + WINDOWS
    days = np.arange(float(windows)) + rng.integers(7)
    moves = _moves(rng, law, days, columns)
    found: dict[str, Numbers] = {}
    for place in range(columns):
        normal = rng.standard_normal((windows, rows), dtype=np.float32) + moves[:, place, None]
        kind = _KINDS[place % len(_KINDS)]
        found[f"{kind}{place}"] = _values(rng, kind, normal.astype(np.float64))
    return Stream(
        found, days, frozenset(n for n in found if n.startswith(("five", "dozen", "forty", "zipf")))
    )


_KINDS = (
    *("plain", "plain", "exponential", "rounded", "zeros", "five", "plain", "cubed", "gaps", "dozen"),
    *("plain", "exponential", "plain", "counted", "zeros", "forty", "plain", "cubed", "plain", "zipf"),
)


def _moves(rng: np.random.Generator, law: str, days: Numbers, columns: int) -> Numbers:
    shape = (len(days), columns)
    if law == "jitter":
        return rng.normal(0, 0.05, shape)
    if law == "wide":
        return rng.normal(0, 0.2, shape)
    if law == "heavy":
        return 0.05 * rng.standard_t(3, shape)
    if law == "season":
        return np.broadcast_to(0.1 * np.sin(2 * np.pi * days / 7)[:, None], shape)
    moves = np.zeros(shape)
    if law == "autocorrelated":
        last = rng.normal(0, 0.05, columns)
        for window in range(len(days)):
            last = 0.6 * last + rng.normal(0, 0.05 * np.sqrt(1 - 0.36), columns)
            moves[window] = last
    return moves


def _values(rng: np.random.Generator, kind: str, normal: Numbers) -> Numbers:
    if kind == "exponential":
        return np.exp(normal)
    if kind == "rounded":
        return np.round(2 * normal) / 2
    if kind == "zeros":
        return np.maximum(normal, 0.0)
    if kind == "cubed":
        return normal**3
    if kind == "counted":
        return np.floor(np.exp(0.5 * normal + 1))
    if kind == "gaps":
        return np.where(rng.uniform(size=normal.shape) < 0.03, np.nan, normal)
    if kind in ("five", "dozen", "forty", "zipf"):
        return _codes(normal, kind)
    return normal


def _codes(normal: Numbers, kind: str) -> Numbers:
    if kind == "five":
        share = _FIVE
    else:
        size = {"dozen": 12, "forty": 40, "zipf": 1000}[kind]
        share = 1 / np.arange(1, size + 1)
    ends = np.cumsum(share / share.sum())[:-1]
    return np.searchsorted(_quantiles(ends), normal.ravel()).reshape(normal.shape).astype(np.float64)


def _quantiles(shares: Numbers) -> Numbers:
    """Return Φ⁻¹ without scipy, exact to 1e-9."""
    return np.array([NormalDist().inv_cdf(min(max(float(share), 1e-12), 1 - 1e-12)) for share in shares])
