"""Servers under measurement: their processes, the cores they may use, and what they take of time and memory."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.store.connection import connect
from app.store.embedded import EmbeddedRedis, die_with_parent
from app.store.publications import Publications
from app.store.redis import ModelStore
from benchmarks.serving import load

ROOT = Path(__file__).parents[2]

#: Signs what a benchmark publishes.
SECRET = "a secret of the benchmarks, long enough to sign"  # noqa: S105  of the benchmarks alone

#: Seconds a server may take to answer after its start; the peers import much.
START = 120.0

#: Where the clients run, and where the servers do when they are compared: each server has one core, its Redis included.
CLIENTS, SERVERS = {max(os.sched_getaffinity(0))}, {min(os.sched_getaffinity(0))}
ALL = CLIENTS | SERVERS


@dataclass
class Server:
    """A process that listens, with all that it has started."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    def processes(self) -> list[psutil.Process]:
        """Return the process and its children, oldest first."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def children(self) -> list[psutil.Process]:
        """Return the processes that it has started itself: those that answer."""
        return psutil.Process(self.process.pid).children()

    def cpu(self) -> float:
        """Return the seconds of a core that all of them have taken."""
        return sum(cpu_of(one) for one in self.processes())

    def memory(self) -> float:
        """Return the megabytes that all of them take together, shared pages once (PSS)."""
        return sum(one.memory_full_info().pss for one in self.processes()) / 1e6

    def spread(self) -> None:
        """Hold each process that it has started to one core, in turns, with the threads that it has by now."""
        for number, process in enumerate(self.children()):
            for thread in process.threads():
                os.sched_setaffinity(thread.id, {sorted(ALL)[number % len(ALL)]})

    def stop(self) -> None:
        """End the process and what it has started."""
        started = self.processes() if self.process.poll() is None else []
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for one in started[1:]:
            if one.is_running():
                one.kill()


def cpu_of(process: psutil.Process) -> float:
    """Return the seconds of a core that one process has taken, to the nanosecond: /proc/…/stat counts hundredths."""
    taken = 0
    for thread in Path(f"/proc/{process.pid}/task").iterdir():
        # A thread may end meanwhile.
        with suppress(FileNotFoundError, ProcessLookupError):
            taken += int((thread / "schedstat").read_text().split()[0])
    return taken / 1e9


def free_port() -> int:
    """Return a TCP port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start(
    name: str, command: Sequence[str], port: int, cores: set[int], ready: bytes | None, log: Path, **environment: str
) -> Server:
    """Start a server on some cores and wait until a request is answered with 200.

    Raises
    ------
    RuntimeError
        It ended, or did not answer in time; the message has the end of its log.
    """

    def begin() -> None:
        die_with_parent(signal.SIGTERM)
        os.sched_setaffinity(0, cores)

    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=begin,
        )
    server = Server(name, port, process)
    if ready is not None:
        try:
            wait(server, ready)
        except RuntimeError as error:
            server.stop()
            words = log.read_text(errors="replace")[-1500:]
            raise RuntimeError(f"{error}: {words}") from None
    return server


def wait(server: Server, request: bytes) -> None:
    """Wait until a request is answered.

    Raises
    ------
    RuntimeError
    """
    deadline, last = time.monotonic() + START, ""
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise RuntimeError(f"{server.name} ended at its start")
        try:
            load.once(server.port, request)
            return
        except (OSError, load.WrongAnswer) as error:
            last = str(error)
            time.sleep(0.005)
    raise RuntimeError(f"{server.name} did not answer within {START:.0f} s ({last[:300]})")


class Ours:
    """Processes of the service on one embedded Redis."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.redis = EmbeddedRedis(folder)
        self.redis.start()
        client = connect(self.redis.url)
        self.redis_process = psutil.Process(int(client.info()["process_id"]))
        self.store, self.publications = ModelStore(client, SECRET), Publications(client, SECRET)
        self.client = client

    def _environment(self, **changes: str) -> dict[str, str]:
        data_dir = str(self._folder)
        return {"REDIS_URL": self.redis.url, "SIGNING_SECRET": SECRET, "DATA_DIR": data_dir, **changes}

    @contextmanager
    def web(self, workers: int = 1, cores: set[int] = SERVERS, wait: bool = True, **settings: str) -> Iterator[Server]:
        """Start web processes as the service does; Redis has the same cores."""
        self.redis_process.cpu_affinity(sorted(cores))
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "app:create_app()"]
        environment = self._environment(PORT=str(port), WEB_CONCURRENCY=str(workers), **settings)
        ready = load.get("/health/live") if wait else None
        server = start("ours", command, port, cores, ready, self._folder / f"web-{port}.log", **environment)
        try:
            # The first answers before the last is there.
            while wait and len(server.children()) < workers:
                time.sleep(0.01)
            yield server
        finally:
            server.stop()

    @contextmanager
    def workers(self, number: int = 1) -> Iterator[list[Server]]:
        """Start training workers, among whom the cores are dealt out as `python -m app` does."""
        command = [sys.executable, "-m", "app.jobs.worker"]
        with ExitStack() as stack:
            started = []
            for place in range(number):
                log, cores = self._folder / f"worker-{place}.log", set(sorted(ALL)[place::number])
                started.append(start("worker", command, 0, cores, None, log, **self._environment()))
                stack.callback(started[-1].stop)
            yield started

    def stop(self) -> None:
        """Stop Redis; what it holds stays on the disk."""
        self.client.close()
        self.redis.stop()
