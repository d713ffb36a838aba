"""Addresses of people: one mailbox is one person, however its address is written."""

import re
import unicodedata

_ADDRESS = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}@[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?")


def mailbox(text: str) -> str:
    """Return what an address means: compatible characters, lower case, without the tag after a plus sign.

    Examples
    --------
    >>> mailbox(" Dora+Test@Example.COM "), mailbox("ｄｏｒａ@example.com")
    ('dora@example.com', 'dora@example.com')
    """
    folded = unicodedata.normalize("NFKC", text).strip().casefold()
    return re.sub(r"\+[^@]*@", "@", folded)


def is_address(text: str) -> bool:
    """Tell whether a mailbox may be somebody's: only ASCII, since other letters look like these.

    Examples
    --------
    >>> is_address("dora@example.com"), is_address("d\N{CYRILLIC SMALL LETTER O}ra@example.com")
    (True, False)
    """
    return _ADDRESS.fullmatch(text) is not None and ".." not in text
