"""What unfolds to much more than it is: refused before it does, and codings that are not read are said not to be."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import time
import zipfile
import zlib

import pytest

from app.errors import UploadTooLarge
from app.payloads import archives, encoded
from conftest import ROOT

#: Seconds and kibibytes within which a bomb is refused; it would be 400 MB.
SOON, ROOM = 20, 100 * 1024

#: Reads a body in a process of its own, and tells by how many kibibytes that grew.
READ = """
import resource, sys
from flask import Flask, request
from app.errors import ServiceError
from app.payloads import encoded
data = sys.stdin.buffer.read()
app = Flask("x")
app.config["MAX_CONTENT_LENGTH"] = 64 * 2**20
with app.test_request_context(method="POST", data=data, headers={"Content-Encoding": sys.argv[1]}):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        print(len(encoded.body(request)))
    except ServiceError as error:
        print(error.status)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""

BODIES = {
    "/serve_prediction?pipeline_id=birds": "text/csv",
    "/explain?pipeline_id=birds&method=lime": "text/csv",
    "/v1/models/birds:predict": "application/json",
    "/v2/models/birds/infer": "application/json",
    "/batch_predictions": "application/json",
}


@pytest.fixture(scope="module")
def bomb():
    """0.4 MB that are 400 MB."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(squeeze.compress(b"1,2\n" * 2**20) for _ in range(100)) + squeeze.flush()


@pytest.mark.parametrize("path", BODIES)
def test_a_body_that_unfolds_to_a_thousand_times_its_size_is_refused(client, served, bomb, path):
    headers = {"Content-Type": BODIES[path], "Content-Encoding": "gzip"}
    since = time.monotonic()
    assert client.post(path, data=bomb, headers=headers).status_code == 413
    assert time.monotonic() - since < SOON


@pytest.mark.parametrize("path", BODIES)
def test_a_body_within_its_limit_that_unfolds_to_more_than_a_hundred_times_its_size_is_refused(
    client, served, settings, path
):
    plain = b"1,2\n" * 2**20
    squeezed = gzip.compress(plain)
    assert encoded.MOST_TIMES * len(squeezed) < len(plain) < settings.predict_bytes
    headers = {"Content-Type": BODIES[path], "Content-Encoding": "gzip"}
    answer = client.post(path, data=squeezed, headers=headers)
    assert answer.status_code == 413, answer.text
    assert f"{encoded.MOST_TIMES} times its size" in answer.text


def test_it_takes_no_more_memory_than_a_body_may(bomb):
    told = subprocess.run(
        [sys.executable, "-c", READ, "gzip"], input=bomb, capture_output=True, cwd=ROOT, check=True, timeout=120
    )
    status, grown = map(int, told.stdout.split())
    assert status == 413
    assert grown < ROOM


def test_a_body_may_unfold_to_a_hundred_times_its_size_and_any_to_a_mebibyte(client, served):
    path = "/serve_prediction?pipeline_id=7"
    csv = b"a,b\n" + b"".join(b"%d.5,%d.25\n" % (row, row * 7 % 1_000) for row in range(150_000))
    assert len(csv) > 2**20
    squeezed = gzip.compress(csv)
    assert len(csv) < encoded.MOST_TIMES * len(squeezed)
    sent = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    assert client.post(path, data=squeezed, headers=sent).status_code == 200


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "x"])
@pytest.mark.parametrize("path", BODIES)
def test_a_coding_that_is_not_read_is_said_not_to_be(client, served, path, coding):
    headers = {"Content-Type": BODIES[path], "Content-Encoding": coding}
    assert client.post(path, data=b"x", headers=headers).status_code == 415


@pytest.mark.parametrize("path", ["/train_pipeline", "/profile", "/serve_prediction", "/explain", "/batch_predictions"])
def test_a_form_that_is_compressed_is_said_not_to_be_read(refused, served, training, path):
    options = training()
    options["headers"]["Content-Encoding"] = "gzip"
    refused(415, path=path, **options)


@pytest.mark.parametrize("path", ["/train_pipeline", "/profile", "/serve_prediction", "/batch_predictions"])
def test_a_part_that_is_compressed_is_said_not_to_be_read(refused, served, path):
    params = json.dumps({"pipeline_id": "birds"}).encode()
    lines = [b"--x", b'Content-Disposition: form-data; name="params"; filename="p.yml"', b"", params]
    lines += [b"--x", b'Content-Disposition: form-data; name="raw_data"; filename="x.csv"', b"Content-Encoding: gzip"]
    body = b"\r\n".join([*lines, b"", gzip.compress(b"a\n1\n"), b"--x--", b""])
    refused(415, path=path, data=body, headers={"Content-Type": "multipart/form-data; boundary=x"})


def archive(*members):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content)
    return sink.getvalue()


def test_an_archive_that_unfolds_to_a_thousand_times_its_size_is_refused():
    with pytest.raises(UploadTooLarge, match="times its own size"):
        list(archives.files(archive(("a.png", b"0" * 20 * 2**20)), "raw_data", 2**30, 2**30))
    assert len(list(archives.files(archive(("a.png", b"0" * 2**19)), "raw_data", 2**30, 2**30))) == 1


def test_a_workbook_is_no_table(refused, training):
    workbook = archive(("xl/worksheets/sheet1.xml", b"<x>" * 10**6), ("[Content_Types].xml", b"<Types/>"))
    refused(415, **training(raw_data=workbook, file="raw_data.xlsx"))
