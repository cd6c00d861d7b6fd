"""How many rows a day a key may have predicted or explained, by whichever route."""

import pytest

from app import auth, create_app
from app.jobs import tasks
from tests import published

KEY, OTHER = "the key of a customer", "the key of another"
SET = {auth.digest(KEY): "predict", auth.digest(OTHER): "predict"}
ROWS = [{"a": 1, "b": 0}, {"a": 2.5, "b": -1}]


@pytest.fixture(scope="module")
def fitted():
    return published.made()[7]


@pytest.fixture
def client(settings, client_of_redis, publications, fitted):
    publications.publish(fitted)
    return create_app(settings.model_copy(update={"api_keys": SET, "key_rows_per_day": 10})).test_client()


def ask(client, path="/serve_prediction", key=KEY, n_rows=2, headers=(), **more):
    body = {"pipeline_id": 7, "data": ROWS * (n_rows // 2), **more}
    return client.post(path, json=body, headers={"Authorization": f"Bearer {key}", **dict(headers)})


def assert_used_up(answer):
    assert answer.status_code == 429
    assert answer.json["type"] == "urn:problem:quota-exceeded"
    assert 1 <= int(answer.headers["Retry-After"]) <= 24 * 3600


def test_rows_of_every_route_count_together_and_those_of_others_apart(client):
    key = {"Authorization": f"Bearer {KEY}"}
    assert ask(client, n_rows=4).status_code == 200
    csv = client.post("/serve_prediction?pipeline_id=7", data="a,b\n1,0\n", headers={**key, "Content-Type": "text/csv"})
    assert csv.status_code == 200
    assert client.post("/v1/models/7:predict", json={"instances": ROWS}, headers=key).status_code == 200
    told = client.post("/invocations?pipeline_id=7", json={"dataframe_records": ROWS}, headers=key)
    assert told.status_code == 200
    # 9 of 10.
    assert_used_up(ask(client))
    assert ask(client, "/explain", method="lime", num_samples=50, n_rows=2).status_code == 429
    assert client.get("/models", headers=key).status_code == 200
    assert ask(client, key=OTHER, n_rows=10).status_code == 200


def test_more_than_are_left_are_not_answered_and_not_counted(client):
    assert_used_up(ask(client, n_rows=12))
    assert ask(client, n_rows=10).status_code == 200
    assert_used_up(ask(client))


def test_rows_of_a_job_count_at_its_end(client, client_of_redis, settings, monkeypatch):
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("SIGNING_SECRET", settings.signing_secret)
    wait = {"Prefer": "respond-async"}
    job = ask(client, "/explain", headers=wait, n_rows=10, method="lime", num_samples=50)
    assert job.status_code == 202
    tasks.explain(job.json["jobId"], settings)
    (counted,) = client_of_redis.keys("automl:rows:*")
    assert client_of_redis.hgetall(counted) == {auth.digest(KEY)[:12].encode(): b"10"}
    # Asked once in a second.
    client.application.extensions["automl"].limits._spent.clear()
    assert_used_up(ask(client))
    assert_used_up(ask(client, "/explain", headers=wait, method="lime"))
    batch = {"headers": {"Authorization": f"Bearer {KEY}"}}
    assert_used_up(client.post("/batch_predictions", **batch))
    assert_used_up(client.get(f"/jobs/{job.json['jobId']}/result", **batch))
