"""Trainings as jobs: answered at once, followed, cancelled with and without the best so far, held to their limits."""

import json
import time

import numpy as np
import pandas as pd
import pytest

SEARCH = {"model": "tpot.TPOTClassifier", "model_args": {"max_time_mins": 5, "population_size": 10}}
FOREST = {"model": "sklearn.ensemble.RandomForestClassifier"}
SUPPORT_VECTORS = {
    "model": "tpot.TPOTClassifier",
    "model_args": {"estimators": ["SVC"], "population_size": 6, "max_eval_time_mins": 10},
}
TABLE = {"target": "species", "id_column": "id"}
FINAL = ("finished", "failed", "cancelled", "timed_out")


def searching(job):
    return job["progress"].get("stage") == "search"


def test_a_training_that_is_not_waited_for_is_accepted_as_a_job(pipeline, penguins):
    response = pipeline.train(penguins[0], prefer="respond-async", model_training=FOREST, **TABLE)
    assert response.status_code == 202
    assert response.headers["Preference-Applied"] == "respond-async"
    job = response.json()
    assert response.headers["Location"] == f"/jobs/{job['jobId']}"
    assert job["state"] in ("queued", "running")
    assert job["modelId"] == pipeline.id
    ended = pipeline.ended(f"/jobs/{job['jobId']}")
    assert ended["state"] == "finished"
    assert ended["error"] is None
    assert ended["result"] == pipeline.service.get(f"/models/{pipeline.id}").json()["result"]


def test_a_caller_may_wait_for_some_seconds_only(pipeline, penguins):
    started = time.monotonic()
    response = pipeline.train(penguins[0], prefer="wait=1", model_training=SEARCH, **TABLE)
    assert response.status_code == 202
    assert response.headers["Preference-Applied"] == "wait=1"
    assert 1 <= time.monotonic() - started < 30


def test_the_same_idempotency_key_gives_the_same_job(pipeline, penguins):
    answers = [
        pipeline.train(
            penguins[0], prefer="respond-async", key=f"a key for {pipeline.id}", model_training=FOREST, **TABLE
        )
        for _ in range(2)
    ]
    assert [answer.status_code in (200, 202) for answer in answers] == [True, True]
    job = answers[0].json()["jobId"]
    pipeline.ended(f"/jobs/{job}")
    versions = pipeline.service.get(f"/models/{pipeline.id}/versions").json()["versions"]
    assert [version["version"] for version in versions] == [1]
    assert pipeline.service.get(f"/models/{pipeline.id}").json()["job_id"] == job


def test_an_idempotency_key_does_not_stand_for_another_upload(pipeline, penguins):
    key = f"a key for {pipeline.id}"
    first = pipeline.train(penguins[0], prefer="respond-async", key=key, model_training=FOREST, **TABLE)
    assert first.status_code == 202
    second = pipeline.train(penguins[0].head(200), prefer="respond-async", key=key, model_training=FOREST, **TABLE)
    assert second.status_code == 422
    assert second.headers["Content-Type"] == "application/problem+json"


def test_the_events_of_a_job_end_with_its_final_state(pipeline, penguins):
    path = pipeline.start(penguins[0], model_training=FOREST, **TABLE)
    with pipeline.service.get(f"{path}/events", stream=True) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        lines = [line for line in response.iter_lines(decode_unicode=True) if line]
    assert lines[::2] == ["event: job"] * (len(lines) // 2)
    jobs = [json.loads(line.removeprefix("data: ")) for line in lines[1::2]]
    states = [job["state"] for job in jobs]
    assert states[-1] == "finished"
    assert not set(states[:-1]) & set(FINAL)
    assert jobs[-1]["result"]["version"] == 1


def test_a_search_tells_how_far_it_is(pipeline, penguins):
    path = pipeline.start(penguins[0], model_training=SEARCH, **TABLE)
    # Scores are told when a generation has been evaluated.
    job = pipeline.job(path, lambda job: searching(job) and job["progress"].get("best_score") is not None)
    assert job["state"] == "running"
    assert 0 <= job["progress"]["fraction"] <= 1
    assert job["progress"]["candidates"] > 0
    assert 0 <= job["progress"]["best_score"] <= 1
    assert job["progress"]["seconds_left"] > 0


def test_the_events_of_a_search_tell_how_far_it_is_all_the_time(pipeline, penguins):
    path = pipeline.start(penguins[0], limits={"seconds": 15}, **TABLE)
    with pipeline.service.get(f"{path}/events", stream=True) as response:
        lines = [line for line in response.iter_lines(decode_unicode=True) if line.startswith("data: ")]
    jobs = [json.loads(line.removeprefix("data: ")) for line in lines]
    told = [job["progress"] for job in jobs if job["state"] == "running" and job["progress"].get("candidates")]
    assert len(told) >= 5
    for progress in told:
        assert progress.keys() >= {"stage", "fraction", "candidates", "failed", "best_score", "seconds_left"}
        assert 0 <= progress["fraction"] <= 1
        assert 0 <= progress["failed"] <= progress["candidates"]
    tried = [progress["candidates"] for progress in told]
    assert tried == sorted(tried)
    assert tried[-1] > tried[0]
    # One that nobody has told of for longer than that would look dead.
    left = [progress["seconds_left"] for progress in told]
    assert max(np.subtract(left[:-1], left[1:])) < 6
    assert {progress["stage"] for progress in told} >= {"baselines", "hold-out"}
    # What happened stays to be read: the stages, and each candidate that was tried.
    events = pipeline.service.get(f"{path}/history").json()
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    assert {event["stage"] for event in events if "stage" in event} >= {"baselines", "hold-out", "final fit"}
    candidates = [event["candidate"] for event in events if "candidate" in event]
    assert len(candidates) >= tried[-1]
    scores = [candidate["score"] for candidate in candidates if candidate["score"] is not None]
    assert told[-1]["best_score"] in (max(scores), min(scores))
    assert told[-1]["metric"] == "roc_auc"


def test_a_running_search_is_cancelled_within_seconds_and_leaves_no_model(pipeline, penguins):
    path = pipeline.start(penguins[0], model_training=SEARCH, **TABLE)
    pipeline.job(path, searching)
    started = time.monotonic()
    assert pipeline.service.delete(path).status_code == 202
    job = pipeline.ended(path)
    assert time.monotonic() - started < 20
    assert job["state"] == "cancelled"
    assert job["result"] is None
    assert pipeline.service.get(f"/models/{pipeline.id}").status_code == 404


def test_a_cancelled_search_publishes_its_best_when_asked(pipeline, penguins):
    path = pipeline.start(penguins[0], model_training=SEARCH, **TABLE)
    pipeline.job(path, searching)
    started = time.monotonic()
    assert pipeline.service.delete(f"{path}?keep=best").status_code == 202
    job = pipeline.ended(path)
    assert time.monotonic() - started < 40
    assert job["state"] == "cancelled"
    assert job["result"]["version"] == 1
    assert job["result"]["stopped"]
    assert len(pipeline.predict(penguins[1])) == len(penguins[1])


def test_a_waiting_job_is_cancelled_at_once(pipeline, new_pipeline, penguins):
    # More trainings than a small deployment has workers; where it has more, the job is running and is cancelled too.
    before = new_pipeline()
    running = before.start(penguins[0], model_training=SEARCH, **TABLE)
    path = pipeline.start(penguins[0], model_training=SEARCH, **TABLE)
    assert pipeline.service.delete(path).status_code == 202
    assert pipeline.ended(path)["state"] == "cancelled"
    assert pipeline.service.get(f"/models/{pipeline.id}").status_code == 404
    assert pipeline.service.delete(running).status_code == 202


def test_a_job_that_has_ended_cannot_be_cancelled(pipeline, penguins):
    path = pipeline.start(penguins[0], model_training=FOREST, **TABLE)
    pipeline.ended(path)
    response = pipeline.service.delete(path)
    assert response.status_code == 409
    assert pipeline.service.get(f"/models/{pipeline.id}").status_code == 200


def test_the_list_of_jobs_begins_with_the_latest(pipeline, penguins):
    paths = [pipeline.start(penguins[0], model_training=FOREST, **TABLE) for _ in range(2)]
    listed = [job["jobId"] for job in pipeline.service.get("/jobs").json()]
    first, second = (path.removeprefix("/jobs/") for path in paths)
    assert listed.index(second) < listed.index(first)


@pytest.fixture
def noise():
    """Rows of which a support vector machine learns nothing, and which keep it in native code for many seconds."""
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(60_000, 4)).round(3), columns=list("abcd"))
    return frame.assign(label=generator.integers(0, 2, len(frame)))


@pytest.mark.timeout(600)
def test_a_limit_of_seconds_ends_native_code_and_the_best_model_until_then_is_served(pipeline, noise):
    path = pipeline.start(noise, target="label", model_training=SUPPORT_VECTORS, limits={"seconds": 10})
    job = pipeline.ended(path)
    assert job["limits"]["seconds"] == 10
    assert job["ended"] - job["started"] < 10 + 10
    assert (job["state"], job["error"]) == ("finished", None)
    assert (job["result"]["stopped"], job["result"]["version"]) == ("time limit", 1)
    record = pipeline.service.get(f"/models/{pipeline.id}").json()
    assert (record["result"], record["provisional"]) == (job["result"], False)
    # What was tried of the search had come to no end.
    assert not any(row["score"] for row in record["leaderboard"] if row["engine"] == "tpot")
    found = pipeline.predict(noise.drop(columns="label").head(20))
    assert found["score"].between(0, 1).all()
    assert found["score"].nunique() > 1
