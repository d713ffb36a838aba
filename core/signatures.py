"""Who signed a report: Ed25519 signatures, checked against the public keys of steward.yaml."""

import base64
import binascii
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

LENGTH = 64  # bytes of a signature


class Signer:
    """One public key.

    Parameters
    ----------
    key : base64 of its DER form, the one line of the PEM file that ``openssl pkey -pubout`` writes, or of its
        32 bytes, as ``steward audit keygen`` prints it

    Raises
    ------
    ValueError
        If it is no Ed25519 public key.
    """

    def __init__(self, key: str) -> None:
        raw = base64.b64decode(key, validate=True)
        loaded = Ed25519PublicKey.from_public_bytes(raw) if len(raw) == 32 else load_der_public_key(raw)
        if not isinstance(loaded, Ed25519PublicKey):
            raise ValueError("not an Ed25519 key")
        self._key = loaded

    def signed(self, content: bytes, signature: bytes) -> bool:
        """Tell whether this key signed the content."""
        try:
            self._key.verify(signature, content)
        except InvalidSignature:
            return False
        return True


def signer_of(content: bytes, signature: bytes, signers: Mapping[str, str]) -> str | None:
    """Return the name of the key that signed the content; None if none of them did.

    Parameters
    ----------
    signature : 64 bytes as ``openssl pkeyutl -sign -rawin`` writes them, or base64 of them
    """
    raw = _raw(signature)
    if raw is None:
        return None
    return next((name for name, key in signers.items() if Signer(key).signed(content, raw)), None)


def _raw(signature: bytes) -> bytes | None:
    if len(signature) == LENGTH:
        return signature
    try:
        decoded = base64.b64decode(signature.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if len(decoded) == LENGTH else None
