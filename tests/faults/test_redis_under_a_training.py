"""A Redis that dies, freezes or is full while workers work: they live, and what they do goes on."""

from __future__ import annotations

import signal
import time

import pytest

from app.jobs.job import Job, JobState
from tests.faults.parts import Valkey, Worker, until
from tests.house import House, search, training


@pytest.fixture
def house(valkey, tmp_path):
    """A queue on a Redis of its own, and a worker that is the same at the end."""
    house = House(valkey.url, tmp_path)
    house.start()
    pid = house.running_worker.pid
    yield house
    valkey.signal(signal.SIGCONT)
    assert (house.running_worker.poll(), house.running_worker.pid) == (None, pid)
    house.stop()
    house.client.close()


def first_version(house: House):
    """Wait for what a search leaves early."""
    return until(lambda: next(iter(house.store.models()), None), "a first version")


def ended_unasked(house: House, job: Job) -> Job:
    """Wait for the end of a job, and ask nobody who would give it back as its worker could not go on with its lease."""
    until(lambda: house.records.get(job.job_id).state.final, "the end of the job", 120)
    return house.records.get(job.job_id)


@pytest.mark.parametrize("gone", [3, pytest.param(15, marks=pytest.mark.nightly)])
def test_a_redis_that_was_killed_costs_a_training_nothing(house, valkey, gone):
    job = house.queue.submit(search(20 + gone))
    first_version(house)
    horse = house.horse()
    # An append-only file has everything within a second.
    until(lambda: house.tried(job), "a candidate", 30)
    time.sleep(1.5)
    tried = {row["name"]: row["fit_seconds"] for row in house.records.manifests(job.job_id)}
    valkey.kill()
    time.sleep(gone)
    valkey.start()
    assert horse.is_running()
    known = house.queue.get(job.job_id)
    assert (known.state, known.attempts) == (JobState.RUNNING, 1)
    assert house.store.record("p").version == 1
    ended = house.ended(job)
    assert (ended.state, ended.attempts, ended.error) == (JobState.FINISHED, 1, None)
    assert not house.store.record("p").provisional
    assert house.client.hlen("automl:records:p") == 1
    # What had been tried is there as it was found, and no candidate was tried again.
    rows = {row["name"]: row["fit_seconds"] for row in house.store.report("p", 1)["leaderboard"]}
    assert tried
    assert tried.items() <= rows.items()
    assert [name for name in tried if house.tried(job).count(name) > 1] == []
    assert len(rows) > len(tried)


def test_a_limit_holds_while_redis_is_frozen(valkey, tmp_path):
    house = House(valkey.url, tmp_path, ("-m", "tests.faults.bad", "spin"))
    house.start()
    try:
        job = house.queue.submit(training(limits={"seconds": 5}))
        horse = house.running_horse(job)
        valkey.signal(signal.SIGSTOP)
        until(lambda: not horse.is_running(), "the end of the training's process", 40)
        assert house.running_worker.poll() is None
        valkey.signal(signal.SIGCONT)
        ended = house.ended(job)
        assert (ended.state, ended.attempts) == (JobState.TIMED_OUT, 1)
    finally:
        valkey.signal(signal.SIGCONT)
        house.stop()
        house.client.close()


@pytest.mark.nightly
def test_a_training_that_ends_while_redis_is_full_waits_for_room(house):
    job = house.queue.submit(training("sklearn.ensemble.ExtraTreesClassifier", n_rows=400, n_estimators=100))
    horse = house.running_horse(job)
    assert house.client.config_set("maxmemory", "1")
    time.sleep(20)
    assert horse.is_running()
    assert house.records.get(job.job_id).state is JobState.RUNNING
    assert house.store.models() == []
    house.client.config_set("maxmemory", "0")
    ended = ended_unasked(house, job)
    assert (ended.state, ended.attempts, ended.error) == (JobState.FINISHED, 1, None)
    assert house.client.hlen("automl:records:p") == 1


@pytest.mark.nightly
def test_a_search_whose_limit_comes_while_redis_is_full_has_what_it_had_published(house):
    job = house.queue.submit(search(20))
    first_version(house)
    assert house.client.config_set("maxmemory", "1")
    # Its process has ended by then, at its limit or after it.
    until(lambda: house.horse() is None, "the end of its process", 60)
    time.sleep(5)
    known = house.records.get(job.job_id)
    assert (known.state, known.attempts) == (JobState.RUNNING, 1)
    # What was published before is there and can be read.
    assert house.store.record("p").provisional
    assert house.store.artifact("p", 1)
    house.client.config_set("maxmemory", "0")
    ended = ended_unasked(house, job)
    assert (ended.state, ended.attempts, ended.error) == (JobState.FINISHED, 1, None)
    assert not house.store.record("p").provisional
    assert house.client.hlen("automl:records:p") == 1
    # A worker that has nothing to do waits too.
    house.client.config_set("maxmemory", "1")
    time.sleep(3)
    house.client.config_set("maxmemory", "0")
    after = house.ended(house.queue.submit(training(pipeline_id="after")))
    assert (after.state, after.attempts) == (JobState.FINISHED, 1)


@pytest.mark.nightly
def test_a_worker_that_starts_before_redis_waits_for_it(short_folder, tmp_path):
    folder = short_folder / "late"
    server = Valkey(folder)
    worker = Worker(server.url, tmp_path)
    worker.start()
    try:
        until(lambda: "waiting for Redis" in worker.log(), "the worker to say that it waits")
        time.sleep(6)
        assert worker.running.poll() is None
        assert "Traceback" not in worker.log()
        assert worker.log().count("waiting for Redis") == 1
        server.start()
        house = House(server.url, tmp_path / "house")
        ended = house.ended(house.queue.submit(training()))
        assert (ended.state, ended.attempts) == (JobState.FINISHED, 1)
        server.kill()
        assert worker.stop() == 0, worker.log()[-2000:]
        house.client.close()
    finally:
        worker.stop()
        server.stop()


@pytest.mark.nightly
def test_at_sigterm_a_worker_without_a_redis_ends_at_once_and_another_goes_on(short_folder, tmp_path):
    server = Valkey(short_folder / "gone")
    server.start()
    house = House(server.url, tmp_path)
    house.start()
    try:
        job = house.queue.submit(training("sklearn.ensemble.ExtraTreesClassifier", n_rows=400, n_estimators=600))
        horse = house.running_horse(job)
        time.sleep(1.5)
        server.kill()
        house.running_worker.terminate()
        # Another one changes nothing.
        time.sleep(1.5)
        house.running_worker.terminate()
        assert house.running_worker.wait(30) == 0
        assert not horse.is_running()
        server.start()
        house.start()
        ended = house.ended(job, 120)
        assert (ended.state, ended.attempts) == (JobState.FINISHED, 2)
    finally:
        house.stop()
        server.stop()
        house.client.close()
