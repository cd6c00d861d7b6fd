"""The value that stands for a column where nobody has said one: of the training the middle, or the most frequent."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.payloads import dates
from app.payloads.parameters import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.payloads.signature import Column

#: Digits of a number that people read.
_DIGITS = 6

#: From here on a float stands for more than one whole number.
_ALIKE = 2**53


def usual(column: Column) -> Any:
    """Return a value that a column may have had in the training, written as it came; None where there is none."""
    summary = column.summary
    match column.kind:
        case Kind.CATEGORY:
            return next(iter(summary.get("categories") or ()), None)
        case Kind.DATE if "median" in summary:
            return _date(summary, column.form or "year first")
        case Kind.BOOLEAN if "median" in summary:
            return summary["median"] >= 0.5
    return None if summary.get("median") is None else _number(summary)


def _date(summary: Mapping[str, Any], form: str) -> str:
    middle, least = (datetime.fromisoformat(summary.get(name, summary["median"])) for name in ("median", "min"))
    # The middle of two days may be noon of one. Where all is of one day, midnight may be before the first.
    day = middle.replace(hour=0, minute=0, second=0, microsecond=0)
    return dates.write(day if day >= least else middle, form)


def _number(summary: Mapping[str, Any]) -> float | int:
    """Return the median, rounded as long as that does not lead out of what the training had."""
    median = float(summary["median"])
    rounded = float(f"{median:.{_DIGITS}g}")
    value = rounded if summary.get("min", rounded) <= rounded <= summary.get("max", rounded) else median
    return int(value) if value.is_integer() and abs(value) < _ALIKE else value
