"""Long tables in blocks of whole rows, each of which is read as an upload of its own: so a value is the same here and
in POST /serve_prediction.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import IO, Any

from app.errors import Unreadable, UploadTooLarge
from app.payloads import strict_json
from app.payloads.batches import arrow_blocks
from app.payloads.batches.parameters import Form
from app.payloads.csv_tables import delimiter_of
from app.payloads.frames import written
from app.payloads.uploads import Upload

#: Bytes of a block of text, and of the longest row of it.
BLOCK, _LONGEST = 4 * 2**20, 32 * 2**20

#: Bytes that some editors begin UTF-8 with.
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows, and the share of the file that has been read with them, from 0 to 1."""

    upload: Upload
    done: float


def blocks(file: IO[bytes], size: int, form: Form, part: str, text: Collection[str]) -> Iterator[Block]:
    """Yield the rows of a file in order.

    Parameters
    ----------
    file
        Open for reading at its beginning; it can seek.
    size
        Its bytes.
    text
        Columns of JSON in which a number is text: it is among texts in another block.

    Raises
    ------
    Unreadable, UploadTooLarge
    """
    match form:
        case Form.CSV:
            uploads = _csv(file, part)
        case Form.JSONL:
            uploads = _jsonl(file, part, text)
        case Form.ARROW:
            uploads = arrow_blocks.arrow(file, part)
        case Form.PARQUET:
            yield from (Block(*found) for found in arrow_blocks.parquet(file, part))
            return
    for upload in uploads:
        yield Block(upload, min(1.0, file.tell() / max(size, 1)))


def _csv(file: IO[bytes], part: str) -> Iterator[Upload]:
    """Cut at the ends of rows, and begin each block with the header."""
    start = file.read(BLOCK)
    mark = len(_MARK) if start.startswith(_MARK) else 0
    # A byte a character: what separates columns and rows is one byte in UTF-8, and part of no other character.
    delimiter = delimiter_of(start[mark:].decode("latin-1"))
    file.seek(mark)
    header, lines, found = b"", 0, False
    for rows in _whole(file, part, lambda data: _end_of_rows(data, delimiter)):
        if not header:
            length = next(_ends(rows, delimiter))
            header, rows = rows[:length], rows[length:]
        if rows.strip():
            found = True
            yield Upload(part, header + rows, "text/csv", skipped=lines)
        lines += max(rows.count(b"\n"), rows.count(b"\r"))
    if not found:
        yield Upload(part, header, "text/csv")


def _end_of_rows(data: bytes, delimiter: str) -> int:
    """Return the length of the whole rows of a CSV that data begins with."""
    if b'"' not in data:
        return _end_of_lines(data)
    length = before = 0
    for end in _ends(data, delimiter):
        # The last row that is found may go on behind the data.
        length, before = before, end
    return length


def _ends(data: bytes, delimiter: str) -> Iterator[int]:
    """Yield where each row ends, line ends in quotes left out."""
    position = 0

    def lines() -> Iterator[str]:
        nonlocal position
        for line in io.StringIO(data.decode("latin-1"), newline=""):
            position += len(line)
            yield line

    for _ in csv.reader(lines(), delimiter=delimiter):
        yield position


def _end_of_lines(data: bytes) -> int:
    """Return the length of the whole lines that data begins with; old ones end in a carriage return alone."""
    return data.rfind(b"\n") + 1 if b"\n" in data else data[:-1].rfind(b"\r") + 1


def _jsonl(file: IO[bytes], part: str, text: Collection[str]) -> Iterator[Upload]:
    """Read a record a line. The first block says which columns there are; a later row may lack one."""
    names: dict[str, None] = {}
    number = 0
    for data in _whole(file, part, lambda data: data.rfind(b"\n") + 1):
        lines = (data if number else data.removeprefix(_MARK)).split(b"\n")
        records = _records([(number + place, line) for place, line in enumerate(lines, 1) if line.strip()], part)
        number += len(lines) - 1
        if not records:
            continue
        names = names or dict.fromkeys(name for record in records for name in record)
        for name in names:
            records[0].setdefault(name, None)
        for name in text:
            for record in records:
                if isinstance(record.get(name), int | float) and not isinstance(record[name], bool):
                    record[name] = written(record[name])
        yield Upload(part, value=records)
    if not names:
        yield Upload(part, value=[])


def _records(lines: list[tuple[int, bytes]], part: str) -> list[dict[str, Any]]:
    try:
        records = strict_json.loads(b"[" + b",".join(line for _, line in lines) + b"]", part)
    except Unreadable:
        # One by one, to say in which line.
        records = [strict_json.loads(line, f"Line {number} of {part}") for number, line in lines]
    if len(records) != len(lines) or not all(isinstance(record, dict) for record in records):
        raise Unreadable(f"{part} has not one record (a JSON object) in each line.")
    return list(records)


def _whole(file: IO[bytes], part: str, end: Callable[[bytes], int]) -> Iterator[bytes]:
    """Yield the bytes of a file in blocks that end where a row does.

    Parameters
    ----------
    end
        Returns the length of the whole rows that some bytes begin with.
    """
    held = b""
    while data := file.read(BLOCK):
        held += data
        length = end(held)
        if length:
            yield held[:length]
            held = held[length:]
        elif len(held) > _LONGEST:
            raise UploadTooLarge(
                f"{part} has a row of more than {_LONGEST // 2**20} MiB, or a quote that is not closed."
            )
    if held:
        yield held
