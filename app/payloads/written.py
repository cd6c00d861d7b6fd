"""Columns of an answer as a table: JSON lines, CSV, Parquet or Arrow.

Values are written as they are. A float has all its digits, so that it is read back as the same one; a missing value is
null, in CSV an empty field. In CSV, which people open in spreadsheets, a text that one would compute gets an apostrophe
before it (see `cells`); the other forms give each id and class back as it came.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from app.payloads.cells import guarded

if TYPE_CHECKING:
    import pyarrow as pa

#: Media types that columns are written as.
FORMS = (
    "application/x-ndjson",
    "application/jsonl",
    "text/csv",
    "application/vnd.apache.parquet",
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.arrow.file",
)

#: Rows that are written at a time.
_ROWS = 10_000

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def write(columns: dict[str, list[Any]], media_type: str) -> Iterator[bytes]:
    """Write columns of one length, piece by piece.

    Parameters
    ----------
    media_type
        One of `FORMS`.
    """
    match media_type:
        case "text/csv":
            return _csv(columns)
        case "application/vnd.apache.parquet":
            return _parquet(_table(columns))
        case "application/vnd.apache.arrow.stream":
            return _arrow(_table(columns), in_file=False)
        case "application/vnd.apache.arrow.file":
            return _arrow(_table(columns), in_file=True)
    return _lines(columns)


def _lines(columns: dict[str, list[Any]]) -> Iterator[bytes]:
    rows = zip(*columns.values(), strict=True)
    while some := list(islice(rows, _ROWS)):
        records = (dict(zip(columns, row, strict=True)) for row in some)
        yield b"".join(orjson.dumps(record, option=_OPTIONS | orjson.OPT_APPEND_NEWLINE) for record in records)


def _csv(columns: dict[str, list[Any]]) -> Iterator[bytes]:
    rows = zip(*(map(guarded, _cells(values)) for values in columns.values()), strict=True)
    some: list[tuple[Any, ...]] = [tuple(map(guarded, columns))]
    while some:
        written = io.StringIO()
        csv.writer(written).writerows(some)
        yield written.getvalue().encode()
        some = list(islice(rows, _ROWS))


def _table(columns: dict[str, list[Any]]) -> pa.Table:
    import pyarrow as pa

    # What is not a number is a missing one, as in every other form.
    return pa.table({name: pa.array(list(_cells(values)), from_pandas=True) for name, values in columns.items()})


def _cells(values: list[Any]) -> Iterator[Any]:
    """Yield values as a cell holds them: what has parts is JSON text, and what is not a number is missing."""
    for value in values:
        if isinstance(value, dict | list):
            yield orjson.dumps(value, option=_OPTIONS).decode()
        else:
            yield None if value != value else value


def _parquet(table: pa.Table) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(table, sink)
    yield sink.getvalue()


def _arrow(table: pa.Table, in_file: bool) -> Iterator[bytes]:
    import pyarrow as pa

    sink = io.BytesIO()
    with (pa.ipc.new_file if in_file else pa.ipc.new_stream)(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=_ROWS)
    yield sink.getvalue()
