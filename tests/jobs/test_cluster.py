"""A training of a deployment that has a Dask cluster: its features and its candidates are computed there."""

import pytest

from app.jobs import tasks
from app.jobs.job import JobState
from app.payloads.parameters import Task, TrainParameters
from app.payloads.training import Tables
from app.settings import Settings
from tests import kinds


@pytest.fixture(scope="module")
def cluster():
    """A scheduler, and two workers in processes of their own."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as started:
        yield started


@pytest.fixture
def trained(redis_url, queue, settings, monkeypatch, cluster):
    """Return a function that does with a training what a worker of such a deployment does."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("SIGNING_SECRET", settings.signing_secret)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)

    def work(tables):
        job = queue.submit(tables)
        before = cluster.scheduler.transition_counter
        tasks.train(job.job_id, Settings.from_environment())
        ended = queue.get(job.job_id)
        assert ended.state is JobState.FINISHED, ended.error
        return cluster.scheduler.transition_counter - before

    return work


def test_features_of_series_are_computed_on_the_cluster(trained):
    frame, labels = kinds.waves()
    # With such arguments a calculator is tsfresh's own, and no operation on arrays of this process.
    left = {"number_cwt_peaks": [{"n": 30}]}
    parameters = TrainParameters(
        pipeline_id="waves",
        extract_features={"column_id": "wave", "column_sort": "when", "default_fc_parameters": left},
        model_training={"model": "sklearn.linear_model.LogisticRegression"},
    )
    assert trained(Tables(parameters, Task.CLASSIFICATION, frame, labels)) > 0


def test_candidates_of_tpot_are_tried_on_the_cluster(trained, training, store):
    small = {"population_size": 4, "generations": 1, "estimators": ["DecisionTreeClassifier", "GaussianNB"]}
    assert trained(training("tpot.TPOTClassifier", n_rows=80, limits={"seconds": 60}, **small)) > 0
    assert any(row["engine"] == "tpot" and row["score"] for row in store.report("p", 1)["leaderboard"])


def test_what_needs_no_cluster_asks_none(trained, training):
    assert trained(training()) == 0
