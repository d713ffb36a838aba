"""Strict reading of the YAML files people write: a mistake is told by file, key, value and expectation."""

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import pydantic
import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from core.errors import DeclarationError
from core.windows import duration

M = TypeVar("M", bound=BaseModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping a YAML file holds; an empty file is an empty mapping.

    Raises
    ------
    DeclarationError
        If the file cannot be read, is no YAML, repeats a key, or holds anything but ``key: value`` lines.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(f"{path}: cannot be read ({error}); expected a UTF-8 YAML file") from error
    return parsed(text, str(path))


def parsed(text: str, name: str) -> dict[str, Any]:
    """Return the mapping that a YAML text holds, as `read_yaml`; messages call it by `name`."""
    try:
        document = yaml.load(text, Loader=_UniqueKeys)
    except yaml.YAMLError as error:
        raise DeclarationError(f"{name}: {_yaml_problem(error)}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise DeclarationError(f"{name}: holds {_shown(document)}; expected lines of the form key: value")
    return document


def validated(
    model: type[M], document: Mapping[str, Any], *, file: str, shown: Mapping[str, Any] | None = None
) -> M:
    """Return `document` as `model`.

    Parameters
    ----------
    file : what to call the document in messages
    shown : the document whose values messages may quote, where `document` holds expanded secrets

    Raises
    ------
    DeclarationError
        One line per mistake: file, dotted key, value, what was expected and the nearest known name.
    """
    try:
        return model.model_validate(document)
    except pydantic.ValidationError as error:
        source = document if shown is None else shown
        told = (_told(source, detail) for detail in error.errors(include_url=False))
        lines = [f"{file}: {line}" for text in told for line in text.splitlines()]
        raise DeclarationError("\n".join(dict.fromkeys(lines))) from None


def nearest(name: object, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint that ends a message: the most similar known name, or else all of them (or `otherwise`).

    Examples
    --------
    >>> nearest("timestmp", ["timestamp", "timezone"])
    "did you mean 'timestamp'?"
    >>> nearest("x", ["warning", "critical"])
    'expected one of critical, warning'
    """
    names = sorted(known)
    if not names:
        return "none is declared"
    folded = {known_name.lower(): known_name for known_name in names}
    close = [folded[match] for match in difflib.get_close_matches(str(name).lower(), folded, n=1)]
    if close:
        return f"did you mean {close[0]!r}?"
    return otherwise or f"expected {'one of ' * (len(names) > 1)}{', '.join(names)}"


class Strict(BaseModel):
    """The base of every declared thing: unknown keys are errors, values never change."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, serialize_by_alias=True)

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, value: Any) -> Any:
        known = {field.alias or name for name, field in cls.model_fields.items()}
        for key in value if isinstance(value, dict) else ():
            if key not in known:
                hint = nearest(key, known)
                raise PydanticCustomError(
                    "unknown_key", "unknown key; {hint}", {"key": str(key), "hint": hint}
                )
        return value


def shape(value: Any) -> str:
    """Tell which branch of a ``name or mapping`` union a value is meant for, so that messages speak of it."""
    return "mapping" if isinstance(value, (dict, BaseModel)) else "scalar"


def _length(value: object) -> timedelta:
    return value if isinstance(value, timedelta) else duration(str(value))


def _length_text(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; write a value or leave the key out")
    return text


Duration = Annotated[timedelta, BeforeValidator(_length), PlainSerializer(_length_text)]
Text = Annotated[str, AfterValidator(_not_blank)]
Number = Annotated[float, pydantic.Strict()]  # "0.5" in quotes is text, and true is no number
Whole = Annotated[int, pydantic.Strict()]


def _told(document: Mapping[str, Any], detail: ErrorDetails) -> str:
    """Return one mistake as a line; an expanded secret is told as it was written."""
    _, written = _located(document, detail["loc"], missing=False)
    text = _line(document, detail)
    expanded = detail["input"]
    secret = isinstance(written, str) and "${" in written and isinstance(expanded, str) and expanded
    return text.replace(expanded, written) if secret else text


def _line(document: Mapping[str, Any], detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    location = detail["loc"]
    if location and location[-1] == "[key]":  # a key of a mapping is wrong, not its value
        key, _ = _located(document, location[:-2], missing=False)
        value = detail["input"]
    else:
        key, value = _located(document, location, missing=detail["type"] == "missing")
    match detail["type"]:
        case "missing":
            return f"{key}: required key is missing"
        case "unknown_key":
            return f"{'.'.join(filter(None, [key, context['key']]))}: {detail['msg']}"
        case "value_error":
            return f"{key}: {context['error']}" if key else str(context["error"])
        case "literal_error":
            known = [name.strip("'") for name in context["expected"].replace(" or ", ", ").split(", ")]
            return f"{key}: {_shown(value)} is not allowed; {nearest(value, known)}"
        case "string_type" if not isinstance(value, (dict, list)):
            return f"{key}: {_shown(value)} is no text; write it in quotes"
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"{key}: {_shown(value)} is not allowed; expected keys below it (key: value)"
        case "tuple_type" | "list_type":
            return f"{key}: {_shown(value)} is no list; write [a, b]"
        case "timezone_aware":
            return f"{key}: {_shown(value)} has no zone; expected a time such as 2014-01-01T00:00:00-05:00"
        case "too_short":
            return f"{key}: {_shown(value)} is too short; expected at least {context['min_length']}"
    expected = re.sub("^(Input|String) should ", "expected to ", detail["msg"]).replace(
        "expected to be ", "expected "
    )
    return f"{key}: {_shown(value)} is not allowed; {expected}"


def _located(document: Any, location: tuple[int | str, ...], *, missing: bool) -> tuple[str, Any]:
    """Return the dotted key and the value of an error, without the parts that name a branch of a union."""
    keys: list[str] = []
    for position, part in enumerate(location):
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            if not (missing and position == len(location) - 1):
                continue
        keys.append(str(part))
    return ".".join(keys), document


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark else ""
    return f"{where}{getattr(error, 'problem', None) or error}; expected YAML"


class _UniqueKeys(yaml.SafeLoader):
    """Plain YAML 1.1, where a key that stands twice is a mistake instead of a silent overwrite."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key == "<<":
                continue
            if not isinstance(key, (str, int, float, bool)):
                _refuse(key_node, f"{key!r} cannot be a key")
            if key in seen:
                _refuse(key_node, f"the key {key!r} stands twice; keep one")
            seen.add(key)
        return super().construct_mapping(node, deep)


def _refuse(node: yaml.Node, problem: str) -> NoReturn:
    raise yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark)
