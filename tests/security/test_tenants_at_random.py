"""Two tenants that do anything in any order, with the same names: each finds what it did itself, and nothing else."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.pipelines.cache import FRESH
from app.store.publications import Publications
from conftest import SECRET
from tests import published
from tests.security import tenants

#: Namespaces, names of models, and what a model of each kind says of a row whose a is 1.
TENANTS, NAMES, FACTORS = ("acme", "default"), ("p", "q"), (2.0, 10.0, -6.0)

AT_ONCE = {"Prefer": "respond-async"}

who, name, factor = st.sampled_from(TENANTS), st.sampled_from(NAMES), st.sampled_from(FACTORS)


@dataclass
class Known:
    """What one tenant should find."""

    versions: dict = field(default_factory=dict)
    current: dict = field(default_factory=dict)
    latest: dict = field(default_factory=dict)
    jobs: dict = field(default_factory=dict)
    keys: dict = field(default_factory=dict)


class Tenants(RuleBasedStateMachine):
    """Requests of both, and what each should be told."""

    def __init__(self, clients, redis, versions):
        super().__init__()
        redis.flushall()
        # What a process took for current in the run before is so no longer.
        time.sleep(FRESH)
        self.clients, self.redis, self.versions = clients, redis, versions
        self.known = {tenant: Known() for tenant in TENANTS}
        self.numbers = itertools.count()

    @rule(tenant=who, name=name, factor=factor)
    def publish(self, tenant, name, factor):
        version = self.versions[name, factor]
        record = replace(version.record, job_id=f"job-{next(self.numbers)}")
        found = Publications(self.redis, SECRET, tenant).publish(replace(version, record=record))
        time.sleep(FRESH)
        mine = self.known[tenant]
        mine.latest[name] = mine.latest.get(name, 0) + 1
        assert found.version == mine.latest[name]
        mine.versions.setdefault(name, {})[found.version] = factor
        mine.current[name] = found.version

    @rule(tenant=who, name=name)
    def predict(self, tenant, name):
        body = json.dumps({"pipeline_id": name, "data": [{"a": 1.0, "b": 0.25}]})
        answer = self.ask(tenant, "POST", "/serve_prediction", data=body, headers={"Content-Type": "application/json"})
        mine = self.known[tenant]
        if name not in mine.current:
            assert answer.status_code == 404
        else:
            assert round(answer.json["prediction"]["0"], 6) == mine.versions[name][mine.current[name]]

    @rule(tenant=who, name=name, number=st.integers(1, 4))
    def promote(self, tenant, name, number):
        answer = self.ask(tenant, "PUT", f"/models/{name}/current", json={"version": number})
        known = number in self.known[tenant].versions.get(name, {})
        assert answer.status_code == (200 if known else 404)
        if known:
            self.known[tenant].current[name] = number

    @rule(tenant=who, name=name)
    def delete(self, tenant, name):
        mine = self.known[tenant]
        answer = self.ask(tenant, "DELETE", f"/models/{name}")
        assert answer.status_code == (204 if name in mine.versions else 404)
        if mine.versions.pop(name, None):
            del mine.current[name]
            mine.jobs |= {job: (of, "cancelled") for job, (of, _) in mine.jobs.items() if of == name}

    @rule(tenant=who, name=name, number=st.integers(1, 4))
    def delete_version(self, tenant, name, number):
        mine = self.known[tenant]
        status = self.ask(tenant, "DELETE", f"/models/{name}/versions/{number}").status_code
        if number not in mine.versions.get(name, {}):
            assert status == 404
        elif mine.current[name] == number:
            assert status == 409
        else:
            assert status == 204
            del mine.versions[name][number]

    @rule(tenant=who, name=name, key=st.sampled_from([None, "monday"]))
    def train(self, tenant, name, key):
        mine = self.known[tenant]
        headers = AT_ONCE | ({} if key is None else {"Idempotency-Key": key})
        answer = self.ask(tenant, "POST", "/train_pipeline", data=tenants.training(name), headers=headers)
        of, earlier = mine.keys.get(key, (name, None))
        if of != name:
            assert answer.status_code == 422
            return
        if earlier is not None and mine.jobs[earlier][1] == "cancelled":
            # The repeated request is told how its job ended.
            assert answer.status_code == 409
            return
        assert answer.status_code == 202
        job = answer.json["jobId"]
        assert earlier in (None, job)
        mine.jobs.setdefault(job, (name, "queued"))
        if key is not None:
            mine.keys[key] = name, job

    @rule(tenant=who, data=st.data())
    def cancel(self, tenant, data):
        every = [(whose, job) for whose in TENANTS for job in self.known[whose].jobs]
        if not every:
            return
        whose, job = data.draw(st.sampled_from(every))
        status = self.ask(tenant, "DELETE", f"/jobs/{job}").status_code
        if whose != tenant:
            assert status == 404
            return
        name, state = self.known[tenant].jobs[job]
        assert status == (202 if state == "queued" else 409)
        self.known[tenant].jobs[job] = name, "cancelled"

    @invariant()
    def each_finds_its_own(self):
        for tenant, mine in self.known.items():
            assert self.ask(tenant, "GET", "/models").json.keys() == mine.versions.keys()
            for name in NAMES:
                found = self.ask(tenant, "GET", f"/models/{name}/versions")
                assert ({one["version"] for one in found.json["versions"]} if found.status_code == 200 else set()) == (
                    mine.versions.get(name, {}).keys()
                )
            jobs = {one["jobId"]: (one["modelId"], one["state"]) for one in self.ask(tenant, "GET", "/jobs").json}
            assert jobs == mine.jobs

    def ask(self, tenant, method, path, **options):
        """Send a request of a tenant."""
        return self.clients[tenant].open(path, method=method, **options)


@pytest.fixture(scope="module")
def versions():
    """{(name, factor): a version}."""
    from sklearn.linear_model import LinearRegression

    found = {}
    for name, factor in itertools.product(NAMES, FACTORS):
        rows = published.numbers(None)
        rows = rows.assign(label=rows["label"] / 2 * factor)
        found[name, factor] = published.version(name, rows, "label", LinearRegression())
    return found


@pytest.mark.parametrize("examples", [8, pytest.param(80, marks=pytest.mark.nightly)])
def test_two_tenants_never_meet(redis_url, client_of_redis, tmp_path, versions, examples):
    clients = tenants.clients(tenants.environment(redis_url, SECRET, tmp_path))
    run_state_machine_as_test(
        lambda: Tenants(clients, client_of_redis, versions),
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            # A shorter way to the same failure would take minutes to find.
            phases=[Phase.generate],
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
