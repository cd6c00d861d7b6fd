"""What a series tells of its own later values, by the steps of statsmodels in their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from app.pipelines.tsfresh.calculators.batch import Array, Equal

#: Samples above which statsmodels is asked for autocovariances by Fourier transforms.
_DIRECT = 1250

#: Samples up to which NumPy's `correlate` does not add up as a scalar product does.
_SHORT = 11

#: Variance that is 0 to NumPy's `isclose`.
_CLOSE_TO_ZERO = 1e-8

#: Values of a batch up to which `correlate`, which computes all lags of one series, is the faster way.
_FEW = 512

#: Below this variance a series counts as constant.
_FLAT = 1e-10

#: Singular values below this share of the largest count as zero.
_SINGULAR = 1e-15


def autocorrelation(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return the autocorrelations at lags; NaN of a constant series."""
    found = np.full((len(batch), len(params)), np.nan)
    x, n = batch.centred, batch.n
    for column, entry in enumerate(params):
        lag = entry["lag"]
        if lag <= n:
            found[:, column] = batch.sum(x[:, : n - lag] * x[:, lag:])
    kept = n - np.array([entry["lag"] for entry in params])
    found /= kept * batch.variance[:, None]
    found[batch.variance <= _CLOSE_TO_ZERO] = np.nan
    return found


def _covariances(batch: Equal, last: int, fourier: bool = False) -> Array:
    """Return the adjusted autocovariances at the lags 0, 1, …, last, shape (n_series, last + 1)."""
    known: Array | None = batch.shared.get((_covariances, fourier))
    if known is None or known.shape[1] <= last:
        known = batch.shared[_covariances, fourier] = _computed(batch, last, fourier)
    return known[:, : last + 1]


def _computed(batch: Equal, last: int, fourier: bool) -> Array:
    n, x = batch.n, batch.centred
    divisors = np.arange(n, n - last - 1, -1)
    if fourier:
        transformed = np.fft.fft(x, n=_regular(2 * n + 1))
        covariances = np.fft.ifft(transformed * np.conjugate(transformed))[:, : last + 1]
    elif n <= _SHORT or x.size <= _FEW:
        covariances = np.array([np.correlate(series, series, "full")[n - 1 : n + last] for series in x])
    else:
        covariances = np.stack([np.vecdot(x[:, lag:], x[:, : n - lag]) for lag in range(last + 1)], axis=1)
    found: Array = (covariances / divisors).real
    return found


def _regular(target: int) -> int:
    """Return the least number from a target on with no prime factor above 5."""
    number = target
    while True:
        rest = number
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return number
        number += 1


def _median(values: Array, axis: int) -> Array:
    """Return medians as `np.median` does, without looking for NaN."""
    ordered, n = np.sort(values, axis), values.shape[axis]
    median: Array = (ordered[:, (n - 1) // 2] + ordered[:, n // 2]) / 2
    return median


#: Aggregates of autocorrelations.
_AGGREGATES: dict[str, Callable[..., Array]] = {"mean": np.mean, "median": _median, "var": np.var}


def agg_autocorrelation(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return mean, median or variance of the autocorrelations up to a lag; 0 of a constant series."""
    found = np.empty((len(batch), len(params)))
    last = min(max(entry["maxlag"] for entry in params), batch.n - 1)
    covariances = _covariances(batch, last, batch.n > _DIRECT)
    correlations = covariances[:, 1:] / covariances[:, :1]
    for column, entry in enumerate(params):
        some = correlations[:, : entry["maxlag"]]
        found[:, column] = _AGGREGATES[entry["f_agg"]](some, axis=1) if some.size else np.nan
    found[np.abs(batch.variance) < _FLAT] = 0.0
    return found


def partial_autocorrelation(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return the partial autocorrelations at lags, by Levinson's and Durbin's recursion."""
    found = np.full((len(batch), len(params)), np.nan)
    last = min(max(entry["lag"] for entry in params), batch.n // 2 - 1)
    if last <= 0:
        return found
    partial = _levinson_durbin(_covariances(batch, last), last)
    for column, entry in enumerate(params):
        if entry["lag"] <= last:
            found[:, column] = partial[:, entry["lag"]]
    return found


def _levinson_durbin(s: Array, order: int) -> Array:
    """Return the partial autocorrelations at the lags 0, 1, …, order, of autocovariances at these."""
    phi = np.zeros((len(s), order + 1, order + 1))
    phi[:, 1, 1] = s[:, 1] / s[:, 0]
    error = s[:, 0] - phi[:, 1, 1] * s[:, 1]
    for k in range(2, order + 1):
        before = phi[:, 1:k, k - 1]
        # Contiguous, as NumPy makes it for one series; sums are rounded by how their terms lie.
        explained = np.vecdot(before, np.ascontiguousarray(s[:, k - 1 : 0 : -1]))
        phi[:, k, k] = (s[:, k] - explained) / error
        phi[:, 1:k, k] = before - phi[:, k, k, None] * before[:, ::-1]
        error = error * (1 - phi[:, k, k] ** 2)
    partial = np.diagonal(phi, axis1=1, axis2=2).copy()
    partial[:, 0] = 1.0
    return partial


def ar_coefficient(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return the coefficients of autoregressive models of order k with a constant."""
    found = np.full((len(batch), len(params)), np.nan)
    for k in {entry["k"] for entry in params}:
        columns = [(column, entry["coeff"]) for column, entry in enumerate(params) if entry["k"] == k]
        n_rows = batch.n - k
        if n_rows < k + 1:
            # tsfresh's: there is no model, and it has k coefficients that are NaN, and a last one.
            found[:, [column for column, coefficient in columns if coefficient == k]] = 0.0
            continue
        exog = np.ones((len(batch), n_rows, k + 1))
        for lag in range(1, k + 1):
            exog[:, :, lag] = batch.values[:, k - lag : batch.n - lag]
        model = np.array([np.dot(inverse, y) for inverse, y in zip(inverses(exog), batch.values[:, k:], strict=True)])
        for column, coefficient in columns:
            if coefficient <= k:
                found[:, column] = model[:, coefficient]
    return found


def inverses(matrices: Array) -> list[Array]:
    """Return the pseudo-inverse of each matrix, rounded as statsmodels' is."""
    decomposed = np.linalg.svd(matrices, full_matrices=False)
    return [inverse(*parts) for parts in zip(*decomposed, strict=True)]


def inverse(u: Array, s: Array, vt: Array) -> Array:
    """Return the pseudo-inverse of a matrix that is decomposed."""
    scale = np.where(s > _SINGULAR * s.max(), 1.0 / s, 0.0)
    found: Array = np.dot(vt.T, np.multiply(scale[:, None], u.T))
    return found
