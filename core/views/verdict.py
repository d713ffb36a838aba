"""A model's state in words: the one sentence that opens its page, and what stands out in the overview."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.catalogue import CATALOGUE
from core.entities import ModelStatus

# What is worth a word. These choose facts to show; they judge nothing, that is what monitors do.
NOTABLE_CHANGE = 0.05  # of the headline metric, relative to the reference
NOTABLE_DISTANCE = 0.1
NOTABLE_SHARE = 0.01
NOTABLE_GAP = 0.1


def verdict(status: ModelStatus | None, paused: bool, zone: str, now: datetime) -> str:
    """Return a model's state in one sentence of plain text.

    While no rule has judged the model it states facts and calls nothing good.
    """
    if paused:
        return "Paused: sweeps leave it alone and its numbers stay as they are."
    if status is None:
        return "No sweep has looked at this model yet."
    match status.state:
        case "no_data":
            last = status.last_timestamp
            if last is None:
                return f"No data: {'; '.join(status.reasons) or 'no prediction has arrived yet'}."
            return f"No predictions since {_day(last, zone)} ({_length(now - last)} ago)."
        case "learning":
            waits = f" ({'; '.join(status.reasons)})" if status.reasons else ""
            return f"Still learning what is normal{waits}: until then nothing can be called drift."
        case "critical" | "warning":
            reasons = "; ".join(status.reasons) or "see its open alerts"
            return f"{status.state.capitalize()} since {_day(status.since, zone)}: {reasons}."
    text = "; ".join(facts(asdict(status)))
    if not text:
        return "Data arrives; no monitor has judged the model, and nothing stands out."
    return f"Data arrives and no monitor has judged the model; what stands out: {text}."


def facts(status: Mapping[str, Any]) -> list[str]:
    """Return what stands out in a status (its fields by name), the performance first; may be empty.

    Examples
    --------
    >>> facts({"headline": "mae", "headline_value": 13.9, "headline_reference": 7.8})
    ['Mean absolute error 13.9 (reference 7.8)']
    """
    get = status.get
    found = []
    name, value, normal = str(get("headline")), get("headline_value"), get("headline_reference")
    if value is not None and normal and abs(value - normal) >= NOTABLE_CHANGE * abs(normal):
        title = CATALOGUE[name].title if name in CATALOGUE else name
        found.append(f"{title} {value:.3g} (reference {normal:.3g})")
    if (distance := get("drift_value")) and distance >= NOTABLE_DISTANCE:
        found.append(f"{get('drift_column')} differs most ({distance:.2f})")
    if (share := get("missing_value")) and share >= NOTABLE_SHARE:
        found.append(f"{share * 100:.3g}% of {get('missing_column')} missing")
    if (gap := get("fairness_value")) and abs(gap) >= NOTABLE_GAP:
        found.append(f"gap {abs(gap):.2f} by {get('fairness_attribute')}")
    return found


def _day(instant: datetime, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).strftime("%-d %B %Y")


def _length(length: timedelta) -> str:
    return f"{length.days} day{'' if length.days == 1 else 's'}" if length.days else "less than a day"
