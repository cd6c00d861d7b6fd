"""Two tenants that call their models, keys and files the same."""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import replace

import pytest

from app import caller
from app.errors import ArtifactRejected, JobNotFound
from app.jobs import tasks
from app.jobs.job import JobState
from app.jobs.records import JobRecords
from app.settings import Settings
from app.store.keys import Keys
from app.store.publications import Publications
from app.store.redis import ModelStore
from conftest import SECRET
from tests import published
from tests.security import tenants

#: What a model of each tenant predicts for a row whose a is 1.
FACTORS = {"acme": 2.0, "beta": 10.0, "default": -6.0}


@pytest.fixture(scope="module")
def versions():
    """{tenant: a version of its own} under one id."""
    from sklearn.linear_model import LinearRegression

    found = {}
    for tenant, factor in FACTORS.items():
        rows = published.numbers(None)
        rows = rows.assign(label=rows["label"] / 2 * factor)
        made = published.version("p", rows, "label", LinearRegression())
        result = made.record.result | {"modelType": "LinearRegression()"}
        found[tenant] = replace(made, record=replace(made.record, result=result))
    return found


@pytest.fixture
def allowed(tmp_path):
    """A folder of files that callers may name, with one of acme's in it."""
    folder = tmp_path / "allowed"
    for name in ("~acme", "~beta", "deep/~acme"):
        (folder / name).mkdir(parents=True)
    for name in ("~acme/rows.csv", "deep/~acme/rows.csv", "rows.csv"):
        (folder / name).write_text("a,b\n1,0.25\n")
    return folder


@pytest.fixture
def clients(redis_url, client_of_redis, tmp_path, allowed):
    """{tenant: its client} of a service in which nothing is."""
    return tenants.clients(tenants.environment(redis_url, SECRET, tmp_path, BATCH_ALLOWED_URLS=f"file://{allowed}"))


@pytest.fixture
def publish(client_of_redis, versions):
    """Return a function that publishes a version of a tenant's, as its training does."""
    numbers = itertools.count()

    def made(tenant):
        version = versions[tenant]
        record = replace(version.record, job_id=f"job {next(numbers)}")
        return Publications(client_of_redis, SECRET, tenant).publish(replace(version, record=record))

    return made


def predicted(client):
    """Return what a client's model says, by the way that is taken without Flask."""
    body = json.dumps({"pipeline_id": "p", "data": [{"a": 1.0, "b": 0.25}]})
    answer = client.post("/serve_prediction", data=body, headers={"Content-Type": "application/json"})
    return round(answer.json["prediction"]["0"], 6) if answer.status_code == 200 else answer.status_code


def test_one_id_is_a_model_of_each(clients, publish):
    for tenant in FACTORS:
        assert predicted(clients[tenant]) == 404
        assert publish(tenant).version == 1
    # Within the moment for which a process takes a version for the current one, so that it is asked by what is cached.
    for _ in range(20):
        assert {tenant: predicted(client) for tenant, client in clients.items()} == FACTORS
    assert clients["acme"].delete("/models/p").status_code == 204
    assert clients["acme"].get("/models").json == {}
    assert {tenant: predicted(client) for tenant, client in clients.items()} == FACTORS | {"acme": 404}
    assert publish("acme").version == 2
    assert {tenant: predicted(client) for tenant, client in clients.items()} == FACTORS


def test_threads_that_serve_one_tenant_after_another_mix_nothing_up(clients, publish):
    for tenant in FACTORS:
        publish(tenant)
    wrong = []

    def ask():
        app = clients["acme"].application
        for tenant in list(FACTORS) * 15:
            client = app.test_client()
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {tenants.KEYS[tenant]}"
            if (found := predicted(client)) != FACTORS[tenant]:
                wrong.append((tenant, found))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []


def test_a_thread_that_served_a_tenant_serves_a_stranger_nothing(clients, publish):
    publish("acme")
    assert predicted(clients["acme"]) == 2.0
    # What runs on this thread after the answer is no tenant's.
    assert caller.current() is caller.LOCAL
    del clients["acme"].environ_base["HTTP_AUTHORIZATION"]
    assert predicted(clients["acme"]) == 401
    assert clients["acme"].get("/models").status_code == 401


def test_keys_of_the_default_namespace_are_those_of_before(publish, client_of_redis):
    publish("default")
    assert {key.decode() for key in client_of_redis.scan_iter()} == {
        "automl:models", "automl:latest", "automl:model:p", "automl:records:p", "automl:scores:p",
        "automl:artifact:p:1", "automl:report:p:1", "automl:published:job 0",
    }  # fmt: skip


def test_what_one_tenant_publishes_is_under_its_own_keys_alone(publish, client_of_redis):
    publish("acme")
    assert all(key.startswith(b"automl:~acme:") for key in client_of_redis.scan_iter())


@pytest.mark.parametrize(("whose", "place"), [("acme", "beta"), ("default", "beta"), ("acme", "default")])
def test_bytes_of_one_tenant_do_not_load_in_the_place_of_anothers(clients, publish, client_of_redis, whose, place):
    publish(whose)
    publish(place)
    own, other = Keys(whose), Keys(place)
    client_of_redis.copy(own.artifact("p", 1), other.artifact("p", 1), replace=True)
    digest = client_of_redis.hget(own.model("p"), "1")
    client_of_redis.hset(other.model("p"), "1", digest)
    with pytest.raises(ArtifactRejected):
        ModelStore(client_of_redis, SECRET, place).artifact("p", 1)
    assert predicted(clients[place]) == 503
    assert predicted(clients[whose]) == FACTORS[whose]


def test_a_repeated_request_of_another_tenant_is_a_job_of_its_own(clients):
    jobs = {}
    for tenant, client in clients.items():
        headers = {"Prefer": "respond-async", "Idempotency-Key": "monday"}
        first, again = (
            client.post("/train_pipeline", data=tenants.training("p"), headers=headers).json["jobId"] for _ in range(2)
        )
        assert first == again
        jobs[tenant] = first
    assert len(set(jobs.values())) == 3
    for tenant, client in clients.items():
        assert [job["jobId"] for job in client.get("/jobs").json] == [jobs[tenant]]


def test_deleting_a_model_ends_the_trainings_of_its_tenant_alone(clients, publish):
    jobs = {}
    for tenant, client in clients.items():
        publish(tenant)
        answer = client.post("/train_pipeline", data=tenants.training("p"), headers={"Prefer": "respond-async"})
        jobs[tenant] = answer.headers["Location"]
    assert clients["acme"].delete("/models/p").status_code == 204
    states = {tenant: client.get(jobs[tenant]).json["state"] for tenant, client in clients.items()}
    assert states == {"acme": "cancelled", "beta": "queued", "default": "queued"}


def test_a_job_of_before_there_were_namespaces_is_of_the_default_one(clients, client_of_redis):
    answer = clients["default"].post("/train_pipeline", data=tenants.training("p"), headers={"Prefer": "respond-async"})
    job_id = answer.json["jobId"]
    client_of_redis.hdel(f"automl:job:{job_id}", "namespace", "key_id")
    records = JobRecords(client_of_redis, SECRET, 1)
    assert records.get(job_id).namespace == "default"
    assert records.of("default").get(job_id).state is JobState.QUEUED
    with pytest.raises(JobNotFound):
        records.of("acme").get(job_id)
    assert clients["default"].get(f"/jobs/{job_id}").status_code == 200


def batch(client, **named):
    """Ask for a batch prediction of a file that is named."""
    body = json.dumps({"pipeline_id": "p", **named})
    return client.post("/batch_predictions", data=body, headers={"Content-Type": "application/json"})


def test_a_tenant_names_files_in_its_own_folder_alone(clients, publish, allowed):
    for tenant in FACTORS:
        publish(tenant)
    at = f"file://{allowed}"
    own = {"acme": f"{at}/~acme/", "beta": f"{at}/~beta/", "default": f"{at}/"}
    for tenant, client in clients.items():
        for whose, folder in own.items():
            wanted = 202 if whose == tenant else 422
            name = f"{folder}rows.csv"
            (allowed / name.removeprefix(f"{at}/")).write_text("a,b\n1,0.25\n")
            asked = batch(client, source=name)
            assert asked.status_code == wanted, (tenant, whose, asked.text)
            result = batch(client, source=f"{own[tenant]}rows.csv", destination=f"{folder}result-{tenant}.csv")
            assert result.status_code == wanted, (tenant, whose, result.text)
    for tenant, client in clients.items():
        # Nor by another way to the same folder, nor in one that lies deeper.
        for path in ("deep/~acme/rows.csv", "~acme/../~beta/rows.csv", "./~acme/rows.csv", "~acme//rows.csv"):
            assert batch(client, source=f"{at}/{path}").status_code == 422, (tenant, path)


def test_a_worker_keeps_to_the_folder_of_the_job_it_does(clients, publish, allowed, redis_url, tmp_path):
    variables = tenants.environment(redis_url, SECRET, tmp_path, BATCH_ALLOWED_URLS=f"file://{allowed}")
    for tenant in ("acme", "beta"):
        publish(tenant)
    at, ended = f"file://{allowed}", {}
    # What leads into the folder of another is found when it is opened.
    (allowed / "~beta" / "rows.csv").symlink_to(allowed / "~acme" / "rows.csv")
    for tenant in ("acme", "beta"):
        client = clients[tenant]
        answer = batch(client, source=f"{at}/~{tenant}/rows.csv", destination=f"{at}/~{tenant}/found.csv")
        tasks.predict(answer.json["jobId"], Settings.from_environment(variables))
        ended[tenant] = client.get(answer.headers["Location"]).json
    assert ended["acme"]["state"] == "finished", ended["acme"]
    value = (allowed / "~acme" / "found.csv").read_text().splitlines()[1].partition(",")[2]
    assert round(float(value), 6) == FACTORS["acme"]
    assert (ended["beta"]["state"], ended["beta"]["error"]["status"]) == ("failed", 422)
    assert not (allowed / "~beta" / "found.csv").exists()
