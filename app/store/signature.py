"""Signatures of what is stored: HMAC-SHA256 of a purpose and of bytes, checked before a byte of them is parsed.

The purpose comes first in what is signed. It keeps the signatures of one kind of thing apart from those of all others
under the same secret.

A secret may be several with commas between them, each as long as one has to be: the first signs, and what any of them
has signed verifies. So a secret is replaced: `new,old` until nothing is left that the old one has signed.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import cache

from app import exposure

#: Bytes of a signature.
SIZE = hashlib.sha256().digest_size


def sign(purpose: bytes, data: bytes, secret: str) -> bytes:
    """Return the signature of bytes by the first secret."""
    return hmac.digest(_secrets(secret)[0], purpose + data, "sha256")


def verifies(signature: bytes, purpose: bytes, data: bytes, secret: str) -> bool:
    """Tell whether one of the secrets has signed these bytes for this purpose."""
    told = purpose + data
    return any(hmac.compare_digest(signature, hmac.digest(one, told, "sha256")) for one in _secrets(secret))


def sealed(purpose: bytes, data: bytes, secret: str) -> bytes:
    """Return the signature of bytes, and the bytes behind it."""
    return sign(purpose, data, secret) + data


def opened(purpose: bytes, stored: bytes, secret: str) -> bytes | None:
    """Return the bytes behind a signature; None where it is not ours, or of other bytes or another purpose."""
    data = stored[SIZE:]
    return data if verifies(stored[:SIZE], purpose, data, secret) else None


@cache
def _secrets(secret: str) -> tuple[bytes, ...]:
    return tuple(one.encode() for one in exposure.secrets_of(secret))
