"""The body of a request, inflated where it came compressed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from app.errors import FormatUnknown, Unreadable, UploadTooLarge

if TYPE_CHECKING:
    from flask import Request
    from werkzeug.datastructures import EnvironHeaders, Headers

#: Content codings (RFC 9110) that zlib reads; it tells them by their first bytes.
_CODINGS = ("gzip", "x-gzip", "deflate")

#: Times its own size that a stream may unfold to beyond the first mebibyte: of tables of text it is tens.
MOST_TIMES, _ANY = 100, 2**20

#: zlib's window for either of them.
_EITHER = 32 + zlib.MAX_WBITS


def most_of(data: bytes) -> int:
    """Return the bytes that compressed data may unfold to."""
    return max(_ANY, MOST_TIMES * len(data))


def body(request: Request) -> bytes:
    """Return the bytes of a request's body, at most as many as a body may have that is not compressed.

    Raises
    ------
    FormatUnknown, Unreadable, UploadTooLarge
    """
    data = request.get_data()
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if coding == "identity":
        return data
    if coding not in _CODINGS:
        raise FormatUnknown("The Content-Encoding is not one that this service reads: send gzip, deflate or none.")
    most = min(most_of(data), request.max_content_length or most_of(data))
    inflating = zlib.decompressobj(_EITHER)
    try:
        # A few kilobytes can say that they unfold to gigabytes: no more is unfolded than is read.
        found = inflating.decompress(data, most + 1)
    except zlib.error:
        raise Unreadable(f"The body is not {coding} as its Content-Encoding says.") from None
    if len(found) > most:
        raise UploadTooLarge(f"The body unfolds to more than {most // 2**20} MiB, or to {MOST_TIMES} times its size.")
    if not inflating.eof or inflating.unused_data:
        raise Unreadable(f"The body is not one whole {coding} stream.")
    return found


def plain(headers: Headers | EnvironHeaders, what: str) -> None:
    """Refuse what came compressed where nothing is inflated: forms and their parts.

    Raises
    ------
    FormatUnknown
    """
    if headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise FormatUnknown(f"{what} has a Content-Encoding; send it without, or the table itself as the body.")
