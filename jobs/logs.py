"""What the job process logs: lines for people on a terminal, one JSON object a line everywhere else."""

import json
import logging
import sys
from datetime import UTC, datetime

_OURS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def begin() -> None:
    """Send every log line to stderr, from INFO on."""
    handler = logging.StreamHandler()
    if sys.stderr.isatty():
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    else:
        handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a tick while the last one works is no news


class JsonLines(logging.Formatter):
    """A record as one line of JSON: ts, level, logger, message, what `extra` gave, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        said = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        said |= {name: value for name, value in vars(record).items() if name not in _OURS}
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False, default=str)
