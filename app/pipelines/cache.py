"""Loaded pipelines of one web process: the most recently used, up to a bound in bytes, each loaded once."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from app.deadline import holding
from app.errors import NotFound, StoreUnavailable
from app.pipelines.trained import TrainedPipeline
from app.telemetry import context, metrics

#: A pipeline by its name among those of all namespaces, its version, and the digest of its artefact, as a provisional
#: version is replaced under its number.
Key = tuple[str, int, str]

#: The number of a version, and the digest of its artefact.
Place = tuple[int, str]

#: Seconds for which a process need not ask again which version is the current one. Who promotes or deletes is answered
#: when they are over, and a training ends when they are, so that whoever hears of it finds it changed everywhere.
FRESH = 0.1

#: Seconds for which Redis is not asked again after it has not answered.
_PAUSE = 1.0

#: Pipelines of which that is known at most.
_PLACES = 10_000


class PipelineCache:
    """Least recently used first out.

    Parameters
    ----------
    capacity
        Bytes of the artefacts whose pipelines are kept; one that is larger is kept alone.
    stale
        Seconds for which a place is believed while Redis does not answer.
    """

    def __init__(self, capacity: int, stale: float = 0.0) -> None:
        self._capacity, self._stale = capacity, stale
        # When Redis may be asked again; 0 while it answers.
        self._again = 0.0
        self._lock = threading.Lock()
        self._loading: dict[Key, threading.Lock] = {}
        self._kept: OrderedDict[Key, tuple[TrainedPipeline, int]] = OrderedDict()
        self._places: dict[tuple[str, int | None], tuple[Place, float]] = {}

    def get(self, key: Key, load: Callable[[], tuple[TrainedPipeline, int]]) -> TrainedPipeline:
        """Return the pipeline under a key; of many threads that miss at once one calls `load`, which tells its size."""
        if found := self._look_up(key):
            metrics.CACHE_HITS.inc()
            return found
        metrics.CACHE_MISSES.inc()
        with self._lock:
            loading = self._loading.setdefault(key, threading.Lock())
        with holding(loading):
            if found := self._look_up(key):
                return found
            try:
                pipeline, size = load()
                with self._lock:
                    self._kept[key] = (pipeline, size)
                    while len(self._kept) > 1 and sum(bytes_ for _, bytes_ in self._kept.values()) > self._capacity:
                        self._kept.popitem(last=False)
                        metrics.CACHE_EVICTIONS.inc()
                    metrics.CACHE_BYTES.set(sum(bytes_ for _, bytes_ in self._kept.values()))
            finally:
                with self._lock:
                    self._loading.pop(key, None)
        return pipeline

    def place(self, name: str, version: int | None, read: Callable[[], Place]) -> Place:
        """Return what `read` tells of a version, the current one where none is named, or has told just now.

        Hundreds of requests a second would each wait for Redis to say the same. While it does not answer, one a second
        does, and a pipeline that is loaded is served where it was last.

        Raises
        ------
        StoreUnavailable, and what `read` raises
        """
        asked, now = (name, version), time.monotonic()
        place, until = self._places.get(asked, (None, 0.0))
        if place is not None and now < until:
            return place
        try:
            place = self._read(read, now)
        except NotFound:
            # What was deleted does not come back when Redis is gone.
            for known, (gone, _) in list(self._places.items()):
                if known[0] == name and gone == place:
                    self._places.pop(known, None)
            raise
        except StoreUnavailable:
            if place is None or not self._is_served(name, place, until):
                raise
            context.note(stale=True)
            return place
        if len(self._places) >= _PLACES - 1:
            self._places.clear()
        # Whoever asks for the current version by its number is told the same.
        self._places[asked] = self._places[(name, place[0])] = place, now + FRESH
        return place

    def can_serve(self) -> bool:
        """Tell whether there is a pipeline that would be served while Redis does not answer."""
        return any(self._is_served(name, place, until) for (name, _), (place, until) in list(self._places.items()))

    def _read(self, read: Callable[[], Place], now: float) -> Place:
        if now < self._again:
            raise StoreUnavailable
        if self._again:
            # One asks whether it is back; the others need not wait with it.
            self._again = now + _PAUSE
        try:
            place = read()
        except StoreUnavailable:
            self._again = time.monotonic() + _PAUSE
            raise
        self._again = 0.0
        return place

    def _is_served(self, name: str, place: Place, until: float) -> bool:
        return time.monotonic() < until + self._stale and (name, *place) in self._kept

    def newest(self, name: str) -> int | None:
        """Return the number of the version of a pipeline that was asked for last, if it is here."""
        with self._lock:
            return next((version for kept, version, _ in reversed(self._kept) if kept == name), None)

    def _look_up(self, key: Key) -> TrainedPipeline | None:
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]
