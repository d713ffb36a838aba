"""The commands `audit`: check the log, read it, take it out, and make the key of its anchors."""

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core import anchors, auditing
from core.actions import audits
from core.errors import InputError
from core.store import audit
from jobs.acting import acting
from jobs.cli_models import opened
from jobs.terminal import print_json, print_table

_SHOWN = ("seq", "ts", "actor", "source", "action", "entity", "reason")


def verify(arguments: Namespace) -> int:
    """Check the whole chain, and say how far its anchors vouch for it."""
    store = opened(arguments)
    report = auditing.verify(store)
    store.close()
    if arguments.json:
        print_json(asdict(report))
    else:
        print(sentence(report))
    return 0 if report.sound else 1


def show(arguments: Namespace) -> int:
    """Print the newest entries."""
    store = opened(arguments)
    with store.read() as c:
        found = audit.entries(c, **_wanted(arguments), limit=arguments.limit)
    store.close()
    rows = [asdict(each) for each in found]
    for row in rows:
        del row["body"]
    if arguments.json:
        print_json(rows)
    elif rows:
        print_table(rows, _SHOWN)
    else:
        print("No entry matches.")
    return 0


def export(arguments: Namespace) -> int:
    """Write entries into a file that does not exist yet."""
    file = Path(arguments.file)
    if file.suffix not in (".jsonl", ".csv"):
        raise InputError(f"{file} ends in {file.suffix or 'nothing'}; expected .jsonl or .csv")
    if file.exists():
        raise InputError(f"{file} exists; an export is never overwritten, name another file")
    store = opened(arguments)
    form: Any = file.suffix.removeprefix(".")
    content = audits.export(store, acting(store), form, **_wanted(arguments))
    store.close()
    file.write_bytes(content)
    print(f"Wrote {file} ({len(content):,} bytes).")
    return 0


def keygen(arguments: Namespace) -> int:
    """Make a key pair: the private one into a file, the public one onto the screen."""
    file = Path(arguments.file).absolute()
    public = anchors.generate_key(file)
    print(
        f"Wrote {file}; keep it where the database's users cannot read it. In steward.yaml:\n"
        f"  audit: {{key_file: {file}}}\n"
        f"Whoever checks the log without that file needs the public key:\n"
        f"  audit: {{public_keys: [{public}]}}"
    )
    return 0


def sentence(report: audit.AuditReport) -> str:
    """Return what a check found, in words.

    Examples
    --------
    >>> sentence(audit.AuditReport("intact", 12, 12, anchored=10))
    'intact: 12 entries, the first 10 anchored'
    """
    entries = f"{report.entries:,} {'entry' if report.entries == 1 else 'entries'}"
    vouched = f", the first {report.anchored:,} anchored" if report.anchored else ", none anchored"
    match report.state:
        case "intact":
            return f"intact: {entries}{vouched}"
        case "unanchored":
            return (
                f"unanchored since {report.unanchored_since:%Y-%m-%d %H:%M} UTC: {entries} are intact"
                f"{vouched}; `steward jobs` and `steward run --once` anchor them"
            )
        case "broken":
            return f"broken at {report.seq}: {report.problem}; {entries} before it are good"
    return f"truncated after {report.seq}: {report.problem}"


def _wanted(arguments: Namespace) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in ("who", "action", "about", "since", "until")}
