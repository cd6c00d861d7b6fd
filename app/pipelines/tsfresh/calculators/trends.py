"""Straight lines through series, and through aggregates of their chunks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from app.pipelines.tsfresh.calculators.batch import Array, Equal

#: What is read of a line.
ATTRIBUTES = ("slope", "intercept", "rvalue", "pvalue", "stderr", "intercept_stderr")

#: Keeps a perfect correlation from a division by zero, as SciPy's own does.
_TINY = 1.0e-20


@dataclass(frozen=True)
class Lines:
    """Least-squares lines through n_series series, by the formulas of SciPy's `linregress` in their order.

    Attributes
    ----------
    x
        Places, shape (n_samples,) or (n_series, n_samples).
    y
        Values, shape (n_series, n_samples).
    """

    x: Array
    y: Array

    @cached_property
    def _means(self) -> Array:
        """Means of places and of values, shape (n_series, 2)."""
        return self._both[1]

    @cached_property
    def _both(self) -> tuple[Array, Array]:
        both = np.empty((len(self.y), 2, self.y.shape[1]))
        both[:, 0], both[:, 1] = self.x, self.y
        means = np.add.reduce(both, axis=2) / self.y.shape[1]
        both -= means[:, :, None]
        products = np.matmul(both, both.swapaxes(1, 2))
        products *= np.true_divide(1, self.y.shape[1])
        return products, means

    @cached_property
    def _spread_x(self) -> Array:
        return self._both[0][:, 0, 0]

    @cached_property
    def _spread_y(self) -> Array:
        return self._both[0][:, 1, 1]

    @cached_property
    def _common(self) -> Array:
        return self._both[0][:, 0, 1]

    @cached_property
    def slope(self) -> Array:
        """Rise of each line."""
        slope: Array = self._common / self._spread_x
        return slope

    @cached_property
    def intercept(self) -> Array:
        """Value of each line at 0."""
        intercept: Array = self._means[:, 1] - self.slope * self._means[:, 0]
        return intercept

    @cached_property
    def rvalue(self) -> Array:
        """Correlation of places and values."""
        rvalue = self._common / np.sqrt(self._spread_x * self._spread_y)
        # Rounding may lead beyond what a correlation can be.
        rvalue = np.minimum(np.maximum(rvalue, -1.0), 1.0)
        flat = (self._spread_x == 0) | (self._spread_y == 0)
        return np.where(flat, np.where(self._common == 0, np.nan, 0.0), rvalue)

    @cached_property
    def pvalue(self) -> Array:
        """How probable a slope as steep would be without any trend (Wald test)."""
        n = self.y.shape[1]
        if n == 2:
            return np.where(self.y[:, 0] == self.y[:, 1], 1.0, 0.0)
        from scipy.special import stdtr

        statistic = self.rvalue * np.sqrt((n - 2) / ((1.0 - self.rvalue + _TINY) * (1.0 + self.rvalue + _TINY)))
        pvalue: Array = 2 * stdtr(n - 2, -np.abs(statistic))
        return pvalue

    @cached_property
    def stderr(self) -> Array:
        """Standard error of the slope."""
        n = self.y.shape[1]
        if n == 2:
            return np.zeros(len(self.y))
        stderr: Array = np.sqrt((1 - self.rvalue**2) * self._spread_y / self._spread_x / (n - 2))
        return stderr

    @cached_property
    def intercept_stderr(self) -> Array:
        """Standard error of the intercept."""
        error: Array = self.stderr * np.sqrt(self._spread_x + self._means[:, 0] ** 2)
        return error


def linear_trend(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return attributes of the lines through the values."""
    lines = Lines(np.arange(batch.n), batch.values)
    return np.column_stack([getattr(lines, entry["attr"]) for entry in params])


def linear_trend_timewise(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return attributes of the lines through the values over the hours since the first one; NaN without dates."""
    if batch.times is None:
        return np.full((len(batch), len(params)), np.nan)
    seconds = (batch.times - batch.times[:, :1]) / np.timedelta64(1, "s")
    lines = Lines(seconds / 3600.0, batch.values)
    return np.column_stack([getattr(lines, entry["attr"]) for entry in params])


def agg_linear_trend(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return attributes of the lines through aggregates of chunks."""
    found = np.full((len(batch), len(params)), np.nan)
    wanted: dict[int, dict[str, list[tuple[int, str]]]] = {}
    for column, entry in enumerate(params):
        if entry["chunk_len"] < batch.n:
            of_chunks = wanted.setdefault(entry["chunk_len"], {})
            of_chunks.setdefault(entry["f_agg"], []).append((column, entry["attr"]))
    for length, aggregates in wanted.items():
        # The lines through all aggregates at once, one aggregate of all series after another.
        y = _aggregates(batch, tuple(aggregates), length)
        lines = Lines(np.arange(y.shape[1]), y)
        for first, columns in zip(range(0, len(y), len(batch)), aggregates.values(), strict=True):
            for column, attribute in columns:
                found[:, column] = getattr(lines, attribute)[first : first + len(batch)]
    return found


def _aggregates(batch: Equal, names: tuple[str, ...], length: int) -> Array:
    """Return aggregates of each chunk, the last of which may be shorter.

    Shape (len(names) * n_series, n_chunks): the first aggregate of all series, then the second, …
    """
    whole, rest = divmod(batch.n, length)
    found = np.empty((len(names), len(batch), whole + bool(rest)))
    chunks = batch.values[:, : whole * length].reshape(len(batch), whole, length)
    _aggregate(chunks, names, found[:, :, :whole])
    if rest:
        _aggregate(batch.values[:, None, whole * length :], names, found[:, :, whole:])
    return found.reshape(-1, found.shape[2])


def _aggregate(chunks: Array, names: tuple[str, ...], found: Array) -> None:
    """Aggregate the last axis, as the methods of arrays do."""
    mean = np.add.reduce(chunks, axis=2) / chunks.shape[2]
    for place, name in enumerate(names):
        if name == "mean":
            found[place] = mean
        elif name == "var":
            off = chunks - mean[:, :, None]
            found[place] = np.add.reduce(off * off, axis=2) / chunks.shape[2]
        else:
            (np.maximum if name == "max" else np.minimum).reduce(chunks, axis=2, out=found[place])
