"""Fourier transforms, power spectra and wavelets."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from app.pipelines.tsfresh.calculators.batch import Array, Equal

#: Samples of a segment of Welch's method.
_SEGMENT = 256

#: What is read of a coefficient.
_PARTS: dict[str, Callable[[Array], Array]] = {
    "real": np.real,
    "imag": np.imag,
    "abs": np.abs,
    "angle": lambda values: np.angle(values, deg=True),
}

#: What is read of a spectrum, seen as a distribution over its frequencies.
MOMENTS = ("centroid", "variance", "skew", "kurtosis")


def _transform(batch: Equal) -> Array:
    """Return the Fourier coefficients, shape (n_series, n_samples // 2 + 1)."""
    if "fourier" not in batch.shared:
        batch.shared["fourier"] = np.fft.rfft(batch.values)
    found: Array = batch.shared["fourier"]
    return found


def fft_coefficient(batch: Equal, asked: Asked) -> Array:
    """Return parts of Fourier coefficients, angles in degrees; NaN of those that a series is too short for."""
    coefficients = _transform(batch)
    found = np.full((len(batch), sum(len(columns) for columns, _ in asked.values())), np.nan)
    for part, (columns, numbers) in asked.items():
        known = int(np.searchsorted(numbers, coefficients.shape[1]))
        found[:, columns[:known]] = _PARTS[part](coefficients[:, numbers[:known]])
    return found


#: {part of a number, or width: columns of the features, and the coefficients that they are of, in their order}.
Asked = dict[Any, tuple[Array, Array]]


def by_part(params: list[dict[str, Any]]) -> Asked:
    """Return what is asked of a Fourier transform."""
    return _by(params, "attr")


def by_width(params: list[dict[str, Any]]) -> Asked:
    """Return what is asked of a wavelet transform."""
    return _by(params, "w")


def _by(params: list[dict[str, Any]], argument: str) -> Asked:
    found = {}
    for value in {entry[argument] for entry in params}:
        asked = sorted((entry["coeff"], column) for column, entry in enumerate(params) if entry[argument] == value)
        numbers, columns = np.array(asked).T
        found[value] = (columns, numbers)
    return found


def fft_aggregated(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return moments of the magnitudes over their frequencies, by tsfresh's own formulas."""
    sizes = np.abs(_transform(batch))
    total = sizes.sum(axis=1)
    places = np.arange(sizes.shape[1], dtype="float64")
    first, second, third, fourth = (np.vecdot(sizes, places**power) / total for power in (1, 2, 3, 4))
    variance = second - _power(first, 2)
    narrow = variance < 0.5
    skew = (third - 3 * first * variance - _power(first, 3)) / _power(np.abs(variance), 1.5)
    kurtosis = (fourth - 4 * first * third + 6 * second * _power(first, 2) - 3 * first) / _power(variance, 2)
    moments = {
        "centroid": first,
        "variance": variance,
        "skew": np.where(narrow, np.nan, skew),
        "kurtosis": np.where(narrow, np.nan, kurtosis),
    }
    return np.column_stack([moments[entry["aggtype"]] for entry in params])


def _power(values: Array, exponent: float) -> Array:
    """Return powers as of single numbers: NumPy rounds those of arrays otherwise, and the skewness is a difference."""
    return np.array([value**exponent for value in values.tolist()])


def power(batch: Equal) -> Array:
    """Return the power spectral densities by Welch's method (1967), shape (n_series, n_frequencies).

    Segments overlap by half, are centred and have a Hann window.
    """
    if "power" in batch.shared:
        found: Array = batch.shared["power"]
        return found
    length = min(batch.n, _SEGMENT)
    window, step = _hann(length), length - length // 2
    centred = batch.centred[:, None]
    if batch.n > length:
        segments = np.lib.stride_tricks.sliding_window_view(batch.values, length, axis=1)[:, ::step]
        centred = segments - np.mean(segments, axis=2, keepdims=True)
    transformed = np.fft.rfft(centred * window)
    # The segments last, so that their mean is added up as SciPy does.
    density = np.ascontiguousarray((transformed.real**2 + transformed.imag**2).swapaxes(1, 2))
    density[:, 1 : -1 if length % 2 == 0 else None] *= 2
    batch.shared["power"] = np.add.reduce(density, axis=2) / density.shape[2]
    return power(batch)


@lru_cache(maxsize=64)
def _hann(length: int) -> Array:
    """Return a periodic Hann window, scaled so that a squared spectrum is a density."""
    cosines = np.cos(np.linspace(-np.pi, np.pi, length + 1))
    window: Array = (0.5 + 0.5 * cosines)[:-1]
    window *= 1 / np.sqrt(sum(window**2))
    return window


def spkt_welch_density(batch: Equal, params: list[dict[str, Any]]) -> Array:
    """Return power spectral densities; NaN of frequencies that a series is too short for."""
    density = power(batch)
    found = np.full((len(batch), len(params)), np.nan)
    for column, entry in enumerate(params):
        if entry["coeff"] < density.shape[1]:
            found[:, column] = density[:, entry["coeff"]]
    return found


def cwt_coefficients(batch: Equal, asked: Asked) -> Array:
    """Return coefficients of the continuous transform by the Mexican hat wavelet, those of its widths w."""
    found = np.full((len(batch), sum(len(columns) for columns, _ in asked.values())), np.nan)
    for width, (columns, numbers) in asked.items():
        wavelet, known = _integrated(width), int(np.searchsorted(numbers, batch.n))
        # PyWavelets takes the differences of the convolution, and cuts its ends off.
        first = (len(wavelet) - 2) // 2 + numbers[:known]
        for row, series in enumerate(batch.values):
            turned = np.convolve(series, wavelet)
            found[row, columns[:known]] = -np.sqrt(width) * (turned[first + 1] - turned[first])
    return found


@lru_cache(maxsize=64)
def _integrated(width: int) -> Array:
    """Return the integral of the wavelet at a width, turned round as a convolution takes it."""
    import pywt

    integral, x = pywt.integrate_wavelet(pywt.ContinuousWavelet("mexh"), precision=12)
    places = (np.arange(width * (x[-1] - x[0]) + 1) / (width * (x[1] - x[0]))).astype("int64")
    reversed_: Array = integral[places[places < len(integral)]][::-1]
    return reversed_


def among_widths(params: dict[str, Any]) -> bool:
    """Tell whether the width that is asked for is one of those that are computed."""
    return params["w"] in params["widths"]
