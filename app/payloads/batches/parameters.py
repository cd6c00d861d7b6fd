"""What a batch prediction may be asked for, and the forms of its files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Self

import orjson
from pydantic import Field, StringConstraints

from app.addresses import Address, NoAddress
from app.errors import Fault, FormatUnknown, InvalidParameters, at
from app.payloads.parameters import Output, PipelineId, Strict, Version, check


class Form(StrEnum):
    """How rows are written in a file."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    ARROW = "arrow"

    @property
    def media_type(self) -> str:
        """What a file of this form is answered as."""
        return next(media_type for media_type, form in MEDIA_TYPES.items() if form is self)


#: {media type: form}; the first of a form is what the service writes.
MEDIA_TYPES = {
    "text/csv": Form.CSV,
    "application/x-ndjson": Form.JSONL,
    "application/vnd.apache.parquet": Form.PARQUET,
    "application/vnd.apache.arrow.file": Form.ARROW,
    "text/tab-separated-values": Form.CSV,
    "application/jsonl": Form.JSONL,
    "application/x-parquet": Form.PARQUET,
    "application/vnd.apache.arrow.stream": Form.ARROW,
}

_ENDINGS = {
    ".csv": Form.CSV,
    ".tsv": Form.CSV,
    ".jsonl": Form.JSONL,
    ".ndjson": Form.JSONL,
    ".parquet": Form.PARQUET,
    ".arrow": Form.ARROW,
    ".feather": Form.ARROW,
}

#: First bytes that only one form has.
_MAGIC = {b"PAR1": Form.PARQUET, b"ARROW1": Form.ARROW, b"\xff\xff\xff\xff": Form.ARROW, b"{": Form.JSONL}


class BatchParameters(Strict):
    """The `params` part of POST /batch_predictions, or its JSON body."""

    pipeline_id: PipelineId
    version: Version | None = None
    """The current one when left out."""
    output: Output | None = None
    """Binary: score. Other tasks: all."""
    source: Annotated[str, StringConstraints(max_length=1_000)] | None = None
    """URL of the file to predict, in a folder that the operator has allowed, when none is sent."""
    destination: Annotated[str, StringConstraints(max_length=1_000)] | None = None
    """URL to write the result to, in such a folder, where no file is yet; when left out `GET /jobs/<id>/result`
    answers it."""
    format: Form | None = None
    """Of the result; when left out what `Accept` or the ending of `destination` says, else that of the file sent."""
    seconds: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Wall time that the job may take; the most that this service allows when left out."""

    def conflicts(self) -> list[Fault]:
        """Return what is wrong with the URLs as they are written."""
        faults = []
        for name in ("source", "destination"):
            try:
                if (text := getattr(self, name)) is not None and not Address.parse(text).name:
                    faults.append(Fault(at("params", name), "is a folder; name a file in it"))
            except NoAddress as error:
                faults.append(Fault(at("params", name), str(error)))
        return faults

    def address(self, role: str, folders: tuple[Address, ...]) -> Address | None:
        """Return the source or the destination, which lies where the operator lets these callers read and write.

        Raises
        ------
        InvalidParameters
        """
        text = getattr(self, role)
        if text is None:
            return None
        address = Address.parse(text)
        if not any(address.open_in(folder) for folder in folders):
            # Which folders are allowed is the operator's to tell.
            detail = "is in no folder that this service reads and writes; its operator sets BATCH_ALLOWED_URLS"
            raise InvalidParameters(f"The {role} is not allowed.", [Fault(at("params", role), detail)])
        return address


@dataclass(frozen=True, slots=True)
class Order:
    """One batch prediction as it is queued.

    Attributes
    ----------
    form
        Of the file that was sent; None where `source` names it.
    result_form
        None for the form of the source.
    digest
        Of the file that was sent, as hexadecimal, where the request has an Idempotency-Key.
    """

    parameters: BatchParameters
    form: Form | None = None
    result_form: Form | None = None
    digest: str = ""

    def to_bytes(self) -> dict[str, bytes]:
        """Return what `from_bytes` reads."""
        told = {"form": self.form, "result_form": self.result_form, "digest": self.digest}
        return {"parameters": self.parameters.model_dump_json(exclude_unset=True).encode(), "order": orjson.dumps(told)}

    @classmethod
    def from_bytes(cls, stored: dict[str, bytes]) -> Self:
        """Read the order of another process."""
        told = orjson.loads(stored["order"])
        forms = {name: Form(told[name]) if told[name] else None for name in ("form", "result_form")}
        return cls(check(BatchParameters, orjson.loads(stored["parameters"])), digest=told["digest"], **forms)


def told(name: str, media_type: str, start: bytes) -> Form:
    """Tell the form of a file by its media type, its name or its first bytes.

    Raises
    ------
    FormatUnknown
    """
    ending = PurePosixPath(name.lower()).suffix
    form = MEDIA_TYPES.get(media_type) or _ENDINGS.get(ending)
    if form is None and ending != ".json" and media_type != "application/json":
        start = start.removeprefix(b"\xef\xbb\xbf").lstrip()
        form = next((form for magic, form in _MAGIC.items() if start.startswith(magic)), None)
    if form is None:
        raise FormatUnknown(
            "The format of the file is not one that is read in batches: name it .csv, .jsonl, .parquet or .arrow. "
            "JSON is read with a record a line; images, archives and workbooks are not."
        )
    return form


def of_result(parameters: BatchParameters, accepted: Iterable[str]) -> Form | None:
    """Tell the form of the result by what was asked for; None where nothing was."""
    named = _ENDINGS.get(PurePosixPath((parameters.destination or "").lower()).suffix)
    asked = (MEDIA_TYPES[media_type] for media_type in accepted if media_type in MEDIA_TYPES)
    return parameters.format or named or next(asked, None)
