"""A Redis that dies, freezes or is full while workers work: they live, and what they do goes on."""

from __future__ import annotations

import signal
import time
from dataclasses import replace

import pytest

from app.jobs.records import JobState
from app.payloads.parameters import TrainParameters
from tests.faults.parts import Valkey, Worker, until
from tests.house import House, training


def search(seconds: int):
    """Return a search that publishes its best so far again and again."""
    parameters = TrainParameters(
        pipeline_id="p", target="kind", model_training={}, limits={"seconds": seconds, "candidates": 12}
    )
    return replace(training(n_rows=200), parameters=parameters)


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


@pytest.mark.parametrize("gone", [3, pytest.param(15, marks=pytest.mark.nightly)])
def test_a_redis_that_was_killed_costs_a_training_nothing(house, valkey, gone):
    job = house.queue.submit(search(20 + gone))
    first_version(house)
    horse = house.horse()
    # An append-only file has everything within a second.
    time.sleep(1.5)
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
    rows = house.store.report("p", 1)["leaderboard"]
    assert len({row["name"] for row in rows}) == len(rows) > 1


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
def test_a_training_that_ends_while_redis_is_full_fails_as_that_and_the_next_is_taken(house):
    job = house.queue.submit(search(60))
    first_version(house)
    assert house.client.config_set("maxmemory", "1")
    until(lambda: house.horse() is None, "the end of the job", 120)
    # A worker that has nothing to do waits too.
    time.sleep(3)
    assert house.running_worker.poll() is None
    house.client.config_set("maxmemory", "0")
    ended = house.ended(job)
    assert ended.state in (JobState.FINISHED, JobState.FAILED)
    if ended.state is JobState.FAILED:
        assert ended.error["type"] in ("urn:problem:storage-full", "urn:problem:worker-lost", "urn:problem:poison")
    after = house.ended(house.queue.submit(training(pipeline_id="after")))
    assert after.state is JobState.FINISHED


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
