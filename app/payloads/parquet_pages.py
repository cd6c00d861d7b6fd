"""What the pages of a Parquet file unfold to, as they say themselves.

pyarrow makes room for what the header of a page says, whatever the footer says of it: for a few kilobytes whose footer
looks harmless it could make room for gigabytes. So the headers are read first. They are structures in Thrift's compact
protocol, see https://parquet.apache.org/docs/file-format/ and
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from app import deadline

if TYPE_CHECKING:
    import pyarrow.parquet as pq

#: Bytes that the header of a page has at most; what is longest in one are the least and the greatest of its values.
_HEADER = 2**16

#: Fields of a page's header: what it unfolds to, and how long it is as it is stored; and the last that one may have.
_UNFOLDED, _STORED, _LAST = 2, 3, 15

#: Types of the compact protocol.
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)

#: Bytes of a page at most.
_LARGEST = 2**31

#: Bits of a number at most.
_BITS = 63

#: Structures within each other that a header has at most.
_DEPTH = 8


#: Writers after which pyarrow looks no further than where the footer says that a column ends: all but one of 2013, for
#: which it also takes those whose version it cannot read.
_EXACT = re.compile(r"(?!parquet-mr)|parquet-mr version (1\.([3-9]|\d\d)|[2-9]\.\d+)\.\d+(?![\w.])")


def unfolded(file: IO[bytes], footer: pq.FileMetaData) -> Iterator[int]:
    """Yield the bytes that each page of a file unfolds to.

    Parameters
    ----------
    file
        Open for reading; it can seek.

    Raises
    ------
    ValueError
        A page is not as the format has it, or its writer is of 2013.
    """
    if not _EXACT.match((footer.created_by or "").strip().lower()):
        raise ValueError("a writer that is too old")
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        for place in range(group.num_columns):
            chunk = group.column(place)
            at = chunk.data_page_offset
            # As pyarrow finds the first page.
            if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < at:
                at = chunk.dictionary_page_offset
            end = at + chunk.total_compressed_size
            while at < end:
                deadline.check()
                file.seek(at)
                header = _Header(file.read(_HEADER))
                yield header.unfolded
                at += header.length + header.stored
            if at > end:
                # What is behind its end would not have been looked at.
                raise ValueError("a page that is longer than its column")


class _Header:
    """The header of a page.

    Attributes
    ----------
    unfolded, stored
        Bytes of the page, as it is and as it is stored.
    length
        Bytes of the header.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self.length = data, 0
        try:
            found = self._numbers()
        except (IndexError, RecursionError):
            raise ValueError("a header that is cut off") from None
        self.unfolded, self.stored = found.get(_UNFOLDED, -1), found.get(_STORED, -1)
        if not (0 <= self.unfolded < _LARGEST and 0 <= self.stored < _LARGEST):
            raise ValueError("a page without a size")

    def _numbers(self) -> dict[int, int]:
        """Read a structure, and return the whole numbers of 32 bits among its fields.

        What readers do not agree about, a field that comes twice or is of another type, is refused.
        """
        found: dict[int, int] = {}
        known = set[int]()
        field = 0
        while (byte := self._byte()) != 0:
            kind = byte & 15
            field = field + (byte >> 4) if byte >> 4 else self._number()
            if not 0 < field <= _LAST or field in known or (field in (_UNFOLDED, _STORED) and kind != _I32):
                raise ValueError("a field that no page has")
            known.add(field)
            if kind == _I32:
                found[field] = self._number()
            elif kind not in (_TRUE, _FALSE):
                self._skip(kind, _DEPTH)
        return found

    def _skip(self, kind: int, depth: int) -> None:
        if not depth:
            raise ValueError("a header that is nested deep")
        if kind in (_TRUE, _FALSE, _BYTE):
            self.length += 1
        elif _I16 <= kind <= _I64:
            self._natural()
        elif kind == _DOUBLE:
            self.length += struct.calcsize("d")
        elif kind == _BINARY:
            size = self._natural()
            self.length += size
        elif kind in (_LIST, _SET):
            byte = self._byte()
            for _ in range(self._natural() if byte >> 4 == 15 else byte >> 4):
                self._skip(byte & 15, depth - 1)
        elif kind == _MAP:
            size = self._natural()
            kinds = self._byte() if size else 0
            for _ in range(size):
                self._skip(kinds >> 4, depth - 1)
                self._skip(kinds & 15, depth - 1)
        elif kind == _STRUCT:
            while (byte := self._byte()) != 0:
                if not byte >> 4:
                    self._number()
                if byte & 15 not in (_TRUE, _FALSE):
                    self._skip(byte & 15, depth - 1)
        else:
            raise ValueError("a field of no type")
        if self.length > len(self._data):
            raise IndexError

    def _byte(self) -> int:
        self.length += 1
        return self._data[self.length - 1]

    def _natural(self) -> int:
        """Read a number of seven bits a byte, the lowest first."""
        found = shift = 0
        while True:
            byte = self._byte()
            found |= (byte & 127) << shift
            if byte < 128:
                return found
            shift += 7
            if shift > _BITS:
                raise ValueError("a number that is too long")

    def _number(self) -> int:
        """Read one that may be negative: its sign is its lowest bit."""
        found = self._natural()
        return (found >> 1) ^ -(found & 1)
