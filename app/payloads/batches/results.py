"""Results of batch predictions, written block by block as CSV, JSON lines, Parquet or Arrow.

A column has one kind of values from its first row to its last, which only the last row tells. It is taken from the
first block; where a later one needs a wider kind, all is written again with that.
"""

from __future__ import annotations

from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

import orjson

from app.payloads import cells
from app.payloads.batches.parameters import Form
from app.payloads.frames import written

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

#: {column: name of an Arrow type}: null, bool, int64, double or string.
Kinds = dict[str, str]


class Widened(Exception):
    """A column has values that its kind does not hold; the kinds are those to begin anew with."""


class ResultFile:
    """A file of columns that all blocks have.

    Parameters
    ----------
    file
        Open for writing; it is not closed.
    kinds
        Those known; the first block and wider ones add theirs.
    """

    def __init__(self, file: IO[bytes], form: Form, kinds: Kinds) -> None:
        self._file = file
        self._form = form
        self._kinds = kinds
        self._writer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, columns: dict[str, list[Any]]) -> None:
        """Write the next rows.

        Raises
        ------
        Widened
        """
        import pyarrow as pa

        arrays = {name: self._of_kind(name, values) for name, values in columns.items()}
        table = pa.table(arrays)
        if self._writer is None:
            self._writer = _WRITERS[self._form](self._file, table.schema)
        self._writer.write_table(table)

    def _of_kind(self, name: str, values: list[Any]) -> pa.Array:
        import pyarrow as pa

        try:
            array = pa.array(values, from_pandas=True)
        except (pa.ArrowException, OverflowError):
            # Classes may be text and numbers, and an id may be a number of more than 64 bits.
            array = pa.array([_as_text(value) for value in values])
        found = str(array.type)
        wanted = self._kinds.setdefault(name, found)
        if found in ("null", wanted):
            return array.cast("string" if wanted == "null" else wanted)
        if wanted == "string":
            return pa.array([_as_text(value) for value in values], "string")
        try:
            if {found, wanted} == {"int64", "double"}:
                # What is whole stays so: it is a float only because a value beside it is missing.
                return array.cast(wanted)
        except pa.ArrowInvalid:
            pass
        self._kinds[name] = found if wanted == "null" else "double" if found == "double" else "string"
        raise Widened


def _as_text(value: Any) -> str | None:
    if value is None or value != value:
        return None
    return str(value) if isinstance(value, bool) else written(value)


class _Lines:
    """JSON lines, strict: what is not there is null."""

    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self._file = file
        self._names = schema.names

    def write_table(self, table: pa.Table) -> None:
        rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
        option = orjson.OPT_APPEND_NEWLINE
        self._file.write(
            b"".join(orjson.dumps(dict(zip(self._names, row, strict=True)), option=option) for row in rows)
        )

    def close(self) -> None:
        """Nothing follows the last line."""


class _Csv:
    """CSV whose texts no spreadsheet computes."""

    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        import pyarrow as pa
        from pyarrow import csv

        named = pa.schema([field.with_name(cells.guarded(field.name)) for field in schema])
        self._writer = csv.CSVWriter(file, named)

    def write_table(self, table: pa.Table) -> None:
        found = cells.guarded_table(table)
        self._writer.write_table(found.rename_columns([cells.guarded(name) for name in found.column_names]))

    def close(self) -> None:
        self._writer.close()


def _parquet(file: IO[bytes], schema: pa.Schema) -> Any:
    from pyarrow import parquet

    return parquet.ParquetWriter(file, schema)


def _arrow(file: IO[bytes], schema: pa.Schema) -> Any:
    import pyarrow as pa

    return pa.ipc.new_file(file, schema)


_WRITERS: dict[Form, Callable[[IO[bytes], pa.Schema], Any]] = {
    Form.CSV: _Csv,
    Form.JSONL: _Lines,
    Form.PARQUET: _parquet,
    Form.ARROW: _arrow,
}
