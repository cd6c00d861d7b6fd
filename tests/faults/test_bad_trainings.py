"""Trainings that compute for ever, take all memory, leave processes behind, or kill what runs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from app.jobs.job import Job, JobState
from conftest import SECRET
from tests.faults.parts import until
from tests.house import House, training


@contextmanager
def bad(redis_url: str, folder: Path, kind: str, **environment: str) -> Iterator[House]:
    """A house whose trainings are of a kind of `bad.py`."""
    house = House(redis_url, folder, ("-m", "tests.faults.bad", kind), **environment)
    house.start()
    try:
        yield house
    finally:
        house.stop()
        house.client.close()


def in_time(ended: Job, seconds: float) -> bool:
    """Tell whether a job ended at its limit, or as soon after it as is promised."""
    assert ended.ended is not None
    assert ended.started is not None
    return seconds <= ended.ended - ended.started < seconds + 10


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["spin", "native"])
def test_a_training_that_computes_for_ever_ends_at_its_limit(redis_url, tmp_path, kind):
    with bad(redis_url, tmp_path, kind) as house:
        job = house.queue.submit(training(limits={"seconds": 5}))
        horse = house.running_horse(job)
        ended = house.ended(job)
        assert (ended.state, ended.attempts) == (JobState.TIMED_OUT, 1)
        assert in_time(ended, 5)
        until(lambda: not horse.is_running(), "the end of its process")


@pytest.mark.parametrize("kind", ["burst", pytest.param("eat", marks=pytest.mark.nightly)])
def test_a_training_that_takes_all_memory_ends_as_that_and_not_as_a_lost_worker(redis_url, tmp_path, kind):
    with bad(redis_url, tmp_path, kind) as house:
        job = house.queue.submit(training(limits={"memory_mb": 300}))
        ended = house.ended(job)
        assert (ended.state, ended.attempts) == (JobState.FAILED, 1)
        assert ended.error["type"] == "urn:problem:memory-limit"
        assert "limit of 300 MiB" in ended.error["detail"]
        assert ended.ended - ended.started < 30


@pytest.mark.parametrize(
    "way",
    [
        "cancelled",
        pytest.param("limited", marks=pytest.mark.nightly),
        pytest.param("killed", marks=pytest.mark.nightly),
    ],
)
def test_nothing_that_a_training_has_started_outlives_it(redis_url, tmp_path, way):
    with bad(redis_url, tmp_path, "grandchildren") as house:
        worker = psutil.Process(house.running_worker.pid)
        job = house.queue.submit(training(limits={"seconds": 15} if way == "limited" else {}))
        # The horse, its candidate and that one's child, the daemon, what is in a session of its own, and loky's two.
        until(lambda: len(worker.children(recursive=True)) >= 7, "its processes")
        started = worker.children(recursive=True)
        if way == "cancelled":
            house.queue.cancel(job.job_id, keep=False)
        elif way == "killed":
            # The second attempt starts others, which end with the worker.
            house.horse().kill()
        until(lambda: not any(one.is_running() for one in started), f"the end of what was {way}")
        assert worker.is_running()


def test_a_training_knows_no_secret_and_may_take_no_more_than_it_should(redis_url, tmp_path):
    told = tmp_path / "told"
    keys = f"admin:{'ab' * 32}"
    with bad(redis_url, tmp_path / "house", "tell", TOLD=str(told), API_KEYS=keys) as house:
        job = house.queue.submit(training(limits={"seconds": 30}))
        ended = house.ended(job)
        # What it raises at its end is that there is no memory left.
        assert ended.error["type"] == "urn:problem:memory-limit"
        said = told.read_text()
        assert "TOLD=" in said
        for secret in (SECRET, keys, redis_url):
            assert secret not in said
        limits = {line[:25].strip(): line[25:].split()[0] for line in said.splitlines() if line.startswith("Max ")}
        assert limits["Max core file size"] == "0"
        assert limits["Max open files"] == "1024"
        assert int(limits["Max file size"]) == 2**30
        assert int(limits["Max cpu time"]) <= 90 * psutil.cpu_count()
        assert limits["Max data size"].isdigit()
        assert "oom_score_adj 1000" in said
        assert Path(f"/proc/{house.running_worker.pid}/oom_score_adj").read_text().strip() != "1000"


@pytest.mark.nightly
def test_a_training_that_kills_its_worker_is_tried_twice_and_no_more(redis_url, tmp_path):
    with bad(redis_url, tmp_path, "poison") as house:
        job = house.queue.submit(training())

        def given_up() -> Job | None:
            # As whoever supervises workers does. Nobody asks for the job: it is read as it is stored.
            house.start()
            now = house.records.get(job.job_id)
            return now if now.state.final else None

        ended = until(given_up, "the end of the job", 600)
        assert (ended.state, ended.attempts) == (JobState.FAILED, 2)
        assert ended.error["type"] == "urn:problem:poison"
        assert house.client.llen("rq:queue:training") == 0
        assert house.client.hlen("automl:records:p") == 0
