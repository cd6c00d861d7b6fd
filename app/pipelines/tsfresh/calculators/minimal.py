"""tsfresh's minimal set, of series of any lengths."""

from __future__ import annotations

from app.pipelines.tsfresh.calculators.batch import Batch, Column


def sum_values(batch: Batch) -> Column:
    """Return the sums."""
    return batch.total


def median(batch: Batch) -> Column:
    """Return the medians."""
    return batch.median


def mean(batch: Batch) -> Column:
    """Return the means."""
    return batch.mean


def length(batch: Batch) -> Column:
    """Return the numbers of samples."""
    return batch.lengths


def standard_deviation(batch: Batch) -> Column:
    """Return the standard deviations."""
    return batch.deviation


def variance(batch: Batch) -> Column:
    """Return the variances."""
    return batch.variance


def root_mean_square(batch: Batch) -> Column:
    """Return the roots of the mean squares."""
    return batch.root(batch.sum(batch.values * batch.values) / batch.lengths)


def maximum(batch: Batch) -> Column:
    """Return the greatest values."""
    return batch.largest


def absolute_maximum(batch: Batch) -> Column:
    """Return the greatest magnitudes."""
    return batch.magnitude


def minimum(batch: Batch) -> Column:
    """Return the least values."""
    return batch.smallest
