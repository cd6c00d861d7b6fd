"""What makes scores too good: rows that are there twice, and windows that overlap, in different folds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from app.payloads.training import Training

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from app.pipelines.samples import Samples

    Array = np.ndarray[Any, Any]

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
    # As they are named: a first model of some of the series is made without them.
    if training.parameters.groups or training.parameters.time:
        return []
    if training.parameters.extract_features is None:
        return _repeated_rows(data.X)
    return _overlapping_series(training)


def _repeated_rows(X: pd.DataFrame) -> list[str]:
    share = float(X.duplicated().mean())
    if share < SHARE:
        return []
    return [
        f"{share:.0%} of the rows repeat an earlier one, so that folds test on rows that were learned. "
        "If they are of one source each, name its column as groups."
    ]


def _overlapping_series(training: Training) -> list[str]:
    from app.pipelines.tsfresh.series import raw_signals

    wanted = training.parameters.extract_features
    assert wanted is not None
    signals = raw_signals(training.frame, wanted)
    share = _share([_found_and_told(group) for group in _together(signals)], len(signals))
    if share < SHARE:
        return []
    return [
        f"{share:.0%} of the series begin with a stretch that another one holds: windows of one recording that "
        "overlap. Folds then test on what was learned. Name the column of the recording as groups."
    ]


def _together(signals: pd.DataFrame) -> Iterator[list[Array]]:
    """Yield the series, once for all signals that are as long as each other in every series, these side by side.

    Stacked signals may be of different lengths; then each is looked at by itself.
    """
    import numpy as np

    alike: dict[tuple[int, ...], list[str]] = {}
    for name in signals.columns:
        alike.setdefault(tuple(map(len, signals[name])), []).append(name)
    for names in alike.values():
        yield [np.column_stack(cells) for cells in zip(*(signals[name] for name in names), strict=True)]


def _share(looks: list[tuple[set[int], set[int]]], n_series: int) -> float:
    """Return the share of the series that overlap wherever they were looked at and that could be told."""
    told = set().union(*(told for _, told in looks))
    agreed = [number for number in told if all(number in found for found, told in looks if number in told)]
    return len(agreed) / max(1, n_series)


def _found_and_told(series: list[Array]) -> tuple[set[int], set[int]]:
    """Find the series whose first values stand in another one, from there to an end of either.

    Parameters
    ----------
    series
        Arrays of shape (n_samples, n_signals), n_samples of any number. All signals must be the same.

    Returns
    -------
    The numbers of those that are found, and of those whose first values tell anything.
    """
    import numpy as np

    heads: dict[bytes, list[int]] = {}
    exact = [np.ascontiguousarray(values, dtype="float64") for values in series]
    for number, values in enumerate(exact):
        # A constant head is found anywhere.
        if len(values) > STRETCH and (np.ptp(values[:STRETCH], axis=0) > 0).any():
            heads.setdefault(values[:STRETCH].tobytes(), []).append(number)
    told = {number for numbers in heads.values() for number in numbers}
    found: set[int] = set()
    looked = 0
    for number, values in enumerate(exact):
        looked += values.size
        if looked > MOST_VALUES:
            break
        data, row = values.tobytes(), values[:1].nbytes
        for start in range(len(values) - STRETCH + 1):
            head = data[row * start : row * (start + STRETCH)]
            if head not in heads:
                continue
            for other in heads[head]:
                shared = min(len(values) - start, len(exact[other]))
                looked += shared * values[0].size
                if other != number and np.array_equal(values[start : start + shared], exact[other][:shared]):
                    found.add(other)
            # What was found need not be looked for again, or many that are alike would take the square of their number.
            heads[head] = [other for other in heads[head] if other not in found]
    return found, told
