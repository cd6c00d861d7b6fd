"""What is done about jobs whose worker has died, by Redis' clock and by nobody's asking."""

import pytest
from rq.executions import Execution
from rq.job import JobStatus

from app.errors import Superseded
from app.jobs.janitor import Janitor
from app.jobs.job import JobState
from app.jobs.leases import LEASE
from app.jobs.rq_queue import SignedJob, TrainingQueue
from app.store.artifact import Artifact
from app.store.keys import Keys
from app.store.record import Version
from tests.faults.parts import until
from tests.store.making import a_record


@pytest.fixture
def line(client_of_redis):
    """The queue as RQ has it, in a Redis that has been up for longer than a lease."""
    until(lambda: client_of_redis.info("server")["uptime_in_seconds"] > LEASE, "a Redis that is up for a while")
    return TrainingQueue.of(client_of_redis)


@pytest.fixture
def janitor(line, records, publications, settings):
    return Janitor(line, records, publications, settings)


def begun(line, records, job, ends=1.0):
    """Let a worker begin a job; its lease ends at a time of Redis'."""
    line.connection.lrem(line.key, 1, job.job_id)
    line.connection.hset(f"rq:job:{job.job_id}", "status", "started")
    line.connection.zadd(line.started_job_registry.key, {f"{job.job_id}:execution": ends})
    records.start(job.job_id)


def test_the_job_of_a_lost_worker_waits_again_and_is_given_up_the_second_time(queue, line, records, janitor, training):
    job = queue.submit(training())
    begun(line, records, job)
    janitor.sweep()
    assert line.job_ids == [job.job_id]
    waits = records.get(job.job_id)
    assert (waits.state, waits.progress["note"]) == (JobState.QUEUED, "its worker was lost")
    begun(line, records, job)
    # Nobody asks for it.
    janitor.sweep()
    ended = records.get(job.job_id)
    assert (ended.state, ended.attempts, ended.error["type"]) == (JobState.FAILED, 2, "urn:problem:poison")
    assert line.job_ids == []
    assert line.connection.zcard(line.started_job_registry.key) == 0


def test_the_job_of_a_worker_that_lives_stays_its_own(queue, line, records, janitor, training):
    job = queue.submit(training())
    begun(line, records, job, line.started_job_registry.now() + LEASE)
    janitor.sweep()
    assert records.get(job.job_id).state is JobState.RUNNING
    assert line.job_ids == []


def test_leases_are_by_the_clock_of_redis(queue, line, training, monkeypatch):
    """Machines' clocks differ: this one is five minutes behind, and then ahead."""
    job = SignedJob.fetch(queue.submit(training()).job_id, connection=line.connection, serializer=line.serializer)
    for wrong in (-300, 300):
        local = int(line.started_job_registry.now()) + wrong
        monkeypatch.setattr("rq.registry.current_timestamp", lambda local=local: local)
        with line.connection.pipeline() as pipe:
            execution = Execution.create(job, LEASE, pipe)
            pipe.execute()
        score = line.connection.zscore(line.started_job_registry.key, execution.composite_key)
        assert 0 < score - line.started_job_registry.now() <= LEASE
        assert line.started_job_registry.expire() == []
        assert line.started_job_registry.held(execution)


def test_of_two_that_notice_a_lost_worker_one_gives_its_job_back(queue, line, records, training):
    job = queue.submit(training())
    begun(line, records, job)
    leases, now = line.started_job_registry, line.started_job_registry.now()
    entry = f"{job.job_id}:execution".encode()
    assert [leases._expire(entry, now), leases._expire(entry, now)] == [job.job_id, None]
    assert line.job_ids == [job.job_id]


def test_a_job_that_a_worker_took_and_did_not_begin_waits_again_after_a_minute(queue, line, records, janitor, training):
    job = queue.submit(training())
    taken = line.intermediate_queue
    line.connection.lmove(line.key, taken.key)
    line.connection.rpush(taken.key, "of-nobody")
    janitor.sweep()
    janitor.sweep()
    assert line.job_ids == []
    for job_id in (job.job_id, "of-nobody"):
        line.connection.expire(taken.get_first_seen_key(job_id), 10)
    janitor.sweep()
    janitor.sweep()
    assert (line.job_ids, taken.get_job_ids()) == ([job.job_id], [])
    assert records.get(job.job_id).attempts == 0


def test_a_job_that_has_finished_stays_finished_whatever_is_left_of_its_worker(queue, line, records, janitor, training):
    job = queue.submit(training())
    begun(line, records, job)
    records.end(job.job_id, JobState.FINISHED, result={"version": 1})
    rq = SignedJob.fetch(job.job_id, connection=line.connection, serializer=line.serializer)
    rq.set_status(JobStatus.FINISHED)
    line.connection.rpush(line.intermediate_queue.key, job.job_id)
    janitor.sweep()
    line.connection.expire(line.intermediate_queue.get_first_seen_key(job.job_id), 10)
    janitor.sweep()
    assert records.get(job.job_id).state is JobState.FINISHED
    assert (line.job_ids, line.intermediate_queue.get_job_ids()) == ([], [])


def test_what_is_in_no_form_of_rqs_stops_nobody(line, janitor, client_of_redis):
    client_of_redis.zadd(line.started_job_registry.key, {b"\xff:\xff:": 1, b"none": 1, b"a b": 1})
    client_of_redis.zadd(line.failed_job_registry.key, {b"\xff": 9e9})
    client_of_redis.rpush(line.key, b"\xff")
    janitor.sweep()
    assert client_of_redis.zcard(line.started_job_registry.key) == 0


def test_a_request_to_wait_again_is_not_taken_for_the_attempt_that_began_meanwhile(queue, records, training):
    job = queue.submit(training())
    records.start(job.job_id)
    before = records.get(job.job_id)
    records.start(job.job_id)
    records.requeue(before, "its worker was lost")
    assert records.get(job.job_id).state is JobState.RUNNING
    records.requeue(records.get(job.job_id), "its worker was lost")
    assert records.get(job.job_id).state is JobState.QUEUED


def test_a_process_whose_job_was_begun_anew_can_publish_nothing(queue, records, publications, store, training):
    job = queue.submit(training())
    old = publications.fenced(records.start(job.job_id))
    new = publications.fenced(records.start(job.job_id))
    version = Version(a_record(job_id=job.job_id, provisional=True), Artifact({"format": "none"}, {}), {})
    with pytest.raises(Superseded):
        old.publish(version)
    kept = new.publish(version)
    with pytest.raises(Superseded):
        old.withdraw(job.job_id)
    with pytest.raises(Superseded):
        old.conclude(job.job_id, "time limit")
    assert store.record(kept.pipeline_id).provisional
    records.end(job.job_id, JobState.FAILED, attempt=1)
    assert records.get(job.job_id).state is JobState.RUNNING
    records.end(job.job_id, JobState.FINISHED, result={}, attempt=2)
    assert records.get(job.job_id).state is JobState.FINISHED


@pytest.mark.parametrize(
    ("stored", "code"),
    [(b"signed 2\nlater", "record-too-new"), (b"signed 1\n" + b"0" * 40 + b"{}", "record-damaged")],
)
def test_a_job_whose_model_cannot_be_read_is_ended_and_stops_nobody(
    queue, line, records, publications, janitor, training, stored, code
):
    job, other = queue.submit(training()), queue.submit(training())
    version = Version(a_record(job_id=job.job_id, provisional=True), Artifact({"format": "none"}, {}), {})
    kept = publications.publish(version)
    line.connection.hset(Keys().records(kept.pipeline_id), str(kept.version), stored)
    for _ in range(2):
        begun(line, records, job)
        janitor.sweep()
    ended = records.get(job.job_id)
    assert (ended.state, ended.error["type"]) == (JobState.FAILED, f"urn:problem:{code}")
    assert {one.job_id for one in queue.recent()} == {job.job_id, other.job_id}
