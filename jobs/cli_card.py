"""The command `card`: show a model card, write into it, sign it off, and put it into files."""

from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core import documenting
from core.actions import cards as actions
from core.card import ModelCard, changed
from core.errors import InputError
from core.governed import SignedDocument
from core.store import documents
from jobs.acting import acting
from jobs.cli_models import opened
from jobs.terminal import print_json, print_table


def card(arguments: Namespace) -> int:
    """Write what was given into the card, sign it off if asked to, then show it or put it into files."""
    store = opened(arguments)
    for section, text in _texts(arguments):
        actions.write(store, arguments.model, section, text, acting(store))
    signed = (
        actions.sign_off(store, arguments.model, arguments.version, acting(store))
        if arguments.sign_off
        else None
    )
    live = documenting.card_of(store, arguments.model, arguments.version)
    if live is None:
        raise InputError(f"no model {arguments.model!r} is registered; run: steward status")
    with store.read() as c:
        every = documents.of_version(c, arguments.model, live.number, actions.KIND)
    if arguments.signed is not None:
        signed = _of_number(every, arguments.signed, live)
    shown = actions.signed_card(store, signed) if signed else live
    newest = actions.signed_card(store, every[0]) if every else None
    store.close()
    files = _written(arguments, shown, signed)
    if arguments.json:
        print_json(_as_json(shown, every, files))
        return 0
    _print(shown)
    if newest is not None:
        differs = changed(newest, live)
        print(
            f"\nSigned off; since then {'changed: ' + ', '.join(differs) if differs else 'nothing changed'}."
        )
        print_table([_row(each) for each in every], ("id", "at", "by", "as", "digest"))
    for file in files:
        print(f"Wrote {file}.")
    return 0


def _texts(arguments: Namespace) -> Iterator[tuple[str, str]]:
    for given in arguments.set:
        yield _pair(given, "TEXT")
    for given in arguments.set_file:
        section, file = _pair(given, "FILE")
        yield section, Path(file).read_text(encoding="utf-8")


def _pair(given: str, what: str) -> tuple[str, str]:
    section, equals, value = given.partition("=")
    if not equals:
        raise InputError(f"{given!r} names no section; expected SECTION={what}, e.g. caveats={what}")
    return section.strip(), value


def _of_number(every: list[SignedDocument], number: int, card: ModelCard) -> SignedDocument:
    signed = next((each for each in every if each.id == number), None)
    if signed is None:
        known = ", ".join(str(each.id) for each in every) or "none"
        raise InputError(f"{card.title} has no signed card {number}; there is: {known}")
    return signed


def _written(arguments: Namespace, card: ModelCard, signed: SignedDocument | None) -> list[str]:
    """Write the files that were asked for; what makes them is imported on use."""
    if arguments.markdown:
        from core.documents.card_markdown import card_markdown

        Path(arguments.markdown).write_text(card_markdown(card, signed), encoding="utf-8")
    if arguments.html:
        from core.documents.card_html import card_html

        Path(arguments.html).write_text(card_html(card, signed), encoding="utf-8")
    if arguments.pdf:
        from core.documents.card_pdf import card_pdf

        Path(arguments.pdf).write_bytes(card_pdf(card, signed))
    if arguments.canonical:
        Path(arguments.canonical).write_bytes(card.canonical())
    asked = (arguments.markdown, arguments.html, arguments.pdf, arguments.canonical)
    return [file for file in asked if file]


def _as_json(card: ModelCard, every: list[SignedDocument], files: list[str]) -> Mapping[str, Any]:
    return card.model_dump(mode="json") | {
        "completeness": card.completeness,
        "missing": [section.name for section in card.missing],
        "records_digest": card.records_digest,
        "signed": [
            _row(each) | {"digest": each.digest, "records_digest": each.records_digest} for each in every
        ],
        "files": files,
    }


def _row(signed: SignedDocument) -> dict[str, Any]:
    told = {"id": signed.id, "at": signed.at, "by": signed.actor, "as": list(signed.roles)}
    return told | {"digest": signed.digest[:16]}


def _print(card: ModelCard) -> None:
    print(f"{card.title}: {card.completeness:.0%} complete · records sha256 {card.records_digest[:16]}")
    for section in card.missing:
        print(f"  missing {section.name}: {section.how}")
    for section in card.sections:
        if (said := section.entered) is not None:
            flat = " ".join(said.text.split())
            shown = flat if len(flat) <= 60 else flat[:59] + "…"
            print(f"  {section.name}: {shown} (entered by {said.by} on {said.on:%Y-%m-%d})")
