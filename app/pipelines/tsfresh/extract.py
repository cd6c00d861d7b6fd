"""Features of series: array operations where there are any, tsfresh for what is left of them.

Both are done chunk by chunk, which bounds the memory and lets the progress be seen. tsfresh is imported only if
something is left to it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app import deadline
from app.pipelines import costs
from app.pipelines.base import Progress
from app.pipelines.tsfresh.params import FcParameters
from app.pipelines.tsfresh.series import Series, Signal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from app.pipelines.tsfresh.calculators.plan import Plan

    Array = np.ndarray[Any, Any]

#: Series of the first chunk on this machine, of the largest one, and of each on a cluster, which waits for each.
_CHUNK, _LARGEST, _CLUSTER_CHUNK = 5, 500, 1_000

#: Seconds that a chunk on this machine takes about, as progress is reported between two.
_SECONDS = 1.0

#: Values, of all signals together, that a chunk is closed at. tsfresh holds some hundred bytes a value.
_VALUES = 2_000_000


def extract(
    series: Series, plans: dict[str, Plan], progress: Progress | None = None, distributor: Any = None
) -> pd.DataFrame:
    """Compute features of series.

    Parameters
    ----------
    plans
        {number of a signal: what is computed of it}. Signals are numbered, as a name may hold tsfresh's own `__`.
    distributor
        Where tsfresh computes what is left to it; one of its own, or None for this process.

    Returns
    -------
    DataFrame of shape (n_series, n_features), indexed by id; columns are called `<number>__<calculator>…`, by signal,
    the signals in the order of tsfresh, which is that of texts: 0, 1, 10, 2, …

    Raises
    ------
    TrainingFailed
    """
    import pandas as pd

    names = list(series.signals)
    signals = [(series.signals[names[int(number)]], plans[number]) for number in sorted(plans)]
    columns = [f"{number}__{name}" for number in sorted(plans) for name in plans[number].names]
    found = features(signals, len(series.ids), progress, distributor)
    return pd.DataFrame(found, index=series.ids, columns=columns)


def compute(series: Array | Sequence[Array], wanted: FcParameters) -> tuple[tuple[str, ...], Array]:
    """Compute features of plain arrays.

    Parameters
    ----------
    series
        Shape (n_series, n_samples), or a sequence of n_series arrays of any lengths.
    wanted
        {calculator: None, or a list of its arguments}.

    Returns
    -------
    Names of the features, `<calculator>…`, and an array of shape (n_series, n_features).

    Raises
    ------
    TrainingFailed
    """
    import numpy as np

    from app.pipelines.tsfresh.calculators.plan import Plan

    plan = Plan.of(wanted)
    starts = np.concatenate([[0], np.cumsum([len(values) for values in series])])
    values = np.concatenate(list(series)).astype("float64", copy=False)
    return plan.names, features([(Signal(values, starts, None), plan)], len(series))


def features(
    signals: list[tuple[Signal, Plan]], n_series: int, progress: Progress | None = None, distributor: Any = None
) -> Array:
    """Compute the features of signals side by side, shape (n_series, features of all signals).

    Raises
    ------
    TooCostly
        They take longer than the request has that waits for them.
    DeadlinePassed, TrainingFailed
    """
    costs.require_features((plan.parameters, signal.starts[1:] - signal.starts[:-1]) for signal, plan in signals)
    chunks, first, most = [], 0, _CHUNK if distributor is None else _CLUSTER_CHUNK
    while first < n_series:
        deadline.check()
        last = _end(signals, first, min(first + most, n_series))
        if progress is not None:
            progress("features", first / n_series)
        started = time.monotonic()
        chunks.append(_chunk(signals, first, last, distributor))
        if distributor is None and last < n_series:
            pace = (last - first) / max(1e-3, time.monotonic() - started)
            most = min(_LARGEST, max(1, round(pace * _SECONDS)))
        first = last
    return _joined(chunks, axis=0)


def _end(signals: list[tuple[Signal, Plan]], first: int, most: int) -> int:
    """Return the series after the last one of a chunk, at most a given one."""
    if most == first + 1:
        return most
    if sum(signal.starts[most] - signal.starts[first] for signal, _ in signals) <= _VALUES:
        return most
    import numpy as np

    starts = sum(signal.starts[first + 1 : most + 1] - signal.starts[first] for signal, _ in signals)
    return first + max(1, int(np.searchsorted(starts, _VALUES, side="right")))


def _chunk(signals: list[tuple[Signal, Plan]], first: int, last: int, distributor: Any) -> Array:
    """Return the features of the series from one to another."""
    parts, lefts = [], []
    for signal, plan in signals:
        starts = signal.starts[first : last + 1]
        values, left = plan.run(signal.values, starts, signal.times)
        parts.append(values)
        if left:
            lefts.append((Signal(signal.values, starts, signal.times), plan, left, values))
    if lefts:
        from app.pipelines.tsfresh import rest

        rest.fill(lefts, distributor)
    return _joined(parts, axis=1)


def _joined(parts: list[Array], axis: int) -> Array:
    if len(parts) == 1:
        return parts[0]
    import numpy as np

    return np.concatenate(parts, axis)
