"""The commands `version`: register versions and runs with their past, look at them, archive them."""

from argparse import Namespace
from pathlib import Path
from typing import Any, TypeVar

from core.actions import versions as actions
from core.errors import InputError
from core.governed import ModelVersion
from core.records import Run, Version
from core.store import evidence, releases, versions
from core.strict import Strict, read_yaml, validated
from jobs.acting import acting
from jobs.cli_models import opened
from jobs.terminal import print_json, print_table

Record = TypeVar("Record", bound=Strict)


def register(arguments: Namespace) -> int:
    """Register a version from a file, options, or both; options win."""
    given = {
        name: value
        for name in ("name", "artifact", "format", "framework", "run", "parent", "developer", "note")
        if (value := getattr(arguments, f"given_{name}")) is not None
    }
    store = opened(arguments)
    made = actions.register(
        store, arguments.model, _record(arguments, Version, given), acting(store), key=arguments.key
    )
    store.close()
    if arguments.json:
        print_json(as_json(made))
        return 0
    files = f", {len(made.record.manifest)} files" if made.record.manifest else ", no artifact"
    print(f"Registered {made.title}: digest {made.digest[:12]}{files}.")
    print(
        f"Next: steward evaluate {made.model} {made.number}, then steward promote {made.model} {made.number}"
    )
    return 0


def log_run(arguments: Namespace) -> int:
    """Log a run from a file."""
    store = opened(arguments)
    made = actions.log_run(
        store, arguments.model, _record(arguments, Run, {}), acting(store), key=arguments.key
    )
    store.close()
    if arguments.json:
        print_json({"run": made.id, "model": made.model, **made.record.model_dump(mode="json")})
    else:
        print(f"Logged run {made.id} of {made.model}: {made.record.name}.")
    return 0


def show_all(arguments: Namespace) -> int:
    """Print a model's versions, the newest first."""
    store = opened(arguments)
    with store.read() as c:
        rows = [as_json(each) for each in versions.every(c, arguments.model)]
        live = {(h.model, h.number): h.environment for h in releases.every_champion(c)}
    store.close()
    for row in rows:
        row["live_in"] = live.get((row["model"], row["number"]))
    if arguments.json:
        print_json(rows)
    elif rows:
        print_table(rows, ("number", "name", "state", "live_in", "registered_at", "registered_by", "digest"))
    else:
        print(
            f"{arguments.model} has no version; register one: steward version register {arguments.model} FILE"
        )
    return 0


def show(arguments: Namespace) -> int:
    """Print one version: its record, evidence and where it came from."""
    store = opened(arguments)
    with store.read() as c:
        version = actions.found(c, arguments.model, arguments.number)
        attached = evidence.of_version(c, arguments.model, arguments.number)
        past = versions.ancestry(c, version.entity)
    store.close()
    told = as_json(version) | {
        "record": version.record.model_dump(mode="json", exclude_defaults=True),
        "evidence": [
            {
                "kind": each.record.kind,
                "verdict": each.record.verdict,
                "summary": each.record.summary,
                "produced_at": each.record.produced_at,
                "attached_by": each.attached_by,
                "digest": each.digest,
            }
            for each in attached
        ],
        "lineage": [{"source": a, "relation": relation, "target": b} for a, relation, b in past],
    }
    if arguments.json:
        print_json(told)
        return 0
    print(f"{version.title} · {version.state} · digest {version.digest}")
    print(f"registered {version.registered_at:%Y-%m-%d %H:%M} UTC by {version.registered_by}")
    for key, value in told["record"].items():
        if key not in ("manifest", "training", "evaluation"):
            print(f"  {key}: {value}")
    for title, rows, columns in (
        ("Files", told["record"].get("manifest", []), ("path", "size", "sha256")),
        ("Evidence", told["evidence"], ("kind", "verdict", "summary", "produced_at")),
        ("Came from", told["lineage"], ("source", "relation", "target")),
    ):
        if rows:
            print(f"\n{title}")
            print_table(rows, columns)
    return 0


def compare(arguments: Namespace) -> int:
    """Print what differs between two versions of a model."""
    store = opened(arguments)
    with store.read() as c:
        sides = [actions.found(c, arguments.model, number) for number in (arguments.a, arguments.b)]
    store.close()
    rows = differences(*sides)
    if arguments.json:
        print_json(rows)
    elif rows:
        print_table(rows, ("key", "a", "b"))
    else:
        print("The two versions say the same of themselves.")
    return 0


def archive(arguments: Namespace) -> int:
    """Put a version away for good."""
    store = opened(arguments)
    version = actions.archive(
        store, arguments.model, arguments.number, acting(store), reason=arguments.reason
    )
    store.close()
    print(f"Archived {version.title}; it stays readable and cannot be released again.")
    return 0


def as_json(version: ModelVersion) -> dict[str, Any]:
    """Return what a version is called and where it stands."""
    return {
        "model": version.model,
        "number": version.number,
        "name": version.name,
        "state": version.state,
        "digest": version.digest,
        "registered_at": version.registered_at,
        "registered_by": version.registered_by,
    }


def differences(a: ModelVersion, b: ModelVersion) -> list[dict[str, Any]]:
    """Return the keys in which two records differ, nested ones by their path, with both values."""
    one, other = (_flat(side.record.model_dump(mode="json", exclude_defaults=True)) for side in (a, b))
    keys = sorted(one.keys() | other.keys())
    return [{"key": k, "a": one.get(k), "b": other.get(k)} for k in keys if one.get(k) != other.get(k)]


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, (dict, list)) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {k: v for key, each in items for k, v in _flat(each, f"{path}.{key}".strip(".")).items()}
    return {path: value}


def _record(arguments: Namespace, kind: type[Record], given: dict[str, Any]) -> Record:
    if arguments.file is None and not given:
        raise InputError("nothing is said of it; give a YAML file, or options such as --artifact")
    document = read_yaml(Path(arguments.file)) if arguments.file else {}
    return validated(kind, document | given, file=arguments.file or "the command line")
