"""The connections of a web process: kept, closed and answered as HTTP has it, whoever looks after them."""

from __future__ import annotations

import http.client
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.faults.parts import Web, serving
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
        since = time.monotonic()
        assert web.stop() == 0
        assert time.monotonic() - since < 20
