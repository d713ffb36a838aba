"""The kernel for features taken together: sums of the products of each two, in the pass that bins them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.engine.counts import Counts, blank
from core.engine.roles import Counted
from core.entities import Grid, Kind
from core.reconstruction import FEWEST, MOST


@dataclass(frozen=True)
class Moments:
    """Sums over the rows of each group, to be filled batch by batch; `found` is laid out as Kind.MOMENTS."""

    aliases: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray
    found: Counts

    @staticmethod
    def of(numbers: Sequence[Counted], grid: Grid, groups: int) -> "Moments | None":
        """Return sums of nothing; None where the grid names too few or too many features."""
        if not FEWEST <= len(grid.together) <= MOST:
            return None
        alias = {each.column: each.alias for each in numbers}
        bins = [grid.numeric[name] for name in grid.together]
        features = len(bins)
        return Moments(
            tuple(alias[name] for name in grid.together),
            np.array([each.centre for each in bins]),
            np.array([each.scale for each in bins]),
            blank("", Kind.MOMENTS, groups, 0, features * (features + 1) // 2),
        )

    def standardised(self, values: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return the features of some rows, and which rows have any number; what is none is at the mean.

        Shape (features, rows), as the values come column by column.
        """
        moved = np.empty((len(self.aliases), len(values[self.aliases[0]])))
        some = np.zeros(moved.shape[1], dtype=np.bool_)
        for alias, centre, scale, row in zip(self.aliases, self.centre, self.scale, moved, strict=True):
            with np.errstate(over="ignore", invalid="ignore"):
                np.divide(np.subtract(values[alias], centre, out=row), scale, out=row)
            finite = np.isfinite(values[alias])
            some |= finite
            if not finite.all():
                row[~finite] = 0.0
        return moved, some

    def add(self, rows: np.ndarray, some: np.ndarray, starts: np.ndarray, groups: np.ndarray) -> None:
        """Add rows, shape (features, rows), that lie group by group: those of `groups` begin at `starts`."""
        upper = np.triu_indices(len(rows))
        for group, part in zip(groups, np.split(rows, starts[1:], axis=1), strict=True):
            with np.errstate(over="ignore", invalid="ignore"):
                self.found.sums[group] += (part @ part.T)[upper]
        n = np.add.reduceat(some.astype(np.int64), starts)
        self.found.tallies[groups, 0] += n
        self.found.tallies[groups, 1] += np.diff(np.append(starts, len(some))) - n
