"""Trainings of the example data, made as the route makes them and run as a worker runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.payloads.parameters import ModelTraining, TrainParameters
from app.payloads.training import Tables
from app.pipelines import registry, run
from app.pipelines.base import Problem

DATA = Path(__file__).parents[2] / "data"

#: Seconds that a problem or a training of these tests may take; none comes near.
SECONDS = 120.0


@pytest.fixture(scope="session")
def penguins():
    """Three classes; text, numbers and missing values."""
    return pd.read_csv(DATA / "penguins.csv", dtype={"island": "str", "sex": "str", "species": "str"})


@pytest.fixture(scope="session")
def diabetes():
    """A regression of numbers."""
    return pd.read_csv(DATA / "diabetes.csv")


@pytest.fixture
def problem():
    """Return a function that makes an engine's Problem of rows, labels and a model's name and arguments."""

    def make(X, labels, model, seconds=SECONDS, seed=0, metric=None, **model_args):
        training = ModelTraining(model=model, model_args=model_args, metric=metric)
        task = registry.resolve(model).task(model)
        if task == "classification":
            names, y = np.unique(np.asarray(labels, dtype="object"), return_inverse=True)
            return Problem(X, y, task, tuple(names.tolist()), training, seed, seconds)
        return Problem(X, np.asarray(labels, dtype="float64"), task, (), training, seed, seconds)

    return make


@pytest.fixture
def tables():
    """Return a function that makes the input of a training of frames and parameters."""

    def make(frame, labels=None, model="sklearn.tree.DecisionTreeClassifier", model_args=None, **parameters):
        training = {"model": model, "model_args": model_args or {}}
        checked = TrainParameters(**{"pipeline_id": "p", **parameters}, model_training=training)
        return Tables(checked, registry.check(checked.model_training, checked.task), frame, labels)

    return make


@pytest.fixture
def train(store, tables):
    """Return a function that trains as a worker does, publishes to the store and returns the record."""

    def work(frame, labels=None, job_id="job", progress=None, keep=None, stop_reason=None, **parameters):
        return run.train(
            tables(frame, labels, **parameters),
            job_id,
            SECONDS,
            store,
            progress or (lambda stage, *more, **named: None),
            keep or (lambda record, artifact: None),
            stop_reason or (lambda: None),
        )

    return work
