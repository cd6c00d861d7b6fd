"""Signatures of jobs: what a worker is to do, and on what, is as a web process of this service has written it.

Whoever can write to Redis can queue what they like. A worker runs only what was signed, and reads no data of a job
whose digest is not in what was signed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import orjson

from app.store import signature as signatures

#: Keeps signatures of jobs apart from any other use of the same secret.
_PURPOSE = b"automl job 1\n"


def digests(stored: Mapping[str, bytes]) -> bytes:
    """Return what is signed of a job's data: the digest of each part by its name, as JSON."""
    found = {name: hashlib.sha256(data).hexdigest() for name, data in stored.items()}
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS)


def sign(job_id: str, fields: Mapping[str, bytes], secret: str) -> bytes:
    """Return the signature of what is stored of a job, by its id and the names of its fields."""
    return signatures.sign(_PURPOSE, _told(job_id, fields), secret).hex().encode()


def verifies(signature: bytes, job_id: str, fields: Mapping[str, bytes], secret: str) -> bool:
    """Tell whether the signature is ours, and of these fields."""
    try:
        found = bytes.fromhex(signature.decode())
    except ValueError:
        return False
    return signatures.verifies(found, _PURPOSE, _told(job_id, fields), secret)


def _told(job_id: str, fields: Mapping[str, bytes]) -> bytes:
    found = [job_id, {name: value.hex() for name, value in fields.items()}]
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS)
