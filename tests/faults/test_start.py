"""Starts: two at once, after a crash, on a Redis that would lose models, and of a process that dies again and again."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest

from app.store import embedded
from app.store.connection import connect
from app.store.embedded import EmbeddedError, EmbeddedRedis
from conftest import SECRET, Service, free_port
from tests.faults.parts import Part, Valkey, Web, Worker, until


class App(Part):
    """`python -m app` on a folder of its own, or on a Redis elsewhere."""

    def __init__(self, folder: Path, name: str = "app", **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        usual = {"DATA_DIR": str(folder), "SIGNING_SECRET": SECRET, "PORT": str(self.port), "WEB_CONCURRENCY": "1"}
        super().__init__([sys.executable, "-m", "app"], folder / f"{name}.log", **(usual | environment))
        self.service = Service(f"http://127.0.0.1:{self.port}")

    def ready(self) -> bool:
        """Whether it answers requests."""
        try:
            return self.service.get("/health/ready", timeout=5).ok
        except OSError:
            return False

    def part(self, *words: str) -> psutil.Process | None:
        """Return the process of it whose command has these words."""
        for one in psutil.Process(self.running.pid).children():
            try:
                if all(word in " ".join(one.cmdline()) for word in words):
                    return one
            except psutil.Error:
                continue
        return None


@pytest.fixture
def begin(short_folder, request):
    """Return a function that starts something, which is stopped at the end."""
    started = []

    def start(part):
        part.start()
        started.append(part)
        return part

    yield start
    for part in reversed(started):
        part.stop()


@pytest.fixture
def place(short_folder, request):
    """A folder of this test's own, with a short path."""
    return short_folder / f"start-{abs(hash(request.node.nodeid)) % 10**6}"


def ended(part, seconds=60.0):
    """Wait for the end of a process and return its status and what it wrote."""
    until(lambda: part.running.poll() is not None, "the end", seconds)
    return part.running.returncode, part.log()


@pytest.mark.parametrize(
    "policy",
    ["allkeys-lru", *(pytest.param(f"allkeys-{one}", marks=pytest.mark.nightly) for one in ("lfu", "random"))],
)
def test_no_part_starts_on_a_redis_that_evicts_models(begin, place, policy):
    server = begin(Valkey(place / "redis", maxmemory="100mb", maxmemory_policy=policy))
    parts = [Worker(server.url, place), Web(server.url, place), App(place / "data", REDIS_URL=server.url)]
    for part in parts:
        Part.start(part)
    for part in parts:
        status, said = ended(part)
        assert status == 2, said
        # But for the lines of the log, in which gunicorn says that it starts.
        (line,) = [one for one in said.splitlines() if not one.startswith('{"time":')]
        assert line.startswith(f"REDIS_URL: this Redis evicts keys (maxmemory-policy {policy})")


@pytest.mark.nightly
def test_a_worker_that_waited_for_a_redis_ends_where_that_evicts_models(begin, place):
    server = Valkey(place / "redis", maxmemory="100mb", maxmemory_policy="allkeys-lru")
    worker = Worker(server.url, place)
    begin(worker)
    until(lambda: "waits" in worker.log() or "Redis" in worker.log(), "it waits")
    begin(server)
    status, said = ended(worker)
    assert status == 2
    assert "maxmemory-policy allkeys-lru" in said


def test_the_policy_is_known_without_the_right_to_ask_for_the_configuration(begin, place):
    server = begin(Valkey(place / "redis", maxmemory="100mb", maxmemory_policy="allkeys-lru"))
    rights = ["~*", "&*", "+@all", "-config"]
    server.client().execute_command("ACL", "SETUSER", "limited", "on", ">pass", *rights)
    worker = Worker(server.url.replace("unix://", "unix://limited:pass@"), place)
    Part.start(worker)
    status, said = ended(worker)
    assert status == 2
    assert "maxmemory-policy allkeys-lru" in said
    assert "pass@" not in said


def test_a_redis_that_may_lose_results_is_started_on_with_a_warning(begin, place):
    server = begin(Valkey(place / "redis", maxmemory="100mb", maxmemory_policy="volatile-lru", appendonly="no"))
    web = Web(server.url, place)
    begin(web)
    warned = [line for line in web.log().splitlines() if "WARNING" in line]
    assert sum("maxmemory-policy volatile-lru" in line for line in warned) == 1
    assert sum("no append-only file" in line for line in warned) == 1


def start_at_once(place, rounds):
    """Start three on one folder at the same moment, some times: one is ready, the others give way."""
    for number in range(rounds):
        apps = [App(place, f"{number}-{one}") for one in range(3)]
        try:
            for app in apps:
                app.start()
            until(lambda apps=apps: sum(app.running.poll() == 2 for app in apps) == 2, "two that give way")
            (winner,) = [app for app in apps if app.running.poll() is None]
            until(winner.ready, "the one that is ready")
            for loser in apps:
                if loser is not winner:
                    assert (
                        loser.log()
                        .strip()
                        .endswith("DATA_DIR: another service runs on this folder. Stop it, or choose another DATA_DIR.")
                    )
            with connect(EmbeddedRedis(place).url) as client:
                assert client.incr("rounds") == number + 1
        finally:
            for app in apps:
                app.stop()


def test_of_three_starts_at_once_one_serves_and_the_others_say_why(place):
    start_at_once(place, rounds=1)


@pytest.mark.nightly
def test_of_three_starts_at_once_one_serves_every_time(place):
    start_at_once(place, rounds=5)


def test_what_a_crash_has_left_does_not_hinder_the_next_start(place):
    """A socket that nobody listens on, a lock that nobody holds, a pid in it that is another process by now."""
    (place / "redis").mkdir(parents=True, mode=0o700)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(place / "redis" / "redis.sock"))
    stale.close()
    (place / "redis" / "lock").write_text(str(os.getpid()))
    server = EmbeddedRedis(place)
    server.start()
    with connect(server.url) as client:
        assert client.ping()
    server.stop()


def test_a_start_waits_for_no_pid_a_frozen_holder_keeps_its_folder(place, monkeypatch):
    """The server of a service that is stopped (SIGSTOP) is neither gone nor to be talked to: it holds the lock."""
    first = EmbeddedRedis(place)
    first.start()
    monkeypatch.setattr(embedded, "_LOCK", 0.3)
    os.kill(first._process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(EmbeddedError, match="another service"):
            EmbeddedRedis(place).start()
    finally:
        os.kill(first._process.pid, signal.SIGCONT)
    first._process.kill()
    # A zombie by now, which nobody has waited for: its lock went with it.
    first._lock.close()
    second = EmbeddedRedis(place)
    second.start()
    second.stop()
    first._process.wait()


def test_a_frozen_server_is_killed_and_started_again(place, monkeypatch):
    monkeypatch.setattr(embedded, "_SILENT", 2)
    monkeypatch.setattr(embedded, "_ASK", 0.1)
    server = EmbeddedRedis(place)
    server.start()
    try:
        with connect(server.url) as client:
            client.set("kept", b"value")
            client.waitaof(1, 0, 10_000)
        frozen = server._process.pid
        server.look()
        assert server._process.pid == frozen
        os.kill(frozen, signal.SIGSTOP)

        def restarted():
            server.look()
            return server._process.pid != frozen

        until(restarted, "another server")
        with connect(server.url) as client:
            assert client.get("kept") == b"value"
    finally:
        server.stop()


@pytest.mark.nightly
def test_a_worker_that_dies_again_and_again_ends_no_service(begin, place):
    app = begin(App(place))
    until(app.ready, "ready")
    web = app.part("gunicorn")
    for _ in range(8):
        worker = until(lambda: app.part("app.jobs.worker"), "a worker", 30)
        worker.kill()
        worker.wait()
    assert app.running.poll() is None
    assert app.ready()
    assert app.part("gunicorn").pid == web.pid
    until(lambda: app.part("app.jobs.worker"), "another worker, after a pause")
    assert app.log().count("the worker process ended") >= 7


@pytest.mark.nightly
def test_without_a_redis_all_wait_for_it_and_serve_when_it_comes(begin, place):
    """Seventy seconds: longer than the minute within which a process that dies is counted."""
    url = f"unix://{place}/redis/redis.sock"
    app = begin(App(place / "data", REDIS_URL=url))
    until(lambda: "Booting worker" in app.log() or app.part("gunicorn"), "the web process")
    pids = until(lambda: [app.part("gunicorn").pid, app.part("app.jobs.worker").pid], "both")
    until_then = time.monotonic() + 70
    while time.monotonic() < until_then:
        assert app.running.poll() is None
        time.sleep(1)
    assert [app.part("gunicorn").pid, app.part("app.jobs.worker").pid] == pids
    assert app.service.get("/health/live").ok
    assert app.service.get("/health/ready").status_code == 503
    assert "Traceback" not in app.log()
    begin(Valkey(place / "redis"))
    until(app.ready, "ready", 20)


def test_each_command_names_what_is_there(tmp_path):
    part = Part([sys.executable, "-m", "app", "chek"], tmp_path / "log", DATA_DIR=str(tmp_path))
    part.start()
    status, said = ended(part)
    assert status == 2
    assert all(word in said for word in ("check", "export FILE", "import FILE"))
