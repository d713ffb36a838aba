"""The store: all SQL of the registry database, and the statistics files."""

from core.store.database import Store

__all__ = ["Store"]
