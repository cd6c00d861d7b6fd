"""One column: its kind as a training would read it, what is missing, and how its values are spread."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app.payloads import images, kinds
from app.payloads.kinds import Misfit, Reading
from app.payloads.parameters import Kind

if TYPE_CHECKING:
    import pandas as pd

#: Bins of a histogram, most frequent values and examples that are told, and characters of each.
_BINS, _TOP, _EXAMPLES, _LONGEST = 20, 8, 3, 200

#: Different whole numbers up to which each is told by itself, as a category is.
_FEW = 12


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes
    ----------
    kind
        As a training would read it.
    missing, distinct
        Counts of the rows that were looked at. `distinct` is None of images.
    least, middle, most
        Of numbers and dates: minimum, median and maximum; dates in ISO 8601.
    mean
        Of numbers.
    top
        The most frequent values, each with its count: of all but images and numbers of many values.
    edges, counts
        A histogram of numbers or dates; dates in seconds since 1970. Empty where there is none.
    examples
        A few values as text.
    notes
        In sentences: what to look at.
    """

    name: str
    kind: Kind
    missing: int
    distinct: int | None
    least: float | str | None = None
    middle: float | str | None = None
    most: float | str | None = None
    mean: float | None = None
    top: tuple[tuple[str, int], ...] = ()
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    examples: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def describe(column: pd.Series, wanted: Kind | None = None) -> Column:
    """Describe a column as `frames.read` leaves it.

    Parameters
    ----------
    wanted
        The kind that somebody asks for; one that its values cannot be read as is told in a note.
    """
    notes: tuple[str, ...] = ()
    reading = kinds.tell(column)
    if wanted is not None:
        try:
            reading = kinds.wanted(column, wanted)
        except Misfit as misfit:
            notes = (f"It cannot be read as {wanted}: it {misfit}.",)
    values = kinds.read(column, reading)
    described = _images(column) if reading.kind is Kind.IMAGE else _values(str(column.name), values, reading)
    return replace(described, notes=notes)


def _images(column: pd.Series) -> Column:
    height, width, channels = images.describe(column).values()
    typical = f"{width} x {height} pixels, {'grey' if channels == 1 else 'in colour'}"
    return Column(str(column.name), Kind.IMAGE, 0, None, examples=(typical,))


def _values(name: str, values: pd.Series, reading: Reading) -> Column:
    present = values.dropna()
    if present.dtype.kind not in "ifbM":
        present = present[present.str.strip() != ""]
    counts = present.value_counts()
    told: dict[str, Any] = {"missing": len(values) - len(present), "distinct": len(counts)}
    numeric = reading.kind in (Kind.NUMBER, Kind.DATE)
    if numeric and len(present):
        told |= _spread(present, reading.kind)
    few = reading.kind is Kind.NUMBER and len(counts) <= _FEW and (present % 1 == 0).all()
    if few:
        # In their order, so that the bars are those of a histogram.
        told["top"] = tuple((_text(value), int(n)) for value, n in counts.sort_index().items())
    elif not numeric and reading.kind is not Kind.TEXT:
        as_text = _yes_or_no if reading.kind is Kind.BOOLEAN else _text
        told["top"] = tuple((as_text(value), int(count)) for value, count in counts.head(_TOP).items())
    told["examples"] = tuple(_text(value) for value in present.drop_duplicates().head(_EXAMPLES))
    return Column(name, reading.kind, **told)


def _spread(present: pd.Series, kind: Kind) -> dict[str, Any]:
    import numpy as np

    plain = present.astype("int64") / 1e6 if kind is Kind.DATE else present.astype("float64")
    least, middle, most = plain.min(), plain.median(), plain.max()
    told: dict[str, Any] = {"least": float(least), "middle": float(middle), "most": float(most)}
    if kind is Kind.NUMBER:
        # The mean of numbers near the largest there are is too large to be one.
        told["mean"] = float(mean) if np.isfinite(mean := plain.mean()) else None
    else:
        told = {"least": _date(present.min()), "middle": _date(present.quantile(0.5)), "most": _date(present.max())}
    with np.errstate(all="ignore"):
        spread = most - least
    if np.isfinite(spread) and spread > 0 and least + spread / _BINS > least:
        counts, edges = np.histogram(plain.to_numpy(), bins=_BINS)
        told |= {"edges": tuple(map(float, edges)), "counts": tuple(map(int, counts))}
    return told


def _date(value: pd.Timestamp) -> str:
    return str(value.isoformat() if value != value.normalize() else value.date().isoformat())


def _yes_or_no(value: float) -> str:
    return "true" if value else "false"


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    text = _date(value) if hasattr(value, "isoformat") else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
