"""How surprising a series is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from app.pipelines.tsfresh.calculators.batch import Array, Equal, sums
from app.pipelines.tsfresh.calculators.partly import Partly
from app.pipelines.tsfresh.calculators.spectra import power

#: Pairs of windows that are compared at once.
_AT_ONCE = 2_000_000


def binned_entropy(batch: Equal, params: list[dict[str, Any]]) -> Partly:
    """Return the entropies of histograms of equal bins."""
    return _of_histograms(batch.values, [entry["max_bins"] for entry in params])


def fourier_entropy(batch: Equal, params: list[dict[str, Any]]) -> Partly:
    """Return the entropies of histograms of the power spectral density."""
    density = power(batch)
    return _of_histograms(density / density.max(axis=1)[:, None], [entry["bins"] for entry in params])


def _of_histograms(rows: Array, numbers: list[int]) -> Partly:
    """Return the entropies of the rows' histograms, shape (n_rows, len(numbers)); NaN of a row that has one.

    Left are rows whose range is too narrow for the bins: NumPy refuses them.
    """
    first, last = rows.min(axis=1), rows.max(axis=1)
    flat = first == last
    first, last = np.where(flat, first - 0.5, first), np.where(flat, last + 0.5, last)
    place, bins, ends, inside = _edges(tuple(numbers))
    edges = place * ((last - first)[:, None] / bins) + first[:, None]
    edges[:, ends] = last[:, None]
    left = (edges[:, 1:] <= edges[:, :-1])[:, inside].any(axis=1)
    below = np.stack([np.searchsorted(row, bounds) for row, bounds in zip(np.sort(rows, axis=1), edges, strict=True)])
    # The last bin has its right edge too.
    below[:, ends] = rows.shape[1]
    shares = (below[:, 1:] - below[:, :-1])[:, inside] / rows.shape[1]
    shares[shares == 0] = 1.0
    found = -sums((shares * np.log(shares)).ravel(), np.tile(numbers, len(rows))).reshape(len(rows), -1)
    found[np.isnan(first)] = np.nan
    return Partly(found, left)


@lru_cache(maxsize=64)
def _edges(numbers: tuple[int, ...]) -> tuple[Array, Array, Array, Array]:
    """Return what `np.linspace` makes the edges of histograms of, one after another.

    Place of each edge, bins of its histogram, which edges are the last ones, and which of the gaps between two edges
    are bins.
    """
    ends = np.cumsum(np.array(numbers) + 1) - 1
    place = np.concatenate([np.arange(n + 1.0) for n in numbers])
    return place, np.repeat(numbers, np.array(numbers) + 1), ends, np.flatnonzero(place[1:] > 0)


def permutation_entropy(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return the entropies of the orders of consecutive values (Bandt and Pompe, 2002)."""
    found = np.full((len(batch), len(params)), np.nan)
    for column, entry in enumerate(params):
        size = entry["dimension"]
        if size > batch.n:
            continue
        # tsfresh sorts once more, which gives the order another name, and the same number of each.
        found[:, column] = _of_orders(np.argsort(batch.values[:, _windows(batch.n, size, entry["tau"])]))
    return found


def _windows(n: int, size: int, step: int) -> Array:
    """Return the places of windows of a series, shape (n_windows, size)."""
    places: Array = np.arange(0, n - size + 1, step)[:, None] + np.arange(size)
    return places


def _of_orders(orders: Array) -> Array:
    """Return the entropies of permutations of shape (n_series, n_windows, size)."""
    n_series, n_windows, size = orders.shape
    codes = np.sort(orders @ size ** np.arange(size - 1, -1, -1), axis=1).ravel()
    first = np.ones(len(codes), "bool")
    np.not_equal(codes[1:], codes[:-1], out=first[1:])
    first[::n_windows] = True
    places = np.flatnonzero(first)
    shares = np.concatenate([places[1:], [len(codes)]])
    shares = (shares - places) / n_windows
    starts = np.searchsorted(places, np.arange(n_series) * n_windows)
    found: Array = -np.add.reduceat(shares * np.log(shares), starts)
    return found


def short_enough(params: dict[str, Any]) -> bool:
    """Tell whether a permutation of the size fits into an integer as a number."""
    return bool(2 <= params["dimension"] <= 15)


def lempel_ziv_complexity(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return the numbers of words in a dictionary of the binned values, by the length (Lempel and Ziv, 1976)."""
    found = np.empty((len(batch), len(params)))
    width = batch.largest - batch.smallest
    for column, entry in enumerate(params):
        bins = entry["bins"]
        edges = np.arange(1.0, bins + 1) * (width / bins)[:, None] + batch.smallest[:, None]
        edges[:, -1] = batch.largest
        for row, series in enumerate(batch.values):
            found[row, column] = _words(np.searchsorted(edges[row], series).tolist(), bins + 1) / batch.n
    return found


def _words(symbols: list[int], n_symbols: int) -> int:
    """Return how many words a text is cut into, each the shortest that was not there yet.

    A word is one that was there before and one symbol more, so words are numbers, and leave room for symbols between.
    """
    words: dict[int, int] = {}
    known, word, number = words.get, 0, 0
    for symbol in symbols:
        longer = word + symbol
        word = known(longer, 0)
        if not word:
            number += n_symbols
            words[longer] = number
    return len(words)


def sample_entropy(batch: Equal) -> Array:
    """Return the sample entropies for windows of 2 within a fifth of the deviation (Richman and Moorman, 2000)."""
    found = np.empty(len(batch))
    for row, series in enumerate(batch.values):
        bound = 0.2 * batch.deviation[row]
        short, long = (sum(int(np.sum(n)) for n in _alike(series, size, [bound])) for size in (2, 3))
        # Each window is like itself.
        short, long = short - max(batch.n - 1, 0), long - max(batch.n - 2, 0)
        found[row] = -np.log(np.float64(long) / np.float64(short))
    return found


def approximate_entropy(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return the approximate entropies (Pincus, 1991)."""
    found = np.zeros((len(batch), len(params)))
    for size in {entry["m"] for entry in params if batch.n > entry["m"] + 1}:
        columns = [column for column, entry in enumerate(params) if entry["m"] == size]
        shares = np.array([params[column]["r"] for column in columns])
        for row, series in enumerate(batch.values):
            bounds = shares * batch.deviation[row]
            short, long = (_alikeness(series, longer, bounds) for longer in (size, size + 1))
            found[row, columns] = np.abs(short - long)
    return found


def _alikeness(series: Array, size: int, bounds: Array) -> Array:
    """Return the mean logarithm of the shares of windows that are alike, shape (len(bounds),)."""
    windows = len(series) - size + 1
    numbers = np.concatenate(list(_alike(series, size, bounds)), axis=1)
    mean: Array = np.sum(np.log(numbers / windows), axis=1) / windows
    return mean


def _alike(series: Array, size: int, bounds: Any) -> Any:
    """Yield how many windows differ from each window nowhere by more than a bound, shape (len(bounds), some windows).

    A part of the windows is compared with all at a time: there is no room for every pair of a long series.
    """
    windows = len(series) - size + 1
    step = max(1, _AT_ONCE // max(1, windows))
    for first in range(0, windows, step):
        last = min(first + step, windows)
        apart = np.abs(series[first:last, None] - series[:windows])
        for lag in range(1, size):
            other = np.abs(series[first + lag : last + lag, None] - series[lag : windows + lag])
            np.maximum(apart, other, out=apart)
        yield np.stack([np.count_nonzero(apart <= bound, axis=1) for bound in bounds])
