"""A model that is asked for many rows, as far as there is the time for them.

Whoever explains asks for thousands of rows at once, and a thread cannot be ended. What a row takes is measured; what
then would take longer than there is time for is refused, and what takes long is asked for some rows at a time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app import deadline
from app.pipelines import costs

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Rows up to which nothing is measured; those that are timed, the more only where the fewer took no time.
_FEW, _TIMED = 64, (8, 64)

#: Seconds that the fewer take at most for the more to be timed; that one call may take without a look at the time; and
#: that a call takes about where all together take longer.
_QUICK, _AT_ONCE, _A_CALL = 0.2, 2.0, 0.5

#: Seconds of a row at least.
_LEAST = 1e-9

#: What to do instead.
_INSTEAD = "Ask for fewer samples or rows, or for a job (Prefer: respond-async)."


class Paced:
    """What answers rows, shape (n_rows, …), and knows what a row takes.

    Which rows are asked for together is decided by what was measured first, so that a repeated request is answered by
    the same calls.

    Parameters
    ----------
    ask
        From rows, a DataFrame or an array, to an array of shape (n_rows, …).
    """

    def __init__(self, ask: Callable[[Any], Array]) -> None:
        self._ask = ask
        #: Seconds of a row; infinite as long as nothing was measured.
        self._pace = math.inf

    def __call__(self, rows: Any) -> Array:
        """Answer as `ask` does.

        Raises
        ------
        TooCostly
            It takes longer than the request has that waits for it.
        DeadlinePassed
        And what `ask` raises.
        """
        left = deadline.left()
        if math.isinf(left):
            return self._ask(rows)
        deadline.check()
        if len(rows) <= _FEW:
            return self._ask(rows)
        if len(rows) * self._pace > left:
            # Not measured yet, or at a moment at which others had the machine.
            self._measure(rows)
            seconds = len(rows) * self._pace
            costs.require(seconds, deadline.left(), f"To ask the model for {len(rows)} rows", _INSTEAD)
        return self._ask(rows) if len(rows) * self._pace <= _AT_ONCE else self._by_and_by(rows)

    def _measure(self, rows: Any) -> None:
        """Time one row and some: what a call takes whatever its rows is no part of the pace."""
        # Much is made at the first use.
        one = min(self._seconds(_some(rows, 0, 1)) for _ in range(2))
        for count in _TIMED:
            some = self._seconds(_some(rows, 0, count))
            self._pace = min(self._pace, max(_LEAST, (some - one) / (count - 1)))
            if some > _QUICK:
                break

    def _seconds(self, rows: Any) -> float:
        begun = time.perf_counter()
        self._ask(rows)
        return time.perf_counter() - begun

    def _by_and_by(self, rows: Any) -> Array:
        import numpy as np

        found, count = [], max(1, int(_A_CALL / self._pace))
        for first in range(0, len(rows), count):
            deadline.check()
            found.append(self._ask(_some(rows, first, first + count)))
        return np.concatenate(found)


def in_blocks(ask: Callable[[Any], Array], some: Any, step: int) -> list[Array]:
    """Return what is answered to some things at a time, as long as there is time, and as it can be foreseen, for all.

    The first block is none that the others are judged by: much is made at its first use.

    Raises
    ------
    TooCostly, DeadlinePassed
    """
    found: list[Array] = []
    least = math.inf
    for first in range(0, len(some), step):
        deadline.check()
        begun = time.perf_counter()
        found.append(ask(some[first : first + step]))
        if not first or math.isinf(deadline.left()):
            continue
        least = min(least, time.perf_counter() - begun)
        ahead = max(0, math.ceil((len(some) - first - step) / step))
        costs.require(ahead * least, deadline.left(), "What is still to be asked of the model", _INSTEAD)
    return found


def _some(rows: Any, first: int, last: int) -> Any:
    return rows.iloc[first:last] if hasattr(rows, "iloc") else rows[first:last]
