"""Addresses and names of files of callers: nothing is ever fetched, and no path is opened."""

from __future__ import annotations

import http.server
import io
import json
import threading

import fsspec
import pytest

from app.addresses import Address
from app.store import files
from tests.routes.test_batch_predictions import allowed, client, ended, settings  # noqa: F401  fixtures

#: Ways to the machine itself, or to what clouds tell of it; {port} is one that counts who comes.
INWARD = [
    "http://127.0.0.1:{port}/", "http://127.1:{port}/", "http://0x7f000001:{port}/", "http://2130706433:{port}/",
    "http://[::1]:{port}/", "http://localhost:{port}/", "http://user@127.0.0.1:{port}/", "http://0:{port}/",
    "http://169.254.169.254/latest/meta-data/", "https://127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/_INFO",
    "ftp://127.0.0.1:{port}/x", "file:///etc/passwd", "/etc/passwd", "../../etc/passwd", "//127.0.0.1:{port}/x",
    "data:text/csv,a", "dict://127.0.0.1:{port}/", "s3://127.0.0.1:{port}/x", "jar:http://127.0.0.1:{port}/x!/y",
]  # fmt: skip

#: Names that are paths, devices or escapes somewhere.
NAMES = [
    "..\\..\\x.csv", "../../x.csv", "/etc/x.csv", "aux.", "con.csv", "nul", "x\x00.csv", "%2e%2e%2fx.csv",
    "x" * 65_536 + ".csv", '"; rm -rf /; ".csv', "x.csv::$DATA", "~/x.csv", "<script>.csv", "x\u202evsc.csv",
]  # fmt: skip


@pytest.fixture
def visited():
    """A server on this machine: its port, and who has come and asked it for what."""

    class Counting(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    paths: list[str] = []

    class Listening(http.server.ThreadingHTTPServer):
        def process_request(self, request, client_address):
            # Also of those who ask nothing that HTTP knows.
            paths.append("a connection")
            super().process_request(request, client_address)

    server = Listening(("127.0.0.1", 0), Counting)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, paths
    server.shutdown()
    thread.join()
    server.server_close()


def test_no_address_of_a_caller_is_ever_asked_for(client, visited):  # noqa: F811
    port, paths = visited
    for pattern in INWARD:
        url = pattern.replace("{port}", str(port))
        for body in (
            {"pipeline_id": "table", "source": url},
            {"pipeline_id": "table", "source": "file:///x.csv", "destination": url},
        ):
            assert client.post("/batch_predictions", json=body).status_code == 422, url
        headers = {"X-Forwarded-For": url, "X-Forwarded-Host": url, "Referer": url}
        for path, sent in (
            ("/serve_prediction", {"pipeline_id": "table", "data": url}),
            ("/explain", {"pipeline_id": "table", "data": url, "method": "lime"}),
            ("/v1/models/table:predict", {"instances": url}),
            ("/invocations?pipeline_id=table", {"dataframe_records": url}),
        ):
            assert 400 <= client.post(path, json=sent, headers=headers).status_code < 500, (path, url)
        params = json.dumps({"pipeline_id": "x", "target": "a", "model_training": {"model": url}})
        answer = client.post("/train_pipeline", data={"raw_data": url, "params": params})
        assert 400 <= answer.status_code < 500
    assert paths == []


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """Return a function that lists all files where a name could lead: above the working folder, at home, and there."""
    there = tmp_path / "a" / "b" / "c"
    there.mkdir(parents=True)
    monkeypatch.chdir(there)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return lambda: sorted(str(path) for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("name", [*NAMES, "{here}/x.csv"], ids=range(len(NAMES) + 1))
def test_a_file_name_is_never_a_path(client, refused, training, watched, tmp_path, name):  # noqa: F811
    before, name = watched(), name.replace("{here}", str(tmp_path))
    refused((400, 413, 415, 422), **training(raw_data=b"a,b\n1,\n", file=name))
    if name.endswith(".csv") and len(name) < 1_000:
        taken = {"raw_data": (io.BytesIO(b"a,b\n1,2\n" * 30), name), "params": "target: b"}
        assert client.post("/profile", data=taken).status_code == 200
    assert watched() == before


def test_a_source_larger_than_is_read_ends_its_job_before_it_is_opened(client, ended, allowed, settings):  # noqa: F811
    assert settings.batch_source_mb == 65_536
    with (allowed / "rows.csv").open("wb") as file:
        # Of holes, which take no place.
        file.truncate((settings.batch_source_mb + 1) * 2**20)
    body = {"pipeline_id": "table", "source": f"file://{allowed}/rows.csv"}
    job = ended(client.post("/batch_predictions", json=body))
    assert (job["state"], job["error"]["status"]) == ("failed", 413)


@pytest.mark.parametrize("scheme", ["s3", "gs", "abfs"])
def test_object_stores_are_not_waited_for_without_end(monkeypatch, scheme):
    told = {}
    monkeypatch.setattr(files, "find_spec", lambda _: True)
    monkeypatch.setattr(fsspec, "filesystem", lambda name, **options: told.update({name: options}))
    files.Place.of(Address.parse(f"{scheme}://bucket/rows.csv"))
    assert str(files._READ) in str(told[scheme])
