"""What a page's form brings: a row that was typed in, text that was pasted, or a file."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from app.errors import Fault, InvalidData, Unacceptable
from app.pages.asking import fields, typed
from app.pages.words import size
from app.payloads import frames
from app.payloads.signature import Signature
from app.payloads.training import SINGLE_SERIES
from app.payloads.uploads import Upload

if TYPE_CHECKING:
    import pandas as pd
    from flask import Request

    from app.settings import Settings
    from app.store.record import Record

#: Where rows come from.
ROW, TEXT, FILE = "row", "text", "file"


#: Characters of a row, or of a series, that a page carries: the page of what-if has it twice.
LONGEST = 400_000


@dataclass(frozen=True)
class Sent:
    """What was sent.

    Attributes
    ----------
    values
        The row that was typed in; None of text and files.
    """

    source: str
    upload: Upload
    values: dict[str, Any] | None = None


@dataclass(frozen=True)
class Given:
    """What a page begins with, for its forms.

    Attributes
    ----------
    values
        The row in the form.
    text
        What stands in the field to paste into.
    note
        Why what was sent is not there.
    """

    source: str
    values: dict[str, Any]
    text: str = ""
    note: str = ""

    @property
    def nothing(self) -> bool:
        """Whether there is nothing yet that a model could be asked for."""
        return not self.text and all(value is None for value in self.values.values())


def signature_of(record: Record) -> Signature:
    """Return the columns that a version accepts."""
    return Signature.from_json(record.signature)


def read(request: Request, signature: Signature) -> Sent:
    """Return what a form brings.

    Raises
    ------
    InvalidData, Unacceptable
    """
    source = request.form.get("source", ROW)
    if source == FILE:
        file = request.files.get("file")
        if file is None or not file.filename:
            raise Unacceptable("No file is chosen.", [Fault("/raw_data", "choose a file, and send it again")])
        return Sent(FILE, Upload("raw_data", file.read(), file.mimetype, file.filename))
    if source == TEXT:
        return Sent(TEXT, pasted(request.form.get("text", "")))
    if not fields.offered(signature):
        raise Unacceptable("This model does not read rows that are typed in. Send a file, or paste a table.")
    values = typed.row(signature, request.form, request.files)
    return Sent(ROW, typed.upload(values), values)


def pasted(text: str) -> Upload:
    """Return a text that was pasted, as a table.

    Raises
    ------
    Unacceptable
    """
    if not (text := text.strip()):
        raise Unacceptable("There is no text.", [Fault("/raw_data", "paste CSV with a header, or JSON")])
    return Upload("raw_data", text.encode(), *_format(text))


def _format(text: str) -> tuple[str]:
    if text[0] not in "{[":
        return ("text/csv",)
    lines = [line for line in text.splitlines() if line.strip()]
    many = len(lines) > 1 and all(line.startswith("{") and line.rstrip().endswith("}") for line in lines)
    return ("application/jsonl" if many else "application/json",)


def begun(request: Request, signature: Signature, settings: Settings) -> Given:
    """Return what a page begins with: the row that another page sends along, or else the usual one.

    `pick` of the form is the number of a row of a table, or the id of a series.

    Raises
    ------
    What `read` raises, Unreadable, FormatUnknown, UploadTooLarge; InvalidData where the columns are others
    """
    if request.method != "POST":
        offered = fields.offered(signature)
        return Given(ROW if offered else FILE, fields.usual(signature) if offered else {})
    sent = read(request, signature)
    if sent.values is not None:
        return _row(sent.values, signature)
    frame = table(sent.upload, signature, settings)
    # A form with none of the columns would show all of them as missing.
    signature.conform(frame)
    if of_series(signature):
        return _pasted(_series_text(frame, signature, request.form.get("pick", "")))
    values = picked(frame, request.form.get("pick", "0"))
    return _row(values, signature) if fields.offered(signature) else _pasted(text_of([values]))


def _row(values: dict[str, Any], signature: Signature) -> Given:
    length = sum(len(value) for value in values.values() if isinstance(value, str))
    if length > LONGEST:
        return Given(ROW, fields.usual(signature), note=_too_large(length))
    return Given(ROW, values)


def _pasted(text: str) -> Given:
    return Given(FILE, {}, note=_too_large(len(text))) if len(text) > LONGEST else Given(TEXT, {}, text)


def _too_large(length: int) -> str:
    return f"What was sent is too large to be carried to this page: {size(length)}, where {size(LONGEST)} fit."


def table(upload: Upload, signature: Signature, settings: Settings) -> pd.DataFrame:
    """Parse an upload as a prediction would."""
    return frames.read(upload, settings, signature.text_columns, signature.id_column)


def of_series(signature: Signature) -> bool:
    """Tell whether a model reads series."""
    return any(column.role != "feature" for column in signature.columns)


def picked(frame: pd.DataFrame, place: str) -> dict[str, Any]:
    """Return a row of a table by its number.

    Raises
    ------
    InvalidData
    """
    if not place.isdecimal() or len(place) > 9 or int(place) >= len(frame):
        raise InvalidData("There is no such row.", [Fault("/raw_data", f"has {len(frame)} rows")])
    row = frame.iloc[int(place)]
    return {str(name): _plain(value) for name, value in row.items()}


def _series_text(frame: pd.DataFrame, signature: Signature, identity: str) -> str:
    """Write one series as text: the first where none is named.

    Raises
    ------
    InvalidData
    """
    if signature.id_column != SINGLE_SERIES and signature.id_column in frame.columns:
        ids = frame[signature.id_column].astype("str")
        frame = frame[ids == (identity or ids.iloc[0])]
        if frame.empty:
            raise InvalidData("There is no such series.", [Fault("/raw_data", "has no series of this id")])
    return text_of([{str(name): _plain(value) for name, value in row.items()} for row in frame.to_dict("records")])


def text_of(rows: list[dict[str, Any]]) -> str:
    """Write rows as a text that can be pasted."""
    # A line a row: shorter than records, and read by people too.
    columns = list(rows[0])
    lines = [orjson.dumps([row[name] for name in columns]).decode() for row in rows]
    return '{"columns": ' + orjson.dumps(columns).decode() + ',\n"data": [\n' + ",\n".join(lines) + "\n]}"


def _plain(value: Any) -> Any:
    """Return a value of a frame as JSON has it; an image is base64 text."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if value is None or value != value:
        return None
    return value.item() if hasattr(value, "item") else value
