"""Clients that send slowly, or nothing: everybody else is served as ever, and they are cut off."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

import pytest

from tests.faults.parts import Web, serving, until
from tests.security import raw

#: Seconds in which a probe is answered; one that waits for a slow client would wait for many times as long.
SOON = 3.0

#: Two threads, so that few clients could hold them; they wait a client's whole time, which is short here.
FEW = {"WEB_CONCURRENCY": "1", "WEB_THREADS": "2", "REQUEST_SECONDS": "6"}

SMALL = (
    b"POST /serve_prediction HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
)
LARGE = SMALL.replace(b"9000", b"900000")
CHUNKED = SMALL.replace(b"Content-Length: 9000", b"Transfer-Encoding: chunked")
HEAD = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "


@pytest.fixture(scope="module")
def web(short_folder, tmp_path_factory) -> Iterator[Web]:
    """One web process."""
    with serving(short_folder / "valkey-slow", tmp_path_factory.mktemp("slow"), **FEW) as (_, one):
        yield one


def slowest(web: Web, seconds: float, *paths: bytes) -> float:
    """Return the longest of many probes, each on a connection of its own, and of requests that need a thread."""
    found, ends = 0.0, time.monotonic() + seconds
    while time.monotonic() < ends:
        for path in (b"/health/live", *paths):
            since = time.monotonic()
            answer = raw.ask(web.port, raw.PROBE.replace(b"/health/live", path))
            assert answer.statuses == [200], answer
            found = max(found, time.monotonic() - since)
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("clients", [8, 40])
@pytest.mark.parametrize(
    ("sent", "byte"), [(HEAD, b"x"), (SMALL, b"1"), (b"", b"")], ids=["heads", "bodies", "nothing"]
)
def test_slow_clients_hold_no_thread(web, sent, byte, clients) -> None:
    with raw.trickling(web.port, sent, clients, byte):
        time.sleep(0.5)
        assert slowest(web, 1.5, b"/models") < SOON


@pytest.mark.parametrize("sent", [LARGE, CHUNKED], ids=["large", "chunked"])
def test_slow_clients_that_need_a_thread_hold_half_of_them(web, sent) -> None:
    byte = b"1" if sent is LARGE else b"1\r\nx\r\n"
    with raw.trickling(web.port, sent, 40, byte) as gone:
        # Those for which there is no place are told so as soon as somebody else needs their thread.
        until(lambda: slowest(web, 0.2) < SOON and len(gone) >= 38, "all but two are refused")
        assert gone.count(503) >= 36, gone
        assert slowest(web, 1.5, b"/models") < SOON


def test_a_request_that_does_not_arrive_in_time_is_told_so_and_its_connection_closed(web) -> None:
    since = time.monotonic()
    with raw.connected(web.port) as small, raw.connected(web.port) as head, raw.connected(web.port) as large:
        small.sendall(SMALL + b"{")
        head.sendall(HEAD)
        large.sendall(LARGE + b"{")
        for client in (small, head, large):
            answer = raw.read(client, 60)
            assert answer.closed
            assert answer.statuses == [408]
            assert answer.problem["type"] == "urn:problem:too-slow"
    assert 4 < time.monotonic() - since < 50
    assert not web.lines(level="ERROR")


@pytest.mark.parametrize("sent", [raw.PROBE, raw.PROBE.replace(b"Connection: close\r\n", b"")], ids=["last", "kept"])
def test_a_client_that_does_not_close_its_connection_holds_nothing(web, sent) -> None:
    held = [raw.connected(web.port) for _ in range(20)]
    try:
        for client in held:
            client.sendall(sent)
        assert slowest(web, 1.0, b"/models") < SOON
    finally:
        for client in held:
            client.close()


def test_a_body_that_arrives_in_pieces_is_read(web) -> None:
    body = b'{"pipeline_id": "none", "data": []}'
    with raw.connected(web.port) as client:
        head = SMALL.replace(b"9000", str(len(body)).encode()).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        for byte in head + body:
            client.sendall(bytes([byte]))
        assert raw.read(client).statuses == [404]


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(web) -> None:
    body = b'{"pipeline_id": "none", "data": []}'
    with raw.connected(web.port) as client:
        head = SMALL.replace(b"9000", str(len(body)).encode())
        client.sendall(head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"))
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert raw.read(client).statuses == [404]


def test_more_connections_than_there_are_descriptors_end_no_process(short_folder, tmp_path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (160, hard))
    try:
        with serving(short_folder / "valkey-few", tmp_path, **FEW) as (_, one):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            before = [process.pid for process in one.workers()]
            with raw.trickling(one.port, b"", 300, b""):
                time.sleep(2)
            assert raw.ask(one.port, raw.PROBE).statuses == [200]
            assert [process.pid for process in one.workers()] == before
            assert not one.lines(level="ERROR")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
