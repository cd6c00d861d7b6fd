"""How series are spaced in time, and the times that come after those of a series."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Of dates what pandas calls a frequency (days, business days, months), of numbers their difference.
Spacing = str | float

#: Kinds of arrays whose values can be continued.
_NUMBERS, _DATES = "biuf", "M"


def tell(times: Array) -> Spacing | None:
    """Tell how the times of a series are spaced.

    Parameters
    ----------
    times
        All that are known, ascending, shape (n_times,): a few months may look like so many days.

    Returns
    -------
    None when there is no one spacing, or no number or date.
    """
    import numpy as np
    import pandas as pd

    if len(times) < 2 or times.dtype.kind not in _NUMBERS + _DATES:
        return None
    if times.dtype.kind in _NUMBERS:
        step = float(times[-1] - times[0]) / (len(times) - 1)
        return step if _is_even(times, step) else None
    differences = np.diff(times)
    if len(times) > 2:
        with pd.option_context("future.infer_freq_returns_offset", True):
            frequency = pd.infer_freq(pd.DatetimeIndex(times))
        if frequency is not None:
            return str(frequency.freqstr)
    even = (differences == differences[0]).all()
    return f"{differences[0] // np.timedelta64(1, 'us')}us" if even else None


def ahead(times: Array, spacings: Iterable[Spacing], horizon: int) -> Array | None:
    """Continue times by the first spacing that they keep.

    Parameters
    ----------
    times
        Array of shape (n_times,), ascending.
    spacings
        Those that training saw, the likeliest first.

    Returns
    -------
    Array of shape (horizon,), of numbers or of ISO 8601 texts; None when they keep none.
    """
    import numpy as np
    import pandas as pd

    for spacing in spacings:
        if isinstance(spacing, str) and times.dtype.kind in _DATES:
            expected = pd.date_range(times[0], periods=len(times) + horizon, freq=spacing)
            if (expected[: len(times)] == times).all():
                return np.array([time.isoformat() for time in expected[len(times) :]], dtype="object")
        elif not isinstance(spacing, str) and times.dtype.kind in _NUMBERS and _is_even(times, spacing):
            continued: Array = times[-1] + spacing * np.arange(1, horizon + 1)
            return continued
    return None


def _is_even(times: Array, step: float) -> bool:
    import numpy as np

    return np.allclose(np.diff(times.astype("float64")), step, rtol=1e-6, atol=0.0)
