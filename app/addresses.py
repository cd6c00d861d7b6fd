"""Addresses of files, as operators and callers write them: what may stand in one, and whether it lies inside another.

What is read here is stricter than what fsspec opens: no chained protocols, no credentials, no query, nothing escaped,
no pattern and no way up, so that an address that begins as an allowed one does lies where that one does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

#: {scheme: the package that opens it}; files of this machine need none. Web servers are left out: they redirect.
DRIVERS = {"file": None, "s3": "s3fs", "gs": "gcsfs", "abfs": "adlfs"}

#: Scheme, bucket or container, and steps of plain characters, with a ~ before that of a namespace. A slash at the end
#: makes a folder.
_ADDRESS = re.compile(r"([a-z0-9]+)://([A-Za-z0-9][A-Za-z0-9._-]*)?((?:/~?[\w .,=+()-]+)*/?)")

#: Characters of an address.
_LONGEST = 1_000


class NoAddress(ValueError):
    """What is wrong with an address, in words that do not repeat it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a file or a folder is.

    Attributes
    ----------
    host
        Bucket or container; empty for a file of this machine.
    path
        Begins with a slash; a folder's ends with one.
    """

    scheme: str
    host: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address.

        Raises
        ------
        NoAddress
        """
        found = _ADDRESS.fullmatch(text) if len(text) <= _LONGEST else None
        if found is None:
            raise NoAddress("is no plain address such as s3://bucket/folder/rows.parquet or file:///srv/data/rows.csv")
        scheme, host, path = found[1], found[2] or "", found[3]
        if scheme not in DRIVERS:
            raise NoAddress(f"has a scheme that is not known; known are {', '.join(DRIVERS)}")
        if (scheme == "file") is bool(host):
            raise NoAddress("needs three slashes before the path of a file" if host else "names no bucket")
        if {".", ".."} & set(path.split("/")):
            raise NoAddress("has a step that goes nowhere or up")
        return cls(scheme, host, path or "/")

    @classmethod
    def folder(cls, text: str) -> Self:
        """Read the address of a folder, with or without its last slash; one without a scheme is a path.

        Raises
        ------
        NoAddress
        """
        if "://" not in text:
            # A path of the operator's own may have any characters.
            return cls("file", "", f"{str(Path(text).absolute()).rstrip('/')}/")
        return cls.parse(text if text.endswith("/") else f"{text}/")

    @property
    def name(self) -> str:
        """The last step; empty for a folder."""
        return self.path.rpartition("/")[2]

    def within(self, folder: Address) -> bool:
        """Tell whether this lies in a folder, by its writing alone."""
        return (self.scheme, self.host) == (folder.scheme, folder.host) and self.path.startswith(folder.path)

    def open_in(self, folder: Address) -> bool:
        """Tell whether this lies in a folder and in none of a namespace's below it."""
        return self.within(folder) and "/~" not in self.path[len(folder.path) - 1 :]

    def beside(self, ending: str) -> Address:
        """Return the address that has something more at its end."""
        return Address(self.scheme, self.host, self.path + ending)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}"
