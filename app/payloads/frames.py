"""Uploads into frames: JSON in three orientations and in lines, CSV, Parquet and Arrow, and images.

A frame has text for column names and one kind of value a column: number, boolean or text, each with missing values, or
images, without. Dates are text here, as they are in JSON and CSV: ids and labels may be dates too, and are given back.
Only bytes are parsed here: pandas opens a path or fetches a URL when it is handed a string.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any

from app.errors import Fault, FormatUnknown, InvalidData, Unreadable, UploadTooLarge, at
from app.payloads import csv_tables, images, long_columns, strict_json
from app.payloads.arrow_tables import read_arrow, read_parquet, unknown_type
from app.payloads.uploads import Upload

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from app.settings import Settings

#: Bytes of a number, and of a date as text.
_BYTES, _DATE = 8, 29

#: Characters of a column's name.
MAX_NAME = 200


def read(
    upload: Upload,
    settings: Settings,
    text: Collection[str] = (),
    id_column: str | None = None,
    padded: Callable[[str], bool] = lambda name: False,
) -> pd.DataFrame:
    """Parse one table.

    Parameters
    ----------
    text
        Columns of a CSV that are text even where they look like numbers: a postcode, a code with leading zeros.
    id_column
        Column of a CSV whose values are numbers only where each is written as one: 007 is another id than 7.
    padded
        Tells of a column's name whether all of it is text where a whole number in it is padded with zeros, in a CSV:
        class 01 is not class 1.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns), n_rows >= 1, with a RangeIndex.

    Raises
    ------
    Unreadable, FormatUnknown, UploadTooLarge, InvalidData
    """
    if upload.format in _IMAGES:
        if upload.part == "labels":
            raise FormatUnknown("labels are a table: send JSON, JSON lines, CSV, Parquet or Arrow.")
        return images.read(upload, most_bytes(settings), settings.max_upload_mb * 2**20)
    frame = _READERS[upload.format](upload, settings, text if id_column is None else {*text, id_column}, padded)
    if frame.empty:
        raise InvalidData(f"{upload.part} has no rows.", [Fault(at(upload.part), "no rows")])
    _check_names(list(frame.columns), upload.part)
    if upload.format == "csv" and id_column in frame.columns and id_column not in text:
        frame[id_column] = csv_tables.as_ids(frame[id_column])
    for name in frame.columns:
        frame[name] = _one_kind(frame[name], upload.part, settings.max_cell_kb * 1024)
    return frame


def _from_json(value: Any, part: str, settings: Settings) -> pd.DataFrame:
    """Make a frame of parsed JSON: column-oriented as `DataFrame.to_json()` writes it, records, or split."""
    import pandas as pd

    columns = _columns_of(value, part, settings)
    _check_size(len(next(iter(columns.values()), [])), len(columns), part, settings)
    try:
        return pd.DataFrame(columns)
    except (ValueError, TypeError, OverflowError):
        raise Unreadable(f"{part} is not a table: a value is neither text, number, boolean nor null.") from None


def _read_json(upload: Upload, settings: Settings, *of_csv: Any) -> pd.DataFrame:
    value = strict_json.loads(upload.data, upload.part) if upload.value is None else upload.value
    return _from_json(value, upload.part, settings)


def _read_lines(upload: Upload, settings: Settings, *of_csv: Any) -> pd.DataFrame:
    lines = [(number, line) for number, line in enumerate(upload.data.split(b"\n"), 1) if line.strip()]
    _check_size(len(lines), 1, upload.part, settings)
    records = [strict_json.loads(line, f"Line {number} of {upload.part}") for number, line in lines]
    return _from_json(records, upload.part, settings)


def _columns_of(value: Any, part: str, settings: Settings) -> dict[str, list[Any]]:
    """Tell the orientation of a JSON table and return its columns, all of one length."""
    if isinstance(value, list):
        return _from_records(value, part, settings)
    if isinstance(value, dict) and {"columns", "data"} <= value.keys() <= {"columns", "data", "index"}:
        return _from_split(value["columns"], value["data"], part, settings)
    if isinstance(value, dict):
        return _from_columns(value, part)
    raise Unreadable(f"{part} is not a table: send an object of columns, a list of records, or split JSON.")


def _from_records(records: list[Any], part: str, settings: Settings) -> dict[str, list[Any]]:
    if not all(isinstance(record, dict) for record in records):
        raise Unreadable(f"{part} is a list, and not all of its members are records (objects).")
    # In the order in which names first occur; a record without one has a missing value there.
    names = dict.fromkeys(name for record in records for name in record)
    # Checked before the cells are made: records that share no name would be unfolded to the square of what was sent.
    _check_size(len(records), len(names), part, settings)
    return {name: [record.get(name) for record in records] for name in names}


def _from_split(names: Any, rows: Any, part: str, settings: Settings) -> dict[str, list[Any]]:
    if not isinstance(names, list) or not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise Unreadable(f"{part} has columns and data that are not lists, as split JSON has them.")
    _check_size(len(rows), len(names), part, settings)
    ragged = [number for number, row in enumerate(rows) if len(row) != len(names)]
    if ragged:
        faults = [Fault(at(part, "data", number), f"not {len(names)} values") for number in ragged[:20]]
        raise InvalidData(f"{part} is ragged: {len(ragged)} rows have another length than columns.", faults)
    _check_names(names, part)
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {name: [] for name in names}


def _from_columns(columns: dict[str, Any], part: str) -> dict[str, list[Any]]:
    first: Any = next(iter(columns.values()), [])
    by_row_name = isinstance(first, dict)
    kind = dict if by_row_name else list
    if not all(isinstance(column, kind) for column in columns.values()) and not long_columns.are(columns):
        raise Unreadable(f"{part} is not a table: each column must be a list, or an object of row names and values.")
    ragged = [name for name, column in columns.items() if len(column) != len(first)]
    if by_row_name:
        ragged = [name for name, column in columns.items() if column.keys() != first.keys()]
    if ragged:
        faults = [Fault(at(part, name), "other rows than the first column") for name in ragged[:20]]
        raise InvalidData(f"{part} is ragged: not all of its columns have the same rows.", faults)
    if not by_row_name:
        return columns
    order = list(first)
    return {
        name: list(column.values()) if list(column) == order else [column[row] for row in order]
        for name, column in columns.items()
    }


def _read_csv(upload: Upload, settings: Settings, text: Collection[str], padded: Callable[[str], bool]) -> pd.DataFrame:
    def check(n_rows: int, names: list[str]) -> None:
        _check_size(n_rows, len(names), upload.part, settings)
        _check_names(names, upload.part)

    return csv_tables.read_csv(upload.data, upload.part, text, padded, check, upload.skipped)


def _read_arrow(upload: Upload, settings: Settings, *of_csv: Any) -> pd.DataFrame:
    return _from_arrow(read_arrow(upload.data, upload.part, most_bytes(settings)), upload.part, settings)


def _read_parquet(upload: Upload, settings: Settings, *of_csv: Any) -> pd.DataFrame:
    check = partial(_check_size, part=upload.part, settings=settings)
    return _from_arrow(read_parquet(upload.data, upload.part, most_bytes(settings), check), upload.part, settings)


def most_bytes(settings: Settings) -> int:
    """Return what a compressed upload may unfold to: all cells as numbers, or as much as may come uncompressed."""
    return max(settings.max_cells * _BYTES, settings.max_upload_mb * 2**20)


def _from_arrow(table: pa.Table, part: str, settings: Settings) -> pd.DataFrame:
    import pyarrow as pa

    _check_size(table.num_rows, table.num_columns, part, settings)
    _check_names(table.column_names, part)
    try:
        frame: pd.DataFrame = _dates_as_text(table, part, settings).to_pandas(ignore_metadata=True)
    except (pa.ArrowException, ValueError, TypeError):
        # A union has no counterpart in pandas, and neither has a dictionary with a null or with one entry twice.
        raise unknown_type(part) from None
    return frame


def _dates_as_text(table: pa.Table, part: str, settings: Settings) -> pa.Table:
    """Write dates as ISO 8601 has them, in UTC where they have a zone."""
    import pyarrow as pa

    size = 0
    for place, column in enumerate(table.columns):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if not pa.types.is_date(kind) and not pa.types.is_timestamp(kind):
            continue
        size += _DATE * table.num_rows
        if size > most_bytes(settings):
            raise UploadTooLarge(f"{part} has more dates than this service reads.")
        plain = column.cast(kind)
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            # Names of zones are looked up in a database that a machine may not have; UTC needs none.
            plain = plain.cast(pa.int64()).cast(pa.timestamp(kind.unit))
        table = table.set_column(place, table.column_names[place], plain.cast(pa.large_string()))
    return table


#: Formats of images.
_IMAGES = {"zip", "png", "jpeg"}

_READERS: dict[str, Callable[[Upload, Settings, Collection[str], Callable[[str], bool]], pd.DataFrame]] = {
    "json": _read_json,
    "jsonl": _read_lines,
    "csv": _read_csv,
    "arrow": _read_arrow,
    "parquet": _read_parquet,
}


def _check_size(n_rows: int, n_columns: int, part: str, settings: Settings) -> None:
    most_rows, most_columns = settings.max_rows, settings.max_columns
    if n_rows > most_rows or n_columns > most_columns or n_rows * n_columns > settings.max_cells:
        raise UploadTooLarge(
            f"{part} has {n_rows} rows and {n_columns} columns; at most {most_rows} rows, {most_columns} columns "
            f"and {settings.max_cells} cells are read."
        )


def _check_cells(column: pd.Series, part: str, most: int) -> None:
    """Refuse a text, or an image, that is longer than one is read."""
    longest = column.str.len().max()
    if longest > most:
        raise UploadTooLarge(
            f"A value of {part} is longer than {most // 1024} KiB.", [Fault(at(part, column.name), "is too long")]
        )


def _check_names(names: list[Any], part: str) -> None:
    faults = [
        Fault(at(part), f"column {number} has no name of 1 to {MAX_NAME} characters; leave out a frame's index")
        for number, name in enumerate(names, 1)
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME
    ]
    counts = Counter(map(str, names))
    faults += [
        Fault(at(part, name), "this column occurs more than once") for name in sorted(counts) if counts[name] > 1
    ]
    if faults:
        raise InvalidData(f"The columns of {part} are not named one by one.", faults[:20])


def written(value: str | int | float) -> str:
    """Write a value of a column that has texts too; a whole number without a point."""
    if isinstance(value, str):
        return value
    return str(int(value)) if isinstance(value, int) or value.is_integer() else repr(value)


def _one_kind(column: pd.Series, part: str, longest: int) -> pd.Series:
    """Bring a column to float64, int64, bool or str, none of them longer than some characters, or say what it mixes."""
    import numpy as np
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype("object").infer_objects()
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in ("string", "bytes"):
        _check_cells(column, part, longest)
    if kind == "string":
        return column.astype("str")
    if kind == "bytes" and part != "labels" and not column.isna().any():
        # Bytes of anything else are refused there.
        images.check_all(column, lambda row: at(part, column.name, row), part)
        return column
    if kind in ("mixed", "mixed-integer") and column.dropna().map(type).isin((str, int, float)).all():
        # As it would be read of a CSV: a mark of a missing number, say, or a code.
        return column.map(written, na_action="ignore").astype("str")
    if kind == "boolean":
        # A boolean that may be missing is kept as 1, 0 and missing.
        return column.astype("bool") if not column.isna().any() else column.astype("Float64").astype("float64")
    if kind in ("integer", "floating", "mixed-integer-float", "decimal", "empty"):
        if column.dtype.kind == "i" or (column.dtype.kind == "u" and column.max() <= np.iinfo("int64").max):
            return column.astype("int64")
        try:
            plain = column if column.dtype.kind in "fu" else pd.to_numeric(column.astype("object"), errors="coerce")
            number = plain.astype("float64")
        except OverflowError:
            # An integer of more than 308 digits.
            number = pd.Series([np.inf])
        if np.isinf(number).any():
            detail = "infinite, or too large for a number; leave it empty"
            raise InvalidData(f"{part} has an infinite number.", [Fault(at(part, column.name), detail)])
        return number
    detail = "mixes kinds of values" if kind.startswith("mixed") else f"has values of a kind not read here ({kind})"
    raise InvalidData(
        f"A column of {part} is neither numbers, booleans nor text.",
        [Fault(at(part, column.name), f"{detail}; make all its values numbers, booleans or text")],
    )
