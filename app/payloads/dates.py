"""Dates as people write them, read by one form for a whole column.

A form is taken only where it is the single way to read a column. Year first, a day before dots (31.12.2020) and the
English name of a month leave no doubt. With slashes or hyphens (31/12/2020) day and month are told apart by the values
themselves: every value must be a date in one order, and at least one of them in that order only. Where no value says
so, the column is not read as dates. Times without a zone are taken for UTC; those with one are brought to UTC.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

#: What may follow a date: a time of day and a zone.
_TIME = (
    r"(?:[T ] *(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
    r" ?(?:Z|UTC|GMT|(?P<sign>[+-])(?P<zone_hour>\d{2}):?(?P<zone_minute>\d{2})?)?)?"
)
_WEEKDAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?"
_MONTH = (
    r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)

#: {form: its pattern}, in the order in which they are tried. A month alone stands for its first day, and only in these
#: centuries: 4711-01 is the number of a part.
FORMS = {
    "year first": r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _TIME,
    "year and month": r"(?P<year>(?:19|20)\d{2})[-/](?P<month>\d{2})" + _TIME,
    "day before dots": r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})" + _TIME,
    "day and name": _WEEKDAY + r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[ -]" + _MONTH + r"\.?,?[ -](?P<year>\d{4})" + _TIME,
    "name and day": _WEEKDAY + _MONTH + r"\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?P<year>\d{4})" + _TIME,
    "day first": r"(?P<day>\d{1,2})[-/](?P<month>\d{1,2})[-/](?P<year>\d{4})" + _TIME,
    "month first": r"(?P<month>\d{1,2})[-/](?P<day>\d{1,2})[-/](?P<year>\d{4})" + _TIME,
}

#: Forms that read the same values, in another order.
_ORDERS = ("day first", "month first")

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

#: Share of the values that must be dates for a column to be one of dates.
SHARE = 0.95

#: Values that are looked at first: a column of which these are no dates is not looked at further.
_FIRST = 100

#: Characters of the longest date; longer values are not looked at.
_LONGEST = 60


def tell(values: pd.Series) -> str | None:
    """Tell the form of a column of text, none of it missing; None when it is not one of dates.

    Parameters
    ----------
    values
        Series of str, shape (n_values,).
    """
    for form in FORMS:
        if _share(values.head(_FIRST), form) >= SHARE / 2 and _share(values, form) >= SHARE:
            return form if form not in _ORDERS else _order(values)
    return None


def ambiguous(values: pd.Series) -> bool:
    """Tell whether values are dates in which day and month cannot be told apart."""
    import numpy as np

    either = ~np.isnat([_microseconds(values, form) for form in _ORDERS]).all(axis=0)
    return len(values) > 0 and float(either.mean()) >= SHARE and _order(values) is None


def read(values: pd.Series, form: str) -> pd.Series:
    """Read a column of text as dates.

    Returns
    -------
    Series of datetime64[us] in UTC, without a zone; NaT where a value is missing or not of this form.
    """
    import pandas as pd

    return pd.Series(_microseconds(values, form), index=values.index, name=values.name)


def _share(values: pd.Series, form: str) -> float:
    """Return the share of the values that a form reads."""
    import numpy as np

    return float(1 - np.isnat(_microseconds(values, form)).mean()) if len(values) else 0.0


def _order(values: pd.Series) -> str | None:
    """Tell the order of day and month that the values themselves prove."""
    import numpy as np

    day_first, month_first = (~np.isnat(_microseconds(values, form)) for form in _ORDERS)
    proofs = {"day first": (day_first & ~month_first).any(), "month first": (month_first & ~day_first).any()}
    proven = [form for form, proof in proofs.items() if proof]
    return proven[0] if len(proven) == 1 else None


def _microseconds(values: pd.Series, form: str) -> np.ndarray[Any, Any]:
    """Return an array of datetime64[us], shape (n_values,); NaT where a value is not a date of this form."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(pa.array(values, type=pa.large_string(), from_pandas=True))
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    text = pc.if_else(pc.less_equal(pc.utf8_length(text), _LONGEST), text, None)
    found = pc.extract_regex(text, pattern=f"^(?:{FORMS[form]})$")
    matched = np.asarray(found.is_valid().to_numpy(zero_copy_only=False), dtype="bool")
    names = [field.name for field in found.type]
    parts = {name: found.field(place) for place, name in enumerate(names)}

    def number(name: str, absent: int) -> np.ndarray[Any, Any]:
        if name not in parts:
            return np.full(len(matched), absent)
        # What an optional group did not match is empty, and so is all of a value that is no date.
        filled = pc.if_else(pc.equal(parts[name], ""), str(absent), parts[name])
        return np.asarray(filled.cast(pa.int64()).to_numpy(zero_copy_only=False))

    month = _named(parts["month"]) if "name" in form else number("month", 1)
    year, day = number("year", 1970), number("day", 1)
    hour, minute, second = number("hour", 0), number("minute", 0), number("second", 0)
    first = (year - 1970).astype("M8[Y]").astype("M8[M]") + (month - 1)
    date = first.astype("M8[D]") + (day - 1)
    half = pc.utf8_lower(parts["half"]).to_numpy(zero_copy_only=False)
    # 12 am is midnight, 12 pm is noon.
    twelve = half != ""
    valid = matched & (month >= 1) & (month <= 12) & (day >= 1) & (date.astype("M8[M]") == first)
    valid &= (minute < 60) & (second < 61) & np.where(twelve, (hour >= 1) & (hour <= 12), hour < 24)
    hour = np.where(twelve, hour % 12 + 12 * (half == "p"), hour)
    fraction = pc.utf8_slice_codeunits(pc.utf8_rpad(parts["fraction"], width=6, padding="0"), 0, 6)
    micro = np.asarray(fraction.cast(pa.int64()).to_numpy(zero_copy_only=False))
    valid &= (number("zone_hour", 0) < 15) & (number("zone_minute", 0) < 60)
    sign = np.where(parts["sign"].to_numpy(zero_copy_only=False) == "-", -1, 1)
    offset = sign * (number("zone_hour", 0) * 60 + number("zone_minute", 0))
    seconds = hour * 3600 + (minute - offset) * 60 + second
    moments = date.astype("M8[us]") + (seconds * 1_000_000 + micro).astype("m8[us]")
    return np.where(valid, moments, np.datetime64("NaT", "us"))


def _named(months: Any) -> np.ndarray[Any, Any]:
    """Return the numbers of months by their English names; 0 for a value that is no date."""
    import numpy as np

    known = {name: number for number, name in enumerate(_MONTHS, start=1)}
    return np.array([known.get((name or "")[:3].lower(), 0) for name in months.to_pylist()], dtype="int64")


#: {form: how it writes a day}, of its year, month and day, and the name of the month.
_WRITTEN = {
    "year first": "{0:04}-{1:02}-{2:02}",
    "year and month": "{0:04}-{1:02}",
    "day before dots": "{2:02}.{1:02}.{0:04}",
    "day and name": "{2} {3} {0:04}",
    "name and day": "{3} {2}, {0:04}",
    "day first": "{2:02}/{1:02}/{0:04}",
    "month first": "{1:02}/{2:02}/{0:04}",
}


def write(value: datetime, form: str) -> str:
    """Write a date as `read` reads it; its time of day only where it has one."""
    day = _WRITTEN[form].format(value.year, value.month, value.day, _MONTHS[value.month - 1].title())
    return day if value.time() == time() else f"{day} {value.time().isoformat()}"
