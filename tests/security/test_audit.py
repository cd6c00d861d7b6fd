"""Who has changed what: one entry each, of the own namespace, whatever becomes of Redis."""

import json
import logging
import time

import pytest
import redis

from app import auth, create_app
from tests.forms import token_of
from tests.routes.conftest import kept, training  # noqa: F401  fixtures

ADMIN, TENANT, READER = "the key of the operator", "the key of the admin of acme", "the key of a reader"
SET = {auth.digest(ADMIN): "admin", auth.digest(TENANT): "admin:acme", auth.digest(READER): "read"}
ID = auth.digest(ADMIN)[:12]


@pytest.fixture
def app(settings, client_of_redis):
    return create_app(settings.model_copy(update={"api_keys": SET}))


@pytest.fixture
def client(app):
    return app.test_client()


def bearer(key, **more):
    return {"Authorization": f"Bearer {key}", **more}


def entries(client, by=ADMIN, query=""):
    answer = client.get(f"/audit{query}", headers=bearer(by))
    assert answer.status_code == 200
    return answer.json


def test_a_change_leaves_one_entry_that_says_who_and_what(client, training):  # noqa: F811
    options = training()
    options["headers"] |= bearer(ADMIN, **{"X-Request-Id": "of-the-caller"})
    job = client.post("/train_pipeline", environ_base={"REMOTE_ADDR": "192.0.2.7"}, **options).headers["Location"]
    (entry,) = entries(client)
    assert entry.pop("time") == pytest.approx(time.time(), abs=100)
    assert entry == {
        "key_id": ID,
        "role": "admin",
        "namespace": "default",
        "action": "train_pipeline.train",
        "method": "POST",
        "object": job,
        "status": 202,
        "address": "192.0.2.7",
        "request_id": "of-the-caller",
    }
    assert client.delete(job, headers=bearer(ADMIN)).status_code == 202
    assert [(one["action"], one["object"]) for one in entries(client)] == [
        ("jobs.cancel", job.rpartition("/")[2]),
        ("train_pipeline.train", job),
    ]


def test_changes_of_models_and_keys_and_downloads_are_recorded(client, kept):  # noqa: F811
    by = {"headers": bearer(ADMIN)}
    client.put("/models/kept/current", json={"version": 1}, **by)
    client.get("/models/kept/versions/1/artifact", **by)
    client.delete("/models/kept/versions/2", **by)
    client.delete("/models/kept", **by)
    key = client.post("/keys", json={"role": "read"}, **by).json["id"]
    client.post(f"/keys/{key}/rotate", **by)
    client.delete(f"/keys/{key}", **by)
    found = [(one["action"], one["object"], one["status"]) for one in reversed(entries(client))]
    assert found == [
        ("models.promote", "kept", 200),
        ("models.artifact", "kept 1", 200),
        ("models.delete_version", "kept 2", 204),
        ("models.delete", "kept", 204),
        ("keys.make", key, 201),
        ("keys.rotate", key, 200),
        ("keys.revoke", key, 204),
    ]


def test_none_may_be_asked_for(client):
    assert client.get("/audit?count=0", headers=bearer(ADMIN)).json == []


def test_signing_in_and_out_is_recorded(client):
    token = token_of(client)
    client.post("/ui/sign-in", data={"key": "wrong", "csrf_token": token})
    client.post("/ui/sign-in", data={"key": ADMIN, "csrf_token": token})
    client.post("/ui/sign-out", data={"csrf_token": token_of(client, "/")})
    found = [(one["action"], one["key_id"], one["status"]) for one in reversed(entries(client))]
    assert found == [("ui_sign_in.enter", "", 401), ("ui_sign_in.enter", ID, 303), ("ui_sign_in.leave", ID, 303)]


def test_refusals_are_recorded_and_those_without_a_key_push_nothing_out(client, client_of_redis, monkeypatch):
    monkeypatch.setattr("app.audit._KEPT_OF_STRANGERS", 10)
    client.delete("/models/x", headers=bearer(READER))
    (entry,) = entries(client)
    assert (entry["action"], entry["role"], entry["status"]) == ("models.delete", "read", 403)
    for _ in range(300):
        client.get("/models", headers=bearer("wrong"))
    assert client_of_redis.xlen("automl:audit:") <= 200
    assert client_of_redis.xlen("automl:audit:default") == 1
    assert {one["status"] for one in entries(client, query="?count=1000")} == {403, 429}


def test_what_is_wrong_in_itself_and_what_only_computes_is_not_recorded(client):
    for path in ("/serve_prediction", "/explain", "/invocations", "/v1/models/x:predict", "/v2/models/x/infer",
                 "/profile", "/train_pipeline", "/batch_predictions"):  # fmt: skip
        assert client.post(path, json={}, headers=bearer(ADMIN)).status_code in (400, 404, 415, 422)
    client.get("/models", headers=bearer(ADMIN))
    assert entries(client) == []


def test_a_namespace_sees_its_own_entries_alone(client):
    made = client.post("/keys", json={"role": "read"}, headers=bearer(TENANT)).json
    client.get("/models", headers=bearer("wrong"))
    assert [one["object"] for one in entries(client, TENANT)] == [made["id"]]
    assert [one["status"] for one in entries(client)] == [401]


def test_entries_are_the_newest_first_from_a_moment_on(client):
    for number in range(5):
        client.post("/keys", json={"role": "read", "name": str(number)}, headers=bearer(ADMIN))
    found = entries(client)
    assert [one["time"] for one in found] == sorted((one["time"] for one in found), reverse=True)
    assert entries(client, query="?count=2") == found[:2]
    assert entries(client, query=f"?since={int(time.time()) + 100}") == []
    assert len(entries(client, query=f"?since={int(time.time()) - 100}")) == 5
    for query in ("?count=x", "?count=1001", "?since=-1"):
        assert client.get(f"/audit{query}", headers=bearer(ADMIN)).status_code == 422


def test_no_key_and_no_body_is_in_it(client, client_of_redis, caplog, training):  # noqa: F811
    caplog.set_level(logging.DEBUG)
    secrets = [ADMIN, READER, "a key that is not known", "words-of-an-upload"]
    options = training({"pipeline_id": "words-of-an-upload"})
    options["headers"] |= bearer(ADMIN)
    client.post("/train_pipeline", **options)
    client.get("/models", headers=bearer("a key that is not known"))
    client.delete("/models/x", headers=bearer(READER))
    secrets.append(client.post("/keys", json={"role": "read"}, headers=bearer(ADMIN)).json["key"])
    stored = json.dumps([str(client_of_redis.xrange(name)) for name in client_of_redis.scan_iter("automl:audit:*")])
    lines = " ".join(str(record.__dict__) for record in caplog.records if record.name == "app.audit")
    assert "keys.make" in stored
    assert "keys.make" in lines
    for text in secrets:
        assert text not in stored + lines


def test_without_redis_a_request_is_answered_and_its_line_stays(app, client, caplog):
    app.extensions["automl"].audit._redis = redis.Redis.from_url("unix:///nowhere/redis.sock")
    caplog.set_level(logging.INFO)
    for _ in range(2):
        assert client.get("/models", headers=bearer("wrong")).status_code == 401
    told = [record for record in caplog.records if record.name == "app.audit"]
    assert [record.getMessage() for record in told if record.levelno == logging.INFO] == ["audit", "audit"]
    assert len([record for record in told if record.levelno == logging.WARNING]) == 1
