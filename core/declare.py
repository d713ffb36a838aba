"""A first declaration for an unknown prediction log: what could be guessed, and where a person must look."""

import re
from collections.abc import Iterator, Sequence
from os.path import commonpath
from pathlib import Path

import polars as pl
import yaml

from core.declaration import SLUG
from core.engine.files import csv_header
from core.errors import InputError, LogError
from core.guess import Guess, guess
from core.logs import SUFFIXES, unfinished
from core.pace import Pace, pace
from core.reconstruction import FEWEST, MOST
from core.reference import DEFAULT_MINIMUM_ROWS, DEFAULT_WINDOWS

SAMPLE_FILES = 3
SAMPLE_ROWS = 10_000
FILL_IN = "fill in"  # marks what a person must decide


def declare(name: str, files: Sequence[str | Path], root: str | Path | None = None) -> str:
    """Return a commented model declaration (YAML) for the prediction log in `files`.

    What a person must decide is marked ``fill in``; a key that could not be guessed stands as a comment.

    Parameters
    ----------
    files : Parquet or CSV files, or folders of them; at most 3 × 10,000 rows are read
    root : the workspace; paths below it are written relative to it

    Raises
    ------
    LogError
        If a file cannot be read.
    InputError
        If `name` cannot name a model, or there is no Parquet or CSV file.
    """
    if not re.fullmatch(SLUG, name):
        raise InputError(f"{name!r} cannot name a model; expected a-z, 0-9, _ and -, first a letter or digit")
    paths = _files(files)
    heads = [_head(path) for path in _spread(paths)]
    found = guess(pl.concat(heads, how="diagonal_relaxed"))
    column = found.timestamp
    rhythm = pace([head[column] for head in heads if column in head.columns]) if column else None
    return "\n".join(_lines(name, _pattern(files, paths, root), found, rhythm)) + "\n"


def _files(given: Sequence[str | Path]) -> list[Path]:
    paths: list[Path] = []
    for each in map(Path, given):
        if each.is_dir():
            paths += sorted(
                path
                for path in each.rglob("*")
                if path.suffix in SUFFIXES and not unfinished(path.relative_to(each))
            )
        elif not each.exists():
            raise LogError(f"{each}: no such file; expected Parquet or CSV files or a folder of them")
        else:
            paths.append(each)
    wrong = [path for path in paths if path.suffix not in SUFFIXES]
    if wrong or not paths:
        raise InputError(
            f"{', '.join(map(str, wrong or given))}: expected files that end in .parquet or .csv"
        )
    return [path.resolve() for path in paths]


def _spread(paths: list[Path]) -> list[Path]:
    """Return the first, middle and last file: columns and versions change over time."""
    return list(dict.fromkeys((paths[0], paths[len(paths) // 2], paths[-1])))[:SAMPLE_FILES]


def _head(path: Path) -> pl.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pl.scan_parquet(path).head(SAMPLE_ROWS).collect()
        delimiter, names = csv_header(str(path))
        return pl.read_csv(
            path, separator=delimiter, new_columns=names, n_rows=SAMPLE_ROWS, infer_schema_length=1_000
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise LogError(
            f"{path}: cannot be read ({str(error).splitlines()[0]}); is the file complete?"
        ) from error


def _pattern(given: Sequence[str | Path], paths: list[Path], root: str | Path | None) -> str:
    whole = [Path(each).resolve() for each in given if Path(each).is_dir()]
    if len(paths) == 1 and not whole:
        path = paths[0]
    else:  # a folder may grow, also beside the partitions it has so far
        folder = Path(commonpath(whole if len(whole) == len(given) else [each.parent for each in paths]))
        path = folder / "**" / f"*{paths[0].suffix}" if len({p.suffix for p in paths}) == 1 else folder
    home = Path(root).resolve() if root else None
    return str(path.relative_to(home) if home and path.is_relative_to(home) else path)


def _lines(name: str, path: str, found: Guess, rhythm: Pace | None) -> Iterator[str]:
    yield _line("model", _text(name))
    yield _line("owner", "owner@example.com", f"{FILL_IN}: who answers for this model")
    yield _line("# team", "my-team")
    classes = "binary_classification, multiclass_classification or regression"
    yield _line("task", found.task, "guessed" if found.task != "custom" else f"{FILL_IN}: {classes}")
    yield _line("risk_tier", "3", f"{FILL_IN}: 1 high … 4 low")
    yield _line("# description", "What does the model predict, for whom, and what is decided with it?")
    yield from _log_lines(path, found)
    yield from _outcome_lines(name, found)
    yield from _feature_lines(found)
    yield from _window_lines(rhythm)
    if found.numeric or found.categorical:
        yield "monitors:"
        yield "  - {metric: drift, columns: all, threshold: auto, for: 2 windows, severity: warning}"
    yield _line("# notify", "[a channel of steward.yaml]")


def _log_lines(path: str, found: Guess) -> Iterator[str]:
    yield "predictions:"
    yield _line("  path", _text(path))
    when = f"{FILL_IN}: when the prediction was made; none was found"
    yield from _role_line(found, "timestamp", when)
    why = "the timestamps carry no zone, name theirs" if found.naive else "windows are cut in this zone"
    yield _line("  timezone", "UTC", f"{FILL_IN}: {why}, e.g. America/New_York")
    for key in ("prediction_id", "version", "variant", "score", "prediction", "actual"):
        yield from _role_line(found, key, "none was found")


def _role_line(found: Guess, key: str, otherwise: str) -> Iterator[str]:
    """Say the column of a role, or which comes near and what keeps it from it, or `otherwise`."""
    if value := getattr(found, key):
        yield _line(f"  {key}", _text(value))
    elif key in found.amiss:
        column, why = found.amiss[key]
        yield _line(f"  # {key}", _text(column), f"{FILL_IN}: {why}")
    else:
        yield _line(f"  # {key}", "column", otherwise)


def _outcome_lines(name: str, found: Guess) -> Iterator[str]:
    if found.task == "binary_classification":
        if found.positive is None:
            yield _line("# positive", "1", "the positive class; default 1 or true")
        else:
            yield _line("positive", _text(found.positive), "guessed: the positive class")
        if not found.prediction:
            yield _line("threshold", "0.5", "a prediction is positive from this score on")
    if not found.actual:
        id_ = _text(found.prediction_id or "id")
        labels = f"{{path: labels/{name}, prediction_id: {id_}, actual: label, delay: 2d}}"
        yield _line("# labels", labels, "if labels arrive later")


def _window_lines(rhythm: Pace | None) -> Iterator[str]:
    default = f"the first {DEFAULT_WINDOWS} windows of {DEFAULT_MINIMUM_ROWS:,} rows"
    window = rhythm.window if rhythm else "1d"
    if rhythm is None or rhythm.suits_default_reference:
        yield _line("# reference", "{period: [2024-01-01, 2024-02-01]}", f"default: {default}")
    else:
        start, end = rhythm.reference_period()
        why = f"guessed: at about {rhythm.rows_per_day:,.0f} rows a day the default ({default}) never comes"
        yield _line("reference", f"{{period: [{start}, {end}]}}", why)
    yield _line("window", window, "1h 1d 1w 1mo 1y")


def _feature_lines(found: Guess) -> Iterator[str]:
    if not found.numeric and not found.categorical:
        yield _line("# features", "{numeric: [column], categorical: [column]}", "none was found")
    else:
        yield "features:"
        yield _line("  numeric", _text(list(found.numeric)))
        yield _line("  categorical", _text(list(found.categorical)))
    for column, why in found.left_out.items():
        yield f"# left out: {_text(column)} ({why})"
    if FEWEST <= len(found.numeric) <= MOST:
        yield _line("# pca", "true", "measures whether the numeric features still go together")
    yield _line("# segments", "[column]", "slices to look at one by one")
    protected = _text(list(found.protected or ("column",)))
    yield _line("# protected", protected, "attributes that must not decide; fairness is measured on them")
    if found.sensitive:
        yield _line("sensitive", _text(list(found.sensitive)), "masked in row views")
    operations = {
        key: getattr(found, key) for key in ("latency_ms", "status", "cost_usd") if getattr(found, key)
    }
    if operations:
        yield _line("operations", _text(operations))
    else:
        yield _line("# operations", "{latency_ms: column, status: column, cost_usd: column}")


def _line(key: str, value: str, comment: str = "") -> str:
    written = f"{key}: {value}"
    return f"{written:<36} # {comment}" if comment else written


def _text(value: object) -> str:
    """Return a value as YAML writes it on one line: quoted where it must be."""
    written = yaml.safe_dump(
        value, allow_unicode=True, width=1_000_000, default_flow_style=True, sort_keys=False
    )
    return written.removesuffix("\n...\n").strip()
