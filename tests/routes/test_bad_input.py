"""Requests that cannot be read or name what is not there: a problem with the right status, and nothing changed."""

import http.server
import threading

import pytest
import requests

from app import create_app

MANY_KEYS = "pipeline_id: x\n" + "".join(f"key{number}: value\n" for number in range(6000))
BILLION = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


def test_the_training_that_the_refusals_spoil_is_itself_accepted(client, training):
    response = client.post("/train_pipeline", **training())
    assert response.status_code == 202
    assert client.get(response.headers["Location"]).json["state"] == "queued"


def test_the_series_training_that_the_refusals_spoil_is_itself_accepted(client, series_training):
    assert client.post("/train_pipeline", **series_training()).status_code == 202


@pytest.mark.parametrize("missing", ["raw_data", "params"])
def test_a_missing_part_is_named(refused, training, missing):
    options = training()
    del options["data"][missing]
    assert refused(422, f"/{missing}", **options)["title"] == "The request cannot be accepted"


def test_all_missing_parts_of_an_empty_form_are_named(refused):
    refused(422, "/raw_data", "/params", data={}, content_type="multipart/form-data")


def test_a_body_that_is_no_form_has_no_parts(refused):
    refused(422, "/raw_data", "/params", json={"raw_data": {}})


def test_a_form_without_a_boundary_has_no_parts(refused):
    refused(422, "/raw_data", "/params", data=b"--x\r\n", headers={"Content-Type": "multipart/form-data"})


def test_a_form_of_more_parts_than_any_route_reads_is_too_large(refused, training):
    problem = refused(413, **training(**{f"part{number}": "x" for number in range(20)}))
    assert (problem["type"], problem["title"]) == ("urn:problem:upload-too-large", "The upload is too large")


def test_an_unknown_part_is_named(refused, training):
    problem = refused(422, "/rawdata", **training(rawdata="x"))
    assert "raw_data, params, labels" in problem["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("text", "status", "word"),
    [
        pytest.param(b"pipeline_id: [", 400, "line 1", id="not YAML"),
        pytest.param(b"\xff\xfe", 400, "UTF-8", id="not UTF-8"),
        pytest.param(b"pipeline_id: \x00", 400, "YAML", id="a control character"),
        pytest.param(b"", 400, "mapping", id="empty"),
        pytest.param(b"- pipeline_id", 400, "mapping", id="a list"),
        pytest.param(b"a: 1\n---\nb: 2\n", 400, "YAML", id="two documents"),
        pytest.param(b"pipeline_id: !!python/object/apply:os.getcwd []", 400, "tags", id="a python tag"),
        pytest.param(b"pipeline_id: !!str 1", 400, "tags", id="a harmless tag"),
        pytest.param(BILLION.encode(), 400, "aliases", id="aliases that unfold"),
        pytest.param(b"pipeline_id: a\npipeline_id: b\n", 400, "twice", id="a duplicate key"),
        pytest.param(b"a: " + b"[" * 30 + b"]" * 30, 400, "deeper", id="nested deep"),
        pytest.param(MANY_KEYS.encode(), 413, "64 KiB", id="over 64 KiB"),
    ],
)
def test_params_that_are_not_plain_yaml_are_refused(refused, training, text, status, word):
    assert word in refused(status, **training(text))["detail"]


@pytest.mark.parametrize(
    "text",
    [
        rb'pipeline_id: "\ud800"',
        rb'"\ud800": 1',
        b"pipeline_id: 1\nid_column: id\nmodel_training:\n  model: xgboost.XGBClassifier\n"
        rb'  model_args: {objective: "\ud800"}',
        b"pipeline_id: 1\nid_column: id\nmodel_training:\n  model: lightgbm.LGBMClassifier\n"
        rb'  model_args: {"\udfff": 1}',
    ],
)
def test_a_lone_surrogate_in_params_is_not_text(refused, training, text):
    refused((400, 422), **training(text))


def test_an_upload_over_the_limit_is_too_large(refused, settings):
    small = create_app(settings.model_copy(update={"max_upload_mb": 1})).test_client()
    big = b'{"height": [' + b"1, " * 2**19 + b"1]}"
    # Encoded by hand: the test client leaves the temporary file of a large form open.
    form = requests.Request("POST", "http://localhost", files={"raw_data": big, "params": b"pipeline_id: 1"}).prepare()
    for options in (
        {"data": form.body, "content_type": form.headers["Content-Type"]},
        {"path": "/serve_prediction", "data": big, "content_type": "application/json"},
    ):
        problem = refused(413, by=small, **options)
        assert (problem["type"], "1 MiB" in problem["detail"]) == ("urn:problem:upload-too-large", True)


@pytest.fixture
def canary():
    """A local web server: its address, and the requests that it got."""
    hits = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            hits.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", hits
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("file", "status"), [(None, 415), ("raw_data.csv", 422), ("raw_data.json", 400), ("raw_data.parquet", 400)]
)
@pytest.mark.parametrize("where", ["path", "file URL", "http URL"])
def test_a_path_or_url_is_never_opened(refused, training, canary, tmp_path, where, file, status):
    root, hits = canary
    secret = tmp_path / "secret.csv"
    secret.write_text("id,height\n" + "".join(f"{row},{row}\n" for row in range(20)))
    text = {"path": str(secret), "file URL": secret.as_uri(), "http URL": f"{root}/secret.csv"}[where]
    options = training(raw_data=text.encode(), file=file) if file else training(raw_data=None)
    if file is None:
        options["data"]["raw_data"] = text
    refused(status, **options)
    assert hits == []
    requests.get(root, timeout=5)
    assert hits == ["/"], "the canary counts"


@pytest.mark.parametrize("filename", ["../../etc/passwd.json", "/etc/passwd.json", "x\r\nX: y.json", "\u202enosj.json"])
def test_a_file_name_only_tells_the_format(client, training, filename):
    options = training(file=filename)
    assert client.post("/train_pipeline", **options).status_code == 202


@pytest.mark.parametrize("value", ["wait", "wait=", "wait=soon", "wait=-1", "wait=1.5", "wait=9999999"])
def test_a_preference_to_wait_needs_whole_seconds(refused, training, value):
    options = training()
    options["headers"]["Prefer"] = value
    assert "whole number of seconds" in refused(400, **options)["detail"]


def test_an_idempotency_key_with_another_upload_is_refused(client, refused, training):
    options = training()
    options["headers"]["Idempotency-Key"] = "k"
    assert client.post("/train_pipeline", **options).status_code == 202
    other = training({"seed": 1})
    other["headers"]["Idempotency-Key"] = "k"
    assert refused(422, **other)["type"] == "urn:problem:idempotency-key-reused"


@pytest.mark.parametrize("host", ["attacker.example", "127.0.0.1.attacker.example", "localhost.attacker.example:8080"])
def test_without_keys_a_foreign_host_name_is_refused(refused, host):
    refused(400, method="GET", path="/models", headers={"Host": host})


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "127.0.0.1:8080", "[::1]:8080"])
def test_the_names_of_loopback_are_answered(client, host):
    assert client.get("/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("key", ["", " ", "k" * 256], ids=["empty", "blank", "long"])
def test_an_idempotency_key_has_some_characters(refused, training, key):
    options = training()
    options["headers"]["Idempotency-Key"] = key
    assert "Idempotency-Key" in refused(400, **options)["detail"]
