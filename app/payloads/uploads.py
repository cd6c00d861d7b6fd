"""The parts of a request as bytes, each with what it says of its own format."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Self

import orjson

from app.errors import Fault, FormatUnknown, Unacceptable, at
from app.payloads import encoded

if TYPE_CHECKING:
    from flask import Request

#: Formats by media type and by ending. A media type that is not here says nothing, and the file name is asked.
FORMATS = {
    "application/json": "json",
    "text/json": "json",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/jsonlines": "jsonl",
    "text/csv": "csv",
    "text/tab-separated-values": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/x-parquet": "parquet",
    "application/vnd.apache.arrow.stream": "arrow",
    "application/vnd.apache.arrow.file": "arrow",
    "application/zip": "zip",
    "application/x-zip-compressed": "zip",
    "image/png": "png",
    "image/jpeg": "jpeg",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".zip": "zip",
    ".npz": "zip",
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
}

#: First bytes that only one format has; JSON's are those of an object or an array.
MAGIC = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"PK\x03\x04": "zip",
    b"{": "json",
    b"[": "json",
}


#: {ending: what has it} of what people send and no format is read of.
_REFUSED = {
    ".xlsx": "a workbook", ".xls": "a workbook", ".ods": "a workbook", ".gz": "compressed", ".bz2": "compressed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Upload:
    """One part of a request. `filename` only tells the format; it is never a path that is opened.

    `value` is the table itself when it came inside a larger JSON body that is parsed already; its columns may be arrays
    (`long_columns`). `skipped` counts the lines that were between the header of a CSV and what follows it here, in the
    file that this is a block of.
    """

    part: str
    data: bytes = b""
    media_type: str = ""
    filename: str = ""
    value: Any = None
    skipped: int = 0

    def to_bytes(self) -> dict[str, bytes]:
        """Return what `from_bytes` reads: data and no code."""
        told = {"part": self.part, "media_type": self.media_type, "filename": self.filename, "value": self.value}
        return {"upload": orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY), "data": self.data}

    @classmethod
    def from_bytes(cls, stored: dict[str, bytes]) -> Self | None:
        """Read the upload of another process; None where there was none."""
        return cls(data=stored["data"], **orjson.loads(stored["upload"])) if "upload" in stored else None

    @property
    def format(self) -> str:
        """Tell one of json, jsonl, csv, parquet and arrow, or of zip (an .npz is one), png and jpeg.

        Raises
        ------
        FormatUnknown
            Neither media type, file name nor first bytes tell.
        """
        if self.value is not None:
            return "json"
        ending = PurePosixPath(self.filename.lower()).suffix
        known = FORMATS.get(self.media_type) or FORMATS.get(ending)
        if known is None:
            start = self.data[:16].lstrip()
            known = next((name for magic, name in MAGIC.items() if start.startswith(magic)), None)
            if known == "zip" and ending:
                # A workbook is an archive too; one of images says so, or has no name.
                known = None
        if known is None:
            kind = _REFUSED.get(ending)
            raise FormatUnknown(
                f"{self.part} is {kind}: save it as CSV in UTF-8."
                if kind
                else f"The format of {self.part} is not told: give it a content type or a file name "
                "that ends in .json, .jsonl, .csv, .parquet or .arrow; of images .zip, .npz, .png or .jpg."
            )
        return known


def parts(request: Request) -> dict[str, Upload]:
    """Read all parts of a multipart request, files and plain fields alike, by name.

    Raises
    ------
    Unacceptable
        A part came more than once.
    FormatUnknown
        The form, or a part of it, is compressed by a coding of HTTP.
    """
    encoded.plain(request.headers, "A form")
    counts = Counter(name for name, _ in request.form.items(multi=True))
    counts.update(name for name, _ in request.files.items(multi=True))
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise Unacceptable("Send each part once.", [Fault(at(name), "this part came more than once") for name in twice])
    found = {name: Upload(name, value.encode()) for name, value in request.form.items()}
    for name, file in request.files.items():
        encoded.plain(file.headers, name)
        found[name] = Upload(name, file.read(), file.mimetype, file.filename or "")
    return found


def take(uploads: dict[str, Upload], required: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    """Check that the parts are those that the route reads.

    Raises
    ------
    Unacceptable
        Naming each part that is missing and each that the route does not know.
    """
    faults = [Fault(at(name), "this part is missing") for name in required if name not in uploads]
    known = [*required, *optional]
    faults += [
        Fault(at(name), f"this part is not known; known are {', '.join(known)}")
        for name in uploads
        if name not in known
    ]
    if faults:
        beside = f", and where there are any {', '.join(optional)}" if optional else ""
        raise Unacceptable(f"Send these multipart parts: {', '.join(required)}{beside}.", faults)
