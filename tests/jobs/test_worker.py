"""A real worker: limits, deaths and foreign jobs. Each wait is a poll with a deadline."""

import os
import signal
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rq import Queue
from rq.job import Job as RqJob
from rq.job import JobStatus
from rq.serializers import JSONSerializer

from app.jobs.job import JobState
from app.jobs.rq_queue import QUEUE
from app.payloads import frames
from app.payloads.batches.parameters import BatchParameters, Order
from app.payloads.parameters import Task, TrainParameters
from app.payloads.training import Tables
from app.payloads.uploads import Upload
from app.settings import Settings
from tests import batch_models, kinds
from tests.faults.parts import until
from tests.house import PATIENCE, House

#: A training that takes seconds, in which it can be disturbed.
SLOW = {"model": "sklearn.ensemble.ExtraTreesClassifier", "n_rows": 400, "n_estimators": 600}

#: One that takes a second or two, and a hundred megabytes.
SMALL = {**SLOW, "n_estimators": 100}

#: A training that is long in native code, which hears no signal, and takes gigabytes.
NATIVE = {"model": "sklearn.gaussian_process.GaussianProcessRegressor", "n_rows": 6000}


@pytest.fixture(scope="module")
def opened(redis_url, tmp_path_factory):
    """The house of this module's tests."""
    house = House(redis_url, tmp_path_factory.mktemp("house"))
    house.start()
    yield house
    house.stop()
    house.client.close()


@pytest.fixture
def house(opened):
    """The house with a worker in it."""
    opened.start()
    return opened


def versions(house, pipeline_id):
    """Return how many versions of a pipeline there are."""
    return house.client.hlen(f"automl:records:{pipeline_id}")


def listed(house, job):
    """Return a job as the list of jobs has it."""
    return next(one for one in house.queue.recent() if one.job_id == job.job_id)


def test_a_job_finishes(house, training):
    ended = house.ended(house.queue.submit(training(pipeline_id="finishes")))
    assert (ended.state, ended.attempts, ended.error) == (JobState.FINISHED, 1, None)
    assert ended.result == house.store.record("finishes").result
    assert ended.progress["stage"] == "publishing"


def test_a_training_that_the_estimator_refuses_ends_as_a_problem(house, training):
    refused = training("sklearn.linear_model.GammaRegressor", pipeline_id="refused")
    ended = house.ended(house.queue.submit(refused))
    assert (ended.state, ended.attempts, ended.result) == (JobState.FAILED, 1, None)
    assert (ended.error["status"], ended.error["type"]) == (422, "urn:problem:training-failed")
    assert "GammaRegressor could not be trained" in ended.error["detail"]
    assert versions(house, "refused") == 0


def test_a_function_that_is_no_training_is_not_run(house, training, tmp_path):
    canary = tmp_path / "canary"
    foreign = Queue(QUEUE, connection=house.client, serializer=JSONSerializer)
    job = foreign.enqueue_call("os.mkdir", args=(str(canary),))
    # One worker takes jobs in turn: when the next has ended, it has dealt with the foreign one.
    assert house.ended(house.queue.submit(training(pipeline_id="next"))).state is JobState.FINISHED
    assert RqJob.fetch(job.id, connection=house.client, serializer=JSONSerializer).get_status() is JobStatus.FAILED
    assert not canary.exists()


def test_a_limit_on_time_ends_native_code(house, training):
    job = house.queue.submit(training(**NATIVE, limits={"seconds": 5}, pipeline_id="late"))
    horse = house.running(job)
    ended = house.ended(job)
    assert (ended.state, ended.attempts, ended.result) == (JobState.TIMED_OUT, 1, None)
    assert "limit of 5 s" in ended.error["detail"]
    assert 5 <= ended.ended - ended.started < 5 + 10
    assert versions(house, "late") == 0
    until(lambda: not horse.is_running(), "the end of the training's process")


def test_a_limit_on_memory_ends_a_training(house, training):
    job = house.queue.submit(training(**NATIVE, limits={"memory_mb": 700}, pipeline_id="large"))
    ended = house.ended(job)
    assert (ended.state, ended.attempts, ended.result) == (JobState.FAILED, 1, None)
    assert "limit of 700 MiB" in ended.error["detail"]
    assert versions(house, "large") == 0


def test_the_least_memory_that_may_be_asked_for_is_enough_for_a_small_training(house, training):
    """The worker's imports, which every training's process has from the start, are not the training's."""
    ended = house.ended(house.queue.submit(training(**SMALL, limits={"memory_mb": 256}, pipeline_id="small")))
    assert ended.state is JobState.FINISHED, ended.error


def test_after_a_limit_the_worker_takes_the_next_job(house, training):
    assert house.ended(house.queue.submit(training(pipeline_id="after"))).state is JobState.FINISHED


def test_a_running_job_that_is_cancelled_ends_without_a_model(house, training):
    job = house.queue.submit(training(**NATIVE, pipeline_id="cancelled"))
    horse = house.running(job)
    house.queue.cancel(job.job_id, keep=False)
    ended = house.ended(job)
    assert (ended.state, ended.attempts, ended.result) == (JobState.CANCELLED, 1, None)
    assert versions(house, "cancelled") == 0
    until(lambda: not horse.is_running(), "the end of the training's process")


def test_a_training_whose_process_was_killed_runs_once_more(house, training):
    job = house.queue.submit(training(**SLOW, pipeline_id="killed-once"))
    house.running(job).kill()
    ended = house.ended(job)
    assert (ended.state, ended.attempts, ended.error) == (JobState.FINISHED, 2, None)
    assert versions(house, "killed-once") == 1


def test_a_training_whose_process_was_killed_twice_is_given_up(house, training):
    job = house.queue.submit(training(**SLOW, pipeline_id="killed-twice"))
    house.running(job).kill()
    house.running(job, attempt=2).kill()
    ended = house.ended(job)
    assert (ended.state, ended.attempts, ended.result) == (JobState.FAILED, 2, None)
    assert ended.error["status"] == 500
    assert "died 2 time(s)" in ended.error["detail"]
    assert versions(house, "killed-twice") == 0
    assert house.client.llen(f"rq:queue:{QUEUE}") == 0
    # RQ's own notes of it go by themselves, and in days, not in the year that RQ keeps them for.
    until(lambda: 0 < house.client.ttl(f"rq:job:{job.job_id}") <= 24 * 3600, "RQ's notes to have an end")


def test_at_sigterm_a_worker_gives_its_training_back(house, training):
    job = house.queue.submit(training(**SLOW, pipeline_id="given-back"))
    horse = house.running(job)
    house.worker.send_signal(signal.SIGTERM)
    assert house.worker.wait(PATIENCE) == 0
    until(lambda: not horse.is_running(), "the end of the training's process")
    given_back = house.queue.get(job.job_id)
    assert given_back.state is JobState.QUEUED
    assert given_back.progress == {"stage": "queued", "note": "its worker was shut down"}
    house.start()
    ended = house.ended(job)
    assert (ended.state, ended.attempts) == (JobState.FINISHED, 2)
    assert versions(house, "given-back") == 1


def test_the_training_of_a_killed_worker_dies_with_it_and_is_another_workers(house, training):
    job = house.queue.submit(training(**SLOW, pipeline_id="orphan"))
    horse = house.running(job)
    house.worker.kill()
    house.worker.wait(PATIENCE)
    until(lambda: not horse.is_running(), "the end of the training's process")
    assert house.queue.get(job.job_id).state is JobState.RUNNING
    until(lambda: listed(house, job).state is JobState.QUEUED, "the list of jobs to say that it waits again")
    house.start()
    ended = house.ended(job)
    assert (ended.state, ended.attempts, ended.error) == (JobState.FINISHED, 2, None)
    assert versions(house, "orphan") == 1


def search(training, pipeline_id, seconds=120, n_rows=200, **limits):
    """Return the input of a search for the best of everything."""
    found = training(n_rows=n_rows, pipeline_id=pipeline_id)
    parameters = TrainParameters(
        pipeline_id=pipeline_id, target="kind", model_training={}, limits={"seconds": seconds, **limits}
    )
    return replace(found, parameters=parameters)


def first_version(house, pipeline_id):
    """Wait until a search has left something, and return its record."""
    return until(lambda: {r.pipeline_id: r for r in house.store.models()}.get(pipeline_id), "a model that can be used")


def test_a_search_serves_a_model_long_before_its_end_and_replaces_it_by_better_ones(house, training):
    job = house.queue.submit(search(training, "early"))
    assert first_version(house, "early").provisional
    digest = house.store.place("early", 1)[1]
    until(lambda: house.store.place("early", 1)[1] != digest, "a better one")
    assert (house.queue.get(job.job_id).state, versions(house, "early")) == (JobState.RUNNING, 1)
    house.queue.cancel(job.job_id, keep=False)
    house.ended(job)


def test_a_cancelled_search_leaves_nothing(house, training):
    job = house.queue.submit(search(training, "dropped"))
    first_version(house, "dropped")
    house.queue.cancel(job.job_id, keep=False)
    ended = house.ended(job)
    assert (ended.state, ended.result, versions(house, "dropped")) == (JobState.CANCELLED, None, 0)
    assert "dropped" not in {record.pipeline_id for record in house.store.models()}


def test_a_search_that_is_cancelled_with_its_best_is_served_with_it(house, training):
    job = house.queue.submit(search(training, "kept"))
    first_version(house, "kept")
    house.queue.cancel(job.job_id, keep=True)
    ended = house.ended(job)
    record = house.store.record("kept")
    assert (ended.state, ended.error, record.provisional) == (JobState.CANCELLED, None, False)
    assert ended.result == record.result
    assert record.result["stopped"] == "cancelled, keeping the best"


def test_what_is_kept_is_the_best_of_what_was_scored_and_has_its_leaderboard(house, training):
    job = house.queue.submit(search(training, "scored"))
    until(lambda: scored(house), "a scored model")
    house.queue.cancel(job.job_id, keep=True)
    house.ended(job)
    report = house.store.report("scored", 1)
    assert report["leaderboard"]
    assert house.store.record("scored").metrics["roc_auc"]["mean"] > 0
    compile(report["code"], "code.py", "exec")


def scored(house):
    """Tell whether the search of the test before has published a model that folds have scored."""
    return any(record.pipeline_id == "scored" and record.metrics for record in house.store.models())


def test_a_search_whose_process_was_killed_goes_on_from_what_it_had_tried(house, training):
    job = house.queue.submit(search(training, "again", seconds=30, candidates=8))
    until(lambda: (house.queue.get(job.job_id).progress or {}).get("candidates", 0) >= 2, "two candidates")
    house.running(job).kill()
    house.running(job, attempt=2)
    known = {row["name"]: row for row in house.records.manifests(job.job_id)}
    ended = house.ended(job)
    assert (ended.state, ended.attempts, versions(house, "again")) == (JobState.FINISHED, 2, 1)
    rows = {row["name"]: row for row in house.store.report("again", 1)["leaderboard"]}
    # All that the first attempt had tried is there as it had found it, and none was tried again.
    assert len(known) >= 2
    assert {name: rows[name]["fit_seconds"] for name in known} == {
        name: row["fit_seconds"] for name, row in known.items()
    }
    assert [name for name in known if house.tried(job).count(name) > 1] == []


def test_a_search_at_its_limit_ends_in_time_with_a_model(house, training):
    started = time.monotonic()
    job = house.queue.submit(search(training, "limited", seconds=12))
    ended = house.ended(job)
    assert (ended.state, versions(house, "limited")) == (JobState.FINISHED, 1)
    assert time.monotonic() - started < 12 + 10
    assert not house.store.record("limited").provisional


def test_the_best_so_far_outlives_a_limit_on_memory(house, training):
    job = house.queue.submit(search(training, "heavy", n_rows=20_000, memory_mb=256))
    ended = house.ended(job)
    assert (ended.state, ended.error) == (JobState.FINISHED, None)
    assert ended.result["stopped"] == "memory limit"
    assert not house.store.record("heavy").provisional


@pytest.mark.parametrize("keep", [False, True])
def test_a_search_is_cancelled_within_five_seconds(house, training, keep):
    job = house.queue.submit(search(training, f"brief-{keep}"))
    first_version(house, f"brief-{keep}")
    asked = time.time()
    house.queue.cancel(job.job_id, keep)
    assert house.ended(job).ended - asked < 5


def waves():
    """Series whose features take longer than the first model may."""
    frame, labels = kinds.waves()
    rich = {"column_id": "wave", "column_sort": "when", "default_fc_parameters": "ComprehensiveFCParameters()"}
    return Task.CLASSIFICATION, frame, labels, {"extract_features": rich}


def customers():
    return Task.CLASSIFICATION, kinds.customers(), None, {"target": "leaves", "id_column": "customer"}


def reviews():
    """Texts of many different words, which a model of them has to know."""
    draw = np.random.default_rng(0)
    texts = [" ".join(f"word{number}" for number in draw.integers(0, 4000, 8)) for _ in range(2500)]
    frame = pd.DataFrame({"review": pd.Series(texts, dtype="str"), "stars": draw.integers(1, 6, 2500) * 1.0})
    return Task.CLASSIFICATION, frame.assign(good=draw.random(2500) > 0.5), None, {"target": "good"}


def pictures():
    (name, content), labels = kinds.pictures()
    frame = frames.read(Upload("raw_data", content, filename=name), Settings())
    return Task.CLASSIFICATION, frame, labels, {"images": {"height": 12, "width": 12, "channels": 1}}


def sales():
    rich = {"column_id": "store", "column_sort": "day", "default_fc_parameters": "ComprehensiveFCParameters()"}
    given = {"target": "sales", "task": "forecasting", "forecast": {"horizon": 3, "window": 14}}
    return Task.FORECASTING, kinds.sales(), None, {**given, "extract_features": rich}


@pytest.mark.parametrize("made", [waves, customers, reviews, pictures, sales])
def test_a_first_model_is_there_within_ten_seconds_of_the_start(house, made):
    task, frame, labels, given = made()
    parameters = TrainParameters(pipeline_id=made.__name__, limits={"seconds": 60}, **given)
    job = house.queue.submit(Tables(parameters, task, frame, labels))
    assert first_version(house, made.__name__).provisional
    assert time.time() - house.queue.get(job.job_id).started < 10
    house.queue.cancel(job.job_id, keep=False)
    house.ended(job)


def test_a_batch_prediction_begins_anew_after_its_process_died_and_leaves_nothing_when_it_is_cancelled(house):
    house.publications.publish(batch_models.version("table"))
    header, *lines = batch_models.rows().to_csv(index=False).splitlines(keepends=True)
    (house.files / "rows.csv").write_text(header + "".join(lines) * 1000)

    def submit(name):
        urls = {"source": f"file://{house.files}/rows.csv", "destination": f"file://{house.files}/{name}.csv"}
        return house.queue.submit_batch(Order(BatchParameters(pipeline_id="table", **urls)), None)

    job = submit("scored")
    os.kill(house.running(job).pid, signal.SIGKILL)
    ended = house.ended(job)
    assert (ended.state, ended.attempts, ended.result["rows"]) == (JobState.FINISHED, 2, 60_000), ended.error
    scored = pd.read_csv(house.files / "scored.csv")
    assert len(scored) == 60_000
    assert np.allclose(scored["score"], np.tile(scored["score"][:60], 1000))
    job = submit("cancelled")
    # Held, or it might be done before anybody looks.
    os.kill(house.running(job).pid, signal.SIGSTOP)
    house.queue.cancel(job.job_id, keep=False)
    assert house.ended(job).state is JobState.CANCELLED
    assert sorted(path.name for path in house.files.iterdir()) == ["rows.csv", "scored.csv"]
