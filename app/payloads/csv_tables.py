"""CSV uploads: what separates their columns, and which of them are text though they look like numbers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from app.errors import Fault, InvalidData, Unreadable, at

if TYPE_CHECKING:
    import pandas as pd

#: A whole number as it is written; pandas writes it with a point where a value beside it is missing.
PLAIN = r"-?(?:0|[1-9]\d{0,17})(?:\.0+)?"

#: A whole number that is padded with zeros.
_PADDED = re.compile(r"[+-]?0\d+")

#: First bytes of what gzip has compressed.
_GZIP = b"\x1f\x8b"

# A text may be as long as the upload is, which max_upload_mb bounds: an image in base64, say. The module's own limit of
# 131,072 characters would refuse it.
csv.field_size_limit(2**31 - 1)


def read_csv(
    data: bytes,
    part: str,
    text: Collection[str],
    padded: Callable[[str], bool],
    check: Callable[[int, list[str]], None],
    skipped: int = 0,
) -> pd.DataFrame:
    """Read a CSV in UTF-8 with a header.

    Parameters
    ----------
    text, padded
        As `frames.read` has them; the ids are among the texts.
    check
        Is called with an upper bound of the rows and the names of the columns before more is read.
    skipped
        Lines of the file between the header and the first row, which an error counts.

    Raises
    ------
    Unreadable, InvalidData and what `check` raises
    """
    import pandas as pd

    try:
        decoded = data.decode("utf-8-sig")
        delimiter = delimiter_of(decoded)
        rows = csv.reader(io.StringIO(decoded, newline=""), delimiter=delimiter, strict=True)
        header = next(rows, [])
        # Every line ends once, in \n or in \r; quoted line breaks only make this an upper bound.
        # Without the line of the header, where the last one ends.
        check(max(map(data.count, (b"\n", b"\r"))) - data.endswith((b"\n", b"\r")), header)
        # pandas fills a short row and reads a long first one as having an index.
        looked_at = [place for place, name in enumerate(header) if padded(name)]
        ragged, as_written = [], {*text}
        for row in rows:
            if row and len(row) != len(header):
                ragged.append(rows.line_num + skipped)
            elif row:
                as_written |= {header[place] for place in looked_at if _PADDED.fullmatch(row[place])}
        if ragged:
            faults = [Fault(at(part), f"line {line} has not {len(header)} values") for line in ragged[:20]]
            raise InvalidData(f"{part} is ragged: {len(ragged)} rows are not as long as the header.", faults)
        kinds = dict.fromkeys(as_written & set(header), "str")
        # Whole, not in chunks: a column that turns to text late would be numbers before.
        return pd.read_csv(io.BytesIO(data), sep=delimiter, dtype=kinds, encoding="utf-8-sig", low_memory=False)
    except UnicodeError:
        what = "compressed with gzip" if data.startswith(_GZIP) else "not UTF-8 text"
        raise Unreadable(f"{part} is {what}. Save it as CSV in UTF-8, and send it as it is.") from None
    except (ValueError, csv.Error):
        # pandas words these for its own callers and may quote a line of the data.
        raise Unreadable(f"{part} is not a CSV table with one header line and rows of its length.") from None


def delimiter_of(text: str) -> str:
    """Tell what stands between the columns: commas, or where the header has none semicolons or tabs."""
    header = text.partition("\n")[0]
    return next((one for one in (",", ";", "\t") if one in header), ",")


def as_ids(column: pd.Series) -> pd.Series:
    """Return a column of texts as numbers where each of them is written as one: 007 is another id than 7."""
    import pandas as pd

    return pd.to_numeric(column) if column.dropna().str.fullmatch(PLAIN).all() else column
