"""Explanations as jobs, and those that a training makes at its end."""

import json
from types import SimpleNamespace

import pytest
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from app.errors import ModelNotFound
from app.jobs import tasks
from app.jobs.job import JobKind, JobState, Stop
from app.payloads.explaining import ExplainParameters, check_explaining
from app.payloads.uploads import Upload
from tests.house import table

ROWS = json.loads(table(3).drop(columns=["kind", "size"]).to_json(orient="records"))


@pytest.fixture
def worked(redis_url, settings, monkeypatch):
    """Return what a worker would do with a job."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("SIGNING_SECRET", settings.signing_secret)
    return SimpleNamespace(
        train=lambda job_id: tasks.train(job_id, settings), explain=lambda job_id: tasks.explain(job_id, settings)
    )


@pytest.fixture
def trained(queue, training, worked):
    """Return a function that trains the next version of a pipeline."""

    def make(**explain):
        tables = training()
        if explain:
            changed = tables.parameters.model_validate({**tables.parameters.model_dump(), "explain": explain})
            tables = tables.__class__(changed, tables.task, tables.frame, tables.labels)
        job = queue.submit(tables)
        worked.train(job.job_id)
        assert queue.get(job.job_id).state is JobState.FINISHED, queue.get(job.job_id).error

    return make


def asked(method="lime", **parameters):
    return check_explaining({"pipeline_id": "p", "method": method, **parameters})


def test_an_explanation_that_was_submitted_waits_for_the_version_that_it_asked_about(
    queue, trained, records, client_of_redis
):
    trained()
    job = queue.submit_explanation(asked(num_samples=50), Upload("data", value=ROWS))
    assert (job.kind, job.model, job.state) == (JobKind.EXPLANATION, "lime", JobState.QUEUED)
    assert job.as_json()["kind"] == "explanation"
    told = RqJob.fetch(job.job_id, connection=client_of_redis, serializer=JSONSerializer)
    assert (told.func_name, told.args) == ("app.jobs.tasks.explain", [job.job_id])
    stored = records.stored_input(job.job_id)
    assert ExplainParameters.from_bytes(stored) == asked(num_samples=50, version=1)


@pytest.mark.parametrize(
    "upload",
    [
        Upload("data", value=[{"a": 1.5, "b": None}]),
        Upload("raw_data", b"a,b\n1,2\n", "text/csv", "rows.csv"),
        Upload("raw_data", bytes(range(256)), "", "pictures.zip"),
    ],
)
def test_an_upload_is_the_same_to_the_worker(upload):
    assert Upload.from_bytes(upload.to_bytes()) == upload


def test_a_job_explains_as_the_route_does(queue, trained, worked):
    trained()
    job = queue.submit_explanation(asked(num_samples=50), Upload("data", value=ROWS))
    trained()
    worked.explain(job.job_id)
    ended = queue.get(job.job_id)
    assert ended.state is JobState.FINISHED, ended.error
    assert (ended.result["version"], ended.result["method"]) == (1, "lime")
    assert [one["id"] for one in ended.result["explanations"]] == [0, 1, 2]
    assert ended.progress["stage"] == "explaining"


def test_an_explanation_needs_no_rows_where_its_method_does_not(queue, trained, worked):
    trained()
    job = queue.submit_explanation(asked("sp_lime", num_samples=50, sample_size=3), None)
    worked.explain(job.job_id)
    assert queue.get(job.job_id).result["overall"][0]["rows"] == 3


def test_an_explanation_of_a_model_that_is_deleted_meanwhile_says_so(queue, trained, worked, store):
    trained()
    job = queue.submit_explanation(asked(), Upload("data", value=ROWS))
    store.delete("p")
    worked.explain(job.job_id)
    ended = queue.get(job.job_id)
    assert (ended.state, ended.error["status"]) == (JobState.FAILED, 404)


def test_an_explanation_of_no_model_is_not_queued(queue, client_of_redis):
    before = client_of_redis.dbsize()
    with pytest.raises(ModelNotFound):
        queue.submit_explanation(asked(), Upload("data", value=ROWS))
    assert client_of_redis.dbsize() == before


def test_an_explanation_that_was_stopped_says_that_it_was_one(queue, trained, records, publications, settings):
    trained()
    job = queue.submit_explanation(asked(), Upload("data", value=ROWS))
    records.ask_to_stop(job.job_id, Stop.MEMORY)
    tasks.settle(records.get(job.job_id), publications, records, settings)
    assert queue.get(job.job_id).error["detail"].startswith("The explanation was stopped at its limit")


def test_a_training_explains_some_of_the_rows_that_it_held_out(trained, store):
    trained(rows=3, method="lime", num_samples=50)
    kept = store.explanations("p", 1)
    assert [one["id"] for one in kept["explanations"]] == store.report("p", 1)["held_out"][:3]
    assert (kept["method"], kept["num_samples"]) == ("lime", 50)


def test_a_training_may_explain_nothing(trained, store):
    trained(rows=0)
    assert store.explanations("p", 1) is None


def test_a_method_that_does_not_fit_costs_no_model(trained, store):
    trained(rows=3, method="grad_cam")
    assert store.explanations("p", 1) is None
    assert store.current("p") == 1


def test_a_training_whose_model_is_served_has_finished_whatever_becomes_of_its_explanations(
    queue, training, store, settings
):
    """A disk that is full, say: here there is no room in the cache of pipelines, as its size is no number."""
    job = queue.submit(training())
    tasks.train(job.job_id, settings.model_copy(update={"model_cache_mb": None}))
    ended = queue.get(job.job_id)
    assert (ended.state, ended.result["version"]) == (JobState.FINISHED, 1)
    assert store.explanations("p", 1) is None


def test_explanations_go_with_their_version(trained, store):
    trained()
    trained()
    assert store.explanations("p", 1) is not None
    store.delete_version("p", 1)
    assert store.explanations("p", 1) is None
    store.delete("p")
    assert store.explanations("p", 2) is None


def test_explanations_of_a_version_that_is_gone_are_not_kept(trained, store, publications):
    trained(rows=0)
    record = store.record("p")
    store.delete("p")
    publications.keep_explanations(record, {"explanations": []})
    assert store.explanations("p", 1) is None
