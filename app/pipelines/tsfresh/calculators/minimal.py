"""tsfresh's minimal set, of series of any lengths."""

from __future__ import annotations

import numpy as np

from app.pipelines.tsfresh.calculators.batch import Array, Batch


def sum_values(batch: Batch) -> Array:
    """Return the sums."""
    return batch.total


def median(batch: Batch) -> Array:
    """Return the medians."""
    return batch.median


def mean(batch: Batch) -> Array:
    """Return the means."""
    return batch.mean


def length(batch: Batch) -> Array:
    """Return the numbers of samples."""
    return batch.lengths


def standard_deviation(batch: Batch) -> Array:
    """Return the standard deviations."""
    return batch.deviation


def variance(batch: Batch) -> Array:
    """Return the variances."""
    return batch.variance


def root_mean_square(batch: Batch) -> Array:
    """Return the roots of the mean squares."""
    squares: Array = np.sqrt(batch.sum(batch.values * batch.values) / batch.lengths)
    return squares


def maximum(batch: Batch) -> Array:
    """Return the greatest values."""
    return batch.largest


def absolute_maximum(batch: Batch) -> Array:
    """Return the greatest magnitudes."""
    greatest: Array = np.maximum(batch.largest, -batch.smallest)
    return greatest


def minimum(batch: Batch) -> Array:
    """Return the least values."""
    return batch.smallest
