"""The DuckDB engine: prediction logs and labels in, counts out."""

import os
from collections.abc import Collection, Sequence
from types import TracebackType

import duckdb
import polars as pl

from core.declaration import Declaration
from core.engine import doubts, grids, inspect, profile, views
from core.engine.deadline import deadline
from core.engine.doubts import ScoreRange, Unreadable
from core.engine.files import FileFacts, Files
from core.engine.source import Opened, opened
from core.entities import Grid, Source
from core.errors import LogError
from core.windows import Window


class DuckDBEngine:
    """Counts with DuckDB, in memory; what does not fit below `memory_limit` is spilled to a temporary folder.

    An engine is used by one thread; `close` (or leaving the with block) removes its temporary files.
    """

    def __init__(self, *, threads: int | None = None, memory_limit: str = "300MB") -> None:
        self._connection = duckdb.connect(
            config={
                "threads": threads or min(4, os.cpu_count() or 1),
                "memory_limit": memory_limit,
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._files = Files(self._connection)
        self._connection.execute("SET temp_directory = $folder", {"folder": self._files.folder})
        self._connection.execute("SET enable_progress_bar = false")  # it would write into JSON on stdout
        # Joins as written: rows on the left, a small table on the right. The optimizer does not know how
        # small, and would now and then hold the rows in memory instead.
        self._connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")

    def __enter__(self) -> "DuckDBEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release memory and temporary files."""
        try:
            self._connection.close()
        finally:
            self._files.close()

    def scan(self, path: str, declaration: Declaration, *, kind: str = "predictions") -> FileFacts:
        """Look at one file.

        Parameters
        ----------
        kind : ``predictions``, or ``labels`` (timed by `labels.timestamp`, else by `labels.available_at`)

        Raises
        ------
        LogError
            If the file is absent, empty, corrupt or half-written, or lacks a column no row can do without.
        """
        facts = self.scan_all([path], declaration, kind=kind)[path]
        if isinstance(facts, LogError):
            raise facts
        return facts

    def scan_all(
        self, paths: Sequence[str], declaration: Declaration, *, kind: str = "predictions"
    ) -> dict[str, FileFacts | LogError]:
        """Look at many files in one pass; a file that cannot be read has its error in place of facts."""
        return inspect.scan(self._connection, self._files, paths, declaration, kind)

    def windows_of(self, source: Source, declaration: Declaration) -> dict[Window, int]:
        """Return how many rows the prediction logs hold in each window that has any, in time order."""
        return inspect.windows_of(self._opened(source, declaration))

    def score_ranges(self, source: Source, declaration: Declaration) -> dict[str, ScoreRange]:
        """Return by column what the declared scores hold; columns without a number are left out."""
        return doubts.score_ranges(self._opened(source, declaration))

    def unreadable_numbers(self, source: Source, declaration: Declaration) -> dict[str, Unreadable]:
        """Return by column, of those declared as numbers, the texts that are none."""
        return doubts.unreadable_numbers(self._opened(source, declaration))

    def label_values(self, source: Source, declaration: Declaration, limit: int = 20) -> list[str]:
        """Return the most frequent labels of a classification, of the label files or the log, by name."""
        return doubts.label_values(self._opened(source, declaration), limit)

    def label_windows(self, source: Source, declaration: Declaration) -> tuple[list[Window], int]:
        """Return the windows `source.labels` have labels for, and how many label ids no prediction has."""
        return inspect.label_windows(self._opened(source, declaration))

    def build_grid(
        self,
        source: Source,
        declaration: Declaration,
        windows: Sequence[Window],
        *,
        reference_id: str,
        frozen: bool,
        known: Collection[str] = (),
    ) -> Grid:
        """Build the grid of the reference rows.

        With `frozen` false the model still learns: bins and vocabularies stay empty. `known` are the columns
        of the whole log: one that came after the reference is declared all the same, and has no bins.

        Raises
        ------
        LogError
            If a declared column is in none of the files, nor in `known`, or a file cannot be read.
        """
        opened_ = self._opened(source, declaration)
        return grids.build_grid(opened_, windows, reference_id=reference_id, frozen=frozen, known=known)

    def sample(
        self, source: Source, declaration: Declaration, windows: Sequence[Window], limit: int = 200_000
    ) -> pl.DataFrame:
        """Return at most `limit` rows of the windows with their labels, chosen by a hash of their id.

        The columns have their declared names, the timestamp is in UTC: written to Parquet, the frame is a
        prediction log again, with the label in its column.
        """
        return views.sample(self._opened(source, declaration), windows, limit)

    def profile(
        self, source: Source, declaration: Declaration, grid: Grid, windows: Sequence[Window]
    ) -> pl.DataFrame:
        """Count the rows of the windows on the grid.

        Returns
        -------
        A frame with the columns of CELLS, sorted by and unique on CELL_KEYS; a window without rows has none.
        """
        return profile.profile(self._opened(source, declaration), grid, windows)

    def rows(
        self,
        source: Source,
        declaration: Declaration,
        window: Window,
        limit: int = 500,
        seconds: float = 20.0,
    ) -> pl.DataFrame:
        """Return the newest rows of a window with their labels, under the declared names, nothing masked.

        Raises
        ------
        LogError
            If a file cannot be read, or reading takes longer than `seconds`.
        """
        advice = "query the log files themselves, or split them so that a window has its own"
        with deadline(self._connection, seconds, advice):
            return views.rows(self._opened(source, declaration), window, limit)

    def _opened(self, source: Source, declaration: Declaration) -> Opened:
        return opened(self._connection, self._files, source, declaration)
