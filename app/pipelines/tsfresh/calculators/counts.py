"""How many values lie where, and how often values come again."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from app.pipelines.tsfresh.calculators.batch import Array, Equal, sums


def _number(where: Array) -> Array:
    """Return how many there are in each row."""
    counted: Array = np.add.reduce(where, axis=-1, dtype="int64")
    return counted


def _longest(where: Array) -> Array:
    """Return the length of the longest run in each row, shape (n_series,)."""
    place = np.arange(1, where.shape[1] + 1)
    before = np.maximum.accumulate(np.where(where, 0, place), axis=1)
    longest: Array = np.maximum.reduce(place - before, axis=1)
    return longest


def count_above_mean(batch: Equal) -> Array:
    """Return the numbers of values above the mean."""
    return _number(batch.values > batch.mean[:, None])


def count_below_mean(batch: Equal) -> Array:
    """Return the numbers of values below the mean."""
    return _number(batch.values < batch.mean[:, None])


def longest_strike_above_mean(batch: Equal) -> Array:
    """Return the lengths of the longest stretches above the mean."""
    return _longest(batch.values > batch.mean[:, None])


def longest_strike_below_mean(batch: Equal) -> Array:
    """Return the lengths of the longest stretches below the mean."""
    return _longest(batch.values < batch.mean[:, None])


def count_above(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return the shares of values of at least t."""
    share: Array = np.column_stack([_number(batch.values >= entry["t"]) for entry in params]) / batch.n
    return share


def count_below(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return the shares of values of at most t."""
    share: Array = np.column_stack([_number(batch.values <= entry["t"]) for entry in params]) / batch.n
    return share


def value_count(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return how often a value occurs."""
    return np.column_stack([_number(batch.values == entry["value"]) for entry in params])


def range_count(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return how many values are at least `min` and below `max`."""
    found = [_number((batch.values >= entry["min"]) & (batch.values < entry["max"])) for entry in params]
    return np.column_stack(found)


def ratio_beyond_r_sigma(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return the shares of values more than r standard deviations off the mean."""
    distance = np.abs(batch.centred)
    bounds = np.array([entry["r"] for entry in params]) * batch.deviation[:, None]
    beyond: Array = _number(distance[:, None, :] > bounds[:, :, None]) / batch.n
    return beyond


def number_crossing_m(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return how often a series crosses m."""
    above = batch.values[:, None, :] > np.array([entry["m"] for entry in params])[:, None]
    return _number(above[:, :, 1:] != above[:, :, :-1])


def has_duplicate_max(batch: Equal) -> Array:
    """Tell whether the greatest value comes again."""
    return _number(batch.values == batch.largest[:, None]) >= 2


def has_duplicate_min(batch: Equal) -> Array:
    """Tell whether the least value comes again."""
    return _number(batch.values == batch.smallest[:, None]) >= 2


class Distinct:
    """The distinct values of series, one series after another.

    Attributes
    ----------
    values, often
        Each distinct value, in its order, and how often it comes, shape (n_distinct,).
    numbers
        Distinct values of each series, shape (n_series,).
    starts
        Where each series begins, shape (n_series,).
    """

    def __init__(self, batch: Equal) -> None:
        first = np.ones(batch.values.shape, "bool")
        np.not_equal(batch.sorted[:, 1:], batch.sorted[:, :-1], out=first[:, 1:])
        places = np.flatnonzero(first)
        self.values = batch.sorted.ravel()[places]
        self.often = np.concatenate([places[1:], [first.size]]) - places
        self.numbers = _number(first)
        self.starts = np.cumsum(self.numbers) - self.numbers

    @classmethod
    def of(cls, batch: Equal) -> Distinct:
        """Return those of a batch, found once."""
        if cls not in batch.shared:
            batch.shared[cls] = cls(batch)
        found: Distinct = batch.shared[cls]
        return found

    def again(self, values: Array) -> Array:
        """Add up integers of the distinct values that come more than once, shape (n_series,)."""
        total: Array = np.add.reduceat(np.where(self.often > 1, values, 0), self.starts)
        return total


def has_duplicate(batch: Equal) -> Array:
    """Tell whether any value comes again."""
    again: Array = Distinct.of(batch).numbers != batch.n
    return again


def ratio_value_number_to_time_series_length(batch: Equal) -> Array:
    """Return the numbers of distinct values by that of all."""
    ratio: Array = Distinct.of(batch).numbers / batch.n
    return ratio


def percentage_of_reoccurring_values_to_all_values(batch: Equal) -> Array:
    """Return which share of the distinct values comes again."""
    distinct = Distinct.of(batch)
    return distinct.again(np.ones_like(distinct.often)) / distinct.numbers


def percentage_of_reoccurring_datapoints_to_all_datapoints(batch: Equal) -> Array:
    """Return which share of all values has an equal one."""
    distinct = Distinct.of(batch)
    share: Array = distinct.again(distinct.often) / batch.n
    return share


def sum_of_reoccurring_values(batch: Equal) -> Array:
    """Return the sums of the distinct values that come again."""
    distinct = Distinct.of(batch)
    return sums((distinct.often > 1) * distinct.values, distinct.numbers)


def sum_of_reoccurring_data_points(batch: Equal) -> Array:
    """Return the sums of all values that have an equal one."""
    distinct = Distinct.of(batch)
    return sums(np.where(distinct.often > 1, distinct.often, 0) * distinct.values, distinct.numbers)


#: How often each digit is the first one by Benford's law.
_LAW = np.array([np.log10(1 + 1 / digit) for digit in range(1, 10)])


def benford_correlation(batch: Equal) -> Array:
    """Return how the first digits correlate with Benford's law (Newcomb, 1881)."""
    digits = _first_digits(np.abs(batch.values))
    cells = (digits + 10 * np.arange(len(batch))[:, None]).ravel()
    shares = np.bincount(cells, minlength=10 * len(batch)).reshape(-1, 10)[:, 1:] / batch.n
    both = np.empty((len(batch), 2, 9))
    both[:, 0], both[:, 1] = _LAW, shares
    both -= both.mean(axis=2, keepdims=True)
    products = np.matmul(both, both.swapaxes(1, 2)) * np.true_divide(1, 8)
    found = products[:, 0, 1] / np.sqrt(products[:, 0, 0]) / np.sqrt(products[:, 1, 1])
    clipped: Array = np.clip(found, -1, 1)
    return clipped


def _first_digits(values: Array) -> Array:
    """Return the first significant decimal digit of the shortest text of each magnitude; 0 of 0.

    Shortest texts are ordered as numbers are, so a digit changes where the number of d·10ᵉ lies.
    """
    place = np.searchsorted(_powers(), values, side="right")
    return np.where(place > 0, (place - 1) % 9 + 1, 0)


@cache
def _powers() -> Array:
    """Return 1e-300, 2e-300, …; made once, and only if it is asked for."""
    return np.array([float(f"{digit}e{power}") for power in range(-300, 300) for digit in range(1, 10)])
