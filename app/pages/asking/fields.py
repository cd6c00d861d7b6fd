"""A form for one row, built from what a pipeline's record says of its columns: ranges, categories, usual values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.pages.asking import pictures
from app.pages.usual import usual as usual_of
from app.pages.words import number
from app.pages.words import value as written
from app.payloads import dates
from app.payloads.parameters import Kind

if TYPE_CHECKING:
    from app.payloads.signature import Column, Signature

#: Columns from where on a form is no help: a row of more is pasted as text.
MOST = 200


#: How browsers write a day.
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


#: What is known to be true, or false, in whatever form it came.
_TRUTHS = {"true": True, "yes": True, "1": True, "1.0": True, "false": False, "no": False, "0": False, "0.0": False}


@dataclass(frozen=True)
class Field:
    """One column as a control of a form.

    Attributes
    ----------
    name
        Of the control: columns are counted, as their names may be anything.
    value
        What it shows; None for missing.
    options
        Categories, or nothing.
    other
        Whether the value is none of the options.
    told
        What the training had, in words.
    """

    name: str
    column: str
    kind: str
    value: Any
    told: str
    options: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def picture(self) -> str | None:
        """An image, as a URI that holds it."""
        return pictures.preview(self.value) if self.kind == Kind.IMAGE.value and self.value else None

    @property
    def other(self) -> bool:
        """Whether the value is a category that is not among the options."""
        return self.value is not None and self.value not in self.options


def offered(signature: Signature) -> bool:
    """Tell whether a row can be typed in: a series is a table by itself."""
    return all(column.role == "feature" for column in signature.columns) and len(signature.columns) <= MOST


def usual(signature: Signature) -> dict[str, Any]:
    """Return the row that a form begins with: medians, and the most frequent categories."""
    return {column.name: usual_of(column) for column in signature.columns}


def fields(signature: Signature, values: Mapping[str, Any], prefix: str = "c") -> list[Field]:
    """Return the controls of a row's columns."""
    return [
        _field(f"{prefix}{place}", column, values.get(column.name)) for place, column in enumerate(signature.columns)
    ]


def _field(name: str, column: Column, value: Any) -> Field:
    summary, kind = column.summary, column.kind.value
    if value is None or value != value or (isinstance(value, str) and value in column.marks):
        value = None
    match column.kind:
        case Kind.NUMBER:
            value = number_of(value)
            return Field(name, column.name, kind, value, range_of(summary), (), summary.get("min"), summary.get("max"))
        case Kind.BOOLEAN:
            value = None if value is None else _TRUTHS.get(str(value).strip().lower())
            return Field(name, column.name, kind, value, "")
        case Kind.CATEGORY:
            options = tuple(map(str, summary.get("categories") or ()))
            more = (summary.get("distinct") or 0) - len(options)
            told = f"and {number(more)} more in the training" if more > 0 else ""
            return Field(name, column.name, kind, None if value is None else str(value), told, options)
        case Kind.DATE:
            plain = column.form == "year first" and (value is None or _DAY.fullmatch(str(value)))
            return Field(name, column.name, "day" if plain else "date", value, _dates(column))
    return Field(name, column.name, kind, value, "")


def number_of(value: Any) -> float | int | None:
    """Read a number that ends, a whole one as such; None of anything else."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    if not math.isfinite(found):
        return None
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def range_of(summary: Mapping[str, Any]) -> str:
    """Write the range that a number had in the training."""
    return f"{written(summary['min'])} to {written(summary['max'])}" if "min" in summary else "always missing"


def _dates(column: Column) -> str:
    if "min" not in column.summary:
        return "always missing"
    first, last = (
        dates.write(datetime.fromisoformat(column.summary[end]), column.form or "year first") for end in ("min", "max")
    )
    return f"{first} to {last}"
