"""Which keys a web process knows: those of `API_KEYS`, and those that were made since, as Redis has them.

Redis is asked for a key once a second at most: a key that is revoked opens nothing anywhere a second later. While Redis
does not answer, what was known goes on for a minute.
"""

from __future__ import annotations

import hmac
import threading
import time
from dataclasses import dataclass
from typing import Any

from app import caller
from app.errors import StoreUnavailable
from app.settings import ROLES, Settings, role_and_namespace
from app.store.api_keys import ApiKey, ApiKeys

#: Seconds for which what Redis has said of a key is taken, and for which while Redis does not answer.
_FRESH, _STALE = 0.8, 60.0

#: Digits of the hash of a key of `API_KEYS` that name it.
_KEY_ID = 12

#: Whoever asks where no key is needed.
_LOCAL = ApiKey("", "", ROLES[-1], caller.DEFAULT, "")


@dataclass(slots=True)
class _Known:
    """A key as Redis had it: when it was read, and when it was last asked for."""

    key: ApiKey
    read: float
    asked: float


class Keyring:
    """The keys of a web process."""

    def __init__(self, settings: Settings, stored: ApiKeys) -> None:
        self._set = [_of_environment(digest, entry) for digest, entry in settings.api_keys.items()]
        self.needed = bool(settings.api_keys)
        self.stored = stored
        self._known: dict[str, _Known] = {}
        self._asking = threading.Lock()

    def find(self, shown: str) -> ApiKey | None:
        """Return the key that `auth.given` has read from a request; None for one that is not known."""
        if not self.needed:
            return _LOCAL
        key_id, _, digest = shown.rpartition(".")
        if key_id:
            key = self._made(key_id)
            return key if key is not None and key.opens(digest, time.time()) else None
        # All of them are compared, so that the time does not tell how near one came.
        found = [key for key in self._set if hmac.compare_digest(digest, key.digest)]
        return found[0] if found else None

    @staticmethod
    def of_identity(kept: dict[str, Any] | None) -> ApiKey | None:
        """Return what stands for a key, of somebody whose signed session says who they are; None once that is over."""
        if kept is None or kept["until"] < time.time():
            return None
        return ApiKey(kept["key_id"], "OpenID Connect", kept["role"], kept["namespace"], "")

    def forget(self, key_id: str) -> None:
        """Ask Redis the next time: this process has changed the key itself."""
        self._known.pop(key_id, None)

    def _made(self, key_id: str) -> ApiKey | None:
        now = time.monotonic()
        known = self._known.get(key_id)
        if known is None or now - known.read > _STALE:
            return self._asked(key_id)
        # One thread asks; others go on with what was known, and so does this one without an answer.
        if now - known.asked > _FRESH and self._asking.acquire(blocking=False):
            try:
                known.asked = now
                return self._asked(key_id)
            except StoreUnavailable:
                return known.key
            finally:
                self._asking.release()
        return known.key

    def _asked(self, key_id: str) -> ApiKey | None:
        # What changes while Redis answers is of the next look.
        now = time.monotonic()
        key = self.stored.find(key_id)
        if key is None:
            self._known.pop(key_id, None)
        else:
            self._known[key_id] = _Known(key, now, now)
        return key


def _of_environment(digest: str, entry: str) -> ApiKey:
    role, namespace = role_and_namespace(entry)
    return ApiKey(digest[:_KEY_ID], "API_KEYS", role, namespace, digest)
