"""A model's state in words: the one sentence that opens its page."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from core.entities import ModelStatus
from core.health import QUIET


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
    found = [reason for reason in status.reasons if reason != QUIET]
    if not found:
        return "Data arrives; no monitor has judged the model, and nothing stands out."
    return f"Data arrives and no monitor has judged the model; what stands out: {'; '.join(found)}."


def _day(instant: datetime, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).strftime("%-d %B %Y")


def _length(length: timedelta) -> str:
    return f"{length.days} day{'' if length.days == 1 else 's'}" if length.days else "less than a day"
