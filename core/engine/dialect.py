"""The expressions of the counting kernel that differ between SQL dialects: DuckDB's, in one place.

Another engine brings its own version of this file; the rest of the kernel is plain SQL. Everything here takes
and returns SQL text; values never enter it, they are bound as parameters.
"""

_NUMBERS = frozenset(
    f"{sign}{size}INT" if size != "INTEGER" else f"{sign}{size}"
    for sign in ("", "U")
    for size in ("TINY", "SMALL", "INTEGER", "BIG", "HUGE")
) | {"FLOAT", "DOUBLE", "DECIMAL"}
_OFFSET = r"(Z|z|[+-]\d{2}(:?\d{2})?)"  # no names of zones: they need tables
_ISO_INSTANT = rf"\d{{4}}-\d{{2}}-\d{{2}}([T ]\d{{2}}:\d{{2}}(:\d{{2}}([.,]\d+)?)?\s?{_OFFSET}?)?"


def quoted(column: str) -> str:
    """Return a column name as an identifier."""
    return '"' + column.replace('"', '""') + '"'


def is_number(type_: str) -> bool:
    """Say whether a column type holds numbers."""
    return type_.split("(")[0] in _NUMBERS


def is_text(type_: str) -> bool:
    """Say whether a column type holds text."""
    return type_.startswith(("VARCHAR", "ENUM"))


def is_time(type_: str) -> bool:
    """Say whether a column type can be a timestamp."""
    return type_ == "DATE" or type_.startswith("TIMESTAMP") or is_text(type_)


def number(column: str, type_: str) -> tuple[str, str]:
    """Return (the value as DOUBLE or NULL, whether there is a value that is no number)."""
    if is_number(type_) or type_ == "BOOLEAN":
        return f"CAST({column} AS DOUBLE)", "FALSE"
    if is_text(type_):
        value = f"TRY_CAST(CAST({column} AS VARCHAR) AS DOUBLE)"
        return value, f"({column} IS NOT NULL AND {value} IS NULL)"
    return "CAST(NULL AS DOUBLE)", f"({column} IS NOT NULL)"


def category(column: str, type_: str) -> str:
    """Return text that survives a change of the column's type: 1, 1.0 and '1.0' are ``1``; NaN is NULL."""
    if type_ in ("FLOAT", "DOUBLE") or type_.startswith("DECIMAL"):
        value = column if type_ == "FLOAT" else f"CAST({column} AS DOUBLE)"
        whole = f"{value} = trunc({value}) AND abs({value}) < 1e15"
        return (
            f"CASE WHEN {column} IS NULL OR isnan({value}) THEN NULL"
            f" WHEN {whole} THEN CAST(CAST({value} AS BIGINT) AS VARCHAR) ELSE CAST({value} AS VARCHAR) END"
        )
    if is_text(type_):
        text = f"CAST({column} AS VARCHAR)"
        return (
            f"CASE WHEN {text} IN ('True', 'TRUE', 'False', 'FALSE') THEN lower({text})"
            f" WHEN {text} LIKE '%.0' AND regexp_full_match({text}, '-?\\d{{1,15}}\\.0')"
            f" THEN CAST(CAST(CAST({text} AS DOUBLE) AS BIGINT) AS VARCHAR) ELSE {text} END"
        )
    return f"CAST({column} AS VARCHAR)"


def text(column: str, type_: str) -> str:
    """Return the value as text: verbatim, but whole floating-point numbers without their ``.0``."""
    return f"CAST({column} AS VARCHAR)" if is_text(type_) else category(column, type_)


def instant(column: str, type_: str) -> tuple[str, str]:
    """Return (microseconds since 1970 or NULL, whether they are local time of the declared zone)."""
    if type_ in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"):
        return f"epoch_us(CAST({column} AS TIMESTAMPTZ))", "FALSE"
    if not is_text(type_):
        return f"epoch_us(CAST({column} AS TIMESTAMP))", "TRUE"
    value = f"replace(CAST({column} AS VARCHAR), ',', '.')"
    # The cast ignores an offset at the end, so it is subtracted here.
    clock = f"epoch_us(TRY_CAST(rtrim(regexp_replace({value}, '{_OFFSET}$', '')) AS TIMESTAMP))"
    day = f"length({value}) = 10"
    clock = f"CASE WHEN {day} THEN epoch_us(TRY_CAST({value} AS TIMESTAMP)) ELSE {clock} END"
    zone = f"regexp_extract({value}, '[T ].*([+-]\\d{{2}}:?(\\d{{2}})?)$', 1)"
    hours = f"coalesce(TRY_CAST(substr({zone}, 2, 2) AS BIGINT), 0)"
    minutes = f"coalesce(TRY_CAST(right(replace({zone}, ':', ''), -3) AS BIGINT), 0)"
    sign = f"CASE WHEN starts_with({zone}, '-') THEN -1 ELSE 1 END"
    offset = f"({sign}) * ({hours} * 60 + {minutes}) * 60000000"
    local = f"NOT regexp_matches({value}, '[T ].*{_OFFSET}$')"
    return (
        f"CASE WHEN regexp_full_match({value}, '{_ISO_INSTANT}') THEN ({clock}) - {offset} END",
        f"({local})",
    )


def quarter_hour(instant: str) -> str:
    """Return the number of quarter hours since 1970, rounded down also before it (`//` rounds to zero)."""
    return f"(({instant} - ({instant} % 900000000 + 900000000) % 900000000) // 900000000)"


def between(column: str, type_: str, first: int, last: int) -> str:
    """Return a filter (bounds in seconds) on the raw timestamp, which Parquet's row groups can answer."""
    if type_ in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"):
        low, high = (f"CAST(to_timestamp({seconds}) AS {type_})" for seconds in (first, last))
        return f"{column} >= {low} AND {column} < {high}"
    if type_.startswith("TIMESTAMP"):  # the zone may shift local time by up to a day
        low, high = (f"make_timestamp({seconds}000000)" for seconds in (first - 86_400, last + 86_400))
        return f"{column} >= {low} AND {column} < {high}"
    return "TRUE"


def histogram(value: str, edges: str, bins: int) -> str:
    """Return the counts [up to the first edge, (edge, next edge] …, above] of a finite value."""
    return f"list_resize(coalesce(map_values(histogram({value}, {edges})), []), {bins}, 0)"


def stable_hash(value: str) -> str:
    """Return 32 bits that depend on the text alone, whatever engine and version counts."""
    return f"CAST('0x' || left(md5({value}), 8) AS BIGINT)"


def flag(column: str, type_: str) -> tuple[str, str]:
    """Return (1 for true, 0 for false or NULL, whether there is a value that is neither)."""
    value, bad = number(column, type_)
    if not is_text(type_):
        return f"CASE WHEN isnan({value}) THEN NULL ELSE CAST({value} <> 0 AS DOUBLE) END", bad
    word = f"lower(CAST({column} AS VARCHAR))"
    read = (
        f"CASE WHEN {word} IN ('true', 't', 'yes', 'y') THEN 1.0"
        f" WHEN {word} IN ('false', 'f', 'no', 'n') THEN 0.0"
        f" WHEN isnan({value}) THEN NULL ELSE CAST({value} <> 0 AS DOUBLE) END"
    )
    return read, f"({column} IS NOT NULL AND {read} IS NULL)"


def text_literal(value: str) -> str:
    """Return the text of a number's name as a literal; values of the data never become literals."""
    return "'" + value.replace("'", "''") + "'"
