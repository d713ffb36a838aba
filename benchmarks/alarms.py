"""Right alarms: how often quiet windows alarm and how much real drift is found, with 95 % intervals.

    python -m benchmarks.alarms [--quick] [--references 200] [--peers] [--cache FOLDER] [--plots FOLDER]

Every reference is simulated anew and judged by the shipped code. What was measured is kept in the cache
folder, so that a stopped run goes on where it was.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import alarm_peers, alarm_plots
from benchmarks.alarm_peers import MATCHED, interval
from benchmarks.alarm_streams import DRIFTS, HARD, REFERENCE, STREAMS, WINDOWS, Numbers, Stream, stream
from benchmarks.table import Table, show
from core import bins, drift
from core.auto import decision, model
from core.auto.categorical import CategoricalCounts
from core.auto.numeric import NumericCounts

QUARTER = 90  # windows of a model-quarter
REFERENCES = 200
# rows, columns, streams: the required cells, then what the method is not made for
CELLS = [
    *((rows, 20, law) for rows in (200, 1_000, 10_000) for law in STREAMS),
    *((1_000, 200, law) for law in STREAMS),
    *((200, 20, law) for law in HARD),
]
TARGETS = {
    ("mean + 0.3 sd", "iid"): 0.80,
    ("mean + 0.3 sd", "jitter"): 0.55,
    ("mean + 0.3 sd", "season"): 0.78,
}


@dataclass(frozen=True)
class Measured:
    """One reference: the smallest adjusted p of each quiet window, pages, and by drift p and alarm."""

    quiet: list[float]
    pages: int
    drifts: dict[str, list[list[float]]]  # adjusted p, alarm with floor, per window
    ms: float


def measure(seed: int, law: str, rows: int, columns: int) -> Measured:
    """Judge the quiet and the drifting windows of one reference."""
    made = stream(seed, law, rows, columns)
    counts = Counted(made)
    fit = model.fit(counts.reference)
    answers = model.judge(fit, *counts.current, made.days[REFERENCE:])
    begun = time.perf_counter()
    model.judge(fit, *(_cut(type(e), list(vars(e).values()), 0, 1) for e in counts.current), made.days[-1:])
    ms = (time.perf_counter() - begun) * 1000
    distance, expected = counts.distances(*counts.current)
    given = (answers.p_value, distance, expected, answers.matters)
    alarms, unclear = decision.drifted(*given), decision.unclear(*given)
    drifts = {}
    for kind in DRIFTS if columns == 20 else ():
        name, values = made.drifted(seed, kind)
        changed = counts.changed(name, values)
        at = counts.names.index(name)
        found = model.judge(fit, *changed, made.days[REFERENCE:])
        alarmed = decision.drifted(found.p_value, *counts.distances(*changed), found.matters)[:, at]
        drifts[kind] = [adjusted(found.p_value)[:, at].tolist(), alarmed.astype(float).tolist()]
    return Measured(adjusted(answers.p_value).min(axis=1).tolist(), pages(alarms, unclear), drifts, ms)


def adjusted(p_values: Numbers) -> Numbers:
    """Return Benjamini–Hochberg adjusted p-values: a column alarms at q if its own is at most q."""
    order = np.argsort(p_values, axis=-1)
    looks = p_values.shape[-1]
    scaled = np.take_along_axis(p_values, order, axis=-1) * looks / np.arange(1, looks + 1)
    stepped = np.minimum.accumulate(scaled[..., ::-1], axis=-1)[..., ::-1]
    result = np.empty_like(stepped)
    np.put_along_axis(result, order, stepped, axis=-1)
    return result


def pages(alarms: np.ndarray, unclear: np.ndarray) -> int:
    """Return how often two windows in a row of one column alarm, each stretch once."""
    total = 0
    for column, without in zip(alarms.T, unclear.T, strict=True):
        told = column[~without]
        both = told[1:] & told[:-1]
        total += int(both[:1].sum() + (both[1:] & ~both[:-1]).sum())
    return total


class Counted:
    """A stream's rows counted as the engine counts them: quantile bins, vocabularies of half the windows."""

    def __init__(self, made: Stream) -> None:
        self.numbers = [name for name in made.columns if name not in made.categorical]
        self.categories = [name for name in made.columns if name in made.categorical]
        self.names = [*self.numbers, *self.categories]
        usual = {name: rows[:REFERENCE] for name, rows in made.columns.items()}
        self._edges = {name: edges(usual[name]) for name in self.numbers}
        self._kept = {name: vocabulary(usual[name]) for name in self.categories}
        self._known = {name: np.unique(usual[name]) for name in self.categories}
        counts = self._numeric(made.columns), self._categorical(made.columns)
        self.current = (
            _cut(NumericCounts, counts[0], REFERENCE, None),
            _cut(CategoricalCounts, counts[1], REFERENCE, None),
        )
        once = [float((np.unique(usual[n], return_counts=True)[1] == 1).sum()) for n in self.categories]
        self.reference = model.Reference(
            made.days[:REFERENCE],
            _cut(NumericCounts, counts[0], 0, REFERENCE),
            _cut(CategoricalCounts, counts[1], 0, REFERENCE),
            np.arange(REFERENCE) % 2 == 0,
            np.array(once),
        )

        usual = self.reference.numeric, self.reference.categorical
        self._wobble = np.zeros(len(self.names))
        distance, expected = self.distances(*usual)
        self._wobble = np.maximum((distance**2 - expected**2).mean(axis=0), 0.0)

    def changed(self, name: str, rows: Numbers) -> tuple[NumericCounts, CategoricalCounts]:
        """Return the counts of the current windows with one column exchanged."""
        numbers, categories = self.current
        if name in self.numbers:
            at = self.numbers.index(name)
            numbers = NumericCounts(*(each.copy() for each in vars(numbers).values()))
            found = self._number(name, rows)
            numbers.bins[:, at], numbers.missing[:, at], numbers.outside[:, at] = found
        else:
            at = self.categories.index(name)
            categories = CategoricalCounts(*(each.copy() for each in vars(categories).values()))
            found = self._category(name, rows)
            categories.values[:, at], categories.missing[:, at], categories.unseen[:, at] = found
        return numbers, categories

    def distances(self, numbers: NumericCounts, categories: CategoricalCounts) -> tuple[Numbers, Numbers]:
        """Return each column's Jensen–Shannon distance, and what chance and the reference's windows show."""
        usual = [*self.reference.numeric.bins.sum(axis=0), *self.reference.categorical.values.sum(axis=0)]
        now = [*np.moveaxis(numbers.bins, 1, 0), *np.moveaxis(categories.values, 1, 0)]
        pairs = []
        for place, (past, rows) in enumerate(zip(usual, now, strict=True)):
            if place < len(self.numbers):
                ends = bins.coarse_ends([0, *past[past > 0], 0])[None] - 1
                ends[0, -1] = len(past)
                past, rows = (bins.joined(each, np.repeat(ends, len(each), 0)) for each in (past[None], rows))
            pairs.append((drift.jensen_shannon(past, rows), drift.expected_jensen_shannon(past, rows)))
        distance, expected = (np.nan_to_num(np.stack(e, axis=1)) for e in zip(*pairs, strict=True))
        return distance, np.sqrt(expected**2 + self._wobble)

    def _numeric(self, columns: dict[str, Numbers]) -> list[Numbers]:
        return _stacked([self._number(name, columns[name]) for name in self.numbers])

    def _categorical(self, columns: dict[str, Numbers]) -> list[Numbers]:
        return _stacked([self._category(name, columns[name]) for name in self.categories])

    def _number(self, name: str, rows: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        place = np.searchsorted(self._edges[name], rows, side="left")
        missing = np.isnan(rows)
        counts = _counted(np.where(missing, -1, place), 102)
        outside, above = counts[:, 0].copy(), len(self._edges[name])
        outside += counts[:, above]
        counts[:, 1] += counts[:, 0]
        counts[:, above - 1] += counts[:, above]
        counts[:, [0, above]] = 0
        return counts[:, 1:101], missing.sum(axis=1).astype(float), outside

    def _category(self, name: str, rows: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        kept = self._kept[name]
        order = np.argsort(kept)
        place = np.searchsorted(kept[order], rows).clip(0, len(kept) - 1)
        is_kept = kept[order][place] == rows
        counts = _counted(np.where(is_kept, order[place], 100), 101)
        return counts, np.zeros(len(rows)), (~np.isin(rows, self._known[name])).sum(axis=1).astype(float)


def edges(rows: Numbers) -> Numbers:
    values = np.sort(rows[~np.isnan(rows)])
    inner = values[np.ceil(np.arange(1, 100) * values.size / 100).astype(int) - 1]
    return np.unique([np.nextafter(values[0], -np.inf), *inner, values[-1]])


def vocabulary(rows: Numbers) -> Numbers:
    values, counts = np.unique(rows[::2], return_counts=True)
    return values[np.argsort(-counts, kind="stable")][:100]


def _counted(places: np.ndarray, width: int) -> Numbers:
    flat = (places + np.arange(len(places))[:, None] * width)[places >= 0]
    return np.bincount(flat, minlength=len(places) * width).reshape(len(places), width).astype(float)


def _stacked(parts: list[tuple[Numbers, Numbers, Numbers]]) -> list[Numbers]:
    return [np.stack(each, axis=1) for each in zip(*parts, strict=True)]


def _cut(kind, counts: list[Numbers], start: int, end: int | None):
    return kind(*(each[start:end] for each in counts))


def measured(cache: Path, law: str, rows: int, columns: int, references: int) -> Iterator[Measured]:
    """Yield every reference of a cell, from the cache where it was measured before."""
    file = cache / f"steward-{law}-{rows}-{columns}.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    yield from (Measured(**json.loads(line)) for line in lines[:references])
    with file.open("a") as out:
        for seed in range(len(lines), references):
            found = measure(seed, law, rows, columns)
            out.write(json.dumps(vars(found)) + "\n")
            out.flush()
            yield found


def quiet_row(cell: str, found: list[Measured]) -> tuple[list[str], bool]:
    alarms = [float(np.mean(np.array(each.quiet) <= decision.FALSE_DISCOVERIES)) for each in found]
    paged = [each.pages * QUARTER / WINDOWS for each in found]
    held = np.mean(alarms) <= MATCHED and np.mean(paged) <= 0.1
    ms = float(np.median([each.ms for each in found]))
    return [cell, interval(alarms), interval(paged), f"{ms:.1f}", "held" if held else "MISSED"], bool(held)


def power_rows(law: str, rows: int, found: list[Measured]) -> Iterator[list[str]]:
    limit = float(np.quantile(np.concatenate([each.quiet for each in found]), MATCHED))
    for kind in DRIFTS:
        p = [np.array(each.drifts[kind][0]) for each in found]
        alarm = [np.array(each.drifts[kind][1]) for each in found]
        tuned = [float(np.mean(each <= limit)) for each in p]
        nominal = [float(np.mean(each <= decision.FALSE_DISCOVERIES)) for each in p]
        twice = [float(np.mean(each[1:] * each[:-1])) for each in alarm]
        target = TARGETS.get((kind, law)) if rows == 200 else None
        said = "" if target is None else f"{target:.2f} {'held' if np.mean(tuned) >= target else 'MISSED'}"
        floored = [float(each.mean()) for each in alarm]
        yield [kind, interval(tuned), interval(nominal), interval(floored), interval(twice), said]


def run(cache: Path, references: int, cells: list[tuple[int, int, str]]) -> list[Table]:
    """Measure Steward in all cells."""
    cache.mkdir(parents=True, exist_ok=True)
    quiet, tables = [], []
    for rows, columns, law in cells:
        found = list(measured(cache, law, rows, columns, references))
        quiet.append(quiet_row(f"{law}, {rows:,} rows x {columns}", found)[0])
        columns_of = ["drift", "matched 5 %", "q = .04", "with floor", "two in a row", "target"]
        if columns == 20 and law in STREAMS:
            title = f"Found, {law}, {rows:,} rows x {columns} columns: share of drifting windows"
            tables.append(Table(title, columns_of, list(power_rows(law, rows, found))))
    heads = ["quiet stream", "any alarm per window", "pages per model-quarter", "ms a window", ""]
    note = "held to: any alarm at most 0.05, at most 0.1 pages a quarter (two in a row, floor)"
    return [Table(f"Quiet windows, {references} references", heads, quiet, note), *tables]


def sketch() -> list[Table]:
    """Measure the smallest cells with few references, for the overview of all benchmarks."""
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder), 20, CELLS[: len(STREAMS)])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alarms", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two references of two small cells")
    parser.add_argument("--references", type=int, default=REFERENCES)
    parser.add_argument("--peers", action="store_true", help="also Evidently and NannyML, 20 references")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "steward-alarms")
    parser.add_argument("--only", nargs="*", default=[], help="cells such as iid-200-20")
    parser.add_argument("--plots", type=Path, help="folder for the pictures of the documentation")
    options = parser.parse_args()
    cells = [cell for cell in CELLS if not options.only or f"{cell[2]}-{cell[0]}-{cell[1]}" in options.only]
    if options.quick:
        cells, options.references = [(200, 20, "iid"), (200, 20, "season")], 2
    for table in run(options.cache, options.references, cells):
        show(table)
    if options.peers:
        for table in alarm_peers.run(options.cache):
            show(table)
    if options.plots:
        alarm_plots.draw(options.cache, options.plots)


if __name__ == "__main__":
    main()
