"""Run all benchmarks or the named ones and print their tables: python -m benchmarks [NAME …]."""

import argparse
from pathlib import Path

from benchmarks import alarms, alerts, dashboard, engine, estimation, governance, load, measures, sweeps
from benchmarks.table import show

BENCHMARKS = {
    "engine": lambda options: engine.run(options.rows),
    "measures": lambda options: measures.run(),
    "estimation": lambda options: estimation.run(),
    "alarms": lambda options: alarms.sketch(),
    "alerts": lambda options: alerts.run(),
    "sweeps": lambda options: sweeps.run(options.models),
    "governance": lambda options: governance.run(options.models),
    "dashboard": lambda options: [
        *dashboard.run(options.models),
        *load.run(options.models, options.demo),
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of: {', '.join(BENCHMARKS)} (default: all)"
    )
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="rows of the prediction log, e.g. 10_000_000"
    )
    parser.add_argument("--models", type=int, default=1_000, help="models of the portfolio")
    parser.add_argument("--demo", type=Path, help="folder of a built demo, instead of building one")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}")
    for name in options.names or BENCHMARKS:
        for table in BENCHMARKS[name](options):
            show(table)


if __name__ == "__main__":
    main()
