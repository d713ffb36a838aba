"""The demo's scoring command: an artifact, rows in Parquet, answers in Parquet."""

import sys
from pathlib import Path

import polars as pl

from core.demo import trees


def main(artifact: str, given: str, written: str) -> None:
    """Answer the rows of one file into another."""
    probability = trees.probabilities(trees.read(Path(artifact)), pl.read_parquet(given))
    pl.DataFrame({"probability": probability}).write_parquet(written)


if __name__ == "__main__":
    main(*sys.argv[1:])
