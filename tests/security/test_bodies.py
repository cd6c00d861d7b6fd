"""Bodies that are too large: refused before they are read, and what is read of them ends at the limit."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress

import pytest

from app import access, bodies
from tests.faults import served
from tests.faults.parts import Web, serving
from tests.security import raw

#: Bytes that are said to come, and those of them that may be taken: what sockets hold of both ends is among them.
DECLARED, TAKEN = 200 * 2**20, 16 * 2**20

JSON = b"Content-Type: application/json"
FORM = b"Content-Type: multipart/form-data; boundary=edge"
FILE = b'--edge\r\nContent-Disposition: form-data; name="%s"; filename="t.csv"\r\nContent-Type: text/csv\r\n\r\n'
PART = b'--edge\r\nContent-Disposition: form-data; name="%s"\r\n\r\n'


@pytest.fixture(scope="module")
def web(short_folder, tmp_path_factory) -> Iterator[Web]:
    """One web process."""
    few = {"WEB_CONCURRENCY": "1", "WEB_THREADS": "4", "MAX_UPLOAD_MB": "8", "BATCH_UPLOAD_MB": "8"}
    with serving(short_folder / "valkey-bodies", tmp_path_factory.mktemp("bodies"), **few) as (valkey, one):
        served.publish(valkey.url)
        yield one


def sent(web: Web, path: bytes, headers: bytes, start: bytes, chunked: bool) -> tuple[int, raw.Answered]:
    """Send what is far too large; return how many bytes were taken, and the answer."""
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % DECLARED
    block = b"1" * 2**16
    piece = b"%x\r\n%s\r\n" % (len(block), block) if chunked else block
    first = b"%x\r\n%s\r\n" % (len(start), start) if chunked and start else start
    taken = 0
    with raw.connected(web.port) as client:
        with suppress(OSError):
            client.sendall(b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n%s\r\n\r\n" % (path, headers, length))
            client.sendall(first)
            while taken < DECLARED:
                client.sendall(piece)
                taken += len(block)
        return taken, raw.read(client)


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
@pytest.mark.parametrize(
    ("path", "headers", "start"),
    [
        pytest.param(b"/serve_prediction", JSON, b"[", id="a prediction"),
        pytest.param(b"/explain", JSON, b"[", id="an explanation"),
        pytest.param(b"/v2/models/7/infer", JSON, b"[", id="tensors"),
        pytest.param(b"/keys", JSON, b"[", id="what has no large body"),
        pytest.param(b"/train_pipeline", FORM, PART % b"raw_data", id="a field that is no file"),
        pytest.param(b"/train_pipeline", FORM, FILE % b"raw_data", id="a file"),
        pytest.param(b"/batch_predictions?pipeline_id=7", FORM, FILE % b"data", id="a file of a batch"),
    ],
)
def test_a_body_that_is_too_large_is_refused_and_not_read(web, path, headers, start, chunked) -> None:
    taken, answer = sent(web, path, headers, start, chunked)
    assert taken < TAKEN
    assert answer.closed
    assert answer.statuses == [413], answer.data[:500]
    assert b"application/" in answer.data
    assert not web.lines(level="ERROR")


def test_a_form_of_too_many_parts_is_refused(web) -> None:
    body = b"".join(PART % b"part" + b"x\r\n" for _ in range(1001)) + b"--edge--\r\n"
    head = b"POST /train_pipeline HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    assert raw.ask(web.port, head % (FORM, len(body)) + body).statuses == [413]


@pytest.mark.parametrize(("size", "too_large"), [(bodies.FIELD - 1000, False), (bodies.FIELD + 1, True)])
def test_a_field_of_a_form_has_a_bound_and_a_file_that_of_the_upload(client, size, too_large) -> None:
    for path in ("/train_pipeline", "/profile"):
        data = {"params": "pipeline_id: a", "raw_data": "[" + " " * (size - 2) + "]"}
        answer = client.post(path, data=data, content_type="multipart/form-data")
        assert (answer.status_code == 413) is too_large, answer.text
        as_file = data | {"raw_data": (io.BytesIO(b"a\n" * (size // 2 + 9)), "t.csv")}
        assert client.post(path, data=as_file, content_type="multipart/form-data").status_code != 413


def test_each_endpoint_that_may_be_sent_much_is_named_on_purpose() -> None:
    assert {
        "serve_prediction.predict", "explain.explain", "models.paths",
        "v1.predict", "v1.explain", "v2.infer", "v2.explain", "invocations.predict",
    } == bodies.PREDICTING  # fmt: skip
    assert {"train_pipeline.train", "profile.show", "batch_predictions.predict"} == bodies.TRAINING
    assert access.NEEDED.keys() >= bodies.PREDICTING | bodies.TRAINING


def test_a_prediction_may_have_as_much_as_is_set_and_no_more(client, settings) -> None:
    for path in ("/serve_prediction", "/explain"):
        for size, status in ((settings.predict_bytes - 1, 400), (settings.predict_bytes + 1, 413)):
            answer = client.post(path, data=b" " * size, content_type="application/json")
            assert answer.status_code == status, answer.text


def test_what_has_no_large_body_takes_none(client) -> None:
    answer = client.put("/models/none/current", data=b" " * (bodies.SMALL + 1), content_type="application/json")
    assert answer.status_code == 413
    assert "64 KiB" in answer.json["detail"]


FIELDS = "application/x-www-form-urlencoded"


def test_a_form_without_parts_has_a_bound_of_its_own_and_that_of_a_stranger_a_small_one(client) -> None:
    # Werkzeug bounds neither the fields of such a form nor their number.
    def sent(path: str, size: int) -> int:
        return int(client.post(path, data=b"a=1&" * (size // 4), content_type=FIELDS).status_code)

    assert sent("/ui/sign-in", bodies.SMALL + 4) == 413
    assert sent("/ui/sign-in", bodies.SMALL - 4) != 413
    assert sent("/ui/train", bodies.WHOLE + 4) == 413
    assert sent("/ui/train", bodies.WHOLE - 4) != 413
