"""A model that must not be replaced, and a queue that nobody fills alone."""

import threading

import pytest

from app import auth, create_app
from app.jobs import tasks
from tests.routes.conftest import kept, training  # noqa: F401  fixtures

ONE, OTHER, ADMIN = "the key of a trainer", "the key of another", "the key of the operator"
SET = {auth.digest(ONE): "train", auth.digest(OTHER): "train", auth.digest(ADMIN): "admin"}


@pytest.fixture
def app(settings, client_of_redis):
    return create_app(settings.model_copy(update={"api_keys": SET, "max_queued_jobs": 8, "max_queued_jobs_per_key": 3}))


def send(client, options, key=ONE, **headers):
    return client.post("/train_pipeline", **{**options, "headers": options["headers"] | headers | bearer(key)})


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def test_a_training_that_is_to_make_a_new_model_replaces_none(app, training, kept, client_of_redis):  # noqa: F811
    client = app.test_client()
    refused = send(client, training({"pipeline_id": "kept"}), **{"If-None-Match": "*"})
    assert (refused.status_code, refused.json["type"]) == (409, "urn:problem:model-exists")
    assert not client_of_redis.exists("automl:jobs")
    assert kept.current("kept") == 2
    assert send(client, training({"pipeline_id": "kept"})).status_code == 202
    # What somebody else's training is about to make counts as made.
    assert send(client, training({"pipeline_id": "fresh"}), **{"If-None-Match": "*"}).status_code == 202
    assert send(client, training({"pipeline_id": "fresh"}), **{"If-None-Match": "*"}).status_code == 409


def test_a_training_that_is_not_to_be_promoted_changes_no_answer(app, training, settings, monkeypatch):  # noqa: F811
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("SIGNING_SECRET", settings.signing_secret)
    client, asked = app.test_client(), {"pipeline_id": "small", "data": [{"id": 1, "height": 0.5, "colour": "red"}]}

    def trained(**params):
        job = send(client, training({"explain": {"rows": 0}, **params})).json["jobId"]
        tasks.train(job, settings)
        assert client.get(f"/jobs/{job}", headers=bearer(ONE)).json["state"] == "finished"

    def predicted():
        answer = client.post("/serve_prediction", json=asked, headers=bearer(ONE))
        assert answer.status_code == 200
        return answer.json

    trained()
    before = predicted()
    # What would answer otherwise: the labels say the opposite.
    trained(promote=False, positive_class="no")
    assert client.get("/models/small", headers=bearer(ONE)).json["version"] == 1
    assert predicted() == before
    assert client.put("/models/small/current", json={"version": 2}, headers=bearer(ONE)).status_code == 403
    assert client.put("/models/small/current", json={"version": 2}, headers=bearer(ADMIN)).status_code == 200
    assert predicted() != before


@pytest.mark.parametrize("value", ['"1"', "", "**"])
def test_it_asks_for_nothing_else(app, training, value):  # noqa: F811
    assert send(app.test_client(), training(), **{"If-None-Match": value}).status_code == 400


def test_of_many_at_once_one_makes_the_model(app, training):  # noqa: F811
    options = [training({"pipeline_id": "fresh"}) for _ in range(6)]
    statuses = []

    def one(mine):
        statuses.append(send(app.test_client(), mine, **{"If-None-Match": "*"}).status_code)

    threads = [threading.Thread(target=one, args=(mine,)) for mine in options]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [202] + [409] * 5


def test_a_key_fills_its_own_places_and_leaves_those_of_others(app, training):  # noqa: F811
    client = app.test_client()
    answers = [send(client, training({"pipeline_id": f"p{number}"})) for number in range(5)]
    assert [answer.status_code for answer in answers] == [202] * 3 + [429] * 2
    assert answers[4].json["type"] == "urn:problem:too-many-requests"
    assert int(answers[4].headers["Retry-After"]) >= 1
    assert send(client, training({"pipeline_id": "q"}), OTHER).status_code == 202
    job = answers[0].headers["Location"]
    assert client.delete(job, headers=bearer(ONE)).status_code == 202
    assert send(client, training({"pipeline_id": "p9"})).status_code == 202


def test_the_places_of_all_are_bounded_too(app, training):  # noqa: F811
    client = app.test_client()
    held = app.extensions["automl"].queues
    object.__setattr__(held, "_settings", held._settings.model_copy(update={"max_queued_jobs_per_key": 100}))
    answers = [send(client, training({"pipeline_id": f"p{number}"})) for number in range(10)]
    assert [answer.status_code for answer in answers] == [202] * 8 + [503] * 2
    assert int(answers[9].headers["Retry-After"]) >= 1
