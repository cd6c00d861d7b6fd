"""Files of this machine and of object stores, through fsspec: where an address leads, and what is done there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import IO, Any, Self, cast

from app.addresses import DRIVERS, Address
from app.errors import DriverMissing, Fault, InvalidParameters, StorageUnavailable, at

#: Seconds to wait for a connection with an object store, and for what it says.
_CONNECT, _READ = 5, 60

#: {scheme: what its driver calls these}: without them some wait for minutes, or for ever.
_TIMEOUTS: dict[str, dict[str, Any]] = {
    "s3": {"config_kwargs": {"connect_timeout": _CONNECT, "read_timeout": _READ}},
    "gs": {"timeout": _READ},
    "abfs": {"connection_timeout": _CONNECT, "read_timeout": _READ},
}


def require_driver(address: Address) -> None:
    """Check that what opens such an address is installed.

    Raises
    ------
    DriverMissing
    """
    package = DRIVERS[address.scheme]
    if package is not None and find_spec(package) is None:
        raise DriverMissing(address.scheme, package)


@dataclass(frozen=True)
class Place:
    """Where an address leads: a file system of fsspec's, and a path in it."""

    fs: Any
    path: str
    local: bool

    @classmethod
    def of(cls, address: Address) -> Self:
        """Find a place, links of this machine followed.

        Raises
        ------
        DriverMissing
        """
        import fsspec

        require_driver(address)
        if address.scheme == "file":
            return cls(fsspec.filesystem("file"), os.path.realpath(address.path), local=True)
        return cls(
            fsspec.filesystem(address.scheme, **_TIMEOUTS[address.scheme]), f"{address.host}{address.path}", local=False
        )

    @classmethod
    def inside(cls, address: Address, folders: Sequence[Address], role: str) -> Self:
        """Find a place that a caller names; a link must not lead out of all folders.

        Raises
        ------
        InvalidParameters, DriverMissing
        """
        place = cls.of(address)
        real = [os.path.join(os.path.realpath(folder.path), "") for folder in folders if folder.scheme == "file"]
        if place.local and not place.path.startswith(tuple(real)):
            fault = Fault(at("params", role), "leads out of the folders that this service reads and writes")
            raise InvalidParameters(f"The {role} is not allowed.", [fault])
        return place

    @property
    def size(self) -> int:
        """Bytes of the file.

        Raises
        ------
        FileNotFoundError
            Nothing is there, or a folder is.
        """
        info = self.fs.info(self.path)
        if info["type"] != "file":
            raise FileNotFoundError
        return int(info["size"])

    @property
    def exists(self) -> bool:
        """Whether anything is there."""
        return bool(self.fs.exists(self.path))

    def read(self) -> IO[bytes]:
        """Open the file at its beginning."""
        return cast(IO[bytes], self.fs.open(self.path, "rb"))

    def write(self) -> IO[bytes]:
        """Begin the file anew."""
        return cast(IO[bytes], self.fs.open(self.path, "wb"))

    def move(self, other: Place) -> None:
        """Give the file another name; what has that is replaced at once."""
        self.fs.mv(self.path, other.path)

    def remove(self) -> None:
        """Remove the file if it is there."""
        with suppress(FileNotFoundError):
            self.fs.rm_file(self.path)

    def files(self, older: timedelta) -> Iterator[Place]:
        """Yield the files of this folder that have not been written for some time."""
        with suppress(FileNotFoundError):
            for path in self.fs.ls(self.path, detail=False):
                with suppress(FileNotFoundError):
                    changed = self.fs.modified(path)
                    if datetime.now(UTC) - changed.replace(tzinfo=changed.tzinfo or UTC) > older:
                        yield Place(self.fs, path, self.local)


@contextmanager
def file_errors(role: str) -> Iterator[None]:
    """Turn a failure of a file system into ours, which names no path.

    Raises
    ------
    InvalidParameters
        Nothing is there, or the service may not use it.
    StorageUnavailable
    """
    pointer = at("params", role)
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise InvalidParameters(f"The {role} is not there.", [Fault(pointer, "no such file or folder")]) from None
    except PermissionError:
        detail = "the service itself lacks the right to use it; ask its operator"
        raise InvalidParameters(f"The {role} cannot be used.", [Fault(pointer, detail)]) from None
    except OSError as error:
        raise StorageUnavailable from error
