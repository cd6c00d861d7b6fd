"""A proxy as a platform has it: it asks each web process whether it is ready, and never sends a request twice."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from conftest import free_port

#: Seconds between two looks at an upstream, and that a look may take.
_LOOK, _PATIENCE = 0.3, 5.0


class Proxy:
    """Takes one request a connection, and passes it on to the upstreams that are ready, in turn."""

    def __init__(self, upstreams: list[int]) -> None:
        self.port = free_port()
        self._upstreams = upstreams
        self._ready: set[int] = set()
        self._turn = itertools.count()
        self._over = asyncio.Event()

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Serve until the block ends, in a thread."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_until_complete, args=(self._serve(),))
        thread.start()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(self._over.set)
            thread.join()
            loop.close()

    def ready(self) -> set[int]:
        """Return the upstreams that are sent requests."""
        return set(self._ready)

    async def _serve(self) -> None:
        looks = [asyncio.ensure_future(self._look(port)) for port in self._upstreams]
        async with await asyncio.start_server(self._pass_on, "127.0.0.1", self.port):
            await self._over.wait()
        for look in looks:
            look.cancel()

    async def _look(self, port: int) -> None:
        head = b"GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        while True:
            answer = b""
            with suppress(OSError, TimeoutError):
                answer = await asyncio.wait_for(_asked(port, head), _PATIENCE)
            (self._ready.add if answer.startswith(b"HTTP/1.1 200") else self._ready.discard)(port)
            await asyncio.sleep(_LOOK)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            body = await reader.readexactly(length)
            ready = sorted(self._ready)
            port = ready[next(self._turn) % len(ready)]
            closing = head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
            writer.write(await _asked(port, closing + body))
            await writer.drain()
        writer.close()


async def _asked(port: int, sent: bytes) -> bytes:
    """Send a request on a connection of its own; return all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        await writer.drain()
        return await reader.read(-1)
    finally:
        writer.close()
