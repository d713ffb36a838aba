"""The DuckDB engine: prediction logs and labels in, counts out."""

import os
from collections.abc import Sequence
from types import TracebackType

import duckdb
import polars as pl

from core.declaration import Declaration
from core.engine import chunks, grids, inspect, profile, views
from core.engine.files import FileFacts, Files
from core.entities import Grid, Source
from core.windows import Window


class DuckDBEngine:
    """Counts with DuckDB, in memory; what does not fit below `memory_limit` is spilled to a temporary folder.

    An engine is used by one thread; `close` (or leaving the with block) removes its temporary files.
    """

    def __init__(self, *, threads: int | None = None, memory_limit: str = "400MB") -> None:
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

    def __enter__(self) -> "DuckDBEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release memory and temporary files."""
        self._connection.close()
        self._files.close()

    def scan(self, path: str, declaration: Declaration, *, kind: str = "predictions") -> FileFacts:
        """Look at one file.

        Parameters
        ----------
        kind : ``predictions``, or ``labels`` (timed by `labels.timestamp`, else by `labels.available_at`, if declared)

        Raises
        ------
        LogError
            If the file is absent, empty, corrupt or half-written, or lacks its timestamp, id, score, prediction or label.
        """
        return inspect.scan(self._connection, self._files, path, declaration, kind)

    def windows_of(self, source: Source, declaration: Declaration) -> dict[Window, int]:
        """Return how many rows the prediction logs hold in each window that has any, in time order."""
        return inspect.windows_of(self._opened(source, declaration))

    def label_windows(self, source: Source, declaration: Declaration) -> tuple[list[Window], int]:
        """Return the windows whose rows `source.labels` have labels for, and how many label ids have no row in `source.files`."""
        return inspect.label_windows(self._opened(source, declaration))

    def build_grid(
        self,
        source: Source,
        declaration: Declaration,
        windows: Sequence[Window],
        *,
        reference_id: str,
        frozen: bool,
    ) -> Grid:
        """Build the grid of the reference rows.

        With `frozen` false, the model still learns: columns, classes, segments and groups are known, bins and vocabularies empty.

        Raises
        ------
        LogError
            If a declared column is in none of the files, or a file cannot be read.
        """
        return grids.build_grid(
            self._opened(source, declaration), windows, reference_id=reference_id, frozen=frozen
        )

    def sample(
        self, source: Source, declaration: Declaration, windows: Sequence[Window], limit: int = 200_000
    ) -> pl.DataFrame:
        """Return at most `limit` rows of the windows with their labels, chosen by a hash of their id.

        The columns are the declared ones under their own names, the timestamp in UTC, so the frame written to Parquet is a
        prediction log again, with the label in its column.
        """
        return views.sample(self._opened(source, declaration), windows, limit)

    def profile(
        self, source: Source, declaration: Declaration, grid: Grid, windows: Sequence[Window]
    ) -> pl.DataFrame:
        """Count the rows of the windows on the grid.

        Returns
        -------
        A frame with the columns of CELLS, sorted by CELL_KEYS, unique on them; a window without rows has no cells.
        """
        return profile.profile(self._opened(source, declaration), grid, windows)

    def rows(
        self, source: Source, declaration: Declaration, window: Window, limit: int = 500
    ) -> pl.DataFrame:
        """Return the newest rows of a window with their labels, under the declared names; sensitive values are not masked."""
        return views.rows(self._opened(source, declaration), window, limit)

    def _opened(self, source: Source, declaration: Declaration) -> chunks.Opened:
        return chunks.opened(self._connection, self._files, source, declaration)
