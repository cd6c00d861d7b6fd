"""Series as calculators take them: side by side in two dimensions, or one after another where lengths differ.

Sums are those of NumPy for one series, bit for bit, in both layouts: whether a value lies above a mean must not depend
on what else is computed with it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Batch(ABC):
    """Series of which the same features are computed.

    Attributes
    ----------
    values
        All values, in the layout of the batch.
    lengths
        Samples of each series: a number, or shape (n_series,).
    """

    values: Array
    lengths: Any

    @abstractmethod
    def sum(self, values: Array) -> Array:
        """Add up each series of an array of the layout, shape (n_series,). The array may be written to."""

    @abstractmethod
    def spread(self, column: Array) -> Array:
        """Return a number for each series so that it meets the values of that series."""

    @property
    @abstractmethod
    def largest(self) -> Array:
        """The greatest value of each series, shape (n_series,)."""

    @property
    @abstractmethod
    def smallest(self) -> Array:
        """The least value of each series, shape (n_series,)."""

    @property
    @abstractmethod
    def median(self) -> Array:
        """The median of each series, shape (n_series,)."""

    @cached_property
    def total(self) -> Array:
        """The sum of each series, shape (n_series,)."""
        return self.sum(self.values)

    @cached_property
    def mean(self) -> Array:
        """The mean of each series, shape (n_series,)."""
        mean: Array = self.total / self.lengths
        return mean

    @cached_property
    def centred(self) -> Array:
        """The values less the mean of their series."""
        centred: Array = self.values - self.spread(self.mean)
        return centred

    @cached_property
    def variance(self) -> Array:
        """The variance of each series, shape (n_series,)."""
        variance: Array = self.sum(self.centred * self.centred) / self.lengths
        return variance

    @cached_property
    def deviation(self) -> Array:
        """The standard deviation of each series, shape (n_series,)."""
        deviation: Array = np.sqrt(self.variance)
        return deviation


class Equal(Batch):
    """Series of one length.

    Parameters
    ----------
    values
        Shape (n_series, n_samples), float64, contiguous.
    times
        Shape (n_series, n_samples), datetime64, or None.
    """

    def __init__(self, values: Array, times: Array | None = None) -> None:
        self.values = values
        self.lengths = self.n = values.shape[1]
        self.times = times
        #: What calculators share, by what it is.
        self.shared: dict[Any, Any] = {}

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
    def largest(self) -> Array:
        """The greatest value of each series, shape (n_series,)."""
        largest: Array = np.maximum.reduce(self.values, axis=1)
        return largest

    @cached_property
    def smallest(self) -> Array:
        """The least value of each series, shape (n_series,)."""
        smallest: Array = np.minimum.reduce(self.values, axis=1)
        return smallest

    @cached_property
    def sorted(self) -> Array:
        """The values of each series in their order, shape (n_series, n_samples)."""
        return np.sort(self.values, axis=1)

    @cached_property
    def median(self) -> Array:
        """The median of each series, shape (n_series,)."""
        ordered, half = self.sorted, self.n // 2
        median: Array = ordered[:, half] if self.n % 2 else (ordered[:, half - 1] + ordered[:, half]) / 2
        # NaN comes last in the order of a series.
        return np.where(np.isnan(ordered[:, -1]), np.nan, median)

    @cached_property
    def changes(self) -> Array:
        """Differences of neighbours, shape (n_series, n_samples - 1)."""
        return self.values[:, 1:] - self.values[:, :-1]


class Ragged(Batch):
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
        self.lengths = lengths
        self._flat = values
        self._starts = np.cumsum(lengths) - lengths
        self._places = self._starts + np.arange(len(lengths))
        self.values = spaced(values, self._places)

    def sum(self, values: Array) -> Array:
        """Add up each series."""
        values[self._places] = 0.0
        total: Array = np.add.reduceat(values, self._places)
        return total

    def spread(self, column: Array) -> Array:
        """Return a number for each series as often as it has values."""
        return column.repeat(self.lengths + 1)

    @cached_property
    def largest(self) -> Array:
        """The greatest value of each series, shape (n_series,)."""
        largest: Array = np.maximum.reduceat(self._flat, self._starts)
        return largest

    @cached_property
    def smallest(self) -> Array:
        """The least value of each series, shape (n_series,)."""
        smallest: Array = np.minimum.reduceat(self._flat, self._starts)
        return smallest

    @cached_property
    def median(self) -> Array:
        """The median of each series, shape (n_series,)."""
        found = np.empty(len(self.lengths))
        # Padded to the longest of those that are less than twice as long as each other, which bounds the waste.
        sizes = np.frexp(self.lengths)[1]
        for size in np.unique(sizes):
            rows = np.flatnonzero(sizes == size)
            lengths = self.lengths[rows]
            inside = np.arange(lengths.max()) < lengths[:, None]
            padded = np.full(inside.shape, np.inf)
            padded[inside] = self._flat[np.repeat(self._starts[rows], lengths) + counting(lengths)]
            ordered = np.sort(padded, axis=1)
            places = np.arange(len(rows))
            found[rows] = (ordered[places, (lengths - 1) // 2] + ordered[places, lengths // 2]) / 2
            # NaN comes last in the order of a series, behind what it is padded with.
            unknown = np.isnan(ordered[:, -1])
            found[rows[unknown]] = np.nan
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
