"""The request of a batch prediction: a form whose file goes to disk as it comes, or JSON that names one."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from werkzeug.formparser import FormDataParser

from app import caller
from app.errors import (
    Fault,
    FormatUnknown,
    InvalidParameters,
    NoBatchFolder,
    StorageUnavailable,
    Unacceptable,
    Unreadable,
    at,
    within,
)
from app.payloads import encoded, strict_json, strict_yaml
from app.payloads.batches.parameters import BatchParameters, Form, Order, of_result, told
from app.payloads.parameters import check
from app.payloads.uploads import FORMATS

if TYPE_CHECKING:
    from flask import Request
    from werkzeug.datastructures import FileStorage, MultiDict
    from werkzeug.formparser import TStreamFactory

    from app.settings import Settings

#: Bytes of parameters; parts of a form.
_PARAMETERS, _PARTS = 2**20, 16

#: First bytes by which a format is told.
_START = 64


@contextmanager
def received(request: Request, settings: Settings) -> Iterator[tuple[Order, Path | None]]:
    """Read a request. The file that was sent is there until the end of the block, unless it is moved.

    Raises
    ------
    Unreadable, Unacceptable, InvalidParameters, FormatUnknown, NoBatchFolder, StorageUnavailable
    """
    if request.mimetype == "multipart/form-data":
        with _sent(request, settings) as found:
            yield found
    elif FORMATS.get(request.mimetype) == "json":
        values = strict_json.loads(encoded.body(request), "body")
        if not isinstance(values, dict):
            raise Unreadable("The body is not a JSON object with pipeline_id and source.")
        with within("body"):
            parameters = _checked(values, settings, sent=False)
        yield _order(request, parameters, None), None
    else:
        raise FormatUnknown("Send multipart/form-data with raw_data and params, or JSON with pipeline_id and source.")


@contextmanager
def _sent(request: Request, settings: Settings) -> Iterator[tuple[Order, Path | None]]:
    request.max_content_length = settings.batch_upload_mb * 2**20
    encoded.plain(request.headers, "A form")
    with ExitStack() as files:
        form, sent = _parse(request, settings, files)
        _check_parts(form, sent)
        values = strict_yaml.loads(_text(form, sent), "params")
        file = sent.get("raw_data")
        parameters = _checked(values, settings, sent=file is not None)
        if file is None:
            yield _order(request, parameters, None), None
            return
        if settings.batch_url is None:
            raise NoBatchFolder
        kind = told(file.filename or "", file.mimetype, file.read(_START))
        digest = ""
        if "Idempotency-Key" in request.headers:
            file.seek(0)
            digest = hashlib.file_digest(file.stream, "sha256").hexdigest()  # type: ignore[arg-type]
        file.stream.flush()
        yield _order(request, parameters, kind, digest), Path(str(file.stream.name))


def _parse(
    request: Request, settings: Settings, files: ExitStack
) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
    """Parse a form, each of its files into one on disk that is removed in the end."""
    place = settings.batch_url
    folder = Path(place.path) if place is not None and place.scheme == "file" else None

    def file(*_: Any, **__: Any) -> IO[bytes]:
        # A name of its own, and read by nobody else (0600).
        made = files.enter_context(tempfile.NamedTemporaryFile(prefix="sending-", dir=folder, delete=False))  # noqa: SIM115
        files.callback(_remove, Path(made.name))
        return made

    try:
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        parser = FormDataParser(
            cast("TStreamFactory", file), max_form_memory_size=_PARAMETERS, max_form_parts=_PARTS, silent=False
        )
        _, form, sent = parser.parse(request.stream, request.mimetype, request.content_length, request.mimetype_params)
    except ValueError:
        raise Unreadable("The form cannot be read.") from None
    except OSError as error:
        raise StorageUnavailable from error
    for name, one in sent.items():
        encoded.plain(one.headers, name)
    return form, sent


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()


def _check_parts(form: MultiDict[str, str], sent: MultiDict[str, FileStorage]) -> None:
    counts = Counter([*(name for name, _ in form.items(multi=True)), *(name for name, _ in sent.items(multi=True))])
    faults = [Fault(at(name), "this part came more than once") for name, count in counts.items() if count > 1]
    faults += [
        Fault(at(name), "this part is not known; known are raw_data, params")
        for name in counts
        if name not in ("raw_data", "params")
    ]
    if "raw_data" in form:
        faults.append(Fault("/raw_data", "not a file: give this part a file name"))
    if "params" not in counts:
        faults.append(Fault("/params", "this part is missing"))
    if faults:
        raise Unacceptable("Send these multipart parts: params, and raw_data or the source in params.", faults)


def _text(form: MultiDict[str, str], sent: MultiDict[str, FileStorage]) -> bytes:
    if "params" in form:
        return form["params"].encode()
    data: bytes = sent["params"].read(_PARAMETERS + 1)
    if len(data) > _PARAMETERS:
        raise Unreadable("params are too long.")
    return data


def _checked(values: dict[str, Any], settings: Settings, *, sent: bool) -> BatchParameters:
    """Check parameters, and that there is one file to predict and a place for the result."""
    parameters = check(BatchParameters, values)
    if sent is (parameters.source is not None):
        detail = "leave it out, as raw_data was sent" if sent else "missing; name a file, or send one as raw_data"
        raise InvalidParameters("There must be one file to predict.", [Fault("/params/source", detail)])
    for role in ("source", "destination"):
        parameters.address(role, settings.batch_folders(caller.current().namespace))
    if (parameters.seconds or 0) > settings.max_train_seconds:
        detail = f"must be at most {settings.max_train_seconds}"
        raise InvalidParameters("The limit is above that of this service.", [Fault("/params/seconds", detail)])
    if parameters.destination is None and settings.batch_url is None:
        raise NoBatchFolder
    return parameters


def _order(request: Request, parameters: BatchParameters, form: Form | None, digest: str = "") -> Order:
    accepted = [media_type for media_type, _ in request.accept_mimetypes]
    return Order(parameters, form, of_result(parameters, accepted), digest)
