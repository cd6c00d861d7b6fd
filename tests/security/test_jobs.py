"""Whoever can write to Redis runs nothing by it, in no worker and no web process, and no request leaves either."""

from __future__ import annotations

import json
import pickle
import signal
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from rq.job import Job as RqJob
from rq.job import JobStatus
from rq.serializers import JSONSerializer

from app.errors import JobRefused, RowGone
from app.jobs.job import JobState
from app.jobs.rq_queue import QUEUE, SignedJob
from tests.faults.parts import until
from tests.house import House, training


@pytest.fixture(scope="module")
def bait(tmp_path_factory):
    """A module whose import leaves a file, and that file."""
    folder = tmp_path_factory.mktemp("bait")
    file = folder / "imported"
    (folder / "bait.py").write_text(f"open({str(file)!r}, 'a').close()\ndef run(*a, **k): pass\n")
    sys.path.insert(0, str(folder))
    yield file
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def hits():
    """The requests that a server got, and its URL."""
    asked = []

    class Server(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_GET = do_POST

    server = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield asked, f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def opened(redis_url, tmp_path_factory, bait):
    house = House(redis_url, tmp_path_factory.mktemp("house"), PYTHONPATH=str(bait.parent))
    house.start()
    yield house
    house.stop()
    house.client.close()


@pytest.fixture
def house(opened):
    """A worker that is still there at the end of the test."""
    opened.start()
    pid = opened.worker.pid
    yield opened
    assert (opened.worker.poll(), opened.worker.pid) == (None, pid)


@pytest.fixture
def frozen(house):
    """The house, whose worker is held until its queue is as a test wants it."""
    house.worker.send_signal(signal.SIGSTOP)
    yield house
    house.worker.send_signal(signal.SIGCONT)


def thaw(house):
    house.worker.send_signal(signal.SIGCONT)


def lure(hits):
    """Return the fields of a hash that make RQ import the bait and send requests."""
    hooks = [{"url": hits[1], "job_status": status, "method": "POST"} for status in ("finished", "failed")]
    names = {f"{kind}_callback_name": "bait.run" for kind in ("success", "failure", "stopped")}
    return {**names, "webhooks": json.dumps(hooks), "repeats_left": "3", "group_id": "g", "dependency_ids": '["x"]'}


def next_job(house, name):
    """Run one more job of ours, which shows that the worker has done with what came before it."""
    assert house.ended(house.queue.submit(training(pipeline_id=name))).state is JobState.FINISHED


def foreign(client, job_id, function, args, kwargs=None, instance=None):
    """Queue what RQ would run."""
    job = RqJob.create(function, args=args, kwargs=kwargs, id=job_id, connection=client, serializer=JSONSerializer)
    job.origin, job._instance = QUEUE, instance
    job.timeout = 60
    job.save()
    job.set_status(JobStatus.QUEUED)
    client.rpush(f"rq:queue:{QUEUE}", job_id)


def test_a_job_that_the_service_did_not_write_is_not_run(house, tmp_path):
    other = house.queue.submit(training(pipeline_id="whose"))
    house.ended(other)
    made = tmp_path / "made"
    foreign(house.client, "a1", "os.mkdir", [str(made)])
    foreign(house.client, "a2", "app.jobs.tasks.train", ["a2"], {"settings": None})
    foreign(house.client, "a3", "app.jobs.tasks.train", [other.job_id])
    foreign(house.client, "a4", "app.jobs.tasks.train", ["a4"])
    foreign(house.client, "a5", "bait.run", [])
    foreign(house.client, "a6", "mkdir", [str(made)], instance="os")
    next_job(house, "after-foreign")
    for job_id in ("a1", "a2", "a3", "a4", "a5", "a6"):
        job = RqJob.fetch(job_id, connection=house.client, serializer=JSONSerializer)
        until(lambda job=job: job.get_status() is JobStatus.FAILED, f"{job_id} to fail")
    assert not made.exists()


class Evil:
    """Unpickled, it makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        import os

        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("data", ["pickle", "text", "json", "bomb", "missing"])
def test_data_that_cannot_be_decoded_ends_no_worker(house, tmp_path, data):
    made = tmp_path / "made"
    forms = {
        "pickle": pickle.dumps(("os.mkdir", None, (Evil(str(made)),), {})),
        "text": b"\xff\xfe not json",
        "json": b'["os.mkdir"]',
        "bomb": zlib.compress(b"[" * 100_000),
    }
    job_id = f"undecodable-{data}"
    fields = {"data": forms.get(data, b""), "status": "queued", "origin": QUEUE, "timeout": "many", "created_at": "?"}
    if data != "missing":
        house.client.hset(
            f"rq:job:{job_id}", mapping=fields if data == "text" else {**fields, "timeout": "9", "created_at": ""}
        )
    house.client.rpush(f"rq:queue:{QUEUE}", job_id)
    next_job(house, f"after-{data}")
    assert not made.exists()


def test_what_a_jobs_hash_names_beside_its_function_is_neither_imported_nor_called(frozen, bait, hits):
    good = frozen.queue.submit(training(pipeline_id="lured"))
    bad = frozen.queue.submit(training("sklearn.linear_model.GammaRegressor", pipeline_id="lured-too"))
    for job in (good, bad):
        frozen.client.hset(f"rq:job:{job.job_id}", mapping=lure(hits))
    foreign(frozen.client, "lured-three", "bait.run", [])
    frozen.client.hset("rq:job:lured-three", mapping=lure(hits))
    thaw(frozen)
    assert frozen.ended(good).state is JobState.FINISHED
    assert frozen.ended(bad).error["type"] == "urn:problem:training-failed"
    next_job(frozen, "after-lure")
    assert not bait.exists()
    assert hits[0] == []


def test_a_web_process_that_cleans_up_after_a_worker_imports_and_calls_nothing(frozen, bait, hits):
    """RQ calls the callback of a failure wherever an expired lease is noticed."""
    asked = frozen.queue.submit(training(pipeline_id="noticed"))
    for job_id in (asked.job_id, "never-ours"):
        if job_id == "never-ours":
            foreign(frozen.client, job_id, "bait.run", [])
        frozen.client.hset(f"rq:job:{job_id}", mapping={**lure(hits), "retries_left": "0"})
        frozen.client.zadd(f"rq:wip:{QUEUE}", {f"{job_id}:execution": 1})
    until(lambda: frozen.client.info("server")["uptime_in_seconds"] > 20, "a Redis that is up for a while")
    frozen.queue.get(asked.job_id)
    assert frozen.client.zcard(f"rq:wip:{QUEUE}") == 0
    assert frozen.queue.get(asked.job_id).error["type"] == "urn:problem:worker-lost"
    assert not bait.exists()
    assert "bait" not in sys.modules
    assert hits[0] == []


def test_nothing_that_is_published_commands_a_worker(house, bait, hits):
    job = house.queue.submit(
        training("sklearn.gaussian_process.GaussianProcessRegressor", n_rows=5000, pipeline_id="told")
    )
    house.running(job)
    house.client.hset(f"rq:job:{job.job_id}", mapping=lure(hits))
    workers = house.client.smembers("rq:workers")
    assert workers
    for worker in workers:
        name = worker.decode().rpartition(":")[2]
        for command in ({"command": "stop-job", "job_id": job.job_id}, {"command": "shutdown"}):
            assert house.client.publish(f"rq:pubsub:{name}", json.dumps(command)) == 0
    house.queue.cancel(job.job_id, keep=False)
    assert house.ended(job).state is JobState.CANCELLED
    assert not bait.exists()
    assert hits[0] == []


CHANGES = {
    "seconds": b"9000.0",
    "memory_mb": b"900000",
    "kind": b"explanation",
    "model": b"os.system",
    "pipeline_id": b'"another"',
    "namespace": b"another",
    "key_id": b"another",
    "origin": b"0123",
    "inputs": b"{}",
    "signature": b"0" * 64,
}


@pytest.mark.parametrize("name", [*CHANGES, "unsigned"])
def test_a_job_whose_record_was_changed_is_refused(frozen, name):
    job = frozen.queue.submit(training(pipeline_id=f"changed-{name}"))
    if name == "unsigned":
        frozen.client.hdel(f"automl:job:{job.job_id}", "signature")
    else:
        frozen.client.hset(f"automl:job:{job.job_id}", name, CHANGES[name])
    thaw(frozen)

    def ended():
        now = frozen.records.get(job.job_id)
        return now if now.state.final else None

    end = until(ended, "the end of the job")
    assert (end.state, end.attempts, end.error["type"]) == (JobState.FAILED, 0, "urn:problem:job-refused")
    assert frozen.client.hlen(f"automl:records:changed-{name}") == 0


@pytest.mark.parametrize("change", ["flipped", "removed", "added", "anothers"])
def test_data_that_was_changed_is_not_read(frozen, change):
    job = frozen.queue.submit(training(pipeline_id=f"data-{change}"))
    key = f"automl:job:{job.job_id}:input"
    frame = bytearray(frozen.client.hget(key, "frame"))
    frame[len(frame) // 2] ^= 1
    match change:
        case "flipped":
            frozen.client.hset(key, "frame", bytes(frame))
        case "removed":
            frozen.client.hdel(key, "task")
        case "added":
            frozen.client.hset(key, "labels", b"no arrow at all")
        case "anothers":
            other = frozen.queue.submit(training(n_rows=50, pipeline_id="data-another"))
            frozen.client.copy(f"automl:job:{other.job_id}:input", key, replace=True)
    thaw(frozen)
    ended = frozen.ended(job)
    assert (ended.state, ended.error["type"]) == (JobState.FAILED, "urn:problem:job-refused")
    assert frozen.client.hlen(f"automl:records:data-{change}") == 0


def test_what_was_changed_is_not_signed_a_second_time(house):
    """A row of a leaderboard is trained on the data of its job, which is signed anew with the new job."""
    job = house.queue.submit(training(pipeline_id="relayed"))
    house.ended(job)
    row = house.store.report("relayed", 1)["leaderboard"][0]["row"]
    house.client.hset(f"automl:job:{job.job_id}:input", "parameters", b'{"pipeline_id": "relayed"}')
    with pytest.raises(RowGone):
        house.queue.promote_row("relayed", 1, row)


def test_a_record_that_cannot_be_read_is_refused_alone(house):
    job = house.queue.submit(training(pipeline_id="damaged"))
    house.ended(job)
    for field, value in (("state", b"elsewhere"), ("created", b"{"), ("kind", b"\xff")):
        before = house.client.hget(f"automl:job:{job.job_id}", field)
        house.client.hset(f"automl:job:{job.job_id}", field, value)
        with pytest.raises(JobRefused):
            house.queue.get(job.job_id)
        assert job.job_id not in {one.job_id for one in house.queue.recent()}
        house.queue.counts()
        house.client.hset(f"automl:job:{job.job_id}", field, before)
    assert house.queue.get(job.job_id).state is JobState.FINISHED


def test_a_name_that_stands_in_a_hash_is_never_looked_up(client_of_redis, bait):
    job = RqJob.create("bait.run", id="x", connection=client_of_redis, serializer=JSONSerializer)
    job.save()
    client_of_redis.hset("rq:job:x", mapping={f"{kind}_callback_name": "bait.run" for kind in ("success", "failure")})
    found = SignedJob.fetch("x", connection=client_of_redis, serializer=JSONSerializer)
    with pytest.raises(JobRefused):
        found.perform()
    found.execute_failure_callback(None, None, None, None)
    found.execute_success_callback(None, None)
    assert not bait.exists()
    assert (found.success_callback, found.failure_callback, found.stopped_callback) == (None, None, None)
    assert (found.webhooks, found.dependency, found.repeats_left) == ([], None, None)
