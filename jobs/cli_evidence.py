"""The commands `evaluate` and `evidence`: what is known of a version, computed or reported."""

from argparse import Namespace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from core.actions import evaluations, reports
from core.actions import versions as version_actions
from core.errors import InputError
from core.governed import AttachedEvidence
from core.records import EvidenceKind
from core.store import evidence
from core.strict import nearest
from jobs.acting import acting
from jobs.cli import CONDITION_FAILED
from jobs.cli_models import opened
from jobs.terminal import print_json, print_table

KINDS = get_args(EvidenceKind)


def evaluate(arguments: Namespace) -> int:
    """Compute and attach evidence; exit with 1 if any of it failed."""
    store = opened(arguments)
    made = evaluations.evaluate(
        store,
        arguments.model,
        arguments.number,
        acting(store),
        predictions=arguments.predictions,
        champion=arguments.champion,
        dataset=arguments.dataset,
    )
    store.close()
    if arguments.json:
        print_json(
            {
                "model": arguments.model,
                "version": arguments.number,
                "rows": made.rows,
                "champion": made.champion,
                "dataset": made.dataset.digest,
                "evidence": [as_json(each, findings=True) for each in made.attached],
                "untold": made.untold,
            }
        )
    else:
        print_table([as_json(each) for each in made.attached], ("kind", "verdict", "summary"))
        print()
        print("\n".join(f"  {sentence}" for sentence in made.untold))
        print(
            f"{len(made.attached)} pieces of evidence from {made.rows:,} labelled rows are attached. "
            f"Next: steward gate {arguments.model} {arguments.number}"
        )
    failed = any(each.record.verdict == "failed" for each in made.attached)
    return CONDITION_FAILED if failed else 0


def attach(arguments: Namespace) -> int:
    """Attach a report, or what a person found, as evidence."""
    if arguments.kind not in KINDS:
        raise InputError(f"{arguments.kind!r} is no kind of evidence; {nearest(arguments.kind, KINDS)}")
    store = opened(arguments)
    made = reports.attach_report(
        store,
        arguments.model,
        arguments.number,
        acting(store),
        kind=arguments.kind,
        verdict=arguments.verdict,
        summary=arguments.summary,
        report=Path(arguments.report) if arguments.report else None,
        signature=Path(arguments.signature) if arguments.signature else None,
        valid=timedelta(days=arguments.valid_days) if arguments.valid_days else None,
    )
    store.close()
    record = made.record
    if arguments.json:
        print_json(as_json(made))
        return 0
    print(f"Attached {record.kind} to {made.model} version {made.number}: {record.verdict}.")
    if record.report:
        by = (
            f"signed by {record.signed_by}"
            if record.signed_by
            else f"not signed, {made.attached_by} vouches for it"
        )
        print(f"The report is kept as evidence/{record.report} ({record.media_type}), {by}.")
    return 0


def show_all(arguments: Namespace) -> int:
    """Print the evidence of a version, the newest first."""
    store = opened(arguments)
    with store.read() as c:
        version = version_actions.found(c, arguments.model, arguments.number)
        attached = evidence.of_version(c, arguments.model, arguments.number)
    store.close()
    rows = [
        as_json(each, findings=arguments.json) | {"counts": each.artifact_digest == version.digest}
        for each in attached
    ]
    if arguments.json:
        print_json(rows)
    elif rows:
        print_table(rows, ("id", "kind", "verdict", "produced_at", "attached_by", "report", "summary"))
    else:
        print(
            f"Nothing is known of {version.title} yet; run: steward evaluate {version.model} "
            f"{version.number} "
            "--predictions FILE"
        )
    return 0


def as_json(attached: AttachedEvidence, *, findings: bool = False) -> dict[str, Any]:
    """Return a piece of evidence, with its numbers if asked for."""
    record = attached.record
    told: dict[str, Any] = {
        "id": attached.id,
        "kind": record.kind,
        "verdict": record.verdict,
        "summary": record.summary,
        "produced_by": record.produced_by,
        "produced_at": record.produced_at,
        "valid_until": record.valid_until,
        "attached_by": attached.attached_by,
        "report": record.report,
        "signed_by": record.signed_by,
        "digest": attached.digest,
    }
    if findings:
        told["findings"] = [each.model_dump(mode="json", exclude_defaults=True) for each in record.findings]
    return told
