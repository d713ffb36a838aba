"""The command `steward`: words, options and exit codes; what they do lies in jobs/cli_*.py, imported on use.

Exit codes: 0 good · 1 a stated condition failed · 2 usage or input error · 3 part of the work failed.
"""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from core.errors import StewardError
from jobs import cli_governing, cli_operating

_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

DEFAULT_WORKSPACE = "data"
CONDITION_FAILED, INPUT_ERROR, PARTLY_FAILED, INTERRUPTED = 1, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = parser().parse_args(argv)
    module, _, function = arguments.run.partition(":")
    try:
        return int(getattr(importlib.import_module(module), function)(arguments))
    except StewardError as error:
        print(f"steward: {error}", file=sys.stderr)
        return INPUT_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, `head` for instance, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        print(
            f"steward: {error.filename}: {error.strerror}; give a path that exists and this user may use",
            file=sys.stderr,
        )
        return INPUT_ERROR
    except Exception:
        logging.getLogger("steward").exception("unexpected error; please report it with these lines")
        return PARTLY_FAILED


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    root = argparse.ArgumentParser(prog="steward", description="AI model lifecycle manager.")
    commands = root.add_subparsers(metavar="COMMAND", required=True)
    _add_declaring(commands)
    _add_sweeping(commands)
    _add_reading(commands)
    _add_monitors(commands)
    _add_annotations(commands)
    _add_comparing(commands)
    cli_governing.add(commands, _command, day)
    cli_operating.add(commands, _command, instant)
    _add_serving(commands)
    return root


def instant(text: str) -> datetime:
    """Return an ISO 8601 time as an aware one; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; expected 2014-01-31T12:00:00+00:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def day(text: str) -> datetime:
    """Return an ISO 8601 date or time as it stands: without a zone it is in the model's."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; expected 2014-01-31") from None


def port(text: str) -> int:
    """Return a port number."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; expected 1 to 65535")
    return int(text)


def names(text: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _command(
    commands: _Commands, name: str, run: str, text: str, *, json: bool = False, below: bool = False
) -> argparse.ArgumentParser:
    """Add a command that `run` (module:function) carries out.

    One `below` a command that also stands alone leaves the options that were given before its name.
    """
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=f"jobs.{run}")
    command.add_argument(
        "--workspace",
        metavar="DIR",
        default=argparse.SUPPRESS if below else os.environ.get("STEWARD_WORKSPACE", DEFAULT_WORKSPACE),
        help="folder with steward.yaml (default: STEWARD_WORKSPACE, else ./data)",
    )
    if json:
        default = argparse.SUPPRESS if below else False
        command.add_argument("--json", action="store_true", default=default, help="print JSON")
    return command


def _add_declaring(commands: _Commands) -> None:
    _command(commands, "init", "cli_models:init", "make a workspace, or bring its registry up to date")

    declare = _command(
        commands, "declare", "cli_models:declare", "write a declaration with what its files tell"
    )
    declare.add_argument("name", metavar="NAME", help="the model's name, e.g. delay-30")
    declare.add_argument(
        "files", metavar="FILE", nargs="+", help="its prediction log: Parquet or CSV, or folders"
    )

    apply = _command(commands, "apply", "cli_models:apply", "put declarations into force", json=True)
    apply.add_argument("files", metavar="FILE", nargs="*", help="default: models/*.yaml of the workspace")
    apply.add_argument("--prune", action="store_true", help="pause models whose file is gone")
    apply.add_argument("--force", action="store_true", help="also over a change made in the dashboard")
    apply.add_argument("--dry-run", action="store_true", help="show what would change, change nothing")

    check = _command(
        commands, "check", "cli_check:check", "say what would be read, and what is wrong", json=True
    )
    check.add_argument("models", metavar="MODEL", nargs="*", help="default: every declaration in models/")


def _add_sweeping(commands: _Commands) -> None:
    run = _command(
        commands, "run", "cli_sweeps:run", "sweep models: read what is new and count it", json=True
    )
    run.add_argument(
        "--once", action="store_true", required=True, help="sweep once and end (`jobs` keeps sweeping)"
    )
    run.add_argument("--model", metavar="MODEL", help="only this model")
    run.add_argument(
        "--now", metavar="TIME", type=instant, help="business time (default: the workspace's clock)"
    )

    rebuild = _command(commands, "rebuild", "cli_sweeps:rebuild", "count windows again from their logs")
    rebuild.add_argument("model", metavar="MODEL")
    rebuild.add_argument(
        "--from", dest="start", metavar="DAY", type=day, help="first day, in the model's zone"
    )
    rebuild.add_argument("--to", dest="end", metavar="DAY", type=day, help="the day after the last")


def _add_reading(commands: _Commands) -> None:
    _command(commands, "status", "cli_numbers:status", "how each model is doing", json=True)

    channels = _command(
        commands, "channels", "cli_channels:channels", "where messages go, and how that went", json=True
    )
    asked = channels.add_mutually_exclusive_group()
    asked.add_argument("--test", metavar="NAME", help="queue a test message for this channel")
    asked.add_argument("--again", metavar="ID", type=int, help="queue this dead letter once more")

    alerts = _command(commands, "alerts", "cli_alerts:show", "what is amiss, in every model", json=True)
    alerts.add_argument("--all", action="store_true", help="the resolved ones too")
    verbs = alerts.add_subparsers(metavar="comment")
    text = "say what you know about an alert"
    comment = _command(verbs, "comment", "cli_alerts:comment", text, json=True, below=True)
    comment.add_argument("id", metavar="ID", type=int)
    comment.add_argument("text", metavar="TEXT", help="e.g. 'the sensor was replaced'")

    series = _command(commands, "series", "cli_numbers:series", "one metric of a model over time", json=True)
    series.add_argument("model", metavar="MODEL")
    series.add_argument("metric", metavar="METRIC")
    series.add_argument("--column", metavar="C", help="of this column")
    series.add_argument("--segment", metavar="K=V", default="", help="of this segment, e.g. origin=JFK")
    series.add_argument("--group", metavar="K=V", default="", help="of this protected group, e.g. sex=F")
    series.add_argument("--version", metavar="V", default="", help="of this model version")


def _add_monitors(commands: _Commands) -> None:
    monitors = commands.add_parser(
        "monitors", help="try monitors on the past, write them as YAML"
    ).add_subparsers(metavar="test | export | manage", required=True)
    test = _command(
        monitors,
        "test",
        "cli_monitors:test",
        "the alerts that monitors would have raised over the past",
        json=True,
    )
    test.add_argument("model", metavar="MODEL")
    test.add_argument("--file", metavar="FILE", help="the monitors of this declaration, not applied yet")

    export = _command(
        monitors,
        "export",
        "cli_monitors:export",
        "a model's monitors as YAML, to paste into its file",
        json=True,
    )
    export.add_argument("model", metavar="MODEL")
    export.add_argument("--whole", action="store_true", help="the whole declaration instead")

    manage = _command(
        monitors,
        "manage",
        "cli_monitors:manage",
        "say where a model's monitors are changed: dashboard or file",
    )
    manage.add_argument("model", metavar="MODEL")
    manage.add_argument("by", choices=["ui", "file"], help="ui: the dashboard; file: its declaration")


def _add_annotations(commands: _Commands) -> None:
    explain = commands.add_parser("annotations", help="explain stretches of time")
    verbs = explain.add_subparsers(metavar="list|add|remove", required=True)

    show = _command(
        verbs, "list", "cli_annotations:show", "what people said about stretches of time", json=True
    )
    show.add_argument("--model", metavar="MODEL", help="only what concerns this model")
    show.add_argument("--all", action="store_true", help="also what was taken back")

    add = _command(verbs, "add", "cli_annotations:add", "say what happened in a stretch of time", json=True)
    about = add.add_mutually_exclusive_group(required=True)
    about.add_argument("--model", metavar="MODEL", help="the model it is about")
    about.add_argument("--all-models", action="store_true", help="it is about all models")
    for name, where in (("from", "start"), ("to", "end")):
        add.add_argument(
            f"--{name}",
            dest=where,
            metavar="DAY",
            type=day,
            required=True,
            help="first day, in the model's zone" if name == "from" else "the day after the last",
        )
    add.add_argument("--mute", action="store_true", help="its windows get no verdict")
    add.add_argument("--exclude-from-reference", action="store_true", help="the reference does without it")
    add.add_argument("text", metavar="TEXT", help="what happened, e.g. 'Black Friday campaign'")

    remove = _command(verbs, "remove", "cli_annotations:remove", "take an annotation back", json=True)
    remove.add_argument("id", metavar="ID", type=int)


def _add_comparing(commands: _Commands) -> None:
    compare = _command(
        commands, "compare", "cli_numbers:compare", "compare two files of rows, once", json=True
    )
    compare.add_argument("reference", metavar="REFERENCE", help="Parquet or CSV file with what is normal")
    compare.add_argument("current", metavar="CURRENT", help="Parquet or CSV file to judge")
    for option in ("prediction", "score", "actual", "timestamp"):
        compare.add_argument(f"--{option}", metavar="COLUMN")
    compare.add_argument("--protected", metavar="COLUMN", action="append", default=[], help="may be repeated")
    compare.add_argument("--segment", metavar="COLUMN", help="compare each of its values too")
    compare.add_argument("--columns", metavar="A,B", type=names, help="only these columns")
    compare.add_argument(
        "--categorical", metavar="A,B", type=names, default=(), help="numbers that are categories"
    )
    compare.add_argument(
        "--task", metavar="TASK", help="binary_classification, multiclass_classification or regression"
    )
    compare.add_argument("--positive", metavar="CLASS", help="the positive class (default: 1 or true)")
    compare.add_argument("--html", metavar="OUT", help="write a report that is one file")
    compare.add_argument("--fail-on", choices=["drift"], help="exit with 1 if this was found")


def _add_serving(commands: _Commands) -> None:
    _command(commands, "jobs", "cli_processes:jobs", "sweep models when they are due, until stopped")
    ui = _command(commands, "ui", "cli_processes:ui", "serve the dashboard, until stopped")
    up = _command(commands, "up", "cli_processes:up", "dashboard and jobs together, until stopped")
    demo = _command(commands, "demo", "cli_processes:demo", "six real models of 2013, then `up`")
    demo.add_argument("--build-only", action="store_true", help="build the workspace and end")
    for command in (ui, up, demo):
        command.add_argument("--port", type=port, default=8501, help="default: 8501")
        command.add_argument("--address", default="127.0.0.1", help="default: 127.0.0.1, this machine only")


if __name__ == "__main__":
    sys.exit(main())
