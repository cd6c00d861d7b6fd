"""How a series changes from one sample to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.pipelines.tsfresh.calculators.batch import Array, Equal, quantiles, sums

#: Values of all corridors together that are looked at at once.
_AT_ONCE = 1_000_000


def absolute_sum_of_changes(batch: Equal) -> Array:
    """Return the sums of the magnitudes of the changes."""
    return batch.sum(np.abs(batch.changes))


def mean_abs_change(batch: Equal) -> Array:
    """Return the means of the magnitudes of the changes."""
    change: Array = batch.sum(np.abs(batch.changes)) / (batch.n - 1)
    return change


def mean_change(batch: Equal) -> Array:
    """Return the means of the changes."""
    change: Array = (batch.values[:, -1] - batch.values[:, 0]) / (batch.n - 1)
    return change


def mean_second_derivative_central(batch: Equal) -> Array:
    """Return the means of the central second derivatives."""
    x = batch.values
    if batch.n < 3:
        return np.full(len(batch), np.nan)
    derivative: Array = (x[:, -1] - x[:, -2] - x[:, 1] + x[:, 0]) / (2 * (batch.n - 2))
    return derivative


def cid_ce(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return an estimate of complexity, the length of the line (Batista et al. 2014)."""
    found = np.empty((len(batch), len(params)))
    for column, entry in enumerate(params):
        changes = batch.changes
        if entry["normalize"]:
            scaled = batch.centred / batch.deviation[:, None]
            changes = np.diff(scaled, axis=1)
        found[:, column] = np.sqrt(np.vecdot(changes, changes))
        if entry["normalize"]:
            found[batch.deviation == 0, column] = 0.0
    return found


def time_reversal_asymmetry_statistic(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return the means of x(t+2l)²·x(t+l) - x(t+l)·x(t)² (Fulcher and Jones, 2014)."""
    return _lagged(batch, params, lambda x, once, twice: twice * twice * once - once * x * x)


def c3(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return the means of x(t+2l)·x(t+l)·x(t), a measure of non-linearity (Schreiber and Schmitz, 1997)."""
    return _lagged(batch, params, lambda x, once, twice: twice * once * x)


def _lagged(batch: Equal, params: list[dict[str, Any]], product: Any) -> Array:
    x, found = batch.values, np.zeros((len(batch), len(params)))
    for column, entry in enumerate(params):
        lag, kept = entry["lag"], batch.n - 2 * entry["lag"]
        if kept > 0:
            found[:, column] = np.mean(product(x[:, :kept], x[:, lag : lag + kept], x[:, 2 * lag :]), axis=1)
    return found


def change_quantiles(batch: Equal, asked: Asked) -> Array:
    """Return mean or variance of the changes that begin and end in a corridor between two quantiles."""
    most = max(1, _AT_ONCE // batch.values.size)
    parts = [_moments(batch, asked.corridors[first : first + most]) for first in range(0, len(asked.corridors), most)]
    found = np.zeros((len(batch), asked.n_features))
    if parts:
        moments = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
        found[:, asked.columns] = moments[asked.variances, asked.magnitudes, asked.numbers].T
    return found


@dataclass(frozen=True)
class Asked:
    """What is asked of the changes in corridors.

    Attributes
    ----------
    corridors
        Lower and upper shares of the corridors that are not empty, shape (n_corridors, 2).
    columns, variances, magnitudes, numbers
        Of each feature of one of them: its column, whether it is a variance, and of magnitudes, and the corridor.
    """

    n_features: int
    corridors: Array
    columns: Array
    variances: Array
    magnitudes: Array
    numbers: Array


def by_corridor(params: list[dict[str, Any]]) -> Asked:
    """Return what is asked of the changes."""
    corridors = sorted({(entry["ql"], entry["qh"]) for entry in params if entry["ql"] < entry["qh"]})
    rows = [
        (column, entry["f_agg"] == "var", entry["isabs"], corridors.index((entry["ql"], entry["qh"])))
        for column, entry in enumerate(params)
        if entry["ql"] < entry["qh"]
    ]
    asked = np.array(rows, "int64").reshape(-1, 4).T
    return Asked(len(params), np.array(corridors, "float64").reshape(-1, 2), *asked)


def _moments(batch: Equal, corridors: Array) -> Array:
    """Return means and variances, of the changes and of their magnitudes, shape (2, 2, n_corridors, n_series)."""
    bounds = quantiles(batch.sorted, corridors.ravel())
    low, high = bounds.reshape(len(batch), -1, 2).transpose(2, 1, 0)[..., None]
    inside = (batch.values >= low) & (batch.values <= high)
    both = inside[..., 1:] & inside[..., :-1]
    numbers = np.add.reduce(both, axis=-1, dtype="int64").ravel()
    changes = np.broadcast_to(batch.changes, both.shape)[both]
    values, numbers = np.concatenate([changes, np.abs(changes)]), np.concatenate([numbers, numbers])
    mean = sums(values, numbers) / numbers
    off = values - np.repeat(mean, numbers)
    variance = sums(off * off, numbers) / numbers
    moments = np.where(numbers == 0, 0.0, np.stack([mean, variance]))
    return moments.reshape(2, 2, len(corridors), len(batch))
