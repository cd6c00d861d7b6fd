"""The body of a request, inflated where it came compressed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from app.errors import FormatUnknown, Unreadable, UploadTooLarge

if TYPE_CHECKING:
    from flask import Request

#: Content codings (RFC 9110) that zlib reads; it tells them by their first bytes.
_CODINGS = ("gzip", "x-gzip", "deflate")

#: zlib's window for either of them.
_EITHER = 32 + zlib.MAX_WBITS


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
    most = request.max_content_length
    inflating = zlib.decompressobj(_EITHER)
    try:
        # A few kilobytes can say that they unfold to gigabytes: no more is unfolded than is read.
        found = inflating.decompress(data, 0 if most is None else most + 1)
    except zlib.error:
        raise Unreadable(f"The body is not {coding} as its Content-Encoding says.") from None
    if most is not None and len(found) > most:
        raise UploadTooLarge(f"The body unfolds to more than {most // 2**20} MiB.")
    if not inflating.eof or inflating.unused_data:
        raise Unreadable(f"The body is not one whole {coding} stream.")
    return found
