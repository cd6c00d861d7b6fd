"""Long columns of numbers by row name, as `DataFrame.to_json()` writes them, into arrays without an object a value.

Of most bodies of megabytes the names of rows are half, and say nothing: "0", "1", … in each column. Where all columns
are so, and all values numbers, the text of each is looked at as an array of bytes, and the text around them parsed as
ever. Whatever is not so regular is left to `strict_json`, which alone says what is wrong with a text.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

from app.errors import Unreadable
from app.payloads import strict_json

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

    #: Values by column: float64, or int64 where each is written as a whole number.
    Arrays: TypeAlias = dict[str, Array]

#: How a column begins.
_FIRST = b'{"0":'

#: Bytes of a column from which on this takes less time than parsing it does.
_LONG = 1 << 14

#: Bytes of a column that are looked at together, so that what is made of them stays near the processor.
_TOGETHER = 1 << 18

#: Bytes of a value; numbers have no more digits than that unless somebody makes trouble.
_WIDEST = 40

#: Whole numbers from which on float64 does not hold each.
_EXACT = 2**53

_QUOTE, _COLON, _COMMA, _SPACE, _MINUS, _ZERO = b'":, -0'


def of_table(data: bytes) -> Arrays | None:
    """Return the columns of a table; None where it is not made of such columns alone."""
    found = _parsed(data)
    return None if found is None else _table(*found)


def of_body(data: bytes) -> dict[str, Any] | None:
    """Return a JSON object whose member `data` is such a table, as its columns; None where it is none."""
    found = _parsed(data)
    if found is None or not isinstance(found[0], dict) or (table := _table(found[0].get("data"), found[1])) is None:
        return None
    return found[0] | {"data": table}


def are(columns: dict[str, Any]) -> bool:
    """Tell whether the columns of a table are such arrays: all are, or none is."""
    return hasattr(next(iter(columns.values()), None), "dtype")


def _table(value: Any, columns: list[Array]) -> Arrays | None:
    """Put columns into the table that has their numbers, each in a list; None where they are anything but the table."""
    if not isinstance(value, dict) or [*value.values()] != [[number] for number in range(len(columns))]:
        return None
    if value.keys() >= {"columns", "data"} or len(set(map(len, columns))) > 1:
        # The first would be taken for split JSON without the names of rows; what is ragged is refused with them.
        return None
    return dict(zip(value, columns, strict=True))


def _parsed(data: bytes) -> tuple[Any, list[Array]] | None:
    """Return what is around the columns, with a list of its number in the place of each, and the columns."""
    if len(data) < _LONG:
        return None
    columns: list[Array] = []
    around: list[bytes] = []
    end = 0
    for number in count():
        begin = data.find(_FIRST, end)
        around.append(data[end : None if begin < 0 else begin])
        if begin < 0:
            break
        end = data.find(b"}", begin) + 1
        column = _column(data, begin + 1, end - 1) if end - begin > _LONG else None
        if column is None:
            return None
        columns.append(column)
        around.append(b"[%d]" % number)
    if not columns or any(b"[" in text for text in around[::2]):
        return None
    try:
        return strict_json.loads(b"".join(around), "body"), columns
    except Unreadable:
        return None


def _column(data: bytes, begin: int, end: int) -> Array | None:
    """Return the values between the braces of a column; None where anything of it is not regular."""
    import numpy as np

    scaled = any(data.find(mark, begin, end) >= 0 for mark in (b"e", b"E"))
    if scaled and any(data.find(mark, begin, end) >= 0 for mark in (b".e", b".E")):
        # Without digits behind its point, which Arrow reads.
        return None
    parts: list[Array] = []
    place, rows = begin, 0
    while place <= end:
        # Cut at a comma; where there is none this is the last.
        comma = data.find(b",", place + _TOGETHER, end)
        stop = comma if comma >= 0 else end
        part = _part(data[place:stop].lstrip(b" "), rows)
        if part is None:
            return None
        parts.append(part)
        place, rows = stop + 1, rows + len(part)
    values = np.concatenate(parts)
    if scaled or data.find(b".", begin, end) >= 0:
        return values
    return values.astype("int64") if (np.abs(values) < _EXACT).all() else None


def _part(section: bytes, rows: int) -> Array | None:
    """Return the values of a part of a column, before which there are so many rows."""
    import numpy as np

    # Beyond its end there is no number.
    text = np.frombuffer(section + b"  ", "uint8")
    quotes = np.flatnonzero(text == _QUOTE)
    opened, closed = quotes[0::2], quotes[1::2]
    if not len(closed) or len(opened) != len(closed) or opened[0]:
        return None
    # Written with a space behind each colon and comma, or without any.
    space = int(text[closed[0] + 2] == _SPACE)
    starts, ends = closed + (2 + space), np.append(opened[1:] - (1 + space), len(section))
    if (text[closed + 1] != _COLON).any() or (text[ends[:-1]] != _COMMA).any():
        return None
    if space and ((text[starts - 1] != _SPACE).any() or (text[ends[:-1] + 1] != _SPACE).any()):
        return None
    if not _in_order(text, opened, closed, rows) or not _plain(text, starts, ends):
        return None
    return _read(text, starts, ends)


def _in_order(text: Array, opened: Array, closed: Array, rows: int) -> bool:
    """Tell whether what is between the quotes is the number of each row in order, of which so many came before."""
    import numpy as np

    first, width = 0, len(str(rows))
    while first < len(opened):
        last = min(len(opened), 10**width - rows)
        begin = opened[first:last] + 1
        if (closed[first:last] - begin != width).any():
            return False
        number = np.zeros(last - first, "int64")
        for place in range(width):
            digit = _digit(text, begin + place)
            if digit.max() > 9:
                return False
            number = number * 10 + digit
        if (number != np.arange(first + rows, last + rows)).any():
            return False
        first, width = last, width + 1
    return True


def _plain(text: Array, starts: Array, ends: Array) -> bool:
    """Tell whether values that read as numbers are written as JSON has them; "-0" is 0 there."""
    widths = ends - starts
    if widths.min() < 1 or widths.max() > _WIDEST:
        return False
    signed = text[starts] == _MINUS
    first, second = _digit(text, starts + signed), _digit(text, starts + signed + 1)
    if first.max() > 9 or _digit(text, ends - 1).max() > 9:
        return False
    return not ((first == 0) & ((second < 10) | (signed & (widths == 2)))).any()


def _digit(text: Array, places: Array) -> Array:
    """Return the digits in some places, uint8; what is none is above 9."""
    # Bytes below that of 0 become great numbers.
    found: Array = text[places] - text.dtype.type(_ZERO)
    return found


def _read(text: Array, starts: Array, ends: Array) -> Array | None:
    """Return the numbers that are written between some places, float64; None where one is none, or infinite."""
    import numpy as np
    import pyarrow as pa

    offsets = np.zeros(len(starts) + 1, "int32")
    np.cumsum(ends - starts, out=offsets[1:])
    places = np.arange(offsets[-1])
    places += np.repeat(starts - offsets[:-1], ends - starts)
    together = [None, pa.py_buffer(offsets), pa.py_buffer(text[places])]
    try:
        values: Array = pa.Array.from_buffers(pa.string(), len(starts), together).cast("float64").to_numpy()
    except pa.ArrowInvalid:
        return None
    return values if np.isfinite(values).all() else None
