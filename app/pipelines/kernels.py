"""The kernels of random convolutions, and how much of a series is above the biases of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

#: Weights of a kernel. Three of them are 2, the others -1: 84 kernels, which sum to 0 and so do not see the level.
LENGTH = 9
KERNELS = np.array(list(combinations(range(LENGTH), 3)))

#: Comparisons made at once: what fits into a processor's cache.
_AT_ONCE = 1_000_000


def shares_of(cells: Collection[Array], length: int, level: float, biases: Sequence[tuple[int, Array]]) -> Array:
    """Return the share of each convolution of series above each bias, float32 of shape (n_series, n_features).

    Parameters
    ----------
    cells
        A series each, shape (n_samples_of_the_series,).
    length
        Samples that the series are resampled to.
    level
        What is taken from every sample.
    biases
        (dilation, array of shape (84, n_biases)) pairs.
    """
    series = resampled(cells, length) - level
    found = [_shares(series, dilation, each, number % 2) for number, (dilation, each) in enumerate(biases)]
    return np.concatenate(found, axis=1)


def resampled(cells: Collection[Array], length: int) -> Array:
    """Return series as rows of one length, shape (n_series, length). An empty one is all zeros."""
    rows = np.zeros((len(cells), length))
    places = np.linspace(0.0, 1.0, length)
    for number, cell in enumerate(cells):
        if len(cell) == length:
            rows[number] = cell
        elif len(cell):
            rows[number] = np.interp(places, np.linspace(0.0, 1.0, len(cell)), cell)
    return rows


def convolve(series: Array, dilation: int) -> Array:
    """Convolve rows with every kernel, zeros beyond their ends, shape (84, n_series, length)."""
    half, length = (LENGTH // 2) * dilation, series.shape[1]
    padded = np.pad(series, ((0, 0), (half, half)))
    shifted = np.stack([padded[:, place * dilation : place * dilation + length] for place in range(LENGTH)])
    # -1 everywhere and 3 more at three places.
    threefold = 3 * shifted
    chosen = threefold[KERNELS[:, 0]] + threefold[KERNELS[:, 1]] + threefold[KERNELS[:, 2]]
    convolved: Array = chosen - shifted.sum(axis=0)
    return convolved


def _shares(series: Array, dilation: int, biases: Array, parity: int) -> Array:
    """Return the share of each convolution above each bias, shape (n_series, 84 * n_biases).

    Every other kernel is looked at only where it does not reach beyond the ends.
    """
    length, half = series.shape[1], (LENGTH // 2) * dilation
    n_kernels, n_biases = biases.shape
    shares = np.empty((len(series), n_kernels, n_biases), dtype="float32")
    rows = max(1, _AT_ONCE // (n_kernels * n_biases * length))
    whole = (np.arange(n_kernels) + parity) % 2 == 0
    for start in range(0, len(series), rows):
        convolved = convolve(series[start : start + rows], dilation).transpose(1, 0, 2)
        here = shares[start : start + rows]
        here[:, whole] = _above(convolved[:, whole], biases[whole])
        here[:, ~whole] = _above(convolved[:, ~whole, half : length - half], biases[~whole])
    return shares.reshape(len(series), -1)


def _above(convolved: Array, biases: Array) -> Array:
    """Count by packed bits, which is several times faster than a mean of booleans."""
    above = convolved[:, :, None, :] > biases[:, :, None]
    counts = np.bitwise_count(np.packbits(above, axis=-1)).sum(axis=-1, dtype="uint32")
    shares: Array = (counts / np.float32(convolved.shape[-1])).astype("float32")
    return shares
