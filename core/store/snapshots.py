"""The published registry: its tables as ``registry/*.parquet``, for any DuckDB user and without Steward."""

from pathlib import Path

from core.store import views
from core.store.database import Store, revision_seen
from core.store.parquet import write_frame, write_whole


def publish(store: Store) -> list[Path]:
    """Write every table of core.store.views to a Parquet file and return the files; none if nothing changed.

    All files show the same moment. Each appears at once under its name, replacing the one before.
    """
    folder = store.root / "registry"
    stamp = folder / ".revision"
    with store.read() as c:
        present = str(revision_seen(c))
        if stamp.exists() and stamp.read_text() == present:
            return []
        frames = {folder / f"{name}.parquet": views.arrow(c, name) for name in views.TABLES}
    for path, frame in frames.items():
        write_frame(path, frame)
    write_whole(stamp, lambda file: file.write(present.encode()))
    return list(frames)
