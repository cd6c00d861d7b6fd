"""Trainings as far as their reports need them: what is learned from, and the record that a version of it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.payloads.parameters import ModelTraining, Task, TrainParameters
from app.payloads.training import Tables, Training, assemble
from app.pipelines import evaluate, folds, metrics, samples
from app.pipelines.base import Problem
from app.pipelines.tsfresh.backtest import backtest
from app.pipelines.tsfresh.params import of_windows
from app.store.record import Record


@dataclass
class Version:
    """One version, trained as `Dataset` and `Build` train it.

    Attributes
    ----------
    fitted
        To all rows, shuffled.
    held_out
        Positions of the rows of `data` that `tested` has not seen.
    """

    training: Training
    data: samples.Samples
    metric: metrics.Metric
    folds: list[Any]
    seen: Any
    held_out: Any

    @classmethod
    def of(cls, frame, labels=None, metric=None, model="sklearn.tree.DecisionTreeClassifier", **parameters):
        training = ModelTraining(model=model, metric=metric)
        checked = TrainParameters(pipeline_id="p", model_training=training, **parameters)
        training = assemble(Tables(checked, checked.task, frame, labels))
        data = samples.make(training, lambda *told, **named: None)
        seed, count = checked.seed, checked.folds
        if data.order is not None:
            parts = backtest(data.order, count + 1, checked.forecast.horizon)
            seen, held_out = parts[-1]
            parts = [[np.intersect1d(part, seen) for part in fold] for fold in parts[:-1]]
        else:
            classified = training.task is Task.CLASSIFICATION
            seen, held_out = folds.hold_out(data.y, classified, seed, data.groups, data.times)

            def of(values):
                return None if values is None else values[seen]

            inside = folds.folds(data.y[seen], classified, count, seed, of(data.groups), of(data.times))
            parts = [(seen[learned], seen[tested]) for learned, tested in inside]
        resolved = metrics.resolve(metric, training.task, len(data.classes))
        return cls(training, data, resolved, parts, seen, held_out)

    @property
    def problem(self):
        """The engine's problem, of all rows."""
        return Problem(
            X=self.data.X,
            y=self.data.y,
            kinds=self.data.kinds,
            task=self.training.task,
            classes=self.data.classes,
            parameters=self.training.parameters,
            metric=self.metric,
            folds=tuple(self.folds),
            weights=self.data.weights,
            seconds=60.0,
            select=self.data.selects,
        )

    def fit(self, pipeline, rows=None):
        """Fit a pipeline to some rows; to all of them, shuffled, when none are given."""
        if rows is None:
            rows = np.random.default_rng(self.training.parameters.seed).permutation(len(self.data.y))
        weights = None if self.data.weights is None else self.data.weights[rows]
        return evaluate.fit(pipeline, self.data.X.iloc[rows], self.data.y[rows], weights)

    def predict(self, fitted, rows=slice(None)):
        """Return probabilities, or numbers."""
        return evaluate.predict(fitted, self.data.X.iloc[rows], len(self.data.classes))

    def score(self, pipeline, learned, tested):
        """Score a pipeline on rows that it was not trained on."""
        weights = None if self.data.weights is None else self.data.weights[tested]
        return self.metric.score(self.data.y[tested], self.predict(self.fit(pipeline, learned), tested), weights)

    @property
    def record(self):
        """The record, as far as a report reads it."""
        parameters = self.training.parameters
        if self.training.task is Task.FORECASTING:
            parameters = parameters.model_copy(update={"extract_features": of_windows(parameters.extract_features)})
        return Record(
            pipeline_id=parameters.pipeline_id,
            version=3,
            created_at="2026-11-21T10:00:00+00:00",
            job_id="job",
            engine="sklearn",
            task=self.training.task.value,
            seed=parameters.seed,
            result={"classes": list(self.data.classes), "metric": self.metric.name},
            parameters=parameters.model_dump(mode="json"),
            signature=self.training.signature.as_json(),
            metrics={},
            holdout={},
            libraries={"python": "3.11", "scikit-learn": "1.9.1", "keras": "3.15.1", "lime": "0.2.0.1"},
            times={},
        )
