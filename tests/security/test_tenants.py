"""Every route that names a model or a job, asked by a tenant for what is another's."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import pytest

from app.jobs import tasks
from app.settings import Settings
from app.store.connection import connect
from conftest import SECRET
from tests.forms import token_of
from tests.security import tenants

#: Ids as long as acme's own, that nothing has.
NO_MODEL, NO_JOB = "nests", "0" * 32

JSON = {"Content-Type": "application/json"}


def sent(value):
    """Return a body of JSON."""
    return {"data": json.dumps(value), "headers": JSON}


#: What a request of each endpoint brings, where it has to bring something.
BODIES = {
    "models.promote": sent({"version": 1}),
    "models.paths": sent({"data": [tenants.ROW]}),
    "invocations.predict": sent({"dataframe_records": [tenants.ROW]}),
    "v1.predict": sent({"instances": [tenants.ROW]}),
    "v1.explain": sent({"instances": [tenants.ROW]}),
    "v2.infer": sent({"inputs": tenants.INPUTS}),
    "v2.explain": sent({"inputs": tenants.INPUTS}),
    "ui_models.promote": {"data": {"version": "1"}},
    "ui_models.delete": lambda name: {"data": {"confirm": name}},
    "ui_predict.row": {"query_string": {"id": "3"}},
    "ui_predict.table": {"data": {"column.height": "1.5", "column.colour": "red"}},
}

#: What cannot be asked for again by the owner, as it changes something: it is compared with Redis instead.
CHANGES = {
    "models.delete", "models.delete_version", "models.promote", "jobs.cancel",
    "ui_models.delete", "ui_models.delete_version", "ui_models.promote", "ui_jobs.cancel",
}  # fmt: skip


@pytest.fixture(scope="module")
def house(redis_url, tmp_path_factory):
    """A service in which acme has a model, a training, an explanation and a batch prediction, and beta has nothing."""
    folder = tmp_path_factory.mktemp("tenants")
    variables = tenants.environment(redis_url, SECRET, folder)
    redis = connect(redis_url)
    redis.flushall()
    clients = tenants.clients(variables)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        jobs = {}
        at_once = {"Prefer": "respond-async"}
        work = {"training": tasks.train, "explanation": tasks.explain, "batch": tasks.predict}
        asked = {
            "training": ("/train_pipeline", tenants.training("birds")),
            "explanation": ("/explain", tenants.parts({"pipeline_id": "birds", "method": "lime"}, [tenants.ROW])),
            "batch": ("/batch_predictions", batch("birds")),
        }  # fmt: skip
        for kind, (path, data) in asked.items():
            answer = clients["acme"].post(path, data=data, headers=at_once)
            assert answer.status_code == 202, answer.text
            jobs[kind] = answer.json["jobId"]
            work[kind](jobs[kind], Settings.from_environment(variables))
            assert clients["acme"].get(f"/jobs/{jobs[kind]}").json["state"] == "finished"
        # One that still waits.
        answer = clients["acme"].post("/train_pipeline", data=tenants.training("birds"), headers=at_once)
        jobs["waiting"] = answer.json["jobId"]
    yield SimpleNamespace(clients=clients, redis=redis, jobs=jobs)
    redis.close()


def walk(app):
    """Yield (endpoint, method, rule) of every route that names a model or a job."""
    for rule in app.url_map.iter_rules():
        if {"pipeline_id", "job_id"} & rule.arguments:
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                yield rule.endpoint, method, rule


def ask(client, endpoint, method, rule, name):
    """Ask for a model or a job by its name."""
    values = {argument: 1 if argument == "number" else name for argument in rule.arguments}
    body = BODIES.get(endpoint, {}) if method != "GET" or endpoint == "ui_predict.row" else {}
    options = body(name) if callable(body) else body
    return client.open(rule.build(values, append_unknown=False)[1], method=method, **options)


def test_every_route_answers_for_what_is_anothers_as_for_what_is_not_there(house):
    beta, acme = house.clients["beta"], house.clients["acme"]
    # What a worker made of a tenant's model at the end of its training is kept with it, and is asked for below.
    assert acme.get("/models/birds/explanations").status_code == 200
    before, seen = tenants.stored(house.redis), 0
    for endpoint, method, rule in walk(beta.application):
        of_job = "job_id" in rule.arguments
        for name, nothing in [(job, NO_JOB) for job in house.jobs.values()] if of_job else [("birds", NO_MODEL)]:
            place = f"{method} {rule.rule}"
            anothers = ask(beta, endpoint, method, rule, name)
            unknown = ask(beta, endpoint, method, rule, nothing)
            assert anothers.status_code == 404, (place, anothers.text[:500])
            assert tenants.told(anothers, name) == tenants.told(unknown, nothing), place
            seen += 1
            if endpoint not in CHANGES:
                own = ask(acme, endpoint, method, rule, name)
                # Events of a job that waits have no end to read to.
                streams = own.mimetype == "text/event-stream"
                assert streams or tenants.told(own, name) != tenants.told(anothers, name), place
                own.close()
    assert seen > 60
    assert tenants.stored(house.redis) == before


def form(name, **more):
    """Return a request of a form that names a model."""
    return {"data": tenants.parts({"pipeline_id": name, **more}, [tenants.ROW])}


def straight(name):
    """Return a request that is answered without Flask, where there is such a model."""
    return sent({"pipeline_id": name, "data": [tenants.ROW]})


#: Requests that name a model in their body or query.
NAMED = {
    "a prediction of a form": lambda name: ("/serve_prediction", form(name)),
    "a prediction without Flask": lambda name: ("/serve_prediction", straight(name)),
    "a prediction by the query": lambda name: (f"/serve_prediction?pipeline_id={name}", sent([tenants.ROW])),
    "an explanation": lambda name: ("/explain", form(name, method="lime")),
    "MLflow's": lambda name: (f"/invocations?pipeline_id={name}", sent({"dataframe_records": [tenants.ROW]})),
    "a batch": lambda name: ("/batch_predictions", {"data": batch(name)}),
}


def batch(name):
    """Return the parts of a batch prediction of one row."""
    return tenants.parts({"pipeline_id": name}) | {
        "raw_data": (io.BytesIO(b"id,height,colour\n3,1.5,red\n"), "rows.csv")
    }


@pytest.mark.parametrize("request_of", NAMED.values(), ids=NAMED)
@pytest.mark.parametrize("prefer", [{}, {"Prefer": "respond-async"}], ids=["waits", "as a job"])
def test_what_names_anothers_model_is_answered_as_if_it_were_not_there(house, request_of, prefer):
    def post(client, name):
        path, options = request_of(name)
        return client.post(path, **{**options, "headers": options.get("headers", {}) | prefer})

    before = tenants.stored(house.redis)
    anothers, unknown = post(house.clients["beta"], "birds"), post(house.clients["beta"], NO_MODEL)
    assert anothers.status_code == 404, anothers.text
    assert tenants.told(anothers, "birds") == tenants.told(unknown, NO_MODEL)
    assert tenants.stored(house.redis) == before


def test_lists_and_pages_hold_nothing_of_anothers(house):
    names = ["birds", *house.jobs.values()]
    for path in ("/models", "/jobs", "/v1/models", "/", "/ui/jobs", "/metrics", "/ui/train"):
        found = {tenant: client.get(path).text for tenant, client in house.clients.items()}
        for tenant in ("beta", "default"):
            assert not [name for name in names if name in found[tenant]], (path, tenant)
        if path not in ("/metrics", "/ui/train"):
            assert any(name in found["acme"] for name in names), path
    assert house.clients["beta"].get("/models").json == {}
    assert house.clients["beta"].get("/jobs").json == []


def test_a_page_offers_no_parameters_of_anothers(house):
    for query in ("model=birds", f"job={house.jobs['training']}"):
        pages = {tenant: house.clients[tenant].get(f"/ui/train?{query}") for tenant in ("acme", "beta")}
        assert "target: label" in pages["acme"].text
        assert "target: label" not in pages["beta"].text


def test_a_browser_sees_what_the_key_that_was_typed_in_may_see(house):
    seen = {}
    for tenant, key in tenants.KEYS.items():
        browser = house.clients[tenant].application.test_client()
        assert browser.post("/ui/sign-in", data={"key": key, "csrf_token": token_of(browser)}).status_code == 303
        seen[tenant] = browser.get("/").text, browser.get("/ui/models/birds"), browser.get(f"/ui/models/{NO_MODEL}")
    assert "birds" in seen["acme"][0]
    assert seen["acme"][1].status_code == 200
    for tenant in ("beta", "default"):
        start, anothers, unknown = seen[tenant]
        assert "birds" not in start
        assert anothers.status_code == 404
        assert tenants.told(anothers, "birds") == tenants.told(unknown, NO_MODEL)
