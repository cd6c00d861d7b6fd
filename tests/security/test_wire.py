"""Requests whose parts contradict each other: one reading of each, or none, whichever of gunicorn's parsers reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.faults.parts import Web, serving
from tests.security import raw

BODY = b'{"pipeline_id": "none", "data": []}'

#: What would be answered, were the bytes behind a request taken for another.
NEXT = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def post(*headers: bytes, body: bytes = BODY) -> bytes:
    """Return a request with these headers and no other length."""
    lines = [b"POST /serve_prediction HTTP/1.1", b"Host: 127.0.0.1", b"Content-Type: application/json", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked"
WHOLE = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
LENGTH = b"Content-Length: %d" % len(BODY)

#: {what is wrong: request}: each is refused, and nothing behind it is read.
REFUSED = {
    "a length that is negative": post(b"Content-Length: -5"),
    "a length with a sign": post(b"Content-Length: +%d" % len(BODY)),
    "a length in hexadecimal": post(b"Content-Length: 0x23"),
    "a length with an underscore": post(b"Content-Length: 3_5"),
    "a length that is no number": post(b"Content-Length: many"),
    "two lengths": post(LENGTH, b"Content-Length: 5"),
    "the other length first": post(b"Content-Length: 5", LENGTH),
    "a list of lengths": post(b"Content-Length: 35, 5"),
    "a length and chunks": post(LENGTH, CHUNKED, body=WHOLE),
    "chunks and a length": post(CHUNKED, LENGTH, body=WHOLE),
    "an unknown coding": post(b"Transfer-Encoding: xchunked", body=WHOLE),
    "chunks that are not last": post(b"Transfer-Encoding: chunked, identity", body=WHOLE),
    "chunks twice": post(CHUNKED, CHUNKED, body=WHOLE),
    "a space before the colon": post(b"Content-Length : 5", CHUNKED, body=WHOLE),
    "a header that is folded": post(LENGTH, b"X-Long: a\r\n b"),
    "a line that ends without CR": post(LENGTH).replace(b"Host: 127.0.0.1\r\n", b"Host: 127.0.0.1\n"),
    "lines that end without CR": post(LENGTH).replace(b"\r\n", b"\n"),
    "a NUL in a header": post(LENGTH, b"X-Odd: a\x00b"),
    "a CR in a header": post(LENGTH, b"X-Odd: a\rContent-Length: 5"),
    "a chunk of a negative size": post(CHUNKED, body=b"-1\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk with 0x": post(CHUNKED, body=b"0x23\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk longer than it says": post(CHUNKED, body=b"5\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk of no size": post(CHUNKED, body=b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunks in HTTP/1.0": post(CHUNKED, body=WHOLE).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "another version": b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
    "a header without a name": post(LENGTH, b": x"),
    "two hosts": post(LENGTH, b"Host: elsewhere.example"),
}


@pytest.fixture(scope="module", params=["fast", "python"])
def web(request, short_folder, tmp_path_factory) -> Iterator[Web]:
    """One web process, by each of the parsers."""
    few = {"WEB_CONCURRENCY": "1", "WEB_THREADS": "4", "REQUEST_SECONDS": "4"}
    parser = {"GUNICORN_CMD_ARGS": f"--http-parser {request.param}"}
    place = short_folder / f"valkey-{request.param}"
    with serving(place, tmp_path_factory.mktemp("wire"), **few, **parser) as (_, one):
        yield one


@pytest.mark.parametrize("sent", [pytest.param(sent, id=what) for what, sent in REFUSED.items()])
def test_what_could_be_read_in_two_ways_is_refused_and_nothing_behind_it_read(web, sent) -> None:
    answer = raw.ask(web.port, sent + NEXT)
    assert answer.closed
    assert len(answer.statuses) == 1, answer.data
    assert answer.statuses[0] in (400, 501, 505), answer.data
    assert answer.problem["status"] == answer.statuses[0]
    assert b"nosniff" in answer.data
    assert not web.lines(level="ERROR")


def test_a_head_that_is_too_long_is_refused(web) -> None:
    for sent in (
        b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        post(LENGTH, b"X-Long: " + b"a" * 9000),
        post(LENGTH, *(b"X-%d: a" % number for number in range(100))),
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Endless: " + b"a" * 200_000,
    ):
        answer = raw.ask(web.port, sent)
        assert answer.closed
        assert answer.statuses == [431], answer.data[:300]


def test_a_body_shorter_than_it_says_is_no_request(web) -> None:
    short = post(b"Content-Length: 3500"), post(b"Content-Length: 350000"), post(CHUNKED, body=WHOLE[:20])
    for sent in short:
        gone = raw.ask(web.port, sent, half_close=True)
        assert gone.closed
        assert gone.statuses == [400], gone.data
    with ExitStack() as held:
        clients = [held.enter_context(raw.connected(web.port)) for _ in short]
        for client, sent in zip(clients, short, strict=True):
            client.sendall(sent)
        for client in clients:
            waited_for = raw.read(client)
            assert waited_for.closed
            assert waited_for.statuses == [408], waited_for.data
    assert not web.lines(level="ERROR")


def test_what_is_behind_a_body_is_a_request_of_its_own(web) -> None:
    last = NEXT.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    for sent in (post(LENGTH), post(CHUNKED, body=WHOLE)):
        assert raw.ask(web.port, sent + sent + last).statuses == [404, 404, 200]
    # Of a length that is too short, what is left over is none.
    answer = raw.ask(web.port, post(b"Content-Length: 5") + NEXT)
    assert answer.closed
    assert answer.statuses == [400, 400]
