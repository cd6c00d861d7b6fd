"""Numbers of mean 0 and variance 1, as networks learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Standard deviations at which a number is cut, so that a wild one at serving does not overflow a float32.
_FARTHEST = 100.0


def scale(values: Array) -> tuple[float, float]:
    """Return mean and standard deviation of the values that are there; 0 and 1 where there is no use in them."""
    import numpy as np

    there = values[np.isfinite(values)]
    if not len(there):
        return 0.0, 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = float(there.mean()), float(there.std())
    return (mean if np.isfinite(mean) else 0.0), (deviation if np.isfinite(deviation) and deviation > 0 else 1.0)


def scaled(values: Array, mean: float, deviation: float) -> Array:
    """Return values in standard deviations from the mean; a missing one is the mean.

    In float64: of numbers that are large and differ little a float32 keeps nothing.
    """
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        found = np.clip((values - mean) / deviation, -_FARTHEST, _FARTHEST)
    return np.nan_to_num(found, nan=0.0)
