"""What a number is held against: the policy's floor of the model, its monitors, or what all models keep."""

from dataclasses import dataclass

from core.catalogue import CATALOGUE
from core.declaration import Declaration
from core.health import HEADLINES
from core.monitors import Limits
from core.policies import Rules, Tier


@dataclass(frozen=True)
class Bar:
    """The model and the policy that its numbers are held against."""

    declaration: Declaration
    rules: Rules

    @property
    def tier(self) -> Tier:
        """What the model's risk tier asks for."""
        return self.rules.tiers[self.declaration.risk_tier]

    def of(self, metric: str, protected: str | None = None) -> float | None:
        """Return the limit of a metric, of one protected attribute where it is about that; None without one.

        A monitor with two levels is held against the critical one.
        """
        own = self.rules.floors.get(self.declaration.model, {})
        if metric in own:
            return own[metric]
        for monitor in self.declaration.monitors:
            asked = monitor.protected or ()
            if monitor.metric != metric or monitor.segments or monitor.columns:
                continue
            if bool(asked) is not bool(protected) or (protected and protected not in asked):
                continue
            limit = monitor.above if monitor.above is not None else monitor.below
            if limit is not None:
                return limit.critical if isinstance(limit, Limits) else limit
        return self.rules.limits.get(metric)

    def headline(self, known: set[str] | frozenset[str]) -> str | None:
        """Return the metric that speaks for the model, of those that are known."""
        names = HEADLINES[self.declaration.task]
        return next((name for name in names if name in known), None)


def direction(metric: str) -> int:
    """Return 1 where a higher value is better, -1 where a lower one is, 0 where neither."""
    info = CATALOGUE.get(metric)
    return {"higher": 1, "lower": -1}.get(info.better, 0) if info else 0


def within(metric: str, value: float, limit: float) -> bool:
    """Tell whether a value keeps its limit: a floor where higher is better, else a ceiling."""
    return value >= limit if direction(metric) > 0 else value <= limit
