"""The times that come after those of a series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def ahead(times: Array, horizon: int) -> Array | None:
    """Continue times that are evenly spaced, dates also in months, quarters, years or business days.

    Parameters
    ----------
    times
        Array of shape (n_times,), ascending.

    Returns
    -------
    Array of shape (horizon,), of numbers or of ISO 8601 texts; None when there is no one spacing, or no number or date.
    """
    import numpy as np

    if len(times) < 2 or times.dtype.kind not in "biufM":
        return None
    steps = np.arange(1, horizon + 1)
    if times.dtype.kind == "M":
        return _dates_ahead(times, steps)
    differences = np.diff(times.astype("float64"))
    if not np.allclose(differences, differences[0], rtol=1e-6, atol=0.0):
        return None
    continued: Array = times[-1] + steps * ((times[-1] - times[0]) / (len(times) - 1))
    return continued


def _dates_ahead(times: Array, steps: Array) -> Array | None:
    import numpy as np
    import pandas as pd

    differences = np.diff(times)
    if (differences == differences[0]).all():
        continued = pd.DatetimeIndex(times[-1] + steps * differences[0])
    else:
        if len(times) < 3:
            return None
        with pd.option_context("future.infer_freq_returns_offset", True):
            frequency = pd.infer_freq(pd.DatetimeIndex(times))
        if frequency is None:
            return None
        continued = pd.date_range(times[-1], periods=len(steps) + 1, freq=frequency)[1:]
    return np.array([time.isoformat() for time in continued], dtype="object")
