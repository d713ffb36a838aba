"""The engines: prediction logs and label files in, CELLS out. Another engine is a class with these methods and a line here."""

from core.engine.duckdb_engine import DuckDBEngine

__all__ = ["ENGINES", "KERNEL_VERSION", "DuckDBEngine"]

# Raise it when the same rows would give other counts: every model is then counted anew.
KERNEL_VERSION = 1
ENGINES = {"duckdb": DuckDBEngine}
