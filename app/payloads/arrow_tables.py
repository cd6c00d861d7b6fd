"""Arrow and Parquet uploads, measured before they are unfolded and validated before they are used.

pyarrow trusts what it reads: offsets beyond a buffer hand out the process's own memory, and a few kilobytes can say
that they unfold to gigabytes. So sizes are read from the headers first, and every array is validated whole.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from app.errors import Unreadable, UploadTooLarge
from app.payloads.parquet_pages import unfolded

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

#: First bytes of Arrow's file form, in which the stream begins after eight.
FILE_MAGIC, FILE_HEADER = b"ARROW1", 8

#: Kinds of messages (Schema.fbs) that have a body of buffers.
_DICTIONARY, BATCH = 2, 3


def read_arrow(data: bytes, part: str, most_bytes: int) -> pa.Table:
    """Read an Arrow stream or file.

    Parameters
    ----------
    most_bytes
        How much it may unfold to.

    Raises
    ------
    Unreadable, UploadTooLarge
    """
    import pyarrow as pa

    stream = data[FILE_HEADER:] if data.startswith(FILE_MAGIC) else data
    try:
        _check(sum(_unfolded(stream)), part, most_bytes)
        table = pa.ipc.open_stream(pa.BufferReader(stream)).read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, TypeError, struct.error, IndexError):
        raise Unreadable(f"{part} is not an Arrow table.") from None
    _check(_as_text(table, part), part, most_bytes)
    return table


def read_parquet(data: bytes, part: str, most_bytes: int, check_size: Callable[[int, int], None]) -> pa.Table:
    """Read a Parquet file.

    Parameters
    ----------
    check_size
        Raises unless so many rows and columns may be read.

    Raises
    ------
    Unreadable, UploadTooLarge
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        footer = pq.ParquetFile(pa.BufferReader(data))
        check_flat(footer, part)
        check_size(footer.metadata.num_rows, footer.metadata.num_columns)
        _check(sum(unfolded(io.BytesIO(data), footer.metadata)), part, most_bytes)
        table = pq.ParquetFile(pa.BufferReader(data), read_dictionary=texts(footer)).read()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, TypeError):
        raise Unreadable(f"{part} is not a Parquet table.") from None
    _check(_as_text(table, part), part, most_bytes)
    return table


def check_flat(footer: pq.ParquetFile, part: str) -> None:
    """Refuse lists before one is unfolded: there may be any number of values in a row, in no more than a few bytes.

    Raises
    ------
    Unreadable
    """
    columns = range(footer.metadata.num_columns)
    if any(footer.schema.column(number).max_repetition_level for number in columns):
        raise unknown_type(part)


def texts(footer: pq.ParquetFile) -> list[str]:
    """Name the columns that stay in their dictionaries: one long text and many short references would unfold."""
    columns = [footer.schema.column(number) for number in range(footer.metadata.num_columns)]
    return [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]


def unknown_type(part: str) -> Unreadable:
    """Return the answer to a table that is whole, and has a column that pyarrow cannot write out."""
    return Unreadable(f"{part} has a column of a type that is not read here.")


def _check(size: int, part: str, most: int) -> None:
    if size > most:
        raise UploadTooLarge(f"{part} unfolds to more than this service reads ({most // 2**20} MiB).")


def _as_text(table: pa.Table, part: str) -> int:
    """Return the bytes of a table whose dictionaries are written out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    size = int(table.nbytes)
    for column in table.columns:
        if pa.types.is_dictionary(column.type) and not pa.types.is_primitive(column.type.value_type):
            for chunk in column.chunks:
                try:
                    lengths = pc.binary_length(chunk.dictionary)
                except pa.ArrowException:
                    # Of lists, say, or of nothing: what it unfolds to cannot be told.
                    raise unknown_type(part) from None
                size += pc.sum(pc.take(lengths, chunk.indices)).as_py() or 0
    return size


def _unfolded(stream: bytes) -> Iterator[int]:
    """Yield the bytes that each compressed buffer of a stream says it unfolds to."""
    import pyarrow as pa

    reader = pa.ipc.MessageReader.open_stream(pa.BufferReader(stream))
    for message in reader:
        yield from _buffers(message.metadata.to_pybytes(), message.body)


def _buffers(metadata: bytes, body: pa.Buffer | None) -> Iterator[int]:
    """Read a message's header (a flatbuffer, Message.fbs) as far as the sizes of its buffers.

    A compressed buffer begins with its unfolded length, eight bytes; -1 says that this one is as it is.
    """
    message = _Flat(metadata, struct.unpack_from("<I", metadata)[0])
    kind_at = message.field(1)
    header = message.child(2)
    if header is None or body is None or not kind_at or metadata[kind_at] not in (_DICTIONARY, BATCH):
        return
    batch = header.child(1) if metadata[kind_at] == _DICTIONARY else header
    if batch is None or not batch.field(3):
        return
    at = batch.field(2)
    vector = at + struct.unpack_from("<I", metadata, at)[0]
    count = struct.unpack_from("<I", metadata, vector)[0]
    for number in range(count):
        offset, length = struct.unpack_from("<qq", metadata, vector + 4 + 16 * number)
        if length >= 8:
            yield max(length, struct.unpack_from("<q", body, offset)[0])


def described(metadata: bytes) -> tuple[int, int, int]:
    """Return the kind of a message, the bytes of its body, and where it is a batch its rows."""
    message = _Flat(metadata, struct.unpack_from("<I", metadata)[0])
    kind, size, header = message.field(1), message.field(3), message.child(2)
    rows = header.field(0) if header is not None and kind and metadata[kind] == BATCH else 0
    return (
        metadata[kind] if kind else 0,
        struct.unpack_from("<q", metadata, size)[0] if size else 0,
        struct.unpack_from("<q", metadata, rows)[0] if rows else 0,
    )


class _Flat:
    """One table of a flatbuffer: where its fields are."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self._position = position
        self._fields = position - struct.unpack_from("<i", data, position)[0]

    def field(self, number: int) -> int:
        """Return the position of a field; 0 when it is absent."""
        entry = 4 + 2 * number
        if entry >= struct.unpack_from("<H", self._data, self._fields)[0]:
            return 0
        offset: int = struct.unpack_from("<H", self._data, self._fields + entry)[0]
        return self._position + offset if offset else 0

    def child(self, number: int) -> _Flat | None:
        """Return the table that a field refers to."""
        at = self.field(number)
        return _Flat(self._data, at + struct.unpack_from("<I", self._data, at)[0]) if at else None
