"""The engines: logs and labels in, CELLS out. Another engine is a class like DuckDBEngine and a line here."""

from core.engine.duckdb_engine import DuckDBEngine

__all__ = ["ENGINES", "KERNEL_VERSION", "DuckDBEngine"]

# Raise it when the same rows would give other counts: every model is then counted anew.
KERNEL_VERSION = 3
ENGINES = {"duckdb": DuckDBEngine}
