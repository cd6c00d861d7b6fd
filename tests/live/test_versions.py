"""Versions of a model: trained, one by one and at once, served, promoted and deleted."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rq import Worker

from app.store.connection import connect
from app.store.embedded import EmbeddedRedis

ROOT = Path(__file__).parents[2]
TABLE = {"target": "species", "id_column": "id"}

#: Seconds that a worker may take to be ready.
PATIENCE = 60


@pytest.fixture
def twice(pipeline, penguins):
    """A pipeline whose two versions answer differently."""
    for rows, depth in ((penguins[0], 1), (penguins[0].head(200), 5)):
        model = {"model": "sklearn.tree.DecisionTreeClassifier", "model_args": {"max_depth": depth}}
        response = pipeline.train(rows, model_training=model, **TABLE)
        assert response.status_code == 200, response.text
        assert response.headers["Location"] == f"/models/{pipeline.id}/versions/{response.json()['version']}"
    return pipeline


def test_training_again_makes_the_next_version_and_serves_it(twice, penguins):
    answer = twice.service.get(f"/models/{twice.id}/versions").json()
    assert answer["current"] == 2
    assert [version["version"] for version in answer["versions"]] == [1, 2]
    shown = twice.service.get(f"/models/{twice.id}")
    assert shown.json()["version"] == 2
    assert shown.headers["ETag"] == '"2"'
    assert twice.predict(penguins[1]).equals(twice.predict(penguins[1], version=2))


@pytest.fixture
def two_workers(request, service, short_folder):
    """Whether there are two workers for sure: the service of these tests gets one more, a deployment has its own."""
    if request.config.getoption("--host"):
        yield False
        return
    folder = short_folder / "live"
    url = EmbeddedRedis(folder).url
    environment = {**os.environ, "REDIS_URL": url, "DATA_DIR": str(folder)}
    process = subprocess.Popen([sys.executable, "-m", "app.jobs.worker"], cwd=ROOT, env=environment)
    client, deadline = connect(url), time.monotonic() + PATIENCE
    while Worker.count(connection=client) < 2:
        assert time.monotonic() < deadline, "the workers are not ready"
        time.sleep(0.1)
    yield True
    client.close()
    process.terminate()
    assert process.wait(PATIENCE) == 0


def test_two_trainings_of_one_id_at_once_make_two_whole_versions(pipeline, penguins, two_workers):
    asked = {
        "accuracy": (penguins[0], 1),
        "log_loss": (penguins[0].head(200).drop(columns=["island", "sex"]), 2),
    }
    # Searches, which publish many times before their end; for as long as it takes the second to begin beside the first.
    paths = {
        metric: pipeline.start(frame, seed=seed, model_training={"metric": metric}, limits={"seconds": 8}, **TABLE)
        for metric, (frame, seed) in asked.items()
    }
    jobs = {metric: pipeline.ended(path) for metric, path in paths.items()}
    assert {job["state"] for job in jobs.values()} == {"finished"}
    if two_workers:
        assert max(job["started"] for job in jobs.values()) < min(job["ended"] for job in jobs.values())
    known = pipeline.service.get(f"/models/{pipeline.id}/versions").json()
    assert [version["version"] for version in known["versions"]] == [1, 2]
    assert sorted(job["result"]["version"] for job in jobs.values()) == [1, 2]
    assert known["current"] == pipeline.service.get(f"/models/{pipeline.id}").json()["version"] == 2
    for metric, (frame, seed) in asked.items():
        check_whole(pipeline, jobs[metric], metric, frame, seed, penguins[1])


def check_whole(pipeline, job, metric, frame, seed, new):
    """Check that all that is known of a job's version, and what it answers, is of that job and its upload."""
    path = f"/models/{pipeline.id}/versions/{job['result']['version']}"
    record = pipeline.service.get(path).json()
    assert (record["job_id"], record["result"]) == (job["jobId"], job["result"])
    assert (record["seed"], record["parameters"]["seed"]) == (seed, seed)
    assert record["parameters"]["model_training"]["metric"] == record["result"]["metric"] == metric
    features = [name for name in frame.columns if name not in TABLE.values()]
    assert [column["name"] for column in record["signature"]["columns"]] == features
    assert record["result"]["trainShape"][0] == len(frame)
    # The report is of the same search as the record, and the code of the same columns.
    scores = [row["score"] for row in record["leaderboard"] if row["score"] is not None]
    assert any(score == pytest.approx(record["metrics"][metric]["mean"]) for score in scores)
    assert ("island" in pipeline.service.get(f"{path}/code").text) == ("island" in features)
    # A model takes the columns of its own training, and no others.
    found = pipeline.predict(new[["id", *features]], version=record["version"])
    assert found.index.tolist() == new["id"].tolist()
    assert len(found.drop(columns="prediction").drop_duplicates()) > 1


def test_an_old_version_is_served_when_asked_for(twice, penguins):
    old = twice.predict(penguins[1], version=1)
    # A tree of depth 1 has two leaves, so two rows of scores.
    assert len(old.drop(columns="prediction").drop_duplicates()) == 2
    assert not old.equals(twice.predict(penguins[1]))


def test_a_record_says_all_that_is_known_of_a_version(twice):
    record = twice.service.get(f"/models/{twice.id}/versions/1").json()
    assert record["parameters"]["model_training"]["model_args"] == {"max_depth": 1}
    assert record["signature"]["id_column"] == "id"
    assert [column["name"] for column in record["signature"]["columns"] if column["role"] == "feature"] == [
        "island",
        "bill_length_mm",
        "bill_depth_mm",
        "flipper_length_mm",
        "body_mass_g",
        "sex",
        "year",
    ]
    assert record["metrics"]["accuracy"]["mean"] > 0.5
    assert record["holdout"]["rows"] > 0
    assert record["libraries"]["scikit-learn"]
    assert record["result"]["version"] == 1


def test_an_older_version_is_promoted_if_nobody_was_faster(twice, penguins):
    path = f"/models/{twice.id}/current"
    stale = twice.service.put(path, json={"version": 1}, headers={"If-Match": '"1"'})
    assert stale.status_code == 409
    assert twice.service.get(f"/models/{twice.id}").json()["version"] == 2
    promoted = twice.service.put(path, json={"version": 1}, headers={"If-Match": '"2"'})
    assert promoted.status_code == 200
    assert promoted.json()["version"] == 1
    assert twice.service.get(f"/models/{twice.id}/versions").json()["current"] == 1
    assert twice.predict(penguins[1]).equals(twice.predict(penguins[1], version=1))


def test_a_version_that_is_not_there_is_not_promoted(twice):
    assert twice.service.put(f"/models/{twice.id}/current", json={"version": 9}).status_code == 404
    assert twice.service.get(f"/models/{twice.id}").json()["version"] == 2


def test_a_version_is_deleted_and_its_number_not_used_again(twice, penguins):
    versions = f"/models/{twice.id}/versions"
    assert twice.service.delete(f"{versions}/1").status_code == 204
    assert twice.service.get(f"{versions}/1").status_code == 404
    assert twice.ask("/serve_prediction", penguins[1], version=1).status_code == 404
    model = {"model": "sklearn.tree.DecisionTreeClassifier"}
    assert twice.train(penguins[0], model_training=model, **TABLE).json()["version"] == 3
    known = twice.service.get(versions).json()["versions"]
    assert [version["version"] for version in known] == [2, 3]


def test_the_current_version_is_not_deleted_alone(twice, penguins):
    assert twice.service.delete(f"/models/{twice.id}/versions/2").status_code == 409
    assert len(twice.predict(penguins[1])) == len(penguins[1])


def test_a_deleted_model_is_gone_at_once(twice, penguins):
    assert len(twice.predict(penguins[1])) == len(penguins[1])
    assert twice.service.delete(f"/models/{twice.id}").status_code == 204
    assert twice.ask("/serve_prediction", penguins[1]).status_code == 404
    assert twice.service.get(f"/models/{twice.id}").status_code == 404
    assert twice.id not in twice.service.get("/models").json()
    assert twice.service.delete(f"/models/{twice.id}").status_code == 404
