"""One worker and one queue for the jobs of all tenants."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.jobs import tasks
from app.jobs.job import JobState
from app.jobs.records import JobRecords
from app.settings import Settings
from app.store.publications import Publications
from app.store.redis import ModelStore
from conftest import SECRET
from tests import published
from tests.faults.parts import Worker, until
from tests.security import tenants

AT_ONCE = {"Prefer": "respond-async"}


@pytest.fixture
def variables(redis_url, client_of_redis, tmp_path):
    """What a web process and a worker of one service are told."""
    return tenants.environment(redis_url, SECRET, tmp_path)


def ended(client, where):
    """Wait until a job has ended, and return it."""
    job = client.get(where).json
    return job if job["state"] not in ("queued", "running") else None


@pytest.mark.nightly
def test_a_worker_trains_for_each_tenant_in_its_own_namespace(variables, redis_url, tmp_path):
    clients = tenants.clients(variables)
    # The same rows with the labels of each: what is no for one is yes for the other.
    turned = tenants.LABELED | {"label": tenants.LABELED["label"][::-1]}
    rows, scores, where = {"acme": tenants.LABELED, "beta": turned}, {"acme": 0.0, "beta": 1.0}, {}
    for tenant, table in rows.items():
        data = tenants.training("p", table, explain={"rows": 0})
        where[tenant] = clients[tenant].post("/train_pipeline", data=data, headers=AT_ONCE).headers["Location"]
    more = {name: value for name, value in variables.items() if name not in ("REDIS_URL", "SIGNING_SECRET", "DATA_DIR")}
    worker = Worker(redis_url, tmp_path, **more)
    worker.start()
    try:
        for tenant in rows:
            job = until(lambda one=tenant: ended(clients[one], where[one]), f"the training of {tenant}", 240)
            assert (job["state"], job["result"]["version"]) == ("finished", 1), job
    finally:
        worker.stop()
    for tenant in rows:
        body = json.dumps({"pipeline_id": "p", "data": [tenants.ROW]})
        answer = clients[tenant].post("/serve_prediction", data=body, headers={"Content-Type": "application/json"})
        assert list(answer.json["score"].values()) == [scores[tenant]]
        assert clients[tenant].get("/models/p").json["job_id"] == where[tenant].rpartition("/")[2]
    assert clients["default"].get("/models").json == {}


@pytest.mark.parametrize("tenant", ["acme", "default"])
def test_the_best_so_far_of_a_training_that_died_is_its_tenants(variables, client_of_redis, tenant):
    """A worker that settles a job is of no namespace itself."""
    from sklearn.linear_model import LinearRegression

    client = tenants.clients(variables)[tenant]
    job_id = client.post("/train_pipeline", data=tenants.training("p"), headers=AT_ONCE).json["jobId"]
    version = published.version("p", published.numbers(None), "label", LinearRegression())
    provisional = replace(version.record, job_id=job_id, provisional=True)
    Publications(client_of_redis, SECRET, tenant).publish(replace(version, record=provisional))
    records, settings = JobRecords(client_of_redis, SECRET, 1), Settings.from_environment(variables)
    tasks.settle(records.get(job_id), Publications(client_of_redis, SECRET), records, settings)
    assert client.get(f"/jobs/{job_id}").json["state"] == JobState.FINISHED
    assert not ModelStore(client_of_redis, SECRET, tenant).record("p").provisional
