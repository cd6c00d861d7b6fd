"""Dates into numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Names of the numbers that a date becomes.
PARTS = ("days", "year", "month", "day", "weekday", "hour")

#: Microseconds of a day and of an hour.
DAY, _HOUR = 86_400_000_000, 3_600_000_000


def parts_of(moments: Array, median: int, count: int) -> Array:
    """Return the first parts of dates, float64 of shape (n_samples, count).

    Parameters
    ----------
    moments
        int64, microseconds since 1970; the least one where a date is missing.
    median
        What stands in for a missing date.
    """
    import numpy as np

    moments = np.where(moments == np.iinfo("int64").min, median, moments)
    dates = moments.view("M8[us]")
    months = dates.astype("M8[M]")
    days = dates.astype("M8[D]")
    parts = (
        moments / DAY,
        1970 + dates.astype("M8[Y]").astype("int64"),
        1 + months.astype("int64") % 12,
        1 + (days - months.astype("M8[D]")).astype("int64"),
        # 1970 began on a Thursday; a week on a Monday.
        (days.astype("int64") + 3) % 7,
        moments % DAY / _HOUR,
    )
    return np.column_stack(parts[:count]).astype("float64")
