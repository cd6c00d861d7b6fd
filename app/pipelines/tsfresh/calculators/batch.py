"""Series as calculators take them: side by side in two dimensions, one after another where lengths differ, or alone.

Sums are those of NumPy for one series, bit for bit, in each layout: whether a value lies above a mean must not depend
on what else is computed with it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

#: A number for each series, shape (n_series,), or that of the only one.
Column = Array | float


class Batch(ABC):
    """Series of which the same features are computed, and what most of them need.

    Attributes
    ----------
    values
        All values, in the layout of the batch.
    lengths
        Samples of each series; one number, or shape (), where all have as many.
    total, mean, variance, deviation, largest, smallest, median
        Of each series, shape (n_series,), or a number of the only one.
    centred
        The values less the mean of their series.
    """

    total: Column
    mean: Column
    variance: Column
    deviation: Column
    largest: Column
    smallest: Column
    median: Column

    def __init__(self, values: Array, lengths: Column) -> None:
        self.values = values
        self.lengths = lengths
        self.total = self.sum(values)
        self.mean = self.total / lengths
        self.centred: Array = values - self.spread(self.mean)
        self.variance = self.sum(self.centred * self.centred) / lengths
        self.deviation = self.root(self.variance)

    @abstractmethod
    def sum(self, values: Array) -> Column:
        """Add up each series of an array of the layout. The array may be written to."""

    @abstractmethod
    def spread(self, column: Any) -> Column:
        """Return a number for each series so that it meets the values of that series."""

    @abstractmethod
    def root(self, column: Any) -> Column:
        """Return the square root of a number for each series."""

    @property
    @abstractmethod
    def magnitude(self) -> Column:
        """The greatest magnitude of each series."""


class Single(Batch):
    """One series, whose numbers are Python's: operations on arrays that have one take several times as long.

    Parameters
    ----------
    values
        Shape (n_samples,), float64, contiguous.
    """

    largest: float
    smallest: float

    def __init__(self, values: Array) -> None:
        n = len(values)
        super().__init__(values, float(n))
        ordered = values.copy()
        ordered.sort()
        half = n // 2
        median = ordered.item(half) if n % 2 else (ordered.item(half - 1) + ordered.item(half)) / 2
        self.largest = ordered.item(-1)
        # NaN comes last in the order of a series, and a minimum with it is NaN.
        unknown = math.isnan(self.largest)
        self.smallest, self.median = (math.nan, math.nan) if unknown else (ordered.item(0), median)

    def sum(self, values: Array) -> float:
        """Add up the series."""
        return float(np.add.reduce(values))

    def spread(self, column: float) -> float:
        """Return the number: it meets every value."""
        return column

    def root(self, column: float) -> float:
        """Return the square root of a number."""
        return math.sqrt(column)

    @property
    def magnitude(self) -> float:
        """The greatest magnitude."""
        return max(self.largest, -self.smallest)


class Several(Batch):
    """Series with an array of what there is of each."""

    lengths: Array
    total: Array
    mean: Array
    variance: Array
    deviation: Array
    largest: Array
    smallest: Array
    median: Array

    def root(self, column: Array) -> Array:
        """Return the square root of a number for each series."""
        roots: Array = np.sqrt(column)
        return roots

    @property
    def magnitude(self) -> Array:
        """The greatest magnitude of each series."""
        greatest: Array = np.maximum(self.largest, -self.smallest)
        return greatest


class Equal(Several):
    """Series of one length.

    Parameters
    ----------
    values
        Shape (n_series, n_samples), float64, contiguous.
    times
        Shape (n_series, n_samples), datetime64, or None.

    Attributes
    ----------
    sorted
        The values of each series in their order, shape (n_series, n_samples).
    shared
        What calculators share, by what it is.
    """

    def __init__(self, values: Array, times: Array | None = None) -> None:
        self.n = values.shape[1]
        # An array, as NumPy would make one of a number for each division.
        super().__init__(values, np.array(float(self.n)))
        self.times = times
        self.shared: dict[Any, Any] = {}
        ordered = values.copy()
        ordered.sort(axis=1)
        self.sorted = ordered
        half = self.n // 2
        median = ordered[:, half] if self.n % 2 else (ordered[:, half - 1] + ordered[:, half]) / 2
        # NaN comes last in the order of a series, and a minimum with it is NaN.
        self.largest = ordered[:, -1]
        self.smallest = np.minimum(ordered[:, 0], self.largest)
        self.median = np.minimum(median, self.largest)

    def __len__(self) -> int:
        return len(self.values)

    def sum(self, values: Array) -> Array:
        """Add up each row."""
        total: Array = np.add.reduce(values, axis=1)
        return total

    def spread(self, column: Array) -> Array:
        """Return a number for each series as a column."""
        return column[:, None]

    @cached_property
    def changes(self) -> Array:
        """Differences of neighbours, shape (n_series, n_samples - 1)."""
        return self.values[:, 1:] - self.values[:, :-1]


class Ragged(Several):
    """Series of any lengths, none of them empty.

    Each begins with a place of its own, where a sum begins with 0: `np.add.reduceat` takes the first value by itself
    and adds the others in pairs, so that this gives what `np.sum` does.

    Parameters
    ----------
    values
        Shape (n_rows,), float64: the first series, then the second, …
    lengths
        Samples of each series, shape (n_series,).
    """

    def __init__(self, values: Array, lengths: Array) -> None:
        starts = np.cumsum(lengths) - lengths
        self._places = starts + np.arange(len(lengths))
        self._repeats = lengths + 1
        super().__init__(spaced(values, self._places), lengths)
        self.largest = np.maximum.reduceat(values, starts)
        self.smallest = np.minimum.reduceat(values, starts)
        self.median = _medians(values, starts, lengths)

    def sum(self, values: Array) -> Array:
        """Add up each series."""
        values[self._places] = 0.0
        total: Array = np.add.reduceat(values, self._places)
        return total

    def spread(self, column: Array) -> Array:
        """Return a number for each series as often as it has values."""
        return column.repeat(self._repeats)


def _medians(values: Array, starts: Array, lengths: Array) -> Array:
    """Return the medians of series that lie one after another, shape (n_series,)."""
    found = np.empty(len(lengths))
    # Padded to the longest of those that are less than twice as long as each other, which bounds the waste.
    sizes = np.frexp(lengths)[1]
    for size in np.unique(sizes):
        rows = np.flatnonzero(sizes == size)
        some = lengths[rows]
        inside = np.arange(some.max()) < some[:, None]
        padded = np.full(inside.shape, np.inf)
        padded[inside] = values[np.repeat(starts[rows], some) + counting(some)]
        padded.sort(axis=1)
        places = np.arange(len(rows))
        median = (padded[places, (some - 1) // 2] + padded[places, some // 2]) / 2
        # NaN comes last in the order of a series, behind what it is padded with.
        found[rows] = np.minimum(median, padded[:, -1])
    return found


def counting(lengths: Array) -> Array:
    """Return 0, 1, … for each length, one after another."""
    starts = np.cumsum(lengths) - lengths
    counted: Array = np.arange(lengths.sum()) - np.repeat(starts, lengths)
    return counted


def spaced(values: Array, places: Array) -> Array:
    """Return values with a zero in each of some places, shape (len(values) + len(places),)."""
    apart = np.zeros(len(values) + len(places))
    kept = np.ones(len(apart), "bool")
    kept[places] = False
    apart[kept] = values
    return apart


def sums(values: Array, lengths: Array) -> Array:
    """Add up stretches that lie one after another, some of them empty, each as `np.sum` does; shape (len(lengths),)."""
    places = np.cumsum(lengths) - lengths + np.arange(len(lengths))
    total: Array = np.add.reduceat(spaced(values, places), places)
    return total


def quantiles(ordered: Array, shares: Array) -> Array:
    """Return quantiles of ordered rows, rounded as `np.quantile` does, shape (n_rows, n_shares)."""
    place = shares * (ordered.shape[1] - 1)
    before = place.astype("int64")
    low, high = ordered[:, before], ordered[:, np.minimum(before + 1, ordered.shape[1] - 1)]
    part, apart = place - before, high - low
    # From the nearer of the two.
    found: Array = np.where(part >= 0.5, high - apart * (1 - part), low + apart * part)
    return found
