"""Workers that are killed, frozen or stopped: their jobs go on elsewhere, once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from app.jobs.job import Job, JobState
from conftest import SECRET
from tests.faults.parts import Worker, until
from tests.house import House, search, training

#: A training that takes seconds, in which it can be disturbed.
SLOW = {"model": "sklearn.ensemble.ExtraTreesClassifier", "n_rows": 400, "n_estimators": 200}


@pytest.fixture
def house(valkey, tmp_path):
    """A queue on a Redis of its own, and a worker."""
    house = House(valkey.url, tmp_path)
    house.start()
    yield house
    house.running_worker.send_signal(signal.SIGCONT)
    house.stop()
    house.client.close()


@pytest.fixture
def another(valkey, tmp_path):
    """A second worker."""
    worker = Worker(valkey.url, tmp_path / "another")
    worker.start()
    yield worker
    worker.stop()


def stored(house: House, job: Job, state: JobState, attempt: int) -> Job | None:
    """Return a job as Redis has it, asked of nobody who would look after it."""
    now = house.records.get(job.job_id)
    return now if (now.state, now.attempts) == (state, attempt) else None


@pytest.mark.nightly
def test_a_job_whose_process_was_killed_waits_again_at_once(house):
    job = house.queue.submit(training(**SLOW))
    house.running(job).kill()
    killed = time.monotonic()
    until(lambda: house.records.get(job.job_id).attempts == 2, "the second attempt")
    assert time.monotonic() - killed < 10
    assert house.ended(job).state is JobState.FINISHED


@pytest.mark.nightly
def test_the_job_of_a_killed_worker_is_anothers_though_nobody_asks(house, another):
    job = house.queue.submit(training(**SLOW))
    until(lambda: stored(house, job, JobState.RUNNING, 1), "the first attempt", 240)
    if another.horse() is not None:
        # The other was quicker to take it.
        another.kill()
    else:
        house.running_worker.kill()
    until(lambda: house.client.hget(f"automl:job:{job.job_id}", "attempts") == b"2", "the second attempt begins", 90)
    ended = until(lambda: stored(house, job, JobState.FINISHED, 2), "the end of the second attempt", 400)
    assert ended.error is None
    assert house.client.hlen("automl:records:p") == 1


@pytest.mark.nightly
def test_a_search_whose_worker_was_killed_goes_on_from_what_it_had_tried(house):
    job = house.queue.submit(search(40))
    until(lambda: len(house.tried(job)) >= 2, "two candidates", 60)
    house.running_worker.kill()
    house.running_worker.wait()
    known = {row["name"]: row["fit_seconds"] for row in house.records.manifests(job.job_id)}
    house.start()
    ended = until(lambda: stored(house, job, JobState.FINISHED, 2), "the end of the second attempt", 240)
    assert ended.error is None
    rows = {row["name"]: row["fit_seconds"] for row in house.store.report("p", 1)["leaderboard"]}
    assert len(known) >= 2
    assert known.items() <= rows.items()
    assert [name for name in known if house.tried(job).count(name) > 1] == []


@pytest.mark.nightly
def test_a_worker_that_wakes_up_finds_its_job_with_another_and_leaves_it_there(house, valkey, tmp_path):
    job = house.queue.submit(training(**SLOW))
    horse = house.running(job)
    for frozen in (house.running_worker, horse):
        frozen.send_signal(signal.SIGSTOP)
    other = Worker(valkey.url, tmp_path / "another")
    other.start()
    try:
        until(lambda: stored(house, job, JobState.RUNNING, 2), "the second attempt", 120)
        horse.send_signal(signal.SIGCONT)
        house.running_worker.send_signal(signal.SIGCONT)
        until(lambda: not horse.is_running(), "the end of the first attempt", 30)
        assert house.running_worker.poll() is None
        ended = house.ended(job, 240)
        assert (ended.state, ended.attempts, ended.error) == (JobState.FINISHED, 2, None)
        assert house.client.hlen("automl:records:p") == 1
        # Both take jobs again.
        later = [house.queue.submit(training(pipeline_id=f"later-{number}")) for number in range(2)]
        assert {house.ended(one).state for one in later} == {JobState.FINISHED}
    finally:
        other.stop()


def test_two_sigterms_give_the_job_back_with_all_its_attempts(house):
    job = house.queue.submit(training(**SLOW))
    horse = house.running(job)
    house.running_worker.terminate()
    time.sleep(1.2)
    house.running_worker.terminate()
    assert house.running_worker.wait(30) == 0
    assert not horse.is_running()
    assert house.records.get(job.job_id).state is JobState.QUEUED
    assert house.client.llen("rq:queue:training") == 1
    assert house.client.hget(f"rq:job:{job.job_id}", "retries_left") == b"1"
    house.start()
    assert house.ended(job).attempts == 2


@pytest.mark.nightly
def test_a_sigterm_before_a_job_has_a_process_gives_it_back(valkey, tmp_path):
    """Between its fork and its group the process of a job has that of its worker, and before it there is none."""
    for delay in (0.0, 0.002, 0.005, 0.01, 0.02, 0.05):
        house = House(valkey.url, tmp_path / str(delay))
        house.start()
        until(lambda house=house: house.client.scard("rq:workers"), "the worker")
        job = house.queue.submit(training(**SLOW))
        time.sleep(delay)
        house.running_worker.send_signal(signal.SIGTERM)
        assert house.running_worker.wait(30) == 0
        house.start()
        ended = house.ended(job, 120)
        assert (ended.state, ended.error) == (JobState.FINISHED, None)
        house.stop()
        house.client.close()


def test_without_a_secret_that_it_can_use_a_worker_says_so_in_a_line(valkey, tmp_path):
    environment = {"REDIS_URL": valkey.url, "SIGNING_SECRET": SECRET[:8], "DATA_DIR": str(tmp_path), "PATH": "/usr/bin"}
    ended = subprocess.run(
        [sys.executable, "-m", "app.jobs.worker"], capture_output=True, text=True, env=environment, timeout=60
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("SIGNING_SECRET")
    assert len(ended.stderr.splitlines()) == 1
