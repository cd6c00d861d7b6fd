"""Jobs as the web process sees them, while no worker runs."""

import threading
from dataclasses import replace
from itertools import pairwise

import pandas as pd
import pytest
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from app.errors import (
    Busy,
    InvalidParameters,
    JobEnded,
    JobNotFound,
    JobRefused,
    KeyReused,
    ModelNotFound,
    RowGone,
    RowNotFound,
    StoreUnavailable,
    VersionNotFound,
)
from app.jobs import tasks
from app.jobs.job import JobState, Stop
from app.jobs.queue import JobQueue
from app.pipelines import leaderboard
from app.pipelines.base import Trial
from app.store.connection import connect
from app.store.record import Version
from tests.wire import Wire


@pytest.fixture
def worked(redis_url, settings, monkeypatch):
    """Return a function that does here what a worker would do with a job."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("SIGNING_SECRET", settings.signing_secret)
    return lambda job_id: tasks.train(job_id, settings)


def contents(client):
    """Return all that Redis holds."""
    return {key: client.dump(key) for key in client.scan_iter()}


def test_a_training_that_was_submitted_waits(queue, training, settings):
    job = queue.submit(training(pipeline_id=7))
    assert (job.state, job.pipeline_id, job.model) == (JobState.QUEUED, 7, "sklearn.tree.DecisionTreeClassifier")
    assert (job.seconds, job.memory_mb) == (settings.train_seconds, settings.train_memory_mb)
    assert (job.attempts, job.started, job.ended, job.result, job.error) == (0, None, None, None, None)
    assert queue.get(job.job_id) == job
    assert [one.job_id for one in queue.recent()] == [job.job_id]
    assert job.as_json()["progress"] == {"seconds_left": None}


def test_what_a_worker_is_told_is_a_function_by_name_and_an_id_in_json(queue, training, client_of_redis):
    job = queue.submit(training())
    told = RqJob.fetch(job.job_id, connection=client_of_redis, serializer=JSONSerializer)
    assert (told.func_name, told.args, told.kwargs) == ("app.jobs.tasks.train", [job.job_id], {})
    assert told.timeout > job.seconds


def test_the_input_is_kept_as_it_was_sent(queue, records, training):
    sent = training(n_rows=50)
    kept = records.input(queue.submit(sent).job_id)
    pd.testing.assert_frame_equal(kept.frame, sent.frame)
    assert (kept.parameters, kept.task, kept.labels) == (sent.parameters, sent.task, None)


def test_recent_jobs_are_the_newest_first(queue, training):
    ids = [queue.submit(training()).job_id for _ in range(3)]
    assert [job.job_id for job in queue.recent()] == ids[::-1]


def test_the_list_of_jobs_tells_of_the_lost_and_lets_go_of_their_data(queue, records, training, client_of_redis):
    lost, waiting = queue.submit(training()), queue.submit(training())
    records.start(lost.job_id)
    RqJob.fetch(lost.job_id, connection=client_of_redis, serializer=JSONSerializer).delete()
    assert [job.state for job in queue.recent()] == [JobState.QUEUED, JobState.FAILED]
    assert records.input(lost.job_id) is None
    assert records.input(waiting.job_id) is not None


def test_the_same_key_with_the_same_upload_is_the_same_job(queue, training, client_of_redis):
    first = queue.submit(training(), "key")
    before = contents(client_of_redis)
    assert queue.submit(training(), "key") == first
    assert contents(client_of_redis) == before
    assert queue.submit(training(), "another key").job_id != first.job_id
    assert queue.submit(training()).job_id != first.job_id


@pytest.mark.parametrize("change", [{"n_rows": 41}, {"pipeline_id": "q"}, {"max_depth": 3}], ids=str)
def test_the_same_key_with_another_upload_is_refused(queue, training, client_of_redis, change):
    queue.submit(training(), "key")
    before = contents(client_of_redis)
    with pytest.raises(KeyReused):
        queue.submit(training(**change), "key")
    assert contents(client_of_redis) == before


@pytest.fixture
def together(redis_url, records, store, publications):
    """Return a function that submits a training from eight threads at once, each with a connection of its own.

    It returns the ids of the jobs, and None for each that was refused.
    """

    def submit_all(settings, training, key=None):
        found, start = [], threading.Barrier(8)

        def submit():
            queue = JobQueue(connect(redis_url), records, store, publications, settings)
            start.wait()
            try:
                found.append(queue.submit(training, key).job_id)
            except Busy:
                found.append(None)

        threads = [threading.Thread(target=submit) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(found) == 8
        return found

    return submit_all


def test_of_many_threads_with_one_key_one_submits(together, settings, training, client_of_redis):
    assert len(set(together(settings, training(), "key"))) == 1
    assert client_of_redis.llen("rq:queue:training") == 1


def test_of_many_threads_no_more_submit_than_there_are_places(together, settings, training, client_of_redis):
    found = together(settings.model_copy(update={"max_queued_jobs": 3}), training())
    accepted = [job_id for job_id in found if job_id]
    assert len(set(accepted)) == len(accepted) == 3
    assert client_of_redis.llen("rq:queue:training") == 3


@pytest.mark.parametrize("key", [None, "key"])
def test_a_training_whose_acceptance_is_lost_on_the_wire_waits_once(
    redis_url, short_folder, records, store, publications, settings, training, client_of_redis, key
):
    with Wire(redis_url, short_folder, lose="EXEC") as wire:
        queue = JobQueue(connect(wire.url), records, store, publications, settings)
        job = queue.submit(training(), key)
    assert client_of_redis.lrange("rq:queue:training", 0, -1) == [job.job_id.encode()]
    assert [one.job_id for one in queue.recent()] == [job.job_id]
    lasts = max(client_of_redis.ttl(name) for name in client_of_redis.keys("automl:idempotency:*"))
    assert 24 * 3600 - 600 < lasts <= 24 * 3600


def test_a_full_queue_refuses_and_stores_nothing(client_of_redis, records, store, publications, settings, training):
    queue = JobQueue(client_of_redis, records, store, publications, settings.model_copy(update={"max_queued_jobs": 2}))
    first, _ = (queue.submit(training(), key) for key in ("a", "b"))
    before = contents(client_of_redis)
    with pytest.raises(Busy):
        queue.submit(training())
    assert contents(client_of_redis) == before
    assert queue.submit(training(), "a") == first
    queue.cancel(first.job_id, keep=False)
    assert queue.submit(training()).state is JobState.QUEUED


@pytest.mark.parametrize(("name", "most"), [("seconds", "max_train_seconds"), ("memory_mb", "train_memory_mb")])
def test_a_limit_above_the_services_own_is_refused(queue, training, settings, client_of_redis, name, most):
    bound = getattr(settings, most)
    assert getattr(queue.submit(training(limits={name: bound})), name) == bound
    before = contents(client_of_redis)
    with pytest.raises(InvalidParameters) as refused:
        queue.submit(training(limits={name: bound + 1}))
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.detail) == (f"/params/limits/{name}", f"must be at most {bound}")
    assert contents(client_of_redis) == before


@pytest.mark.parametrize("keep", [False, True])
def test_a_queued_job_that_is_cancelled_ends_at_once(queue, records, store, training, client_of_redis, keep):
    job = queue.submit(training())
    cancelled = queue.cancel(job.job_id, keep)
    assert (cancelled.state, cancelled.result) == (JobState.CANCELLED, None)
    assert cancelled.stop is (Stop.CANCEL_KEEP if keep else Stop.CANCEL)
    assert cancelled.error["status"] == 409
    assert cancelled.ended >= cancelled.created
    assert client_of_redis.llen("rq:queue:training") == 0
    assert records.input(job.job_id) is None
    assert store.models() == []
    with pytest.raises(JobEnded):
        queue.cancel(job.job_id, keep)


def test_a_cancelled_job_that_a_worker_took_all_the_same_is_not_trained(queue, records, store, training, worked):
    job = queue.submit(training())
    records.ask_to_stop(job.job_id, Stop.CANCEL)
    worked(job.job_id)
    assert queue.get(job.job_id).state is JobState.CANCELLED
    assert store.models() == []


def test_a_job_that_ran_has_its_result_and_keeps_its_data_as_long_as_it_is_remembered(
    queue, records, store, training, worked, client_of_redis
):
    job = queue.submit(training())
    worked(job.job_id)
    ended = queue.get(job.job_id)
    assert (ended.state, ended.attempts, ended.error) == (JobState.FINISHED, 1, None)
    assert ended.result == store.record("p").result
    assert ended.started >= ended.created
    remembered = client_of_redis.ttl(f"automl:job:{job.job_id}")
    for name in ("input", "rows"):
        assert 0 < client_of_redis.ttl(f"automl:job:{job.job_id}:{name}") <= remembered
    with pytest.raises(JobEnded):
        queue.cancel(job.job_id, keep=True)


def test_a_row_of_a_leaderboard_is_trained_on_the_same_data_as_a_version_of_its_own(queue, store, training, worked):
    job = queue.submit(training())
    worked(job.job_id)
    rows = store.report("p", 1)["leaderboard"]
    assert [(row["rank"], row["row"], row["error"]) for row in rows] == [(1, 1, None)]
    promoted = queue.promote_row("p", 1, 1)
    assert (promoted.origin, promoted.row) == (job.job_id, "sklearn.tree.DecisionTreeClassifier")
    worked(promoted.job_id)
    assert queue.get(promoted.job_id).state is JobState.FINISHED
    first, second = store.record("p", 1), store.record("p", 2)
    assert (second.metrics, second.holdout) == (first.metrics, first.holdout)
    assert (second.result["modelType"], store.current("p")) == (first.result["modelType"], 2)


def test_a_row_that_is_not_there_cannot_be_promoted(queue, training, worked):
    job = queue.submit(training())
    worked(job.job_id)
    with pytest.raises(RowNotFound):
        queue.promote_row("p", 1, 2)
    with pytest.raises(VersionNotFound):
        queue.promote_row("p", 2, 1)
    with pytest.raises(ModelNotFound):
        queue.promote_row("q", 1, 1)


@pytest.mark.parametrize("gone", ["", ":input", ":rows"])
def test_a_row_whose_data_is_forgotten_says_so(queue, training, worked, client_of_redis, gone):
    job = queue.submit(training())
    worked(job.job_id)
    client_of_redis.delete(f"automl:job:{job.job_id}{gone}")
    with pytest.raises(RowGone, match="Train again"):
        queue.promote_row("p", 1, 1)


def test_a_job_that_has_published_does_not_train_again(queue, store, training, worked, client_of_redis):
    job = queue.submit(training())
    worked(job.job_id)
    # As when its process died before it could say so.
    client_of_redis.hset(f"automl:job:{job.job_id}", "state", "running")
    worked(job.job_id)
    assert [record.version for record in store.versions("p")] == [1]
    ended = queue.get(job.job_id)
    assert (ended.state, ended.attempts) == (JobState.FINISHED, 1)


@pytest.mark.parametrize("stop", [None, *Stop])
def test_a_job_that_has_published_its_end_has_finished_whatever_stopped_it_then(
    queue, records, publications, training, worked, client_of_redis, stop, settings
):
    job = queue.submit(training())
    worked(job.job_id)
    client_of_redis.hset(f"automl:job:{job.job_id}", "state", "running")
    if stop is not None:
        records.ask_to_stop(job.job_id, stop)
    tasks.settle(records.get(job.job_id), publications, records, settings)
    ended = queue.get(job.job_id)
    assert (ended.state, ended.error, ended.result["version"]) == (JobState.FINISHED, None, 1)


@pytest.mark.parametrize(
    ("stop", "state", "stopped"),
    [
        (Stop.TIME, JobState.FINISHED, "time limit"),
        (Stop.MEMORY, JobState.FINISHED, "memory limit"),
        (None, JobState.FINISHED, "worker lost"),
        (Stop.CANCEL_KEEP, JobState.CANCELLED, "cancelled, keeping the best"),
    ],
)
def test_a_training_that_was_ended_with_a_model_to_keep_has_a_result_and_no_error(
    queue, records, store, publications, training, worked, stop, state, stopped, settings
):
    worked(queue.submit(training()).job_id)
    job = queue.submit(training(pipeline_id="other"))
    record = store.record("p")
    kept = replace(record, pipeline_id="other", job_id=job.job_id, provisional=True, engine="baseline")
    publications.publish(Version(kept, store.artifact("p", 1), {}))
    if stop is not None:
        records.ask_to_stop(job.job_id, stop)
    tasks.settle(records.get(job.job_id), publications, records, settings)
    ended = queue.get(job.job_id)
    assert (ended.state, ended.error) == (state, None)
    assert ended.result["stopped"] == stopped
    assert "the baseline, a linear model" in ended.result["note"]


@pytest.mark.parametrize(
    ("metric", "order"), [("roc_auc", ["late", "first", "part", "bad"]), ("rmse", ["first", "late", "part", "bad"])]
)
def test_a_training_that_was_ended_keeps_all_that_it_had_tried_and_each_row_can_be_promoted(
    queue, records, store, publications, training, worked, settings, metric, order
):
    first = queue.submit(training())
    worked(first.job_id)
    job = queue.submit(training(pipeline_id="other"))
    tree = replace(leaderboard.from_artifact(records.rows(first.job_id)[0]), engine="portfolio")
    trials = [
        replace(tree, name="first", score=0.8),
        replace(tree, name="bad", score=None, error="refused"),
        replace(tree, name="late", score=0.9),
        replace(tree, name="part", score=0.95, details={"partial": True}),
    ]
    for trial in trials:
        records.add_row(job.job_id, trial.name, leaderboard.to_artifact(trial))
    record = store.record("p")
    result = record.result | {"metric": metric}
    kept = replace(record, pipeline_id="other", job_id=job.job_id, provisional=True, result=result)
    known = [{"rank": 1, "row": 1, **leaderboard.told(trials[0]), "served": True}]
    publications.publish(Version(kept, store.artifact("p", 1), {"leaderboard": known, "code": "kept"}))
    records.ask_to_stop(job.job_id, Stop.CANCEL_KEEP)
    tasks.settle(records.get(job.job_id), publications, records, settings)
    report = store.report("other", 1)
    board = report["leaderboard"]
    assert ([row["name"] for row in board], [row["rank"] for row in board]) == (order, [1, 2, 3, 4])
    assert {row["name"]: row["row"] for row in board} == {"first": 1, "bad": 2, "late": 3, "part": 4}
    assert ([row["name"] for row in board if row["served"]], report["code"]) == (["first"], "kept")
    assert {tuple(row) for row in store.report("p", 1)["leaderboard"]} == {tuple(row) for row in board}
    promoted = queue.promote_row("other", 1, 3)
    worked(promoted.job_id)
    assert queue.get(promoted.job_id).state is JobState.FINISHED
    assert (store.record("other", 2).result["metric"], store.current("other")) == ("roc_auc", 2)


def test_a_row_that_was_changed_in_the_store_does_not_keep_a_training_from_its_end(
    queue, records, publications, training, settings, client_of_redis
):
    job = queue.submit(training())
    tree = Pipeline([("model", DecisionTreeClassifier())])
    for name in ("one", "two"):
        records.add_row(job.job_id, name, leaderboard.to_artifact(Trial(name, "portfolio", tree, 0.5)))
    key = f"automl:job:{job.job_id}:rows"
    changed = client_of_redis.hkeys(key)[0]
    client_of_redis.hset(key, changed, client_of_redis.hget(key, changed)[:-1] + b"x")
    assert len(records.manifests(job.job_id)) == 1
    records.ask_to_stop(job.job_id, Stop.TIME)
    tasks.settle(records.get(job.job_id), publications, records, settings)
    assert queue.get(job.job_id).state is JobState.TIMED_OUT


def test_of_a_training_that_failed_the_parameters_are_kept_and_nothing_of_the_data(
    queue, records, publications, training, settings, worked, client_of_redis
):
    job = queue.submit(training(max_depth=3))
    records.ask_to_stop(job.job_id, Stop.CANCEL)
    tasks.settle(records.get(job.job_id), publications, records, settings)
    assert list(records.stored_input(job.job_id)) == ["parameters"]
    assert records.input(job.job_id) is None
    assert queue.parameters(job.job_id)["model_training"]["model_args"] == {"max_depth": 3}
    client_of_redis.hset(f"automl:job:{job.job_id}:input", "parameters", b"{}")
    with pytest.raises(JobRefused):
        queue.parameters(job.job_id)
    with pytest.raises(JobNotFound):
        queue.parameters("none")


@pytest.mark.parametrize("stop", list(Stop))
def test_a_training_that_was_ended_without_a_model_says_why(queue, records, publications, training, stop, settings):
    job = queue.submit(training())
    records.ask_to_stop(job.job_id, stop)
    tasks.settle(records.get(job.job_id), publications, records, settings)
    ended = queue.get(job.job_id)
    assert ended.result is None
    assert ended.error["detail"]
    assert ("before it had a model to keep" in ended.error["detail"]) == (stop is Stop.CANCEL_KEEP)


@pytest.mark.parametrize("model", ["sklearn.tree.DecisionTreeClassifier", "sklearn.linear_model.GammaRegressor"])
def test_a_job_that_has_ended_well_or_badly_is_not_begun_again(queue, training, worked, client_of_redis, model):
    job = queue.submit(training(model))
    worked(job.job_id)
    before = contents(client_of_redis)
    worked(job.job_id)
    assert contents(client_of_redis) == before


def test_a_job_that_is_forgotten_is_not_begun(queue, training, worked, client_of_redis):
    job = queue.submit(training())
    client_of_redis.delete(f"automl:job:{job.job_id}")
    before = contents(client_of_redis)
    worked(job.job_id)
    assert contents(client_of_redis) == before


def test_a_job_whose_data_is_gone_says_so(queue, training, worked, client_of_redis):
    job = queue.submit(training())
    client_of_redis.delete(f"automl:job:{job.job_id}:input")
    worked(job.job_id)
    ended = queue.get(job.job_id)
    assert ended.state is JobState.FAILED
    assert "Send it again" in ended.error["detail"]


def test_waiting_ends_with_the_job_or_with_patience(queue, training, worked):
    job = queue.submit(training())
    assert queue.wait(job.job_id, 0).state is JobState.QUEUED
    thread = threading.Thread(target=worked, args=(job.job_id,))
    thread.start()
    assert queue.wait(job.job_id, 60).state is JobState.FINISHED
    thread.join(30)


def test_events_end_with_the_final_state_and_tell_no_state_twice(queue, training, worked):
    job = queue.submit(training())
    events = queue.events(job.job_id)
    assert next(events).state is JobState.QUEUED
    thread = threading.Thread(target=worked, args=(job.job_id,))
    thread.start()
    told = list(events)
    thread.join(30)
    assert told[-1].state is JobState.FINISHED
    assert all(before != after for before, after in pairwise(told))


def test_a_job_that_nobody_submitted_is_not_found(queue):
    for ask in (queue.get, lambda job_id: queue.cancel(job_id, False), lambda job_id: queue.wait(job_id, 0)):
        with pytest.raises(JobNotFound):
            ask("nobody")


def test_without_redis_nothing_is_accepted(records, store, publications, settings, training, tmp_path):
    nowhere = connect(f"unix://{tmp_path}/nothing.sock")
    queue = JobQueue(nowhere, records, store, publications, settings)
    with pytest.raises(StoreUnavailable):
        queue.submit(training())


def test_the_trainings_of_a_model_that_is_deleted_are_cancelled_and_no_others(queue, training):
    jobs = {name: queue.submit(training(pipeline_id=name)) for name in ("gone", "stays", 7)}
    ended = queue.cancel(jobs["stays"].job_id, keep=False)
    again = queue.submit(training(pipeline_id="stays"))
    queue.cancel_all("gone")
    queue.cancel_all("7")
    queue.cancel_all("nothing")
    states = {name: queue.get(job.job_id).state for name, job in jobs.items()}
    assert states == dict.fromkeys(jobs, JobState.CANCELLED)
    assert queue.get(ended.job_id) == ended
    assert queue.get(again.job_id).state is JobState.QUEUED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("result", b'{"mean_cv_accuracy":1.0}', id="a result"),
        pytest.param("error", b'{"title":"Ask the attacker"}', id="an error"),
        pytest.param("state", b"cancelled", id="a state"),
        pytest.param("ended", b"1.0", id="a time"),
        pytest.param("outcome", b"00", id="a signature"),
    ],
)
def test_an_end_that_nobody_of_this_service_has_written_is_told_to_nobody(
    queue, records, training, client_of_redis, field, value
):
    job, other = (queue.submit(training(pipeline_id=name)) for name in ("p", "q"))
    for one in (job, other):
        records.end(one.job_id, JobState.FINISHED, {"version": 1})
    assert queue.get(job.job_id).result == {"version": 1}
    client_of_redis.hset(f"automl:job:{job.job_id}", field, value)
    with pytest.raises(JobRefused):
        queue.get(job.job_id)
    assert [one.job_id for one in queue.recent()] == [other.job_id]


def test_the_end_of_one_job_is_not_that_of_another(queue, records, training, client_of_redis):
    good, bad = (queue.submit(training(pipeline_id=name)) for name in ("p", "q"))
    records.end(good.job_id, JobState.FINISHED, {"version": 1})
    ends = client_of_redis.hgetall(f"automl:job:{good.job_id}")
    names = (b"state", b"ended", b"result", b"outcome")
    client_of_redis.hset(f"automl:job:{bad.job_id}", mapping={name: ends[name] for name in names})
    with pytest.raises(JobRefused):
        queue.get(bad.job_id)


def test_an_end_that_was_made_up_keeps_no_job_from_its_own(queue, records, training, client_of_redis):
    job = queue.submit(training())
    made_up = {"state": b"finished", "result": b'{"mean_cv_accuracy":1.0}', "error": b"{}"}
    client_of_redis.hset(f"automl:job:{job.job_id}", mapping=made_up)
    records.end(job.job_id, JobState.FAILED)
    ended = queue.get(job.job_id)
    assert (ended.state, ended.result, ended.error) == (JobState.FAILED, None, None)
