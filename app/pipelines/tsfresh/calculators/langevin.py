"""Friedrich's polynomial of the drift of a Langevin model (Friedrich et al. 2000), and its fixed points."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.pipelines.tsfresh.calculators.batch import Array, Equal, quantiles
from app.pipelines.tsfresh.calculators.partly import Partly

#: Edges of bins closer than this share of the greatest one may be one to pandas, which rounds them for their names.
_CLOSE = 1e-12


def friedrich_coefficients(batch: Equal, params: list[dict[str, Any]]) -> Partly:
    """Return the coefficients of the polynomial."""
    found, left = np.full((len(batch), len(params)), np.nan), np.zeros(len(batch), "bool")
    for column, entry in enumerate(params):
        polynomials = _polynomials(batch, entry["m"], entry["r"])
        left |= polynomials.left
        if entry["coeff"] <= entry["m"]:
            found[:, column] = polynomials.values[:, entry["coeff"]]
    return Partly(found, left)


def max_langevin_fixed_point(batch: Equal, params: list[dict[str, Any]]) -> Partly:
    """Return the greatest real part of the polynomial's roots."""
    found, left = np.full((len(batch), len(params)), np.nan), np.zeros(len(batch), "bool")
    for column, entry in enumerate(params):
        polynomials = _polynomials(batch, entry["m"], entry["r"])
        left |= polynomials.left
        for row, polynomial in enumerate(polynomials.values):
            if np.isfinite(polynomial).all():
                found[row, column] = _greatest_root(polynomial)
    return Partly(found, left)


def _greatest_root(polynomial: Array) -> float:
    """Return the greatest real part of the roots; NaN where there is none."""
    if polynomial[0] and polynomial[-1]:
        # As `np.roots` finds them.
        companion = np.eye(len(polynomial) - 1, k=-1)
        companion[0] = -polynomial[1:] / polynomial[0]
        roots = np.linalg.eigvals(companion)
    else:
        roots = np.roots(polynomial)
    return float(roots.real.max()) if len(roots) else np.nan


def _polynomials(batch: Equal, degree: int, bins: int) -> Partly:
    """Return the coefficients, highest power first, shape (n_series, degree + 1), found once for a batch."""
    key = (_polynomials, degree, bins)
    if key not in batch.shared:
        batch.shared[key] = _fitted(batch, degree, bins)
    found: Partly = batch.shared[key]
    return found


def _fitted(batch: Equal, degree: int, bins: int) -> Partly:
    found = np.full((len(batch), degree + 1), np.nan)
    x = batch.values[:, :-1]
    edges = quantiles(np.sort(x, axis=1), _shares(bins))
    gaps, size = np.diff(edges, axis=1), np.abs(edges).max(axis=1)
    usable = np.flatnonzero((gaps != 0).all(axis=1))
    left = (gaps != 0).all(axis=1) & (gaps.min(axis=1) <= _CLOSE * size)
    if len(usable):
        codes = _bins(np.ascontiguousarray(x[usable]), edges[usable])
        numbers = np.bincount(codes.ravel(), minlength=len(usable) * bins)
        means = _means(np.stack([x[usable], batch.changes[usable]]), codes, numbers)
        for row, (place, drift) in enumerate(zip(*means.reshape(2, -1, bins), strict=True)):
            known = ~np.isnan(place)
            found[usable[row]] = _polynomial(place[known], drift[known], degree)
    return Partly(found, left)


def _shares(bins: int) -> Array:
    """Return which quantiles are edges, as pandas takes them."""
    shares = np.linspace(0, 1, bins + 1)
    np.putmask(shares, bins * shares != np.arange(bins + 1), np.nextafter(shares, 1))
    return shares


def _bins(x: Array, edges: Array) -> Array:
    """Return the bin of each value, counted on over the series, shape of x."""
    codes = np.empty(x.shape, "int64")
    bins = edges.shape[1] - 1
    for row, (values, bounds) in enumerate(zip(x, edges, strict=True)):
        # The lowest edge belongs to the first bin.
        codes[row] = np.maximum(np.searchsorted(bounds, values), 1) - 1 + row * bins
    return codes


def _means(values: Array, codes: Array, numbers: Array) -> Array:
    """Return the means of two values in each bin, NaN of an empty one, shape (2, len(numbers)).

    Rounded as pandas does, as the polynomial may depend on the last digit: added up with Kahan's compensation, or by
    NumPy where the bins of a series come in their order.
    """
    order = np.argsort(codes, axis=None, kind="stable")
    ordered = values.reshape(2, -1)[:, order]
    starts = np.cumsum(numbers) - numbers
    total, lost = np.zeros((2, len(numbers))), np.zeros((2, len(numbers)))
    last = ordered.shape[1] - 1
    for place in range(numbers.max()):
        value = ordered[:, np.minimum(starts + place, last)] - lost
        added = total + value
        here = numbers > place
        lost = np.where(here, added - total - value, lost)
        total = np.where(here, added, total)
    rising = (codes[:, 1:] >= codes[:, :-1]).all(axis=1)
    if rising.any():
        some = np.flatnonzero((numbers > 0) & np.repeat(rising, len(numbers) // len(codes)))
        steady = np.add.reduceat(ordered, starts[numbers > 0], axis=1)
        total[:, some] = steady[:, np.cumsum(numbers > 0)[some] - 1]
    mean: Array = total / numbers
    return mean


def _polynomial(x: Array, y: Array, degree: int) -> Array:
    """Return the least-squares polynomial as `np.polyfit` does; it would warn of too few points."""
    powers = np.vander(x, degree + 1)
    scale = np.sqrt((powers * powers).sum(axis=0))
    powers /= scale
    try:
        coefficients: Array = np.linalg.lstsq(powers, y, len(x) * np.finfo("float64").eps)[0]
    except np.linalg.LinAlgError:
        return np.full(degree + 1, np.nan)
    coefficients /= scale
    return coefficients
