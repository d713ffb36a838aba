"""A model's state in words: the one sentence that opens its page."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core.entities import ModelStatus
from core.health import QUIETS


def verdict(status: ModelStatus | None, paused: bool, zone: str, now: datetime) -> str:
    """Return a model's state in one sentence of plain text.

    Only what monitors judge is called healthy; of the others it states facts.
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
    found = [reason for reason in status.reasons if reason not in QUIETS]
    if status.rules is None and not found:
        return "Data arrives; no monitor has judged the model, and nothing stands out."
    stands_out = f"what stands out: {'; '.join(found)}"
    if status.rules is None:
        return f"Data arrives and no monitor has judged the model; {stands_out}."
    snoozed = status.open_alerts
    healthy = (
        f"Healthy but for {snoozed} snoozed alert{'s' if snoozed > 1 else ''}"
        if snoozed
        else "Healthy: no monitor raises an alarm"
    )
    return f"{healthy}; {stands_out}." if found else f"{healthy}."


def shown_state(state: str, rules: str | None) -> str:
    """Return the state as it is called: a healthy model that no monitor judges is ``unjudged``."""
    return "unjudged" if state == "healthy" and rules is None else state


def _day(instant: datetime, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).strftime("%-d %B %Y")


def _length(length: timedelta) -> str:
    return f"{length.days} day{'' if length.days == 1 else 's'}" if length.days else "less than a day"
