"""A monitor: what a team wants to be told about, as declared and strictly validated."""

import re
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from core.strict import Number, Strict, Text, shape
from core.windows import duration

RULES = ("threshold", "above", "below", "outside", "drop", "rise")


def _change(value: object) -> object:
    percent = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", str(value))
    if percent and float(percent[1]) > 0:
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        return float(value)
    raise ValueError(f"{value!r} is no change; expected 5% (of the reference value) or a number above 0")


def _persistence(value: object) -> str:
    text = str(value)
    if re.fullmatch(r"[1-9]\d* windows?", text):
        return text
    try:
        duration(text)
    except ValueError:
        raise ValueError(f"{value!r} is no persistence; expected '2 windows' or a time such as 48h") from None
    return text


def _range(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] >= value[1]:
        raise ValueError(f"[{value[0]}, {value[1]}] is empty; expected [low, high]")
    return value


def _names(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", text):
        raise ValueError(f"{text!r} cannot name a monitor; expected up to 63 of a-z, 0-9, _ and -")
    return text


def magnitude(change: float | str) -> float:
    """Return the size of a change: ``5%`` is 0.05 of the reference value, a number stands for itself.

    Examples
    --------
    >>> magnitude("5%")
    0.05
    """
    return float(change.strip().rstrip("% ")) / 100 if isinstance(change, str) else change


Change = Annotated[float | str, BeforeValidator(_change)]
Range = Annotated[tuple[Number, Number], AfterValidator(_range)]
Names = Annotated[tuple[Text, ...], BeforeValidator(_names), Field(min_length=1)]
Selection = Annotated[
    Annotated[Literal["all"], Tag("all")] | Annotated[Names, Tag("names")],
    Discriminator(lambda value: "all" if value == "all" else "names"),
]
Severity = Literal["warning", "critical"]


class Limits(Strict):
    """Two limits of one monitor: crossing the second escalates the alert."""

    warning: Number
    critical: Number


class Ranges(Strict):
    """Two ranges of one monitor; the critical one is wider."""

    warning: Range
    critical: Range

    @model_validator(mode="after")
    def _critical_is_wider(self) -> "Ranges":
        (low, high), (lowest, highest) = self.warning, self.critical
        if not (lowest <= low and high <= highest and self.warning != self.critical):
            raise ValueError("the critical range must enclose the warning range")
        return self


class Changes(Strict):
    """Two changes of one monitor; the critical one is larger."""

    warning: Change
    critical: Change

    @model_validator(mode="after")
    def _critical_is_larger(self) -> "Changes":
        if isinstance(self.warning, str) is not isinstance(self.critical, str):
            raise ValueError("give both levels in percent, or both as numbers")
        if magnitude(self.warning) >= magnitude(self.critical):
            raise ValueError(f"critical ({self.critical}) must be more than warning ({self.warning})")
        return self


_Limit = Annotated[Annotated[Number, Tag("scalar")] | Annotated[Limits, Tag("mapping")], Discriminator(shape)]
_Outside = Annotated[
    Annotated[Range, Tag("scalar")] | Annotated[Ranges, Tag("mapping")], Discriminator(shape)
]
_Change = Annotated[
    Annotated[Change, Tag("scalar")] | Annotated[Changes, Tag("mapping")], Discriminator(shape)
]


class Monitor(Strict):
    """One rule about one metric; `columns`, `segments` and `protected` say where it is looked at."""

    declared_name: Annotated[str, AfterValidator(_name)] | None = Field(default=None, alias="name")
    metric: Text
    columns: Selection | None = None
    segments: Selection | None = None
    versions: Literal["live", "each"] = "live"
    protected: Names | None = None
    threshold: Literal["auto"] | None = None
    above: _Limit | None = None
    below: _Limit | None = None
    outside: _Outside | None = None
    drop: _Change | None = None
    rise: _Change | None = None
    persistence: Annotated[str, BeforeValidator(_persistence)] | None = Field(default=None, alias="for")
    severity: Severity | None = None
    then: Literal["request_retraining"] | None = None
    notify: tuple[Text, ...] = ()

    @property
    def name(self) -> str:
        """The declared name, or one made of metric, columns, segments and protected, never of thresholds."""
        if self.declared_name:
            return self.declared_name
        columns = () if self.columns in (None, "all") else self.columns
        segments = ("all",) if self.segments == "all" else self.segments or ()
        parts = [self.metric, *(columns or ()), *(f"by-{name}" for name in segments), *(self.protected or ())]
        slug = re.sub(r"[^a-z0-9_]+", "-", "-".join(parts).lower()).strip("-_")
        return slug if len(slug) <= 63 else f"{slug[:54]}-{sha256(slug.encode()).hexdigest()[:8]}"

    @model_validator(mode="after")
    def _one_rule(self) -> "Monitor":
        rules = [rule for rule in RULES if getattr(self, rule) is not None]
        if len(rules) != 1:
            given = f"{' and '.join(rules)} are given" if rules else "nothing says when to alarm"
            raise ValueError(f"{given}; write exactly one of threshold: auto, {', '.join(RULES[1:])}")
        limit = getattr(self, rules[0])
        if isinstance(limit, Limits | Ranges | Changes) and self.severity:
            raise ValueError("severity stands beside two levels; leave it out, the levels are the severities")
        if isinstance(limit, Limits) and not self._escalates(limit):
            raise ValueError(
                f"{rules[0]}: critical ({limit.critical}) must lie beyond warning ({limit.warning})"
            )
        return self

    def _escalates(self, limits: Limits) -> bool:
        return limits.critical > limits.warning if self.above else limits.critical < limits.warning

    @property
    def rule(self) -> str:
        """Which of threshold, above, below, outside, drop and rise is declared."""
        return next(rule for rule in RULES if getattr(self, rule) is not None)
