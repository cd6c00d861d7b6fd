"""tsfresh's extraction, in chunks that bound its memory and let its progress be seen."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any

from app.errors import TrainingFailed
from app.pipelines.base import Progress
from app.pipelines.refusals import words
from app.pipelines.tsfresh.params import FcParameters
from app.pipelines.tsfresh.series import Series, Signal

if TYPE_CHECKING:
    import pandas as pd

#: Series of the first chunk on this machine, of the largest one, and of each on a cluster, which waits for each.
_CHUNK, _LARGEST, _CLUSTER_CHUNK = 5, 500, 1_000

#: Seconds that a chunk on this machine takes about, as progress is reported between two.
_SECONDS = 1.0

#: Values, of all signals together, that a chunk is closed at. tsfresh holds some hundred bytes a value.
_VALUES = 2_000_000


def extract(
    series: Series, wanted: dict[str, FcParameters], progress: Progress | None = None, distributor: Any = None
) -> pd.DataFrame:
    """Compute features of series.

    Parameters
    ----------
    wanted
        {number of a signal: tsfresh's parameters}. Signals are numbered, as a name may hold tsfresh's own `__`.
    distributor
        One of tsfresh's, or None for this process: a pool costs more than it gains, and would outlive a killed
        training.

    Returns
    -------
    DataFrame of shape (n_series, n_features), indexed by id; columns are called `<number>__<calculator>…`.

    Raises
    ------
    TrainingFailed
    """
    import pandas as pd

    names = list(series.signals)
    signals = {number: series.signals[names[int(number)]] for number in wanted}
    chunks, first, most = [], 0, _CHUNK if distributor is None else _CLUSTER_CHUNK
    while first < len(series.ids):
        last = _end(list(signals.values()), first, min(first + most, len(series.ids)))
        if progress is not None:
            progress("features", first / len(series.ids))
        started = time.monotonic()
        frame = pd.concat([_long(number, signal, first, last) for number, signal in signals.items()])
        chunks.append(_run(frame, wanted, distributor).reindex(range(first, last)))
        if distributor is None:
            pace = (last - first) / max(1e-3, time.monotonic() - started)
            most = min(_LARGEST, max(1, round(pace * _SECONDS)))
        first = last
    return pd.concat(chunks).set_axis(series.ids, axis=0)


def _end(signals: list[Signal], first: int, most: int) -> int:
    """Return the series after the last one of a chunk, at most a given one."""
    last = first + 1
    while last < most and _size(signals, first, last + 1) <= _VALUES:
        last += 1
    return last


def _size(signals: list[Signal], first: int, last: int) -> int:
    return sum(int(signal.starts[last] - signal.starts[first]) for signal in signals)


def _long(number: str, signal: Signal, first: int, last: int) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    starts = signal.starts[first : last + 1]
    rows = slice(starts[0], starts[-1])
    # A calculator of trends in time reads the index.
    index = None if signal.times is None else pd.DatetimeIndex(signal.times[rows])
    columns = {
        "id": np.repeat(np.arange(first, last), np.diff(starts)),
        "kind": np.full(rows.stop - rows.start, number, dtype="object"),
        "value": signal.values[rows],
    }
    return pd.DataFrame(columns, index=index)


def _run(frame: pd.DataFrame, wanted: dict[str, FcParameters], distributor: Any) -> pd.DataFrame:
    from tsfresh import extract_features

    with warnings.catch_warnings():
        # A calculator that a short series is too short for warns, and gives NaN, which is imputed.
        warnings.simplefilter("ignore")
        try:
            return extract_features(
                frame,
                column_id="id",
                column_kind="kind",
                column_value="value",
                kind_to_fc_parameters=wanted,
                default_fc_parameters={},
                disable_progressbar=True,
                n_jobs=0,
                distributor=distributor,
            )
        except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, AssertionError) as error:
            # What a calculator says of its arguments; of the series it knows numbers only.
            raise TrainingFailed(f"A feature could not be computed of these series: {words(error)}") from error
