"""Signed JSON: records, reports and explanations, bound to their place, so that none can be changed or swapped.

Layout: `_MARK`, 32 bytes HMAC-SHA256, the JSON. What was stored before is JSON without the two before it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from app.errors import RecordDamaged
from app.store.artifact import sign, verifies

#: Begins what is signed; JSON cannot begin so.
_MARK = b"signed 1\n"

_SIGNATURE = hashlib.sha256().digest_size


def signed(kind: str, place: tuple[object, ...], data: bytes, secret: str) -> bytes:
    """Return JSON with its signature, as it is stored.

    Parameters
    ----------
    kind
        What it is, so that a report does not pass for a record.
    place
        The version that it belongs to.
    """
    return _MARK + sign(_bound(kind, place) + data, secret) + data


def verified(kind: str, place: tuple[object, ...], stored: bytes, secret: str) -> tuple[dict[str, Any], bool]:
    """Return the JSON that was stored, and whether it is signed: what an earlier release has stored is not.

    Raises
    ------
    RecordDamaged
        It was changed, or belongs elsewhere.
    """
    marked = stored.startswith(_MARK)
    signature, data = stored[len(_MARK) : len(_MARK) + _SIGNATURE], stored[len(_MARK) + _SIGNATURE :]
    if marked and not verifies(signature, _bound(kind, place) + data, secret):
        raise RecordDamaged
    try:
        found = orjson.loads(data if marked else stored)
    except orjson.JSONDecodeError:
        raise RecordDamaged from None
    if not isinstance(found, dict):
        raise RecordDamaged
    return found, marked


def _bound(kind: str, place: tuple[object, ...]) -> bytes:
    return orjson.dumps([kind, *map(str, place)]) + b"\n"
