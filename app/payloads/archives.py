"""Files of a zip archive, measured before they are unfolded. Nothing is ever written to a disk."""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from app.errors import MOST_NAMED, Fault, InvalidData, Unreadable, UploadTooLarge, at
from app.payloads import encoded

#: Files of one archive. Each costs a kilobyte of memory before anything is known of it.
MOST_FILES = 100_000

#: Characters of a file's path.
_LONGEST = 500

#: How an entry of the list of files begins.
_ENTRY = b"PK\x01\x02"

#: Bit of an encrypted file.
_ENCRYPTED = 0x1

#: What systems put beside files.
_BYSTANDERS = {"thumbs.db", "desktop.ini"}

#: What zipfile raises on archives that are none, by way of the libraries below it.
_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, RuntimeError, EOFError, IndexError)


def files(data: bytes, part: str, most_bytes: int, most_of_one: int) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of an archive's files, in its order; folders, hidden files and bystanders are left out.

    Parameters
    ----------
    most_bytes, most_of_one
        What all files, and what one of them, may unfold to.

    Raises
    ------
    Unreadable, UploadTooLarge
    InvalidData
        Naming files that are encrypted, links, there twice, or called as nothing that lies inside an archive.
    """
    if data.count(_ENTRY) > MOST_FILES:
        raise UploadTooLarge(f"{part} has more than {MOST_FILES} files.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _BROKEN:
        raise Unreadable(f"{part} is not a zip archive.") from None
    with archive:
        wanted = _checked(archive.infolist(), part)
        # Of what the archive says: what is read ends there.
        largest = max((entry.file_size for entry in wanted.values()), default=0)
        most_bytes = min(most_bytes, encoded.most_of(data))
        if largest > most_of_one or sum(entry.file_size for entry in wanted.values()) > most_bytes:
            raise UploadTooLarge(
                f"{part} unfolds to more than this service reads ({most_bytes // 2**20} MiB, "
                f"{most_of_one // 2**20} MiB a file, {encoded.MOST_TIMES} times its own size)."
            )
        for path, entry in wanted.items():
            try:
                yield path, archive.read(entry)
            except _BROKEN:
                raise Unreadable(f"{part} is damaged: one of its files cannot be unfolded.") from None


def _checked(entries: list[zipfile.ZipInfo], part: str) -> dict[str, zipfile.ZipInfo]:
    named = [(_path(entry), entry) for entry in entries]
    named = [(path, entry) for path, entry in named if not _is_bystander(path)]
    faults = [Fault(at(part, path), detail) for path, entry in named if (detail := _refused(path, entry))]
    counts = Counter(path for path, _ in named)
    faults += [Fault(at(part, path), "is there more than once") for path, count in counts.items() if count > 1]
    if faults:
        raise InvalidData(f"{len(faults)} file(s) of {part} are not read.", faults[:MOST_NAMED])
    return dict(named)


def _path(entry: zipfile.ZipInfo) -> str:
    """Return the path with forward slashes, whatever system wrote it; a folder's ends in one."""
    name = entry.orig_filename.replace("\\", "/")
    path = str(PurePosixPath(name))
    return f"{path}/" if name.endswith("/") else path


def _is_bystander(path: str) -> bool:
    steps = path.rstrip("/").split("/")
    hidden = any(step.startswith(".") and step != ".." for step in steps)
    return path.endswith("/") or hidden or steps[0] == "__MACOSX" or steps[-1].lower() in _BYSTANDERS


def _refused(path: str, entry: zipfile.ZipInfo) -> str | None:
    """Say why a file is not read; None when it is."""
    if path.startswith("/") or re.match("[A-Za-z]:", path) or ".." in path.split("/"):
        return "its path leads out of the archive"
    if len(path) > _LONGEST or any(ord(character) < 32 for character in path):
        return f"its path is longer than {_LONGEST} characters, or has control characters"
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a link"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed in another way than deflate"
    return None
