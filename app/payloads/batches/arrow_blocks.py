"""Arrow and Parquet files a batch of rows at a time, each as an Arrow stream that is checked as any upload is."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO, Any

from app.errors import Unreadable, UploadTooLarge
from app.payloads.arrow_tables import BATCH, FILE_HEADER, FILE_MAGIC, check_flat, described, texts
from app.payloads.parquet_pages import unfolded
from app.payloads.uploads import Upload

#: Bytes of a batch as it is stored in Arrow, which cannot be read in parts, and of all dictionaries before it.
_LARGEST = 64 * 2**20

#: Bytes and rows of a block of Parquet.
_BLOCK, _ROWS = 8 * 2**20, 20_000

#: What each message of a stream begins with, and the end of one.
_CONTINUATION = b"\xff\xff\xff\xff"
_END = _CONTINUATION + bytes(4)

_MEDIA_TYPE = "application/vnd.apache.arrow.stream"


def arrow(file: IO[bytes], part: str) -> Iterator[Upload]:
    """Yield each batch of an Arrow stream or file, with the schema and the dictionaries before it.

    Raises
    ------
    Unreadable, UploadTooLarge
    """
    if file.read(FILE_HEADER)[: len(FILE_MAGIC)] != FILE_MAGIC:
        file.seek(0)
    head, found = b"", False
    try:
        while message := _message(file, part):
            kind, _, rows = described(message[8:])
            if kind != BATCH:
                head += message
                _check(len(head), "dictionaries", part)
            elif rows:
                found = True
                yield Upload(part, head + message + _END, _MEDIA_TYPE)
    except (struct.error, IndexError):
        raise Unreadable(f"{part} is not an Arrow table.") from None
    if not found:
        yield Upload(part, head + _END, _MEDIA_TYPE)


def _message(file: IO[bytes], part: str) -> bytes:
    """Read one message; empty at the end."""
    prefix = file.read(8)
    if prefix in (b"", _END):
        return b""
    if prefix[:4] != _CONTINUATION:
        raise Unreadable(f"{part} is not an Arrow table.")
    length = struct.unpack("<I", prefix[4:])[0]
    _check(length, "a description", part)
    metadata = file.read(length)
    size = described(metadata)[1]
    _check(size, "a batch", part)
    body = file.read(size)
    if size < 0 or len(body) < size:
        raise Unreadable(f"{part} ends in the middle of a batch.")
    return prefix + metadata + body


def _check(size: int, what: str, part: str) -> None:
    if size > _LARGEST:
        raise UploadTooLarge(
            f"{part} has {what} of more than {_LARGEST // 2**20} MiB. Write it in batches of fewer rows, or as Parquet."
        )


def parquet(file: IO[bytes], part: str) -> Iterator[tuple[Upload, float]]:
    """Yield some rows of a Parquet file at a time, and the share of the rows that has been read with them.

    Raises
    ------
    Unreadable
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        footer = pq.ParquetFile(file)
        check_flat(footer, part)
        for size in unfolded(file, footer.metadata):
            _check(size, "a page", part)
        total = footer.metadata.num_rows
        groups = [footer.metadata.row_group(number) for number in range(footer.metadata.num_row_groups)]
        width = sum(group.total_byte_size for group in groups) / max(total, 1)
        rows = max(1, min(_ROWS, int(_BLOCK / max(width, 1))))
        # Pages are read as they are needed: whole columns of a group may be larger than memory.
        opened = pq.ParquetFile(file, read_dictionary=texts(footer), pre_buffer=False, buffer_size=2**18)
        done = 0
        for batch in opened.iter_batches(rows, use_threads=False):
            batch.validate(full=True)
            done += batch.num_rows
            yield Upload(part, _stream(batch), _MEDIA_TYPE), done / total
        if not done:
            yield Upload(part, _stream(pa.RecordBatch.from_pylist([], schema=footer.schema_arrow)), _MEDIA_TYPE), 1.0
    except (pa.ArrowException, OSError, ValueError, TypeError):
        raise Unreadable(f"{part} is not a Parquet table.") from None


def _stream(batch: Any) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())
