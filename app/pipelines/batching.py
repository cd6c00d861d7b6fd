"""Small requests that arrive together, answered by one call of the model where that is faster."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.errors import ServiceError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Rows of a request that is put together with others, and of all that are.
SMALL, MOST = 32, 1_024

#: Seconds that one row takes at least where it is worth it: below it, threads take as long to wait for each other.
_LEAST = 1e-3

#: Rows that are timed beside one, and the most that they may take in units of what they would take one by one.
_TIMED, _SHARE = 8, 0.5


@dataclass
class _Waiting:
    """A request. Woken with what was `found`, to lead, or, after it was `taken` in vain, to ask for itself."""

    rows: pd.DataFrame
    woken: threading.Event = field(default_factory=threading.Event)
    found: Array | None = None
    taken: bool = False


class Together:
    """A model that is asked by many threads.

    Nobody waits for others to come: while one thread predicts, those that arrive queue up, and the first of them takes
    all of them with it in the next call. So a request waits no longer than one call takes.

    Parameters
    ----------
    predict
        Returns an array of shape (n_samples, …) for a DataFrame of n_samples rows.
    sample
        Rows on which is measured, once, whether many rows at once are faster than one after another.
    """

    def __init__(self, predict: Callable[[pd.DataFrame], Array], sample: pd.DataFrame) -> None:
        self._predict = predict
        self._lock = threading.Lock()
        self._queue: list[_Waiting] = []
        self._busy = False
        self.worth = _is_worth(predict, sample)

    def __call__(self, rows: pd.DataFrame) -> Array:
        """Return what `predict` does for the rows, and raise what it raises."""
        if not self.worth or len(rows) > SMALL:
            return self._predict(rows)
        mine = _Waiting(rows)
        with self._lock:
            self._queue.append(mine)
            leads = not self._busy
            self._busy = True
        if not leads:
            mine.woken.wait()
            if mine.taken:
                return self._predict(rows) if mine.found is None else mine.found
        return self._lead(mine)

    def _lead(self, mine: _Waiting) -> Array:
        """Predict for all who wait, this one first, then let the next one lead."""
        with self._lock:
            batch = self._taken(mine)
        try:
            return self._answered(batch)
        finally:
            with self._lock:
                following = self._queue[0] if self._queue else None
                self._busy = following is not None
            if following is not None:
                following.woken.set()

    def _taken(self, mine: _Waiting) -> list[_Waiting]:
        batch, size = [mine], len(mine.rows)
        self._queue.remove(mine)
        for other in list(self._queue):
            if size + len(other.rows) > MOST:
                break
            self._queue.remove(other)
            other.taken = True
            batch.append(other)
            size += len(other.rows)
        return batch

    def _answered(self, batch: list[_Waiting]) -> Array:
        """Return the answer of the first, and give the others theirs."""
        import pandas as pd

        first, *others = batch
        try:
            found = self._predict(pd.concat([each.rows for each in batch]) if others else first.rows)
            place = len(first.rows)
            for other in others:
                other.found = found[place : place + len(other.rows)]
                place += len(other.rows)
            return found[: len(first.rows)]
        except ServiceError:
            # One of them is refused; each asks for itself, so that only that one is told.
            return self._predict(first.rows)
        finally:
            for other in others:
                other.woken.set()


def _is_worth(predict: Callable[[pd.DataFrame], Array], sample: pd.DataFrame) -> bool:
    if len(sample) < _TIMED:
        return False
    try:
        one, many = (_seconds(predict, sample.iloc[:n_rows]) for n_rows in (1, _TIMED))
    except ServiceError:
        return False
    return one >= _LEAST and many <= _SHARE * _TIMED * one


def _seconds(predict: Callable[[pd.DataFrame], Array], rows: pd.DataFrame) -> float:
    """Return the least of a few, as others may be using the machine."""
    taken = []
    for _ in range(3):
        begun = time.perf_counter()
        predict(rows)
        taken.append(time.perf_counter() - begun)
    return min(taken)
