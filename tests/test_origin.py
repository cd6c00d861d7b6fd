"""Pages of other origins cannot use the service through their visitors' browsers; programs and its own pages can."""

import json
from io import BytesIO

import pytest

from app import create_app

OWN = "http://localhost"

FOREIGN = [
    pytest.param({"Origin": "http://evil.example"}, id="another host"),
    pytest.param({"Origin": "null"}, id="a page without an origin"),
    pytest.param({"Origin": ""}, id="an empty origin"),
    pytest.param({"Origin": "http://localhost:81"}, id="another port"),
    pytest.param({"Origin": "https://localhost"}, id="another scheme"),
    pytest.param({"Origin": "http://localhost.evil.example"}, id="a host that begins alike"),
    pytest.param({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, id="a browser that contradicts"),
    pytest.param({"Sec-Fetch-Site": "cross-site"}, id="no origin, and another site"),
    pytest.param({"Origin": OWN, "Sec-Fetch-Site": "cross-site"}, id="our origin, and another site"),
]


def send(client, headers):
    """Send what a page can send as a multipart form without asking: a whole training."""
    ids = list(range(20))
    parts = {
        "raw_data": {"id": ids, "value": ids},
        "labels": {"id": ids, "label": ["no", "yes"] * 10},
        "params": {
            "pipeline_id": "p",
            "id_column": "id",
            "model_training": {"model": "sklearn.tree.DecisionTreeClassifier"},
        },
    }
    files = {name: (BytesIO(json.dumps(part).encode()), f"{name}.json") for name, part in parts.items()}
    return client.post("/train_pipeline", data=files, headers={"Prefer": "respond-async", **headers})


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="a program"),
        pytest.param({"Origin": OWN}, id="our page"),
        pytest.param({"Origin": OWN, "Sec-Fetch-Site": "same-origin"}, id="our page in a new browser"),
        pytest.param({"Origin": "https://localhost", "Sec-Fetch-Site": "same-origin"}, id="our page behind TLS"),
        pytest.param({"Host": "[::1]:8080", "Origin": "http://[::1]:8080"}, id="our page in IPv6"),
        pytest.param({"Sec-Fetch-Site": "none"}, id="the address bar"),
    ],
)
def test_programs_and_own_pages_pass(client, client_of_redis, headers):
    assert send(client, headers).status_code == 202
    assert client_of_redis.dbsize() > 0


@pytest.mark.parametrize("headers", FOREIGN)
def test_pages_of_other_origins_are_refused_and_nothing_is_stored(client, client_of_redis, headers):
    answer = send(client, headers)
    assert (answer.status_code, answer.mimetype) == (403, "application/problem+json")
    assert answer.json["type"] == "urn:problem:origin-refused"
    assert [key for key in client_of_redis.scan_iter() if not key.startswith(b"automl:audit:")] == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_every_method_that_changes_is_checked(client, method):
    assert client.open("/models/none", method=method, headers={"Origin": "null"}).status_code == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("headers", FOREIGN)
def test_reading_needs_no_origin(client, method, headers):
    answer = client.open("/models", method=method, headers=headers)
    assert answer.status_code == 200
    # No page may read the answer: nothing invites it.
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("listening", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
@pytest.mark.parametrize("port", ["", ":8080"])
def test_the_address_listened_on_is_answered_by_its_name(settings, client_of_redis, listening, port):
    client = create_app(settings.model_copy(update={"host": listening})).test_client()
    host = f"[{listening}]" if ":" in listening else listening
    for name in (host, "[::1]", "127.0.0.1", "localhost", "LOCALHOST"):
        assert client.get("/models", headers={"Host": name + port}).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.2", "evil.example", "[::1].evil.example", "[::1", "[", "", "localhost@evil"])
def test_on_loopback_another_host_is_refused(client, host):
    answer = client.get("/models", headers={"Host": host})
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
