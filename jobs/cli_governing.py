"""The words of the commands that govern releases and users; jobs/cli.py adds them to the others."""

import argparse
from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Add: TypeAlias = Callable[..., argparse.ArgumentParser]


def add(commands: Commands, command: Add, day: Callable[[str], datetime]) -> None:
    """Add them; `command` adds one, `day` reads a date."""
    _versions(commands, command)
    _evidence(commands, command)
    _promotions(commands, command)
    _releases(commands, command, day)
    _users(commands, command)
    _card(commands, command)


def _versions(commands: Commands, command: Add) -> None:
    text = "register versions, log runs, see where they came from"
    verbs = commands.add_parser("version", help=text).add_subparsers(
        metavar="register|log-run|list|show|compare|archive", required=True
    )
    register = command(verbs, "register", "cli_versions:register", "register a version of a model", json=True)
    register.add_argument("model", metavar="MODEL")
    register.add_argument("file", metavar="FILE", nargs="?", help="YAML with what is known of it")
    for name, meaning in (
        ("name", "what the prediction log calls it (default: its number)"),
        ("artifact", "file or folder under the roots; its files are hashed"),
        ("format", "onnx, skops, json, …; pickle and joblib are refused for high risk"),
        ("framework", "e.g. 'scikit-learn 1.6'"),
        ("developer", "who built it, if not you"),
        ("note", "what else there is to know"),
    ):
        register.add_argument(f"--{name}", dest=f"given_{name}", metavar=name[0].upper(), help=meaning)
    for name, meaning in (("run", "the logged run that made it"), ("parent", "the version it was made from")):
        register.add_argument(f"--{name}", dest=f"given_{name}", metavar="N", type=int, help=meaning)
    log = command(verbs, "log-run", "cli_versions:log_run", "log a training or experiment run", json=True)
    log.add_argument("model", metavar="MODEL")
    log.add_argument("file", metavar="FILE", help="YAML with parameters, metrics, dataset, code")
    for each in (register, log):
        each.add_argument("--key", metavar="KEY", help="twice under the same key is once")
    show_all = command(verbs, "list", "cli_versions:show_all", "the versions of a model", json=True)
    show_all.add_argument("model", metavar="MODEL")
    show = command(verbs, "show", "cli_versions:show", "all about one version", json=True)
    archive = command(verbs, "archive", "cli_versions:archive", "put a version away for good")
    for each in (show, archive):
        _version(each)
    archive.add_argument("--reason", metavar="TEXT", required=True)
    compare = command(
        verbs, "compare", "cli_versions:compare", "what differs between two versions", json=True
    )
    compare.add_argument("model", metavar="MODEL")
    for side in ("a", "b"):
        compare.add_argument(side, metavar=side.upper(), type=int)


def _evidence(commands: Commands, command: Add) -> None:
    evaluate = command(
        commands,
        "evaluate",
        "cli_evidence:evaluate",
        "what frozen rows prove of a version; exit 1 if it fails",
        json=True,
    )
    _version(evaluate)
    evaluate.add_argument(
        "--predictions",
        metavar="FILE",
        required=True,
        help="its answers with inputs and labels; inputs alone where the model has a scoring command",
    )
    evaluate.add_argument(
        "--champion",
        metavar="FILE",
        help="the champion's answers to the same rows (default: the prediction log's)",
    )
    evaluate.add_argument(
        "--dataset",
        metavar="NAME",
        help="the version's evaluation dataset the rows are of (default: the file)",
    )
    verbs = commands.add_parser("evidence", help="what is known of a version").add_subparsers(
        metavar="attach|list", required=True
    )
    attach = command(verbs, "attach", "cli_evidence:attach", "attach a report or a review", json=True)
    show_all = command(verbs, "list", "cli_evidence:show_all", "the evidence of a version", json=True)
    for each in (attach, show_all):
        _version(each)
    attach.add_argument("--kind", metavar="KIND", required=True, help="explainability, security_scan, …")
    attach.add_argument("--verdict", choices=["passed", "failed", "noted"], required=True)
    attach.add_argument(
        "--summary", metavar="TEXT", required=True, help="what the report says, in a sentence"
    )
    attach.add_argument("--report", metavar="FILE", help="is kept under its SHA-256")
    attach.add_argument(
        "--signature",
        metavar="FILE",
        help="Ed25519 signature of the report (default: REPORT.sig if it is there)",
    )
    attach.add_argument("--valid-days", metavar="N", type=int, help="how long it holds")


def _promotions(commands: Commands, command: Add) -> None:
    gate = command(
        commands, "gate", "cli_promotions:gate", "what a version still needs; exit 1 if anything", json=True
    )
    _version(gate)
    gate.add_argument("--to", metavar="STAGE", default="deployed", help="default: deployed")
    verbs = commands.add_parser("promote", help="ask for a version to be promoted").add_subparsers(
        metavar="request|list|show|submit|withdraw", required=True
    )
    request = command(verbs, "request", "cli_promotions:request", "ask for a promotion", json=True)
    _version(request)
    request.add_argument("--note", metavar="TEXT", default="", help="what the approvers should know")
    request.add_argument("--key", metavar="KEY", help="twice under the same key is once")
    show_all = command(verbs, "list", "cli_promotions:show_all", "all promotion requests", json=True)
    show_all.add_argument("--model", metavar="MODEL", help="only of this model")
    show = command(verbs, "show", "cli_promotions:show", "one request with its checklist", json=True)
    submit = command(verbs, "submit", "cli_promotions:submit", "submit a request again", json=True)
    withdraw = command(verbs, "withdraw", "cli_promotions:withdraw", "take a request back", json=True)
    withdraw.add_argument("--reason", metavar="TEXT", required=True)
    approve = command(
        commands, "approve", "cli_promotions:approve", "decide on a promotion request", json=True
    )
    verdict = approve.add_mutually_exclusive_group()
    verdict.add_argument("--reject", action="store_true", help="reject it and its version")
    verdict.add_argument("--ask-back", action="store_true", help="return it with a question")
    approve.add_argument("--comment", metavar="TEXT", default="", help="why")
    confirm = command(
        commands, "confirm", "cli_promotions:confirm", "confirm a waiver somebody else proposed"
    )
    for each in (show, submit, withdraw, approve, confirm):
        each.add_argument("id", metavar="ID", type=int)
    waive = command(commands, "waive", "cli_promotions:waive", "propose to go on without a check")
    _version(waive)
    waive.add_argument("check", metavar="CHECK", help="as `steward gate` names it")
    waive.add_argument("--reason", metavar="TEXT", required=True)
    waive.add_argument("--days", metavar="N", type=int, default=30, help="how long it holds (default: 30)")


def _releases(commands: Commands, command: Add, day: Callable[[str], datetime]) -> None:
    release = command(
        commands, "release", "cli_releases:release", "put an approved version into production", json=True
    )
    _version(release)
    release.add_argument("--reason", metavar="TEXT", default="")
    release.add_argument("--adopt", action="store_true", help="it ran already before it was registered")
    release.add_argument("--key", metavar="KEY", help="twice under the same key is once")
    history = command(
        commands, "releases", "cli_releases:history", "what was released, and what ran when", json=True
    )
    history.add_argument("--at", metavar="TIME", type=day, help="which version was in production then")
    history.add_argument("--environment", metavar="NAME", default="production", help="default: production")
    rollback = command(
        commands, "rollback", "cli_releases:roll_back", "bring the previous version back", json=True
    )
    suspend = command(
        commands, "suspend", "cli_releases:suspend", "take what runs out of production", json=True
    )
    suspend.add_argument("--lift", action="store_true", help="bring it back after its review")
    retire = command(commands, "retire", "cli_releases:retire", "retire a model")
    retire.add_argument(
        "--criteria", metavar="TEXT", required=True, help="which criteria of retirement are met"
    )
    retire.add_argument("--told", metavar="WHO", action="append", default=[], help="a consumer who was told")
    retire.add_argument("--replaced-by", metavar="MODEL")
    retire.add_argument("--access-revoked", action="store_true", help="the artifact can be fetched no more")
    for each in (rollback, suspend, retire):
        each.add_argument("--reason", metavar="TEXT", required=True)
    attest = command(
        commands, "attest", "cli_releases:attest", "say that a model was reviewed and is still wanted"
    )
    attest.add_argument("text", metavar="TEXT", help="what the review found")
    for each in (history, rollback, suspend, retire, attest):
        each.add_argument("model", metavar="MODEL")
    review = command(commands, "review", "cli_releases:review", "review a rollback or suspension", json=True)
    review.add_argument("id", metavar="ID", type=int)
    review.add_argument("finding", metavar="FINDING", help="what looking back showed")


def _users(commands: Commands, command: Add) -> None:
    verbs = commands.add_parser("users", help="who may sign in, and do what").add_subparsers(
        metavar="add|list|grant|revoke|disable|enable|passwd", required=True
    )
    made = command(verbs, "add", "cli_users:add", "make a user; the first one at this machine", json=True)
    made.add_argument("--name", metavar="NAME", default="", help="how people call them")
    made.add_argument("--role", metavar="ROLE", action="append", default=[], help="may be repeated")
    made.add_argument("--service", action="store_true", help="a pipeline: no password, tokens only")
    command(verbs, "list", "cli_users:show_all", "all users with their roles", json=True)
    grant = command(verbs, "grant", "cli_users:grant", "give a user a role", json=True)
    revoke = command(verbs, "revoke", "cli_users:revoke", "take a role from a user", json=True)
    disable = command(verbs, "disable", "cli_users:disable", "close a user's access at once", json=True)
    disable.add_argument("--reason", metavar="TEXT", default="")
    enable = command(verbs, "enable", "cli_users:enable", "open a user's access again", json=True)
    passwd = command(verbs, "passwd", "cli_users:passwd", "give a user another password")
    passwd.add_argument("--recover", action="store_true", help="of an admin, when no admin can sign in")
    for each in (made, grant, revoke, disable, enable, passwd):
        each.add_argument("address", metavar="ADDRESS", help="e.g. dora@example.com")
    for each in (grant, revoke):
        each.add_argument(
            "role", metavar="ROLE", help="e.g. approver, approver@team:ops, approver@model:churn"
        )
    verbs = commands.add_parser("tokens", help="tokens for pipelines and terminals").add_subparsers(
        metavar="create|list|revoke", required=True
    )
    create = command(verbs, "create", "cli_users:create_token", "make a token, shown once", json=True)
    create.add_argument("name", metavar="NAME", help="what it is for")
    create.add_argument("--role", metavar="ROLE", action="append", required=True, help="may be repeated")
    create.add_argument("--days", metavar="N", type=int, default=90, help="how long it holds (default: 90)")
    create.add_argument("--for", dest="owner", metavar="ADDRESS", help="a service user (default: you)")
    shown = command(verbs, "list", "cli_users:show_tokens", "the tokens that hold", json=True)
    shown.add_argument("--all", action="store_true", help="those that are over too")
    end = command(verbs, "revoke", "cli_users:revoke_token", "end a token at once")
    end.add_argument("id", metavar="ID", type=int)


def _card(commands: Commands, command: Add) -> None:
    card = command(
        commands, "card", "cli_card:card", "a model card: show it, write into it, sign it off", json=True
    )
    card.add_argument("model", metavar="MODEL")
    card.add_argument(
        "--version", metavar="V", type=int, help="default: the one in production, else the newest"
    )
    for name, value, meaning in (
        ("set", "TEXT", "write a section's text; an empty one takes it back"),
        ("set-file", "FILE", "the same, from a file"),
    ):
        card.add_argument(f"--{name}", metavar=f"SECTION={value}", action="append", default=[], help=meaning)
    for name in ("markdown", "html", "pdf"):
        card.add_argument(f"--{name}", metavar="FILE", help=f"write the card as {name}, one file")
    card.add_argument("--canonical", metavar="FILE", help="write the bytes that a signature's digest is of")
    signing = card.add_mutually_exclusive_group()
    signing.add_argument(
        "--sign-off", action="store_true", help="keep the card as it is now, under your name"
    )
    signing.add_argument(
        "--signed", metavar="ID", type=int, help="the card as it was signed off, not as it is"
    )


def _version(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="MODEL")
    command.add_argument("number", metavar="VERSION", type=int)
