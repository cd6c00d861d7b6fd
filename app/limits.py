"""How often a key may ask, how many rows a day it may have, and how often an address may try keys that are not known.

Counted in each web process, for its share: Redis is not on the way of a prediction. Rows are added up in Redis once a
second, so that all processes and restarts count together.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.errors import QuotaExceeded, StoreUnavailable, TooMany

if TYPE_CHECKING:
    from app.settings import Settings

#: Keys and addresses that are counted at once; the one that was longest silent is forgotten for a new one.
_MOST = 10_000

#: Seconds between two looks at what other processes have counted.
_SHARED = 1.0

#: Seconds for which Redis is not told anything once it did not answer: no prediction waits for that again.
_PAUSE = 5.0

#: Bits of an IPv6 address that tell one network from another: whoever has one address there has all.
_NETWORK = 64

_MINUTE = 60.0

#: Seconds of a day, and so of a quota.
DAY = 24 * 3600


class Buckets:
    """A bucket of tokens for each name, which fills evenly, and from which each request takes one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, per_minute: int) -> float:
        """Take a token; return 0, or the seconds until there is one."""
        now = self._clock()
        with self._lock:
            left, since = self._left.pop(name, (float(per_minute), now))
            left = min(float(per_minute), left + (now - since) * per_minute / _MINUTE)
            taken = left >= 1
            self._left[name] = (left - 1 if taken else left), now
            if len(self._left) > _MOST:
                self._left.popitem(last=False)
        return 0.0 if taken else (1 - left) * _MINUTE / per_minute


@dataclass
class _Spent:
    """Rows of a key on a day: `known` of all processes, `own` of this one since they were told.

    Whoever asks while Redis is told waits for what it says, which may be the first that this process hears.
    """

    day: int
    known: int = 0
    own: int = 0
    told: float = 0.0
    sharing: threading.Lock = field(default_factory=threading.Lock)


class Limits:
    """The limits of a web process.

    Parameters
    ----------
    add
        Adds rows to those of a key on a day, and returns how many they are then.
    clock, today
        Seconds that go on evenly, and since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        add: Callable[[str, int, int], int],
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._add, self._clock, self._today = add, clock, today
        self._keys, self._addresses = Buckets(clock), Buckets(clock)
        self._lock = threading.Lock()
        self._spent: dict[str, _Spent] = {}
        self._silent_until = -math.inf

    def asked(self, key_id: str, requests_per_minute: int | None, rows_per_day: int | None) -> None:
        """Count a request of a key, and remember for `spend` how many rows it may have.

        Raises
        ------
        TooMany
        """
        per_minute = requests_per_minute or self._settings.key_requests_per_minute
        if key_id and per_minute and (wait := self._keys.take(key_id, self._share(per_minute))):
            raise TooMany(f"This key may send {per_minute} requests a minute.", wait)
        rows = rows_per_day or self._settings.key_rows_per_day
        _ALLOWANCE.set((self, key_id, rows) if key_id and rows else None)

    def failed(self, address: str) -> None:
        """Count a key that is not known.

        Raises
        ------
        TooMany
            Instead of the error that says so.
        """
        if wait := self._addresses.take(_network(address), self._share(self._settings.failed_keys_per_minute)):
            raise TooMany("Too many keys that this service does not know came from this address.", wait)

    def spend(self, key_id: str, most: int, rows: int) -> None:
        """Count rows that a key is about to be given; none only asks whether there are any left.

        Raises
        ------
        QuotaExceeded
            They would be more than it may have today; they are not counted.
        """
        now = self._today()
        with self._lock:
            spent = self._spent.get(key_id)
            if spent is None or spent.day != int(now // DAY):
                spent = self._spent[key_id] = _Spent(int(now // DAY))
        self._share_rows(key_id, spent)
        with self._lock:
            if spent.known + spent.own + max(rows, 1) > most:
                left = max(0, most - spent.known - spent.own)
                raise QuotaExceeded(
                    f"This key may have {most} rows a day predicted or explained, of which {left} are left. "
                    "The day ends at midnight UTC.",
                    DAY - now % DAY,
                )
            spent.own += rows

    def _share_rows(self, key_id: str, spent: _Spent) -> None:
        """Tell Redis, and hear from it, once in a while; without an answer this process goes by what it knows."""
        with spent.sharing:
            with self._lock:
                now = self._clock()
                if now < self._silent_until or (spent.told and now - spent.told < _SHARED):
                    return
                spent.told, telling = now, spent.own
            # Other keys do not wait with it.
            try:
                known = self._add(key_id, spent.day, telling)
            except StoreUnavailable:
                self._silent_until = self._clock() + _PAUSE
                return
            with self._lock:
                spent.known = known
                spent.own -= telling

    def _share(self, per_minute: int) -> int:
        return math.ceil(per_minute / self._settings.web_concurrency)


#: The limits, the key and its rows a day, of the request that this thread works on.
_ALLOWANCE: ContextVar[tuple[Limits, str, int] | None] = ContextVar("allowance", default=None)


def end() -> None:
    """Forget whose rows are counted."""
    _ALLOWANCE.set(None)


def spend(rows: int) -> None:
    """Count rows that whoever asks is about to be given; outside of requests nothing happens.

    Raises
    ------
    QuotaExceeded
    """
    if (allowance := _ALLOWANCE.get()) is not None:
        limits, key_id, most = allowance
        limits.spend(key_id, most, rows)


def _network(address: str) -> str:
    """Return what of an address its owner cannot choose freely."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((found, _NETWORK), strict=False))
