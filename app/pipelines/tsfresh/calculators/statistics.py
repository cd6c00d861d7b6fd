"""Sizes, places and shapes of the values of a series."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.pipelines.tsfresh.calculators.batch import Array, Equal, quantiles


def abs_energy(batch: Equal) -> Array:
    """Return the sums of squares."""
    energy: Array = np.vecdot(batch.values, batch.values)
    return energy


def variance_larger_than_standard_deviation(batch: Equal) -> Array:
    """Tell whether the variance is above 1."""
    return batch.variance > batch.deviation


def variation_coefficient(batch: Equal) -> Array:
    """Return the standard deviations by the means."""
    return np.where(batch.mean == 0, np.nan, batch.deviation / batch.mean)


def large_standard_deviation(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Tell whether the standard deviation is above a share r of the range."""
    large: Array = batch.deviation[:, None] > _of_range(batch, params)
    return large


def symmetry_looking(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Tell whether mean and median are less than a share r of the range apart."""
    symmetric: Array = np.abs(batch.mean - batch.median)[:, None] < _of_range(batch, params)
    return symmetric


def _of_range(batch: Equal, params: list[dict[str, Any]]) -> Array:
    bounds: Array = np.array([entry["r"] for entry in params]) * (batch.largest - batch.smallest)[:, None]
    return bounds


def first_location_of_maximum(batch: Equal) -> Array:
    """Return where the greatest value comes first, as a share of the length."""
    place: Array = np.argmax(batch.values, axis=1) / batch.n
    return place


def first_location_of_minimum(batch: Equal) -> Array:
    """Return where the least value comes first, as a share of the length."""
    place: Array = np.argmin(batch.values, axis=1) / batch.n
    return place


def last_location_of_maximum(batch: Equal) -> Array:
    """Return where the greatest value has come last, as a share of the length."""
    place: Array = 1.0 - np.argmax(batch.values[:, ::-1], axis=1) / batch.n
    return place


def last_location_of_minimum(batch: Equal) -> Array:
    """Return where the least value has come last, as a share of the length."""
    place: Array = 1.0 - np.argmin(batch.values[:, ::-1], axis=1) / batch.n
    return place


def mean_n_absolute_max(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return the means of the greatest magnitudes."""
    ordered = np.sort(np.abs(batch.values), axis=1)
    found = np.full((len(batch), len(params)), np.nan)
    for column, entry in enumerate(params):
        if batch.n > entry["number_of_maxima"]:
            found[:, column] = np.mean(ordered[:, -entry["number_of_maxima"] :], axis=1)
    return found


def quantile(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return the quantiles, interpolated linearly."""
    return quantiles(batch.sorted, np.array([entry["q"] for entry in params], "float64"))


def index_mass_quantile(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return at which share of the length a share q of the sum of magnitudes is reached."""
    sizes = np.abs(batch.values)
    total = batch.sum(sizes)
    reached = np.cumsum(sizes, axis=1) / total[:, None]
    found = np.empty((len(batch), len(params)))
    for column, entry in enumerate(params):
        found[:, column] = (np.argmax(reached >= entry["q"], axis=1) + 1) / batch.n
    found[total == 0] = np.nan
    return found


def energy_ratio_by_chunks(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return the energies of parts of a series by that of all of it."""
    squares = batch.values**2
    total = batch.sum(squares)
    found = np.empty((len(batch), len(params)))
    for column, entry in enumerate(params):
        number, focus = entry["num_segments"], entry["segment_focus"]
        # As `np.array_split` cuts: the first ones are longer by one where it does not come out even.
        size, longer = divmod(batch.n, number)
        start = focus * size + min(focus, longer)
        found[:, column] = batch.sum(squares[:, start : start + size + (focus < longer)])
    found /= total[:, None]
    found[total == 0] = np.nan
    return found


def within_segments(params: dict[str, Any]) -> bool:
    """Tell whether there is the segment that is asked for."""
    return bool(params["segment_focus"] < params["num_segments"])


def skewness(batch: Equal) -> Array:
    """Return the adjusted Fisher-Pearson coefficients of skewness."""
    n = batch.n
    cubes = batch.centred**3
    squares, third = batch.variance * n, batch.sum(cubes)
    found = (n * np.sqrt(n - 1.0) / (n - 2.0)) * third / squares**1.5
    return _checked(batch, found, np.abs(third), batch.sum(np.abs(cubes)), "skew")


def kurtosis(batch: Equal) -> Array:
    """Return the excess kurtoses, unbiased for a normal distribution."""
    n = batch.n
    squares = batch.variance * n
    fourth = batch.sum(batch.centred**4)
    scaled = n * (n + 1.0) * (n - 1.0) * fourth / squares**2
    correction = 3.0 * (n - 1.0) ** 2
    found = (scaled - correction) / ((n - 2.0) * (n - 3.0))
    return _checked(batch, found, np.abs(scaled - correction), scaled, "kurt")


#: Below this share of its terms a sum says more of how it was rounded than of the series.
_CANCELLED = 1e-5

#: Below this share of their mean square, values vary by little more than their rounding.
_CONSTANT = 1e-10


def _checked(batch: Equal, found: Array, sums: Array, terms: Array, name: str) -> Array:
    """Let pandas, which rounds otherwise, compute what is small against its terms, and what hardly varies."""
    doubtful = ~(sums > _CANCELLED * terms) | ~(batch.variance > _CONSTANT * batch.mean**2)
    if doubtful.any():
        import pandas as pd

        found[doubtful] = [getattr(pd.Series(series), name)() for series in batch.values[doubtful]]
    return found
