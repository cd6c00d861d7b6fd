"""What a Redis does with what it is given: whether it evicts, forgets, or runs a server that is known to be unsafe."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import redis

from app.errors import StoreUnavailable
from app.settings import SettingsError
from app.store.connection import connect, store_errors

logger = logging.getLogger(__name__)

#: First version of each line in which a script cannot run code in the server (CVE-2025-49844). A line that is not here
#: and is older than the newest of these was never mended; a newer one never had it.
_MENDED = {
    "redis": ((6, 2, 20), (7, 2, 11), (7, 4, 6), (8, 0, 4), (8, 2, 2)),
    "valkey": ((7, 2, 11), (8, 0, 6), (8, 1, 4)),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """How a server keeps what it holds.

    Attributes
    ----------
    server, version
        "redis" or "valkey", and its numbers.
    eviction
        Its `maxmemory-policy`.
    maxmemory, used
        Bytes; 0 is no limit.
    aof
        Whether each write is kept in a file.
    """

    server: str
    version: tuple[int, ...]
    eviction: str
    maxmemory: int
    used: int
    aof: bool

    @property
    def evicts(self) -> bool:
        """Whether models may go when the memory is full."""
        return self.eviction.startswith("allkeys-")

    @property
    def evicts_results(self) -> bool:
        """Whether what has an end goes before it, when the memory is full."""
        return self.eviction.startswith("volatile-")

    @property
    def safe(self) -> bool:
        """Whether the server has no known way to run the code of its clients."""
        mended = _MENDED[self.server]
        same = [one for one in mended if one[:2] == self.version[:2]]
        return self.version >= same[0] if same else self.version > mended[-1]

    def weaknesses(self) -> Iterator[str]:
        """Say what may lose something, and yet is no reason not to start."""
        if self.evicts_results:
            yield (
                f"REDIS_URL: this Redis evicts what has an end (maxmemory-policy {self.eviction}): "
                "results of jobs go first when it is full. Set it to noeviction."
            )
        if not self.aof:
            yield (
                "REDIS_URL: this Redis keeps no append-only file: models that were acknowledged are lost when it dies. "
                "Set appendonly to yes."
            )


@store_errors()
def policy(client: redis.Redis) -> Policy:
    """Ask a server how it keeps what it holds. Of INFO, as CONFIG is often forbidden.

    Raises
    ------
    StoreUnavailable
    """
    told = {name: value for part in ("server", "memory", "persistence") for name, value in client.info(part).items()}
    server = "valkey" if "valkey_version" in told else "redis"
    version = str(told.get(f"{server}_version", "0"))
    return Policy(
        server=server,
        version=tuple(int(part) for part in version.split(".") if part.isdigit()),
        eviction=str(told.get("maxmemory_policy", "noeviction")),
        maxmemory=int(told.get("maxmemory", 0)),
        used=int(told.get("used_memory", 0)),
        aof=bool(int(told.get("aof_enabled", 0))),
    )


def require_kept(url: str) -> None:
    """Refuse to start on a Redis that would lose models, and warn of what it may lose.

    One that does not answer is no reason: it may be there in a minute.

    Raises
    ------
    SettingsError
    """
    try:
        with closing(connect(url)) as client:
            found = policy(client)
    except StoreUnavailable:
        return
    if found.evicts:
        raise SettingsError(
            f"REDIS_URL: this Redis evicts keys (maxmemory-policy {found.eviction}), and so would lose models. "
            "Set it to noeviction."
        )
    for weakness in found.weaknesses():
        logger.warning(weakness)
