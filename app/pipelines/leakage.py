"""What makes scores too good: rows that are there twice, and windows that overlap, in different folds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.payloads.training import Training

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from app.pipelines.samples import Samples

#: Values that must be the same, in the same order, for two series to share a stretch.
STRETCH = 8

#: Share of the series or rows from which on a warning is worth its place.
SHARE = 0.05

#: Values that are looked at, those that are compared once more for each comparison; what comes after is not.
MOST_VALUES = 2_000_000


def warnings(training: Training, data: Samples) -> list[str]:
    """Return what the caller should know of the data, in sentences; none when folds are made by groups or time."""
    if data.order is not None:
        return list(data.order.notes)
    if training.groups is not None or training.times is not None:
        return []
    if training.parameters.extract_features is None:
        return _repeated_rows(data.X)
    return _overlapping_series(training)


def _repeated_rows(X: pd.DataFrame) -> list[str]:
    share = float(X.duplicated().mean())
    if share < SHARE:
        return []
    return [
        f"{share:.0%} of the rows are there more than once, so that folds test on rows that were learned. "
        "If they are of one source each, name its column as groups."
    ]


def _overlapping_series(training: Training) -> list[str]:
    from app.pipelines.tsfresh.series import raw_signals

    wanted = training.parameters.extract_features
    assert wanted is not None
    signals = raw_signals(training.frame, wanted)
    share = overlapping(list(signals[signals.columns[0]]))
    if share < SHARE:
        return []
    return [
        f"{share:.0%} of the series begin with a stretch that another one holds: windows of one recording that "
        "overlap. Folds then test on what was learned. Name the column of the recording as groups."
    ]


def overlapping(series: list[np.ndarray[Any, Any]]) -> float:
    """Return the share of the series whose first values stand in another one, from there to an end of either.

    Parameters
    ----------
    series
        Arrays of shape (n_samples,), of any lengths.
    """
    import numpy as np

    heads: dict[bytes, list[int]] = {}
    for number, values in enumerate(series):
        # A constant head is found anywhere.
        if len(values) > STRETCH and np.ptp(values[:STRETCH]) > 0:
            heads.setdefault(np.ascontiguousarray(values[:STRETCH], dtype="float64").tobytes(), []).append(number)
    found: set[int] = set()
    looked = 0
    for number, values in enumerate(series):
        looked += len(values)
        if looked > MOST_VALUES:
            break
        exact = np.ascontiguousarray(values, dtype="float64")
        data = exact.tobytes()
        for start in range(len(exact) - STRETCH + 1):
            head = data[8 * start : 8 * (start + STRETCH)]
            if head not in heads:
                continue
            for other in heads[head]:
                shared = min(len(exact) - start, len(series[other]))
                looked += shared
                if other != number and np.array_equal(exact[start : start + shared], series[other][:shared]):
                    found.add(other)
            # What was found need not be looked for again, or many that are alike would take the square of their number.
            heads[head] = [other for other in heads[head] if other not in found]
    return len(found) / max(1, len(series))
