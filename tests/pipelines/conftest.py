"""Problems as an engine sees them, and trainings made as the route makes them and run as a worker runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.payloads.parameters import Kind, Task, TrainParameters, check
from app.payloads.training import Tables
from app.pipelines import folds, metrics, registry, run
from app.pipelines.base import Problem
from app.pipelines.board import TrialBoard

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
    """Return a function that makes an engine's Problem of rows, labels and the parameters of a training.

    Labels that are floats are numbers to regress on, others are classes.
    """

    def make(X, labels, model=None, seconds=SECONDS, metric=None, weights=None, of_folds=None, **parameters):
        training = {"model": model, "model_args": parameters.pop("model_args", {}), "metric": metric}
        checked = check(TrainParameters, {"pipeline_id": "p", "model_training": training, "folds": 3, **parameters})
        labels = np.asarray(labels)
        classified = labels.dtype.kind != "f"
        task = Task.CLASSIFICATION if classified else Task.REGRESSION
        names, y = np.unique(labels.astype("object"), return_inverse=True) if classified else ((), labels)
        kinds = {name: Kind.NUMBER if X[name].dtype.kind in "if" else Kind.CATEGORY for name in X.columns}
        return Problem(
            X=X,
            y=y,
            kinds=kinds,
            task=task,
            classes=tuple(np.asarray(names).tolist()),
            parameters=checked,
            metric=metrics.resolve(metric, task, len(names)),
            folds=of_folds or folds.folds(y, classified, checked.folds, checked.seed),
            weights=weights,
            seconds=seconds,
        )

    return make


class Told:
    """Everything that a board has told of: reports, trials to keep, and models to publish."""

    def __init__(self):
        self.reports, self.saved, self.published = [], [], []

    def progress(self, stage, fraction=None, candidates=None, failed=None, best_score=None, metric=None):
        """Take a report."""
        self.reports.append((stage, fraction, candidates, failed, best_score))


@pytest.fixture
def told():
    """What the board of the same test has told of."""
    return Told()


@pytest.fixture
def board(told):
    """Return a function that makes the board of a problem; it is closed after the test."""
    made = []

    def make(problem, publish=None, earlier=()):
        made.append(
            TrialBoard(problem, told.progress, publish, told.published.append, told.saved.append, earlier=earlier)
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def tables():
    """Return a function that makes the input of a training of frames and parameters."""

    def make(frame, labels=None, model="sklearn.tree.DecisionTreeClassifier", model_args=None, metric=None, **named):
        training = {"model": model, "model_args": model_args or {}, "metric": metric}
        checked = check(TrainParameters, {"pipeline_id": "p", **named, "model_training": training})
        return Tables(checked, registry.check(checked), frame, labels)

    return make


class Kept:
    """The rows of a leaderboard, kept as the job keeps them."""

    def __init__(self):
        self.by_name = {}

    def add_row(self, name, row):
        """Keep a row."""
        self.by_name[name] = row

    def rows(self):
        """Return the rows that were kept."""
        return list(self.by_name.values())


@pytest.fixture
def kept():
    """Rows that outlive a training."""
    return Kept()


@pytest.fixture
def train(publications, tables, kept):
    """Return a function that trains as a worker does, publishes to the store and returns the record."""

    def work(frame, labels=None, job_id="job", progress=None, seconds=SECONDS, **parameters):
        return run.train(
            tables(frame, labels, **parameters),
            job_id,
            seconds,
            publications,
            progress or (lambda stage, *more, **named: None),
            kept,
        )

    return work


@pytest.fixture
def promote(tables, kept, publications):
    """Return a function that trains a row of a leaderboard instead of a search, and returns the record."""

    def work(row, frame, labels=None, **parameters):
        given = tables(frame, labels, **parameters)
        return run.train(given, "promotion", 60, publications, lambda *report, **more: None, kept, row)

    return work
