"""Monitors as YAML: one a line, and the text of a declaration with other monitors but the same comments."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import yaml

from core.declaration import Declaration
from core.errors import DeclarationError
from core.monitors import Monitor
from core.strict import parsed, validated

_KEYS = [field.alias or name for name, field in Monitor.model_fields.items()]


def as_declared(monitor: Monitor) -> dict[str, Any]:
    """Return a monitor as the mapping that declares it, in the order in which it reads best."""
    given = monitor.model_dump(mode="json", exclude_unset=True)
    return {key: _tidy(given[key]) for key in _KEYS if key in given}


def line(monitor: Monitor) -> str:
    """Return a monitor as it stands in a declaration.

    Examples
    --------
    >>> line(Monitor.model_validate({"for": "3 windows", "metric": "mae", "rise": {"warning": "5%", "critical": "9%"}}))
    '{metric: mae, rise: {warning: 5%, critical: 9%}, for: 3 windows}'
    """  # noqa: E501
    written = yaml.safe_dump(
        as_declared(monitor), default_flow_style=True, sort_keys=False, allow_unicode=True, width=1_000_000
    )
    return written.strip()


def block(text: str, declaration: Declaration) -> str:
    """Return the lines of ``monitors:`` in the text of a declaration, with the comments among them."""
    lines = text.splitlines()
    span = _span(text)
    if span is None or _monitors(text) != declaration.monitors:
        return _fresh(declaration.monitors)
    return "\n".join(lines[span[0] : span[1]]) + "\n"


def edited(text: str, declaration: Declaration) -> str:
    """Return the text of a declaration with the monitors of `declaration`, which is the same otherwise.

    A monitor that stays as it is keeps its own lines, and so does everything else; where the text is written
    in a way that cannot be edited line by line, it is written anew.
    """
    for attempt in (_line_by_line, _new_block):
        written = attempt(text, declaration.monitors)
        if written is not None and _says(written, declaration):
            return written
    return _anew(declaration)


def _line_by_line(text: str, monitors: Sequence[Monitor]) -> str | None:
    """Return the text with the lines of changed and removed monitors replaced, new ones at the end."""
    lines, items, known = text.splitlines(), _items(text), _monitors(text)
    if not items or len(items) != len(known):
        return None
    column = items[0].start_mark.column
    indent = lines[items[0].start_mark.line][:column]
    places = {monitor.name: position for position, monitor in enumerate(known)}
    kept = {monitor.name for monitor in monitors}
    replaced: dict[int, list[str]] = {
        position: [] for position, monitor in enumerate(known) if monitor.name not in kept
    }
    for monitor in monitors:
        place = places.get(monitor.name)
        if place is not None and as_declared(known[place]) != as_declared(monitor):
            end = _end(items[place])
            comment = lines[end.line][end.column :].rstrip()
            replaced[place] = [f"{indent}{line(monitor)}{comment}"]
    last = _end(items[-1]).line
    new = [f"{indent}{line(monitor)}" for monitor in monitors if monitor.name not in places]
    lines[last + 1 : last + 1] = new
    for position in sorted(replaced, reverse=True):
        item = items[position]
        lines[item.start_mark.line : _end(item).line + 1] = replaced[position]
    return "\n".join(lines) + "\n"


def _new_block(text: str, monitors: Sequence[Monitor]) -> str | None:
    """Return the text with the whole block written anew, or a block at its end where there was none."""
    lines, span = text.splitlines(), _span(text)
    start, end = span or (len(lines), len(lines))
    return "\n".join([*lines[:start], *_fresh(monitors).splitlines(), *lines[end:]]) + "\n"


def _fresh(monitors: Sequence[Monitor]) -> str:
    if not monitors:
        return "monitors: []\n"
    return "".join(["monitors:\n", *(f"  - {line(monitor)}\n" for monitor in monitors)])


def _anew(declaration: Declaration) -> str:
    document = declaration.model_dump(mode="json", exclude_unset=True, exclude={"monitors"})
    written = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    return written + _fresh(declaration.monitors)


def _says(text: str, declaration: Declaration) -> bool:
    try:
        read = validated(Declaration, parsed(text, declaration.model), file=declaration.model)
    except DeclarationError:
        return False
    mine, yours = (each.model_dump(mode="json", exclude_unset=True) for each in (read, declaration))
    for said in (mine, yours):
        said["monitors"] = said.get("monitors") or []
    return mine == yours


def _monitors(text: str) -> tuple[Monitor, ...]:
    """Return the monitors that a text declares; none where it cannot be read."""
    try:
        return tuple(Monitor.model_validate(each) for each in parsed(text, "").get("monitors") or ())
    except (DeclarationError, ValueError):
        return ()


def _entry(text: str) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the nodes of the key ``monitors`` and of its value, where the text is a block of lines."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return None
    return next((entry for entry in root.value if entry[0].value == "monitors"), None)


def _span(text: str) -> tuple[int, int] | None:
    """Return the first line of the block ``monitors:`` and the one after its last."""
    entry = _entry(text)
    return None if entry is None else (entry[0].start_mark.line, _end(entry[1]).line + 1)


def _items(text: str) -> list[yaml.Node]:
    """Return the monitors' nodes if each has lines of its own, else none."""
    entry = _entry(text)
    if entry is None or not isinstance(entry[1], yaml.SequenceNode) or entry[1].flow_style:
        return []
    items: list[yaml.Node] = entry[1].value
    for item, following in zip_longest(items, items[1:]):
        if following is not None and following.start_mark.line <= _end(item).line:
            return []
    return items


def _end(node: yaml.Node) -> yaml.Mark:
    """Return where a node ends; of a block, where its last part does, before the comments that follow."""
    if isinstance(node, yaml.ScalarNode) or getattr(node, "flow_style", False) or not node.value:
        return node.end_mark
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _tidy(value: Any) -> Any:
    """Return a value as people write it: 200 instead of 200.0."""
    match value:
        case float() if value.is_integer() and abs(value) < 1e15:
            return int(value)
        case Mapping():
            return {key: _tidy(each) for key, each in value.items()}
        case list() | tuple():
            return [_tidy(each) for each in value]
    return value
