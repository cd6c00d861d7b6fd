"""Trainings to queue, and the records of their jobs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from app.jobs.queue import JobQueue
from app.jobs.records import JobRecords
from app.payloads.parameters import TrainParameters
from app.payloads.training import Tables
from app.pipelines import registry


def table(n_rows=40):
    """Return rows of numbers, a class and a quantity."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(n_rows, 4)), columns=list("abcd"))
    return X.assign(kind=np.resize(["no", "yes"], n_rows), size=X["a"] * 2 + X["b"])


@pytest.fixture(scope="session")
def training():
    """Return a function that makes the input of a training."""

    def make(model="sklearn.tree.DecisionTreeClassifier", n_rows=40, limits=None, pipeline_id="p", **model_args):
        classified = model.endswith(("Classifier", "Analysis"))
        frame = table(n_rows).drop(columns="size" if classified else "kind")
        parameters = TrainParameters(
            pipeline_id=pipeline_id,
            target="kind" if classified else "size",
            model_training={"model": model, "model_args": model_args},
            limits=limits or {},
        )
        return Tables(parameters, registry.check(parameters), frame, None)

    return make


@pytest.fixture
def records(client_of_redis, settings):
    """The records of jobs, none yet."""
    return JobRecords(client_of_redis, settings.signing_secret, settings.job_days)


@pytest.fixture
def queue(client_of_redis, records, store, publications, settings):
    """A queue that nobody works."""
    return JobQueue(client_of_redis, records, store, publications, settings)
