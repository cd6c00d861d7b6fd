"""Random convolutions of time series: many weak features, on which a linear model classifies well and fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from app.pipelines.kernels import KERNELS, LENGTH, convolve, resampled, shares_of

if TYPE_CHECKING:
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Dilations of a kernel at most, as in the paper.
_DILATIONS = 32

_GOLDEN = (np.sqrt(5) + 1) / 2


class RandomConvolutions(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """MiniRocket (Dempster, Schmidt and Webb 2021, https://doi.org/10.1145/3447548.3467231), in numpy alone.

    A feature is the share of a series in which the convolution with a dilated kernel is above a bias. The kernels are
    fixed; biases are quantiles of convolutions of training series that are drawn at random. Of several signals each
    gets its share of the features. It is made for a linear model behind it, its input scaled.

    The libraries that have it do not serve: aeon and sktime hold back pandas, and what pyts has is compiled by numba at
    the first call, for seconds that a served request does not have.

    Series must be of one length to be compared, so each is resampled, linearly, to the median length of training (at
    least 9 samples, at most `max_length`). A pattern that was stretched with its series is found again; one that kept
    its duration in a series of another length is not. The mean of the training series becomes 0, which is what the
    kernels see beyond the ends of a series.

    Parameters
    ----------
    n_features
        Features of all signals together, about: each signal has a multiple of 84. More are slower and seldom worse.
    max_length
        Samples that a series is shortened to.
    random_state
        Seed of the series that the biases are taken from.

    Attributes
    ----------
    signals_ : names of the columns.
    lengths_, levels_ : {signal: samples that its series are resampled to}, {signal: mean of the training series}.
    biases_ : {signal: [(dilation, array of shape (84, n_biases)), …]}.
    """

    def __init__(self, n_features: int = 5_000, max_length: int = 1_024, random_state: int | None = 0) -> None:
        self.n_features = n_features
        self.max_length = max_length
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Choose dilations and biases for signals: columns of arrays of shape (n_samples_of_the_series,)."""
        random = check_random_state(self.random_state)
        self.signals_ = list(X.columns)
        self.feature_names_in_ = np.asarray(X.columns, dtype="object")
        self.n_features_in_ = len(self.signals_)
        share = max(1, self.n_features // len(self.signals_) // len(KERNELS))
        self.lengths_, self.levels_, self.biases_ = {}, {}, {}
        for name in self.signals_:
            median = int(np.median([len(cell) for cell in X[name]]))
            self.lengths_[name] = min(max(median, LENGTH), max(self.max_length, LENGTH))
            series = resampled(X[name], self.lengths_[name])
            self.levels_[name] = float(series.mean())
            self.biases_[name] = _biases(series - self.levels_[name], share, random)
        return self

    def transform(self, X: pd.DataFrame) -> Array:
        """Return shares from 0 to 1, shape (n_series, n_features_out), float32."""
        check_is_fitted(self)
        found = [
            shares_of(X[name], self.lengths_[name], self.levels_[name], self.biases_[name]) for name in self.signals_
        ]
        return np.concatenate(found, axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Name the features `<signal>__convolution_<number>`."""
        check_is_fitted(self)
        names = [
            f"{name}__convolution_{number}"
            for name in self.signals_
            for number in range(sum(biases.size for _, biases in self.biases_[name]))
        ]
        return np.asarray(names, dtype="object")


def _dilations(length: int, share: int) -> list[tuple[int, int]]:
    """Return the dilations for a length, and how many of a kernel's `share` features each gets.

    They grow exponentially to what makes the kernel as long as the series; the short ones get more features.
    """
    most = min(share, _DILATIONS)
    greatest = np.log2((length - 1) / (LENGTH - 1))
    dilations, counts = np.unique(np.logspace(0, greatest, most, base=2).astype("int64"), return_counts=True)
    counts = (counts * (share / most)).astype("int64")
    for number in range(share - int(counts.sum())):
        counts[number % len(counts)] += 1
    return list(zip(dilations.tolist(), counts.tolist(), strict=True))


def _biases(series: Array, share: int, random: np.random.RandomState) -> list[tuple[int, Array]]:
    """Take quantiles of the convolution of one series a kernel and dilation, shape (84, n_biases) each."""
    # Quantiles that fill the unit interval evenly, however many are taken.
    quantiles = (np.arange(1, len(KERNELS) * share + 1) * _GOLDEN) % 1
    found, used = [], 0
    for dilation, count in _dilations(series.shape[1], share):
        drawn = random.randint(len(series), size=len(KERNELS))
        taken = quantiles[used : used + len(KERNELS) * count].reshape(len(KERNELS), count)
        used += len(KERNELS) * count
        convolved = [convolve(series[[row]], dilation)[kernel, 0] for kernel, row in enumerate(drawn)]
        biases = [np.quantile(values, taken[kernel]) for kernel, values in enumerate(convolved)]
        found.append((dilation, np.array(biases)))
    return found
