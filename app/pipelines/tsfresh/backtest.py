"""Folds of a forecasting: each is tested on a stretch of time that none of its training has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidData

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Order:
    """Where in time the samples of a forecasting lie.

    Attributes
    ----------
    ends, targets
        Arrays of shape (n_samples,), of int: position of the last value in a sample's window, and of its target.
    notes
        What the user should know of the samples.
    """

    ends: Array
    targets: Array
    notes: tuple[str, ...] = ()


def split(order: Order, folds: int, horizon: int) -> tuple[Array, Array, tuple[tuple[Array, Array], ...]]:
    """Return the rows to search on, the rows held out, and the folds as positions among the former.

    The last stretch of `backtest` is held out; a row of a fold whose target lies in it is left out.

    Raises
    ------
    InvalidData
        No hold-out and fold can be made.
    """
    import numpy as np

    *before, (seen, unseen) = backtest(order, folds + 1, horizon)
    place = np.full(len(order.ends), -1)
    place[seen] = np.arange(len(seen))
    inside = [tuple(places[places >= 0] for places in (place[train], place[test])) for train, test in before]
    kept = tuple((train, test) for train, test in inside if len(train) and len(test))
    if not kept:
        raise _too_short(len(np.unique(order.ends)), horizon)
    return seen, unseen, kept


def backtest(order: Order, folds: int, horizon: int) -> list[tuple[Array, Array]]:
    """Return (training rows, test rows) of at most `folds` folds, in the order of time.

    The window ends are cut into stretches of equal length, where the horizon does not need a longer first one. Each
    but the first is tested on, by a model of what lies before it: a training row whose target lies in or after the
    first window end of the stretch is left out.

    Raises
    ------
    InvalidData
        Two folds cannot be made.
    """
    import numpy as np

    times = np.unique(order.ends)
    # Before this one no target is known.
    earliest = int(np.searchsorted(times, order.targets.min(), side="right"))
    count = min(folds, len(times) - earliest)
    if count < 2:
        raise _too_short(len(times), horizon)
    first = max(earliest, len(times) // (count + 1))
    bounds = times[np.linspace(first, len(times), count + 1).astype("int64")[:-1]]
    return [
        (np.flatnonzero(order.targets < begin), np.flatnonzero((order.ends >= begin) & (order.ends < end)))
        for begin, end in zip(bounds, [*bounds[1:], np.inf], strict=True)
    ]


def _too_short(times: int, horizon: int) -> InvalidData:
    needs = f"windows end at {times} times; a horizon of {horizon} needs more"
    return InvalidData(
        "The series are too short to test a forecast on what came later.",
        [Fault("/params/forecast", f"{needs}: send longer series, or take a smaller window or horizon")],
    )
