"""The rows of prediction logs as one SQL relation: typed, in windows, without duplicates, with labels."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from core.declaration import Declaration
from core.engine import dialect
from core.engine.files import LogTable, literal
from core.engine.roles import Field
from core.engine.statement import Relation

# Timestamps outside the years 1 to 9998 cannot be written as a date by anybody else: they are unreadable.
_FIRST_US, _LAST_US = -62_135_000_000_000_000, 253_370_000_000_000_000
FILE_STEP = 1 << 40  # position of a row = number of its file * FILE_STEP + its row number


def rows(
    tables: Sequence[LogTable],
    fields: Sequence[Field],
    timestamp: str,
    *,
    prefix: str = "rows",
    bounds: tuple[int, int] | None = None,
) -> Relation:
    """Return every row of the files with `instant`, `local_time`, `unreadable`, `position` and the fields.

    Files whose columns have the same types are read together, each kind with its own casts, so a column may
    be added, removed or retyped from file to file. `bounds` (seconds) let Parquet skip row groups.
    """
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = defaultdict(list)
    for i, table in enumerate(tables):
        types = tuple(table.columns.get(name, "") for name in (timestamp, *(f.column for f in fields)))
        hive = tuple(
            name for name in dict.fromkeys((timestamp, *(f.column for f in fields))) if name in table.hive
        )
        alike[(types, hive)].append(i)
    selects: list[str] = []
    params: dict[str, object] = {}
    for number, ((_, hive), members) in enumerate(alike.items()):
        name = f"{prefix}_{number}"
        keys = {
            key: f"list_extract(CAST(${name}_key_{i} AS VARCHAR[]), CAST(file_index AS BIGINT) + 1)"
            for i, key in enumerate(hive)
        }
        selects.append(_select(tables[members[0]], fields, timestamp, name, keys, bounds))
        params[f"{name}_files"] = [literal(tables[i].parquet) for i in members]
        params[f"{name}_order"] = members
        params |= {f"{name}_key_{i}": [tables[m].hive[key] for m in members] for i, key in enumerate(hive)}
    return Relation("\nUNION ALL ".join(selects), params)


def in_windows(raw: Relation) -> Relation:
    """Return the rows in the windows of table `quarters`, with `window_start` and `instant` in UTC."""
    return Relation(
        "SELECT r.* REPLACE (r.instant - q.offset_us AS instant), q.window_start"
        f"\nFROM ({raw.sql}) r JOIN quarters q"
        f"\n ON q.local_time = r.local_time AND q.quarter_hour = {dialect.quarter_hour('r.instant')}",
        raw.params,
    )


def once(relation: Relation) -> Relation:
    """Return the rows without those that table `repeated` says came again later."""
    return Relation(
        f"SELECT r.* FROM ({relation.sql}) r LEFT JOIN repeated d"
        "\n ON d.window_start = r.window_start AND d.id = r.id"
        "\nWHERE d.id IS NULL OR d.last_position = r.position",
        relation.params,
    )


def labelled(relation: Relation, label: str, *, logged: bool) -> Relation:
    """Return the rows with column `label` of table `labels`, joined by id, else (`logged`) of the log itself.

    A log with labels beside label files is one that Steward kept: the sample of a reference. A row whose
    label came and was empty will `never` have one: a cancelled flight has no air time.
    """
    own, own_bad = ("r.logged_label", "r.logged_label_bad") if logged else ("NULL", "FALSE")
    columns = f"coalesce(l.{label}, {own}) AS {label}"
    never = f"l.id IS NOT NULL AND l.{label} IS NULL"
    if label == "label_number":
        bad = f"CASE WHEN l.id IS NULL THEN {own_bad} ELSE coalesce(l.{label}_bad, FALSE) END"
        columns += f", {bad} AS {label}_bad"
        never += f" AND NOT coalesce(l.{label}_bad, FALSE)"
    columns += f", {never} AS never"
    return Relation(
        f"SELECT r.*, {columns}\nFROM ({relation.sql}) r LEFT JOIN labels l ON l.id = r.id", relation.params
    )


def judged(
    relation: Relation, declaration: Declaration, columns: Mapping[str, str], *, joined: bool
) -> Relation:
    """Return the rows with `failed` (an error status), no label where a row failed, and derived columns.

    `joined` says that `labelled` has added whether a row will `never` have a label.
    """
    failed = "FALSE"
    if declaration.operations.status:
        failed = (
            "(status IS NOT NULL AND lower(status) NOT IN ('ok', 'success', 'succeeded', 'true')"
            " AND coalesce(TRY_CAST(status AS INTEGER) NOT BETWEEN 200 AND 299, TRUE))"
        )
    replaced = ""
    if declaration.operations.status and declaration.actual:
        label = "label_number" if declaration.task == "regression" else "label"
        bad = f", label_number_bad AND NOT {failed} AS label_number_bad" if label == "label_number" else ""
        replaced = f" REPLACE (CASE WHEN NOT {failed} THEN {label} END AS {label}{bad})"
    derived = "".join(f",\n {expression} AS {name}" for name, expression in columns.items())
    never = "" if joined else ", FALSE AS never"
    return Relation(
        f"SELECT *{replaced}, {failed} AS failed{never}{derived} FROM ({relation.sql})", relation.params
    )


def _select(
    table: LogTable,
    fields: Sequence[Field],
    timestamp: str,
    name: str,
    hive: Mapping[str, str],
    bounds: tuple[int, int] | None,
) -> str:
    column, type_ = hive.get(timestamp) or dialect.quoted(timestamp), table.columns.get(timestamp, "")
    instant, local = dialect.instant(column, type_) if type_ else ("CAST(NULL AS BIGINT)", "FALSE")
    usable = instant
    if type_ and not bounds:  # the windows that bound rows are in range themselves
        usable = f"CASE WHEN ({instant}) BETWEEN {_FIRST_US} AND {_LAST_US} THEN {instant} END"
    unreadable = f"{column} IS NOT NULL AND ({usable}) IS NULL" if type_ else "FALSE"
    items = [f"{usable} AS instant", f"{local} AS local_time", f"{unreadable} AS unreadable"]
    items.append(
        f"CAST(list_extract(${name}_order, CAST(file_index AS BIGINT) + 1) AS BIGINT) * {FILE_STEP}"
        " + file_row_number AS position"
    )
    for each in fields:
        items += _typed(
            each, hive.get(each.column) or dialect.quoted(each.column), table.columns.get(each.column)
        )
    where = f"\nWHERE {dialect.between(column, type_, *bounds)}" if bounds and type_ else ""
    return f"SELECT {', '.join(items)}\nFROM read_parquet(${name}_files, hive_partitioning = false){where}"


def _typed(each: Field, column: str, type_: str | None) -> list[str]:
    if each.reading in ("number", "flag"):
        read = dialect.number if each.reading == "number" else dialect.flag
        value, bad = read(column, type_) if type_ else ("CAST(NULL AS DOUBLE)", "FALSE")
        return [f"{value} AS {each.alias}", f"{bad} AS {each.alias}_bad"]
    if type_ is None:
        return [f"CAST(NULL AS VARCHAR) AS {each.alias}"]
    read_text = dialect.category if each.reading == "category" else dialect.text
    return [f"{read_text(column, type_)} AS {each.alias}"]
