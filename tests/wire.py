"""A wire to a real Redis on which things happen: before Redis gets a command, or in place of its answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from select import select
from types import TracebackType
from typing import Self
from uuid import uuid4


class Wire:
    """A unix socket, at `url`, that passes all on to that of a Redis.

    Parameters
    ----------
    before
        {command: what to do once, before Redis gets it for the first time}
    lose
        Command whose first answer is lost, and the connection with it. Redis has done what it was told.
    """

    def __init__(
        self,
        redis_url: str,
        folder: Path,
        before: dict[str, Callable[[], object]] | None = None,
        lose: str | None = None,
    ) -> None:
        self._redis = redis_url.removeprefix("unix://")
        self._before = dict(before or {})
        self._lose = lose
        self._listener = socket.socket(socket.AF_UNIX)
        path = folder / f"{uuid4().hex[:8]}.sock"
        self._listener.bind(str(path))
        self._listener.listen()
        self.url = f"unix://{path}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        assert kind or not (self._before or self._lose), "what was to happen on the wire did not"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._pass_on, args=(self._listener.accept()[0],), daemon=True).start()

    def _pass_on(self, caller: socket.socket) -> None:
        with suppress(OSError), caller, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._redis)
            while True:
                for ready in select([caller, server], [], [])[0]:
                    if not (data := ready.recv(2**16)):
                        return
                    if ready is server:
                        caller.sendall(data)
                        continue
                    for command in [name for name in self._before if _has(data, name)]:
                        self._before.pop(command)()
                    server.sendall(data)
                    if self._lose and _has(data, self._lose):
                        self._lose = None
                        # It ends the connection once it has done all that it was sent.
                        server.shutdown(socket.SHUT_WR)
                        while server.recv(2**16):
                            pass
                        return


def _has(data: bytes, command: str) -> bool:
    return f"\r\n{command}\r\n".encode() in data
