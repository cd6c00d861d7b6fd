"""The augmented Dickey-Fuller test of a unit root, by the steps of statsmodels."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.pipelines.tsfresh.calculators.autoregression import inverse
from app.pipelines.tsfresh.calculators.batch import Array, Equal

#: What is read of the test.
ATTRIBUTES = ("teststat", "pvalue", "usedlag")

#: Of least statistic to greatest: outside, the probability is 0 or 1; up to the one between, the first polynomial
#: counts, then the second (MacKinnon, 1994, regression with a constant).
_LEAST, _BETWEEN, _GREATEST = -18.83, -1.61, 2.74
_SMALL = (2.1659, 1.4412, 3.8269e-2)
_LARGE = (1.7339, 9.3202e-1, -1.2745e-1, -1.0368e-2)

#: By how much criteria may be wrong in their last digits in well-conditioned models, and where they are doubtful.
_DIGITS, _DOUBTFUL = 1e-12, 1e-2


def augmented_dickey_fuller(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return statistic, p-value and lags of the test, the lags by Akaike's criterion; NaN of a constant series."""
    found = np.full((len(batch), 3), np.nan)
    highest = min(batch.n // 2 - 2, int(np.ceil(12.0 * np.power(batch.n / 100.0, 1 / 4.0))))
    moving = np.flatnonzero(batch.largest != batch.smallest)
    if highest >= 0 and len(moving):
        x = batch.values[moving]
        lags, doubtful = _choose(x, highest)
        for row in np.flatnonzero(doubtful):
            lags[row] = _choose_exactly(x[row], highest)
        found[moving, 0] = [_statistic(*parts) for parts in zip(x, lags.tolist(), doubtful.tolist(), strict=True)]
        found[moving, 1] = _probabilities(found[moving, 0])
        found[moving, 2] = lags
    return found[:, [ATTRIBUTES.index(entry["attr"]) for entry in params]]


def _regressors(x: Array, lag: int) -> tuple[Array, Array]:
    """Return the levels and lagged changes, shape (n_series, n_rows, lag + 1), and the changes that they tell."""
    changes = x[:, 1:] - x[:, :-1]
    n_rows = changes.shape[1] - lag
    regressors: Array = np.empty((len(x), n_rows, lag + 1))
    regressors[:, :, 0] = x[:, lag:-1]
    for back in range(1, lag + 1):
        regressors[:, :, back] = changes[:, lag - back : lag - back + n_rows]
    return regressors, changes[:, lag:]


def _choose(x: Array, highest: int) -> tuple[Array, Array]:
    """Return the number of lags of each series, and of which it is doubtful; shape (n_series,) each.

    All models are nested, so one orthogonal basis tells what each of them leaves unexplained.
    """
    regressors, y = _regressors(x, highest)
    # Around its mean a level spans the same with the constant, and is not lost in it.
    level = regressors[:, :, 0] - regressors[:, :, 0].mean(axis=1, keepdims=True)
    columns = np.concatenate([np.ones_like(level)[..., None], level[..., None], regressors[:, :, 1:], y[..., None]], 2)
    triangle: Array = np.asarray(np.linalg.qr(columns, mode="r"))
    explained = triangle[:, :, -1] ** 2
    # What is left by the first two columns, by three, …
    unexplained = np.cumsum(explained[:, ::-1], axis=1)[:, ::-1][:, 2:]
    criteria = y.shape[1] * np.log(unexplained) + 2.0 * np.arange(unexplained.shape[1])
    ordered = np.sort(criteria, axis=1)
    pivots: Array = np.abs(np.diagonal(triangle, axis1=1, axis2=2))[:, :-1]
    sizes = np.sqrt(np.concatenate([columns[:, :, :1] ** 2, regressors**2], axis=2).sum(axis=1))
    # A pseudo-inverse errs by the square of the condition, which is all the more the less is left of the changes.
    condition = sizes.max(axis=1) / pivots.min(axis=1)
    wrong = _DIGITS * condition**2 * explained.sum(axis=1) / unexplained.min(axis=1)
    sound = (wrong < _DOUBTFUL) & (regressors.max(axis=1) != regressors.min(axis=1)).all(axis=1)
    if highest > 0:
        sound &= ordered[:, 1] - ordered[:, 0] > wrong
    return np.argmin(criteria, axis=1), ~sound


def _choose_exactly(x: Array, highest: int) -> int:
    """Return the number of lags of one series as statsmodels finds it, a regression for each: rounding may decide."""
    regressors, y = (part[0] for part in _regressors(x[None], highest))
    exog = regressors if _has_constant(regressors) else np.concatenate([np.ones((len(y), 1)), regressors], axis=1)
    fewest = exog.shape[1] - highest
    n_rows, criteria = len(y), []
    for columns in range(fewest, fewest + highest + 1):
        u, s, vt = np.linalg.svd(exog[:, :columns], full_matrices=False)
        rest = y - np.dot(exog[:, :columns], np.dot(inverse(u, s, vt), y))
        half = n_rows / 2.0
        likelihood = -half * np.log(2 * np.pi) - half * np.log(np.sum(rest**2) / n_rows) - half
        criteria.append(-2 * likelihood + 2 * _rank(s))
    return int(np.argmin(criteria))


def _has_constant(regressors: Array) -> bool:
    """Tell whether a column is constant: statsmodels then adds none."""
    return bool(((regressors.max(axis=0) == regressors.min(axis=0)) & (regressors[0] != 0)).any())


def _statistic(x: Array, lag: int, doubtful: bool) -> float:
    """Return the t-statistic of the level."""
    regressors, y = (part[0] for part in _regressors(x[None], lag))
    exog = regressors
    if not (doubtful and _has_constant(regressors)):
        exog = np.ones((len(y), lag + 2))
        exog[:, :-1] = regressors
    u, s, vt = np.linalg.svd(exog, full_matrices=False)
    inverted = inverse(u, s, vt)
    model = np.dot(inverted, y)
    rest = y - np.dot(exog, model)
    scale = np.dot(rest, rest) / (len(y) - _rank(s))
    return float(model[0] / np.sqrt(np.dot(inverted, inverted.T)[0, 0] * scale))


def _rank(s: Array) -> int:
    """Return the rank of a matrix with some singular values, by NumPy's tolerance."""
    return int(np.count_nonzero(s > s.max() * len(s) * np.finfo("float64").eps))


def _probabilities(statistics: Array) -> Array:
    """Return MacKinnon's approximate p-values."""
    from scipy.special import ndtr

    found = ndtr(np.where(statistics <= _BETWEEN, _value(_SMALL, statistics), _value(_LARGE, statistics)))
    return np.where(statistics > _GREATEST, 1.0, np.where(statistics < _LEAST, 0.0, found))


def _value(polynomial: tuple[float, ...], at: Array) -> Array:
    """Return the values of a polynomial, its constant first, by Horner's scheme."""
    value = np.zeros_like(at)
    for coefficient in reversed(polynomial):
        value = value * at + coefficient
    return value
