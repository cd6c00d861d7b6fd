"""Which kind a column of a table holds, and its values read as that kind, the same in training and in serving.

A frame as `frames.read` leaves it has numbers, booleans, text and images. Of its text these are made:

* dates, where `dates.tell` finds one form for at least 95 % of the values;
* numbers, where every value is a number but for marks of a missing one (`?`, `n/a`, …), at least one of which is
  there: numbers in quotes without such a mark were put into quotes by someone, and stay text;
* text, where at least half of the values are different and they have four words on average;
* categories: all else, whether few or many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.payloads import dates, images
from app.payloads.parameters import Kind

if TYPE_CHECKING:
    import pandas as pd

#: Words that stand for a missing number, in small letters. An empty text always does.
_MARKS = {
    "?", "-", "--", ".", "*", "na", "n/a", "n.a.", "nan", "nil", "none", "null", "missing", "unknown", "undefined",
}  # fmt: skip

#: Different values of a column of dates that may be none: typing errors, and words for a missing date.
_MOST_MARKS = 50

#: Words on average from which on a column is free text, and share of its values that must be different.
_WORDS, _DIFFERENT = 4, 0.5

_TRUE, _FALSE = {"true", "yes", "y", "t", "1"}, {"false", "no", "n", "f", "0"}

#: A number in text. Grouped thousands and decimal commas are not read: 1,234 is two numbers.
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"

#: A number in text as it is written from one; and one with a zero before it, as codes have.
_WHOLE, _CODE = r"-?(?:0|[1-9]\d*)", r"[+-]?0\d"


class Misfit(Exception):
    """Values that are not of the kind they should be; says what they are, and of how many rows, never which."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How the values of a column are read.

    Attributes
    ----------
    source
        As they came in training: number, boolean, text or image.
    form
        Of dates: a key of `dates.FORMS`.
    marks
        Texts that stood for a missing number or date in training, as they were written.
    """

    kind: Kind
    source: Kind
    form: str | None = None
    marks: tuple[str, ...] = ()


def source_of(column: pd.Series) -> Kind:
    """Tell what a column holds as `frames.read` leaves it: number, boolean, text or image."""
    if column.dtype == "bool":
        return Kind.BOOLEAN
    if column.dtype.kind in "if":
        return Kind.NUMBER
    return Kind.IMAGE if column.dtype == "object" else Kind.TEXT


def tell(column: pd.Series) -> Reading:
    """Tell how a column is read when nobody says."""
    source = source_of(column)
    if source is Kind.NUMBER and column.isna().any() and set(column.dropna().unique()) == {0.0, 1.0}:
        # So a boolean with missing values comes.
        return Reading(Kind.BOOLEAN, source)
    if source is not Kind.TEXT:
        return Reading(source, source)
    values = _present(column)
    dated = _dated(values)
    if dated is not None:
        return dated
    words = [text for text in values.unique() if text.strip().lower() in _MARKS]
    if words:
        rest = values[~values.isin(words)]
        if len(rest) and not rest.str.match(_CODE).any() and _numbers(rest).notna().all():
            return Reading(Kind.NUMBER, source, marks=tuple(words[:_MOST_MARKS]))
    return Reading(Kind.TEXT if _is_prose(values) else Kind.CATEGORY, source)


def wanted(column: pd.Series, kind: Kind) -> Reading:
    """Tell how a column is read as a kind that somebody asks for.

    Raises
    ------
    Misfit
        Its values cannot be read so.
    """
    source = source_of(column)
    if kind is source:
        return Reading(kind, source)
    if source is Kind.IMAGE:
        raise Misfit("has images, which are read as nothing else")
    if kind in (Kind.CATEGORY, Kind.TEXT):
        # Text that is written as numbers are may come as numbers too.
        numbers = source is Kind.TEXT and _present(column).str.fullmatch(_WHOLE).all()
        return Reading(kind, Kind.NUMBER if numbers else source)
    reading = Reading(kind, source)
    if kind is Kind.DATE:
        if source is not Kind.TEXT:
            raise Misfit("has numbers, which are not read as dates; write them as 2020-12-31")
        dated = _dated(_present(column))
        if dated is None and dates.ambiguous(_present(column)):
            raise Misfit("has dates that do not tell day from month; write them as 2020-12-31")
        if dated is None:
            raise Misfit("has no dates of one form; write them as 2020-12-31 or 2020-12-31T23:59:59Z")
        reading = dated
    elif source is Kind.TEXT:
        values = _present(column)
        marks = tuple(text for text in values.unique() if text.strip().lower() in _MARKS)
        reading = Reading(kind, source, marks=marks[:_MOST_MARKS])
    read(column, reading)
    return reading


def read(column: pd.Series, reading: Reading) -> pd.Series:
    """Read a column as training did.

    Returns
    -------
    Series of float64 (numbers, booleans), str (categories, text), datetime64[us] (dates), or object (bytes of images).

    Raises
    ------
    Misfit
    """
    found, kind = source_of(column), reading.kind
    if found is Kind.TEXT and kind in (Kind.CATEGORY, Kind.TEXT):
        return column
    if kind is Kind.IMAGE:
        return _images(column, found)
    if found is kind and kind is not Kind.DATE:
        return column.astype("float64")
    if found is Kind.TEXT and (kind is Kind.DATE or reading.source is Kind.TEXT):
        return _from_text(column, reading)
    if column.isna().all():
        return _nothing(column, kind)
    if kind in (Kind.CATEGORY, Kind.TEXT) and {found, reading.source} <= {Kind.NUMBER, Kind.BOOLEAN}:
        return _as_text(column, reading.source)
    # A boolean with missing values arrives as 1, 0 and missing.
    zeros_and_ones = kind is Kind.BOOLEAN and found is Kind.NUMBER and column.dropna().isin([0, 1]).all()
    if zeros_and_ones or (kind is Kind.NUMBER and found is reading.source):
        return column.astype("float64")
    raise Misfit(f"expects {_plural(kind)}, has {_plural(found)}")


def _present(column: pd.Series) -> pd.Series:
    """Return the texts that are there: neither missing nor blank."""
    values = column.dropna()
    return values[values.str.strip() != ""]


def _dated(values: pd.Series) -> Reading | None:
    form = dates.tell(values)
    if form is None:
        return None
    others = values[dates.read(values, form).isna()].unique()
    return None if len(others) > _MOST_MARKS else Reading(Kind.DATE, Kind.TEXT, form, tuple(others))


def _is_prose(values: pd.Series) -> bool:
    if not len(values) or values.nunique() < _DIFFERENT * len(values):
        return False
    return float(values.str.count(r"\S+").mean()) >= _WORDS


def _numbers(values: pd.Series) -> pd.Series:
    """Return float64, NaN where a text is not one finite number."""
    import numpy as np
    import pandas as pd

    text = values.str.strip()
    numbers = pd.to_numeric(text.where(text.str.fullmatch(_NUMBER)), errors="coerce").astype("float64")
    return numbers.where(np.isfinite(numbers))


def _from_text(column: pd.Series, reading: Reading) -> pd.Series:
    if reading.kind is Kind.DATE:
        assert reading.form is not None
        values = dates.read(column, reading.form)
    elif reading.kind is Kind.NUMBER:
        values = _numbers(column)
    else:
        words = dict.fromkeys(_TRUE, 1.0) | dict.fromkeys(_FALSE, 0.0)
        values = column.str.strip().str.lower().map(words).astype("float64")
    lost = values.isna() & column.notna()
    if lost.any():
        lost &= ~column.isin(reading.marks) & (column.str.strip() != "")
    if lost.any():
        like = f" of the form that training had ({reading.form})" if reading.form else ""
        raise Misfit(f"expects {_plural(reading.kind)}, has text: {int(lost.sum())} row(s) are none{like}")
    return values


def _nothing(column: pd.Series, kind: Kind) -> pd.Series:
    """Return a column of missing values, whatever they came as."""
    import pandas as pd

    of = {Kind.DATE: "datetime64[us]", Kind.NUMBER: "float64", Kind.BOOLEAN: "float64"}.get(kind, "str")
    return pd.Series([None] * len(column), index=column.index, name=column.name, dtype=of)


def _as_text(column: pd.Series, source: Kind) -> pd.Series:
    """Write numbers as they are written without a need for a point: 1, not 1.0, whether another row is empty or not.

    Booleans with missing values arrive as 1, 0 and missing; they are written as they were in training.
    """
    if source is Kind.BOOLEAN and column.dropna().isin([0, 1]).all():
        return column.astype("float64").map({1.0: "True", 0.0: "False"}).astype("str")
    if column.dtype == "bool":
        column = column.astype("int64")
    if column.dtype.kind == "f":
        different = column.dropna().unique()
        texts = {value: str(int(value)) if value == int(value) else repr(float(value)) for value in different}
        return column.map(texts).astype("str")
    return column.astype("str")


def _images(column: pd.Series, found: Kind) -> pd.Series:
    if column.isna().any():
        raise Misfit(f"has no image in {int(column.isna().sum())} row(s)")
    if found is Kind.IMAGE:
        return column
    if found is not Kind.TEXT:
        raise Misfit(f"expects images, has {_plural(found)}")
    try:
        return images.from_base64(column)
    except images.NotAnImage as error:
        raise Misfit(str(error)) from None


def _plural(kind: Kind) -> str:
    return {Kind.TEXT: "text", Kind.CATEGORY: "text"}.get(kind, f"{kind}s")
