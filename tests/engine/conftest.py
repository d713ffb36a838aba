import polars as pl
import pytest

from core.declaration import Declaration
from core.engine import DuckDBEngine
from core.entities import Source


@pytest.fixture
def engine():
    with DuckDBEngine(threads=2) as engine:
        yield engine


@pytest.fixture
def write(tmp_path):
    """Write a frame (or a dict of columns) as a prediction log and return its path."""

    def write(columns, name="log.parquet", **options):
        frame = columns if isinstance(columns, pl.DataFrame) else pl.DataFrame(columns, strict=False)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".csv"):
            frame.write_csv(path)
        else:
            frame.write_parquet(path, **options)
        return str(path)

    return write


@pytest.fixture
def declare():
    """Return a declaration from the keys a test cares about."""

    def declare(task="custom", timestamp="at", timezone="UTC", columns=None, **keys):
        predictions = {"path": "logs", "timestamp": timestamp, "timezone": timezone} | (columns or {})
        whole = {"model": "m", "owner": "o@example.com", "risk_tier": 3, "task": task, "features": {}}
        return Declaration.model_validate(whole | {"predictions": predictions} | keys)

    return declare


@pytest.fixture
def cells_of(engine):
    """Build the grid of some files and count them (or others) on it."""

    def cells_of(declaration, *files, labels=(), reference=None, frozen=True):
        source = Source(tuple(files), tuple(labels))
        base = Source(tuple(reference), tuple(labels)) if reference else source
        windows = list(engine.windows_of(base, declaration))
        grid = engine.build_grid(base, declaration, windows, reference_id="r", frozen=frozen)
        return grid, engine.profile(source, declaration, grid, list(engine.windows_of(source, declaration)))

    return cells_of
