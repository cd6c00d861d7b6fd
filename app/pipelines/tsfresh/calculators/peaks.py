"""How many peaks a series has."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from app.pipelines.tsfresh.calculators.batch import Array, Equal

#: Share of the values in a window that count as noise, in percent, as SciPy's `find_peaks_cwt` has it.
_NOISE = 10


#: Values around others that are sorted at once: there is no room for all of a long series.
_AT_ONCE = 2_000_000


def number_peaks(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return how many values are greater than the n before and the n after them."""
    found = np.zeros((len(batch), len(params)))
    rows, places = None, None
    for support in sorted({entry["n"] for entry in params}):
        if batch.n <= 2 * support:
            break
        if rows is None or places is None:
            x = batch.values
            rows, places = np.nonzero((x[:, 1:-1] > x[:, :-2]) & (x[:, 1:-1] > x[:, 2:]))
            places += 1
        inside = (places >= support) & (places < batch.n - support)
        rows, places = rows[inside], places[inside]
        around = batch.values[rows[:, None], places[:, None] + np.arange(-support, support + 1)]
        greatest = np.maximum(around[:, :support].max(axis=1), around[:, support + 1 :].max(axis=1))
        kept = around[:, support] > greatest
        rows, places = rows[kept], places[kept]
        counted = np.bincount(rows, minlength=len(batch))
        found[:, [column for column, entry in enumerate(params) if entry["n"] == support]] = counted[:, None]
    return found


def number_cwt_peaks(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return how many peaks stand out of a wavelet transform with the widths 1, …, n (Du, Kibbe and Lin, 2006)."""
    widest = max(entry["n"] for entry in params)
    transformed = np.empty((len(batch), widest, batch.n))
    for width in range(1, widest + 1):
        wavelet = _ricker(min(10 * width, batch.n), width)
        for row, series in enumerate(batch.values):
            transformed[row, width - 1] = np.convolve(series, wavelet, "same")
    inner = transformed[:, :, 1:-1]
    peaks = np.zeros(transformed.shape, "bool")
    peaks[:, :, 1:-1] = (inner > transformed[:, :, 2:]) & (inner > transformed[:, :, :-2])
    noise = _noise(transformed[:, 0])
    found = np.empty((len(batch), len(params)))
    for column, entry in enumerate(params):
        least = -(-entry["n"] // 4)
        for row in range(len(batch)):
            ends = _ridges([np.flatnonzero(level).tolist() for level in peaks[row, : entry["n"]]], least)
            levels, places = np.array(ends, "int64").reshape(-1, 2).T
            ratio = np.abs(transformed[row, levels, places] / noise[row, places])
            found[row, column] = np.count_nonzero(~(ratio < 1))
    return found


@lru_cache(maxsize=128)
def _ricker(points: int, width: int) -> Array:
    """Return the Mexican hat of a width, turned round."""
    place = np.arange(0, points) - (points - 1.0) / 2
    squares = place**2
    amplitude = 2 / (np.sqrt(3 * width) * np.pi**0.25)
    hat: Array = amplitude * (1 - squares / width**2) * np.exp(-squares / (2 * width**2))
    return hat[::-1]


def _noise(rows: Array) -> Array:
    """Return a low percentile of what is around each value, a twentieth of the row, shape of the rows."""
    n = rows.shape[1]
    half, odd = divmod(int(np.ceil(n / 20)), 2)
    # Around the ends there are fewer values; what is beyond them is not below any.
    padded = np.full((len(rows), n + 2 * half + odd), np.inf)
    padded[:, half : half + n] = rows
    width, found = 2 * half + odd, np.empty(rows.shape)
    step = max(1, _AT_ONCE // (len(rows) * width))
    for start in range(0, n, step):
        places = np.arange(start, min(start + step, n))
        around = np.sort(padded[:, places[:, None] + np.arange(width)], axis=2)
        # Interpolated as SciPy's `scoreatpercentile` does.
        wanted = _NOISE / 100.0 * (np.minimum(places + half + odd, n) - np.maximum(places - half, 0) - 1)
        low, some = wanted.astype("int64"), places - start
        below = around[:, some, low]
        above = around[:, some, np.minimum(low + 1, width - 1)]
        first, second = low + 1 - wanted, wanted - low
        between = (below * first + above * second) / (first + second)
        found[:, places] = np.where(second == 0, below, between)
    return found


def _ridges(peaks: list[list[int]], least: int) -> list[tuple[int, int]]:
    """Return level and place at which each ridge over at least some levels ends.

    Ridges start at the coarsest level with any peak. A peak of a finer level continues the ridge that is nearest to
    it, up to a quarter of its width; a ridge ends where two levels have nothing of it.

    Parameters
    ----------
    peaks
        Places of the peaks of each level, the finest first.
    """
    start = max((level for level, places in enumerate(peaks) if places), default=-1)
    # Level and place of the last peak, peaks, and levels without any since.
    open_ = [[start, place, 1, 0] for place in peaks[start]] if start >= 0 else []
    ended: list[list[int]] = []
    for level in range(start - 1, -1, -1):
        reach = (level + 1) // 4
        nearest = {ridge[1]: number for number, ridge in reversed(list(enumerate(open_)))}
        for ridge in open_:
            ridge[3] += 1
        for place in peaks[level]:
            number = _nearest(nearest, place, reach)
            if number is None:
                open_.append([level, place, 1, 0])
                continue
            ridge = open_[number]
            ridge[:] = [level, place, ridge[2] + 1, 0]
        ended += [ridge for ridge in open_ if ridge[3] > 1]
        open_ = [ridge for ridge in open_ if ridge[3] <= 1]
    return [(level, place) for level, place, peaks_, _ in ended + open_ if peaks_ >= least]


def _nearest(places: dict[int, int], place: int, reach: int) -> int | None:
    """Return the number of the ridge nearest to a place; of two as near, the first."""
    for distance in range(reach + 1):
        found = [places[other] for other in (place - distance, place + distance) if other in places]
        if found:
            return min(found)
    return None
