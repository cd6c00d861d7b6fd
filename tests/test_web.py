"""The connections of a web process: kept, closed and answered as HTTP has it, whoever looks after them."""

from __future__ import annotations

import http.client
import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import psutil
import pytest

from app.arriving import EARLY, Source
from tests.faults.parts import Web, serving, until
from tests.security import raw

ASKED = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

#: Descriptors of a process in which some thirty connections have room.
FEW = 160


@pytest.fixture(scope="module")
def web(short_folder, tmp_path_factory) -> Iterator[Web]:
    """One web process."""
    folder = tmp_path_factory.mktemp("connections")
    with serving(short_folder / "valkey-web", folder, WEB_CONCURRENCY="1", WEB_THREADS="4") as (_, one):
        yield one


def test_an_answer_that_is_short_is_one_packet(web) -> None:
    with raw.connected(web.port) as client:
        for _ in range(3):
            client.sendall(ASKED)
            head, _, body = client.recv(2**16).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            assert body


@pytest.mark.parametrize("path", ["/static/ui/asking.css", "/openapi.json", "/health/live"])
def test_an_answer_with_no_body_and_one_of_a_file_are_whole_and_the_next_is_its_own(web, path) -> None:
    whole = web.service.get(path)
    with closing(http.client.HTTPConnection("127.0.0.1", web.port, timeout=raw.PATIENCE)) as connection:
        for method in ("HEAD", "GET", "HEAD", "GET"):
            connection.request(method, path)
            answer = connection.getresponse()
            assert answer.status == 200
            assert answer.headers["Content-Length"] == str(len(whole.content))
            assert answer.read() == (whole.content if method == "GET" else b"")


def test_a_connection_is_kept_for_a_while_and_requests_sent_together_are_answered_in_turn(web) -> None:
    with raw.connected(web.port) as client:
        client.sendall(ASKED * 3)
        time.sleep(2)
        client.sendall(ASKED + raw.PROBE)
        answer = raw.read(client)
    assert answer.statuses == [200] * 5
    assert answer.data.count(b"\r\nConnection: keep-alive\r\n") == 4
    assert answer.closed


@pytest.mark.parametrize(
    ("path", "kept"), [("/nowhere", False), ("/serve_prediction", True)], ids=["is not read", "is read"]
)
def test_the_answer_to_a_large_body_tells_whether_the_connection_is_kept(web, path, kept) -> None:
    body = json.dumps({"pipeline_id": "none", "data": [{"a": 1}] * 30_000}).encode()
    with closing(http.client.HTTPConnection("127.0.0.1", web.port, timeout=raw.PATIENCE)) as connection:
        for _ in range(3):
            # It opens another connection where the last answer said that this one ends.
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 404
            assert answer.headers["Connection"] == ("keep-alive" if kept else "close")


def test_where_hardly_any_room_is_left_connections_are_closed_in_order(short_folder, tmp_path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, hard))
    try:
        with ExitStack() as held:
            small = {"WEB_CONCURRENCY": "1", "WEB_THREADS": "2"}
            _, web = held.enter_context(serving(short_folder / "valkey-room", tmp_path, **small))
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            closed = list[bool]()
            for _ in range(60):
                client = held.enter_context(raw.connected(web.port))
                client.sendall(ASKED)
                answer = client.recv(2**16)
                assert answer.startswith(b"HTTP/1.1 200 ")
                closed.append(b"\r\nConnection: close\r\n" in answer)
                if closed[-1]:
                    client.close()
            assert not any(closed[:20])
            assert all(closed[40:])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_client_for_whom_a_process_has_no_room_waits_until_there_is_some(short_folder, tmp_path) -> None:
    with serving(short_folder / "valkey-full", tmp_path, WEB_CONCURRENCY="1") as (_, web), ExitStack() as held:
        (process,) = web.workers()
        usual = process.rlimit(psutil.RLIMIT_NOFILE)
        # It has opened more than these by now; what it has stays open.
        process.rlimit(psutil.RLIMIT_NOFILE, (3, usual[1]))
        clients = [held.enter_context(raw.connected(web.port)) for _ in range(3)]
        for client in clients:
            client.sendall(ASKED)
        used, since = process.cpu_times(), time.monotonic()
        until(lambda: web.lines(message="a client has to wait: Too many open files"), "it is told")
        time.sleep(1)
        passed, more = time.monotonic() - since, process.cpu_times()
        # Nobody is refused, and it does not ask for room without end.
        assert more.user + more.system - used.user - used.system < passed / 2
        for client in clients:
            client.setblocking(False)
            with pytest.raises(BlockingIOError):
                client.recv(1)
            client.settimeout(raw.PATIENCE)
        assert len(web.lines(message="a client has to wait: Too many open files")) == 1
        process.rlimit(psutil.RLIMIT_NOFILE, usual)
        for client in clients:
            assert client.recv(2**16).startswith(b"HTTP/1.1 200 ")
        assert web.workers() == [process]


def test_a_process_that_ends_answers_on_connections_that_were_idle_what_is_on_its_way(short_folder, tmp_path) -> None:
    with serving(short_folder / "valkey-ends", tmp_path, WEB_CONCURRENCY="1") as (_, web), ExitStack() as held:
        clients = [held.enter_context(raw.connected(web.port)) for _ in range(5)]
        for client in clients:
            client.sendall(ASKED)
            assert client.recv(2**16).startswith(b"HTTP/1.1 200 ")
        # Longer than a process that ends goes on.
        time.sleep(4)
        web.running.terminate()
        time.sleep(0.5)
        for client in clients:
            client.sendall(ASKED)
            answer = raw.read(client)
            assert answer.statuses == [200]
            assert b"\r\nConnection: close\r\n" in answer.data
            assert answer.closed
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", web.port))
        since = time.monotonic()
        assert web.stop() == 0
        assert time.monotonic() - since < 20


def test_a_client_that_has_connected_when_a_process_ends_is_answered(short_folder, tmp_path) -> None:
    with serving(short_folder / "valkey-late", tmp_path, WEB_CONCURRENCY="1") as (_, web), ExitStack() as held:
        (process,) = web.workers()
        # It takes nobody while it is held, and so all of them when it has been told to end.
        process.suspend()
        clients = [held.enter_context(raw.connected(web.port)) for _ in range(5)]
        web.running.terminate()
        time.sleep(0.5)
        process.resume()
        for client in clients:
            client.sendall(ASKED)
            assert raw.read(client).statuses == [200]


def test_a_process_whose_parent_was_killed_ends_in_order(short_folder, tmp_path) -> None:
    with serving(short_folder / "valkey-orphan", tmp_path, WEB_CONCURRENCY="1") as (_, web):
        (process,) = web.workers()
        with raw.connected(web.port) as idle:
            idle.sendall(ASKED)
            assert idle.recv(2**16).startswith(b"HTTP/1.1 200 ")
            web.kill()
            # It looks once a second.
            time.sleep(2)
            idle.sendall(ASKED)
            assert raw.read(idle).statuses == [200]
            until(lambda: not process.is_running(), "it ends", 10)
            with pytest.raises(ConnectionRefusedError):
                raw.connected(web.port)


def test_no_more_is_taken_of_a_client_than_one_request_that_waits_and_what_came_with_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        source = Source(ours, 60.0, threading.BoundedSemaphore(), lambda: False)
        theirs.setblocking(False)
        for _ in range(50):
            with suppress(BlockingIOError):
                theirs.send(ASKED * 500)
            assert source.gather()
            assert len(source.buf.getvalue()) <= EARLY


@pytest.mark.parametrize(
    "rest",
    [b"zz\r\n", b"5\r\nabcdefgh\r\n0\r\n\r\n", b"1\r\na\r\n0\r\nbad trailer\r\n\r\n", b"1\r\n"],
    ids=["no size", "another size", "a trailer", "its end"],
)
@pytest.mark.parametrize(("line", "status"), [(b"GET /health/live", 200), (b"POST /nothing", 404)])
def test_what_is_wrong_behind_a_request_that_was_answered_is_told_to_nobody(web, line, status, rest) -> None:
    chunked = line + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = raw.ask(web.port, chunked + rest, half_close=True)
    assert answer.statuses == [status]
    assert answer.closed


def test_a_body_that_comes_late_behind_a_request_that_has_no_use_for_it_is_read(web) -> None:
    with raw.connected(web.port) as client:
        client.sendall(ASKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n"))
        time.sleep(0.3)
        client.sendall(b"12345" + raw.PROBE)
        assert raw.read(client).statuses == [200, 200]
