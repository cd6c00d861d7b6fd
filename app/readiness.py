"""What is wrong with this process and what it needs, as a platform asks: may requests come here?

It says no only where another process could do better. Where some requests can be answered, by models that are loaded,
or where all can but something is short, it says what, and goes on.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from app.errors import Draining, Fault, NotReady, StoreUnavailable, Unavailable
from app.services import Services
from app.store.policy import policy
from app.store.soundness import soundness

#: Points at what no process should be asked with: what it stores may be gone.
_POLICY = "/redis/maxmemory-policy"

#: Bytes of the temporary folder below which uploads may not fit.
_SHORT = 64 * 2**20

#: Seconds for which it is not asked again whether Redis takes writes, and who works.
_WRITTEN = 10.0

#: Seconds for which it is not looked again whether Redis evicts, and whether each model has all that serves it.
_EXAMINED = 60.0


@dataclass
class Readiness:
    """What is asked of one web process, again and again.

    Attributes
    ----------
    written
        What was found of Redis when something was last written, and when that has to be tried again.
    examined
        What was found of how it keeps models, and when that has to be looked at again.
    """

    held: Services
    written: tuple[list[Fault], float] = field(default=([], 0.0))
    examined: tuple[list[Fault], float] = field(default=([], 0.0))
    _trying: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> list[Fault]:
        """Return what is wrong while requests can be served.

        Raises
        ------
        Draining, NotReady
        """
        if self.held.drain.begun:
            raise Draining
        try:
            self.held.stores.ping()
        except StoreUnavailable:
            fault = Fault("/redis", "does not answer")
            if self.held.pipelines.can_serve():
                return [fault]
            raise NotReady([fault]) from None
        kept = self._of_models()
        if any(fault.pointer == _POLICY for fault in kept):
            raise NotReady(kept)
        return [*self._of_redis(), *kept, *_of_disk()]

    def _of_models(self) -> list[Fault]:
        """Look how models are kept. Whoever asks has shown no key, and is told how many lack something, not which."""
        found, until = self.examined
        if time.monotonic() < until:
            return found
        self.examined = found, time.monotonic() + _EXAMINED
        client, secret = self.held.stores.place_and_secret
        found = []
        with suppress(StoreUnavailable):
            if policy(client).evicts:
                found.append(Fault(_POLICY, "evicts keys, and so would lose models"))
            if lacking := len(soundness(client, secret)):
                found.append(Fault("/models", f"{lacking} lack a part; python -m app check names them"))
            self.examined = found, time.monotonic() + _EXAMINED
        return found

    def _of_redis(self) -> list[Fault]:
        found, until = self.written
        if time.monotonic() < until or not self._trying.acquire(blocking=False):
            return found
        try:
            found = []
            if not self.held.queues.workers():
                found.append(Fault("/workers", "none is heard of: trainings and jobs wait"))
            try:
                self.held.stores.write()
            except Unavailable:
                found.append(Fault("/redis/writes", "are refused: nothing can be trained or promoted"))
        except StoreUnavailable:
            return found
        finally:
            self.written = found, time.monotonic() + _WRITTEN
            self._trying.release()
        return found


def _of_disk() -> list[Fault]:
    if shutil.disk_usage(tempfile.gettempdir()).free < _SHORT:
        return [Fault("/disk", "has little room for uploads")]
    return []
