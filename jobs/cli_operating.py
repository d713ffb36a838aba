"""The words of the commands that keep Steward in order; jobs/cli.py adds them to the others."""

from collections.abc import Callable
from datetime import datetime

from jobs.cli_governing import Add, Commands


def add(commands: Commands, command: Add, instant: Callable[[str], datetime]) -> None:
    """Add them; `command` adds one, `instant` reads a time."""
    _audit(commands, command, instant)
    _models(commands, command)
    backup = command(commands, "backup", "cli_backup:backup", "write all of a workspace into one file")
    backup.add_argument("file", metavar="FILE", help="e.g. steward.tar.gz; it must not exist")
    restore = command(commands, "restore", "cli_backup:restore", "make a workspace from a backup")
    restore.add_argument("file", metavar="FILE")


def _audit(commands: Commands, command: Add, instant: Callable[[str], datetime]) -> None:
    verbs = commands.add_parser("audit", help="check the audit log, read it, take it out").add_subparsers(
        metavar="verify|list|export|keygen", required=True
    )
    text = "check every entry and anchor; exit 1 if anything was changed or is missing"
    command(verbs, "verify", "cli_audit:verify", text, json=True)
    show = command(verbs, "list", "cli_audit:show", "the newest entries", json=True)
    show.add_argument("--limit", metavar="N", type=int, default=50, help="how many (default: 50)")
    export = command(verbs, "export", "cli_audit:export", "write entries into a file")
    export.add_argument("file", metavar="FILE", help=".jsonl holds what was hashed, .csv is for spreadsheets")
    for each in (show, export):
        each.add_argument(
            "--actor", dest="who", metavar="WHO", help="only what this person did; part of the name"
        )
        each.add_argument("--action", metavar="WHAT", help="e.g. promotion.approved, or promotion.")
        each.add_argument("--entity", dest="about", metavar="ENTITY", help="e.g. delay-30 or promotion:7")
        each.add_argument("--from", dest="since", metavar="TIME", type=instant, help="in UTC")
        each.add_argument("--to", dest="until", metavar="TIME", type=instant, help="in UTC, not included")
    keygen = command(verbs, "keygen", "cli_audit:keygen", "make the key that signs the log's anchors")
    keygen.add_argument("file", metavar="FILE", help="where the private key goes; it must not exist")


def _models(commands: Commands, command: Add) -> None:
    for name, text in (
        ("pause", "stop the sweeps of a model for a while"),
        ("resume", "sweep a paused model again"),
        ("remove", "stop a model for good and put it into the archive"),
    ):
        each = command(commands, name, f"cli_models:{name}", text)
        each.add_argument("model", metavar="MODEL")
        each.add_argument("--reason", metavar="TEXT", required=True)
