"""Signed JSON: records, reports and explanations, each bound to its key, so that none can be changed or put elsewhere.

Layout: `_MARK`, 32 bytes HMAC-SHA256, the JSON. What was stored before there were signatures is the JSON alone.
"""

from __future__ import annotations

from typing import Any

import orjson

from app.errors import RecordDamaged, RecordTooNew
from app.store import signature

#: Begins what is signed; JSON cannot begin so. A later form has another number.
_MARK = b"signed 1\n"


def to_json(value: dict[str, Any]) -> bytes:
    """Return JSON; what is no finite number is null."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def signed(place: str, data: bytes, secret: str) -> bytes:
    """Return JSON as it is stored.

    Parameters
    ----------
    place
        Where: the key in Redis, and the field of a hash.
    """
    return _MARK + signature.sealed(_purpose(place), data, secret)


def verified(place: str, stored: bytes, secret: str) -> tuple[bytes, bool]:
    """Return the JSON that was stored there, and whether it is signed.

    Raises
    ------
    RecordDamaged
        It was changed, or belongs elsewhere.
    RecordTooNew
    """
    if not stored.startswith(_MARK):
        if stored.startswith(b"signed "):
            raise RecordTooNew
        return stored, False
    if (data := signature.opened(_purpose(place), stored[len(_MARK) :], secret)) is None:
        raise RecordDamaged
    return data, True


def told(place: str, stored: bytes, secret: str) -> dict[str, Any]:
    """Return a report or explanations; of an unsigned report the Python code is left out, which a user would run.

    Raises
    ------
    RecordDamaged, RecordTooNew
    """
    data, trusted = verified(place, stored, secret)
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise RecordDamaged from None
    if not isinstance(found, dict):
        raise RecordDamaged
    return found if trusted else {name: value for name, value in found.items() if name != "code"}


def _purpose(place: str) -> bytes:
    return b"automl json 1\n" + place.encode() + b"\n"
