"""All models in one signed file, and back: `python -m app export FILE` and `import FILE`.

Layout: 32 bytes HMAC-SHA256 of the SHA-256 of the rest, then a zip (stored, not compressed) of `manifest.json` and, of
each version, its record, its artefact, its report and its explanations. The file is read whole for its signature before
a byte of it is parsed. A version whose training goes on is left out.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Any

import orjson
import redis

from app.store import signature
from app.store.artifact import seal, unseal
from app.store.record import Record, Version
from app.store.restoring import Kept, RestoreError, kept, restore
from app.store.signed import to_json
from app.store.soundness import namespaces

#: Form of the file.
_FORMAT = 1

#: Keeps signatures of exports apart from any other use of the same secret.
_PURPOSE = b"automl export 1\n"


def export_models(client: redis.Redis, secret: str, path: Path) -> int:
    """Write all models into a file of the owner's alone; it has its name when it is whole.

    Returns
    -------
    0; 1 where a model was left out, as it cannot be read.

    Raises
    ------
    RestoreError
        It cannot be written there.
    """
    lost: list[str] = []
    try:
        counted = _export(client, secret, path, lost)
    except OSError as error:
        raise RestoreError(f"The file cannot be written: {error.strerror}.") from None
    sys.stdout.write(f"{counted} versions were written. Who has the file and SIGNING_SECRET can restore them.\n")
    for line in lost:
        sys.stderr.write(f"left out: {line}\n")
    return int(bool(lost))


def _export(client: redis.Redis, secret: str, path: Path, lost: list[str]) -> int:
    """Write the file, and return how many versions are in it."""
    if path.name == "" or (path.exists() and not path.is_file()):
        raise RestoreError("The file cannot be written: what has its name is no file.")
    # One of its own: another export may write at the same time, and the last to end has the name.
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with open(descriptor, "wb+") as file:
            file.write(bytes(signature.SIZE))
            counted = _write(file, client, secret, lost)
            signed = signature.sign(_PURPOSE, _digest(file), secret)
            file.seek(0)
            file.write(signed)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return counted


def import_models(client: redis.Redis, secret: str, path: Path) -> int:
    """Store the models of a file; those that are there already are left as they are, so it may be done again.

    Raises
    ------
    RestoreError
        The file was changed, cut, or signed with another secret, and nothing is stored; or another version has the
        number of one in the file.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise RestoreError(f"The file cannot be read: {error.strerror}.") from None
    with file:
        signed = file.read(signature.SIZE)
        if not signature.verifies(signed, _PURPOSE, _digest(file), secret):
            raise RestoreError(
                "The file was not written by an export with this SIGNING_SECRET, or was changed or cut off since. "
                "Nothing was stored."
            )
        with zipfile.ZipFile(file) as archive:
            manifest = orjson.loads(archive.read("manifest.json"))
            if manifest["format"] != _FORMAT:
                raise RestoreError("The file was written by a newer release. Nothing was stored.")
            stored = sum(restore(client, secret, _read(archive, entry, secret)) for entry in manifest["versions"])
    sys.stdout.write(f"{stored} of {len(manifest['versions'])} versions were stored; the others were there.\n")
    return 0


def _write(file: IO[bytes], client: redis.Redis, secret: str, lost: list[str]) -> int:
    """Write the zip; what is told of its versions comes last, as they are counted by then."""
    entries: list[dict[str, Any]] = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for namespace in namespaces(client):
            for one in kept(client, secret, namespace, lost):
                record = one.version.record
                name = f"{len(entries)}/"
                sealed = seal(one.version.artifact, record.pipeline_id, record.version, secret, namespace)
                archive.writestr(f"{name}artifact", sealed)
                archive.writestr(f"{name}record.json", record.to_bytes())
                archive.writestr(f"{name}report.json", to_json(one.version.report))
                archive.writestr(f"{name}explanations.json", orjson.dumps(one.explanations))
                entries.append({"at": name, "namespace": namespace})
        archive.writestr("manifest.json", orjson.dumps({"format": _FORMAT, "versions": entries}))
    return len(entries)


def _read(archive: zipfile.ZipFile, entry: dict[str, Any], secret: str) -> Kept:
    at = entry["at"]
    record = Record.from_bytes(archive.read(f"{at}record.json"))
    sealed = archive.read(f"{at}artifact")
    artifact = unseal(sealed, record.pipeline_id, record.version, secret, entry["namespace"])
    report = orjson.loads(archive.read(f"{at}report.json"))
    explanations = orjson.loads(archive.read(f"{at}explanations.json"))
    return Kept(entry["namespace"], Version(record, artifact, report), explanations)


def _digest(file: IO[bytes]) -> bytes:
    """Return the SHA-256 of all behind the signature."""
    file.seek(signature.SIZE)
    return hashlib.file_digest(file, "sha256").digest()  # type: ignore[arg-type]
