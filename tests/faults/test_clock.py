"""Machines whose clocks differ, or jump: leases and limits go by others.

The clock is libfaketime's: `apt-get install faketime`, as .ci/run does.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from app.jobs.job import JobState
from tests.faults.parts import until
from tests.house import House, training

pytestmark = pytest.mark.nightly

#: A training that takes seconds.
SLOW = {"model": "sklearn.ensemble.ExtraTreesClassifier", "n_rows": 400, "n_estimators": 300}


@pytest.fixture
def wrong(valkey, tmp_path):
    """Return a function that opens a house whose worker's clock is wrong by what stands in a file, and that file."""
    opened = []

    def make(seconds: int, *command: str) -> tuple[House, Path]:
        found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        assert found, "there is no libfaketime here: apt-get install faketime"
        clock = tmp_path / "clock"
        clock.write_text(f"{seconds:+d}s\n")
        environment = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        house = House(valkey.url, tmp_path / "house", command or ("-m", "app.jobs.worker"), **environment)
        house.start()
        opened.append(house)
        return house, clock

    yield make
    for house in opened:
        house.running_worker.send_signal(signal.SIGCONT)
        house.stop()
        house.client.close()


@pytest.mark.parametrize(("before", "after"), [(300, 300), (-300, -300), (0, 300), (0, -300)])
def test_a_training_is_its_workers_whatever_its_clock_says(wrong, before, after):
    house, clock = wrong(before)
    job = house.queue.submit(training(**SLOW, limits={"seconds": 600}))
    house.running(job)
    clock.write_text(f"{after:+d}s\n")

    def ended():
        now = house.queue.get(job.job_id)
        assert now.attempts == 1, now
        assert 0 <= (now.as_json()["progress"]["seconds_left"] or 0) <= 600
        return now if now.state.final else None

    end = until(ended, "the end of the job", 600)
    assert (end.state, end.error) == (JobState.FINISHED, None)
    assert float(house.client.hget("automl:jobs:ended", "training finished sum")) >= 0


@pytest.mark.parametrize("after", [300, -300])
def test_a_limit_is_kept_by_a_clock_that_does_not_jump(wrong, after):
    house, clock = wrong(0, "-m", "tests.faults.bad", "spin")
    job = house.queue.submit(training(limits={"seconds": 10}))
    house.running_horse(job)
    began = time.monotonic()
    clock.write_text(f"{after:+d}s\n")
    ended = house.ended(job, 120)
    assert (ended.state, ended.attempts) == (JobState.TIMED_OUT, 1)
    assert 9 <= time.monotonic() - began < 40


@pytest.mark.parametrize("seconds", [300, -300])
def test_the_job_of_a_lost_worker_with_a_wrong_clock_waits_again(wrong, seconds):
    house, _ = wrong(seconds)
    house.running(job := house.queue.submit(training(**SLOW)))
    house.running_worker.kill()
    house.running_worker.wait()
    until(lambda: house.queue.get(job.job_id).state is JobState.QUEUED, "the job to wait again", 90)
