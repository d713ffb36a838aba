"""What a model card says of itself in every form: how complete it is, when it was made, who signed it."""

from collections.abc import Iterator

from core.card import Entered, ModelCard
from core.card.declared import moment
from core.governed import SignedDocument

PROMISE = (
    "Numbers are computed from the registry and the prediction logs; a text that a person entered says so. "
    "Bars and bands are 95 % intervals."
)


def about(card: ModelCard, signed: SignedDocument | None) -> Iterator[tuple[str, str]]:
    """Yield what stands above a card, as names and what they are."""
    yield (
        "Complete",
        f"{card.completeness:.0%}, {len(card.sections) - len(card.missing)} of {len(card.sections)} sections",
    )
    yield "As of", f"{card.as_of:%-d %b %Y %H:%M} UTC"
    if signed is not None:
        roles = f" ({', '.join(signed.roles)})" if signed.roles else ""
        yield "Signed off", f"{moment(signed.at)} by {signed.actor}{roles}"
        yield "Digest of the signed bytes", f"sha256 {signed.digest}"
    yield "Digest of the records", f"sha256 {card.records_digest}"


def said_by(entered: Entered) -> str:
    """Return who entered a text, and when."""
    return f"Entered by {entered.by} on {moment(entered.on)}"


def file_name(card: ModelCard, ending: str, signed: SignedDocument | None = None) -> str:
    """Return what a downloaded card is called: only letters, digits and hyphens, whatever the records hold.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> kept = {"number": 3, "as_of": datetime(2014, 1, 1, tzinfo=UTC), "zone": "UTC"}
    >>> file_name(ModelCard(model="delay-30", sections=(), beside=(), **kept), "pdf")
    'model-card-delay-30-v3-2014-01-01.pdf'
    """
    version = "" if card.number is None else f"-v{card.number}"
    sign = f"-signed-{signed.id}" if signed else ""
    return f"model-card-{card.model}{version}-{card.as_of:%Y-%m-%d}{sign}.{ending}"
