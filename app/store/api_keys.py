"""API keys that were made by command, API or page: their hashes, each under a signature.

automl:keys          hash id → signature and JSON
automl:rows:<day>    hash id → rows that were predicted or explained with it on that day (since 1970)

Whoever can write to Redis can remove a key, or bring back one that it has seen; without the signing secret nobody can
make one, or raise what one may do.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import orjson
import redis

from app import caller
from app.caller import Caller
from app.errors import KeyNotFound, RoleMissing
from app.store import signature
from app.store.connection import store_errors

KEYS = "automl:keys"

#: The id of a key.
_ID = re.compile(r"[0-9a-f]{12}")

#: Keeps these signatures apart from any other use of the same secret.
_PURPOSE = b"automl key 1\n"

#: Seconds for which rows of a day are kept.
_COUNTED = 2 * 24 * 3600

#: Random bytes of an id, and of the secret part of a key.
_ID_BYTES, _KEY_BYTES = 6, 32


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key.

    Attributes
    ----------
    digest
        SHA-256 of the whole key, which itself is not kept.
    created, expires, previous_until
        Seconds since 1970; a key without `expires` is good until it is revoked.
    previous
        Digest of the key that this one has replaced, which is good until `previous_until`.
    requests_per_minute, rows_per_day
        None for no limit of its own.
    """

    key_id: str
    name: str
    role: str
    namespace: str
    digest: str
    created: float = 0.0
    created_by: str = ""
    expires: float | None = None
    previous: str | None = None
    previous_until: float = 0.0
    requests_per_minute: int | None = None
    rows_per_day: int | None = None

    def opens(self, digest: str, now: float) -> bool:
        """Tell whether a key of this digest is this one, or was until a while ago."""
        # Both are compared whatever comes out, so that the time tells nothing.
        mine = hmac.compare_digest(digest, self.digest)
        before = hmac.compare_digest(digest, self.previous or "") and now < self.previous_until
        return (mine or before) and (self.expires is None or now < self.expires)

    @property
    def caller(self) -> Caller:
        """Whoever shows this key."""
        return Caller(self.key_id, self.role, self.namespace)

    def as_json(self) -> dict[str, Any]:
        """Return what may be shown of it."""
        told = asdict(self)
        for name in ("digest", "previous"):
            del told[name]
        told["previous_until"] = self.previous_until or None
        return {"id": told.pop("key_id"), **told}


class ApiKeys:
    """Makes, lists, replaces and revokes keys."""

    def __init__(self, client: redis.Redis, secret: str) -> None:
        self._redis: Any = client
        self._secret = secret

    @store_errors()
    def make(
        self,
        by: Caller,
        name: str,
        role: str,
        namespace: str | None = None,
        days: float | None = None,
        requests_per_minute: int | None = None,
        rows_per_day: int | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key, and return it with its text, which nothing keeps.

        Raises
        ------
        RoleMissing
            `by` is of another namespace, which is not the default one.
        """
        namespace = namespace or by.namespace
        if by.namespace not in (namespace, caller.DEFAULT):
            raise RoleMissing(f"Keys of another namespace are made by an admin of the namespace {caller.DEFAULT}.")
        key_id, now = secrets.token_hex(_ID_BYTES), time.time()
        text, digest = _new(key_id)
        key = ApiKey(
            key_id=key_id,
            name=name,
            role=role,
            namespace=namespace,
            digest=digest,
            created=now,
            created_by=by.key_id,
            expires=None if days is None else now + days * 24 * 3600,
            requests_per_minute=requests_per_minute,
            rows_per_day=rows_per_day,
        )
        self._redis.hset(KEYS, key_id, self._sealed(key))
        return key, text

    @store_errors()
    def find(self, key_id: str) -> ApiKey | None:
        """Return a key; None where there is none, or one that this service has not signed."""
        return self._opened(key_id, self._redis.hget(KEYS, key_id))

    @store_errors()
    def seen_by(self, by: Caller) -> list[ApiKey]:
        """Return the keys of a namespace, oldest first; of all for the default one, whose admins are the operators."""
        found = (self._opened(key_id.decode(), sealed) for key_id, sealed in self._redis.hgetall(KEYS).items())
        return sorted((key for key in found if key is not None and _sees(by, key)), key=lambda key: key.created)

    @store_errors()
    def rotate(self, by: Caller, key_id: str, grace_seconds: float = 0) -> tuple[ApiKey, str]:
        """Replace the text of a key, whose former one is good for some seconds more; return it with the new one.

        Raises
        ------
        KeyNotFound
        """
        text, digest = _new(_checked(key_id))
        until = time.time() + grace_seconds

        def changed(key: ApiKey) -> ApiKey:
            return replace(key, digest=digest, previous=key.digest, previous_until=until)

        return self._change(by, key_id, changed), text

    @store_errors()
    def revoke(self, by: Caller, key_id: str) -> None:
        """Forget a key.

        Raises
        ------
        KeyNotFound
        """
        self._change(by, _checked(key_id), None)

    @store_errors()
    def add_rows(self, key_id: str, day: int, rows: int) -> int:
        """Add rows to those of a key on a day, and return how many they are."""
        name = f"automl:rows:{day}"
        with self._redis.pipeline() as pipe:
            pipe.hincrby(name, key_id, rows)
            pipe.expire(name, _COUNTED)
            return int(pipe.execute()[0])

    def _change(self, by: Caller, key_id: str, changed: Callable[[ApiKey], ApiKey] | None) -> ApiKey:
        def write(pipe: Any) -> ApiKey:
            key = self._opened(key_id, pipe.hget(KEYS, key_id))
            if key is None or not _sees(by, key):
                raise KeyNotFound(key_id)
            pipe.multi()
            if changed is None:
                pipe.hdel(KEYS, key_id)
                return key
            found = changed(key)
            pipe.hset(KEYS, key_id, self._sealed(found))
            return found

        found: ApiKey = self._redis.transaction(write, KEYS, value_from_callable=True)
        return found

    def _sealed(self, key: ApiKey) -> bytes:
        return signature.sealed(_PURPOSE, orjson.dumps(asdict(key)), self._secret)

    def _opened(self, key_id: str, sealed: bytes | None) -> ApiKey | None:
        if sealed is None or (body := signature.opened(_PURPOSE, sealed, self._secret)) is None:
            return None
        stored = orjson.loads(body)
        # Another release may have written more of it.
        key = ApiKey(**{one.name: stored[one.name] for one in fields(ApiKey) if one.name in stored})
        # A signed one under another's name is not that one.
        return key if key.key_id == key_id else None


def _checked(key_id: str) -> str:
    """Return an id that a key may have: what is no text can be neither hashed nor sent to Redis.

    Raises
    ------
    KeyNotFound
    """
    if not _ID.fullmatch(key_id):
        raise KeyNotFound(key_id)
    return key_id


def _new(key_id: str) -> tuple[str, str]:
    text = f"aml_{key_id}_{secrets.token_urlsafe(_KEY_BYTES)}"
    return text, hashlib.sha256(text.encode()).hexdigest()


def _sees(by: Caller, key: ApiKey) -> bool:
    return by.namespace in (key.namespace, caller.DEFAULT)
