"""Whatever stands in a path where the id of a model or a job should: nothing is found, changed or reached by it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.jobs.records import JobRecords
from app.store.connection import connect
from conftest import SECRET
from tests.security import tenants

#: What could be taken for more than an id by whoever puts a key together of it; {} is the id of a job that waits.
CRAFTED = (
    "{}:history", "{}:input", "{}:rows", "~acme:p", "~acme", "p:1", ":", "*", "?", "[a-z]*", "..", ".", "%2e%2e", "~",
    "p\x00", "p\n", "p\r\nX-A: b", "rq:job:{}", "automl:models", "latest", "current", "9" * 400, "p" * 5000, "😀",
    "{}\n", " {}", "{} ", "${}", "{{7*7}}", "<script>", "'", '"', "\\", "None", "-1", "ﬁ", "\u202e",
)  # fmt: skip


@pytest.fixture(scope="module")
def house(redis_url, tmp_path_factory):
    """An app of acme's, in which one training waits."""
    redis = connect(redis_url)
    redis.flushall()
    client = tenants.clients(tenants.environment(redis_url, SECRET, tmp_path_factory.mktemp("ids")))["acme"]
    answer = client.post("/train_pipeline", data=tenants.training("p"), headers={"Prefer": "respond-async"})
    JobRecords(redis, SECRET, 1).note(answer.json["jobId"], {"stage": "queued"})
    yield client, redis, answer.json["jobId"]
    redis.close()


def routes(client):
    """Return (method, rule) of every route with an id in it."""
    return [
        (method, rule)
        for rule in sorted(client.application.url_map.iter_rules(), key=str)
        if {"pipeline_id", "job_id"} & rule.arguments
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"})
    ]


def refused(house, method, rule, name):
    """Ask for what has such a name, and check that it is refused and leaves no trace."""
    client, redis, _ = house
    values = {argument: 1 if argument == "number" else name for argument in rule.arguments}
    before = tenants.stored(redis)
    answer = client.open(rule.build(values, append_unknown=False)[1], method=method)
    assert answer.status_code in (303, 308, 400, 404, 405, 415, 422), (method, rule.rule, name, answer.text[:300])
    assert "Traceback" not in answer.text
    assert tenants.stored(redis) == before


@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_id_reaches_nothing(house, name):
    for method, rule in routes(house[0]):
        refused(house, method, rule, name.replace("{}", house[2]) if name != "{{7*7}}" else name)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_text_as_an_id_reaches_nothing(house, data):
    method, rule = data.draw(st.sampled_from(routes(house[0])), label="route")
    refused(house, method, rule, data.draw(st.text(min_size=1, max_size=40), label="id"))
