"""Small pipelines of three kinds of data, and rows for them, to predict in batches."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

from app.payloads.parameters import TrainParameters, check
from app.payloads.training import Tables, assemble
from app.pipelines import registry, samples
from app.pipelines.base import Problem
from app.pipelines.original import Original
from app.pipelines.trained import TrainedPipeline, installed_versions
from app.store.record import Record, Version

MODELS = {
    "table": LogisticRegression(max_iter=500),
    "series": LogisticRegression(),
    "forecast": LinearRegression(),
}

#: Parameters of their trainings.
PARAMETERS = {
    "table": {"target": "label", "id_column": "id", "columns": {"code": "category"}},
    "series": {
        "target": "label",
        "extract_features": {
            "column_id": "id",
            "column_sort": "time",
            "default_fc_parameters": "MinimalFCParameters()",
        },
    },
    "forecast": {
        "task": "forecasting",
        "target": "value",
        "extract_features": {"column_id": "id", "column_sort": "time"},
        "forecast": {"horizon": 2, "window": 5},
    },
}


def rows(n_rows=60, seed=0):
    """Return rows of a table: numbers with holes and marks, a category, dates, a code with zeros, yes and no."""
    generator = np.random.default_rng(seed)
    number = generator.normal(size=n_rows).round(3)
    return pd.DataFrame(
        {
            "id": np.arange(n_rows) + 100,
            "plain": number,
            "holes": np.where(np.arange(n_rows) % 7 == 3, np.nan, number * 2),
            "marked": np.where(np.arange(n_rows) % 11 == 5, "?", generator.integers(0, 9, n_rows).astype("str")),
            "kind": np.resize(["red", 'a "deep", blue', None, "green\nand more"], n_rows),
            "day": pd.date_range("2026-01-01", periods=n_rows).strftime("%Y-%m-%d"),
            "code": np.resize(["01", "7", "007"], n_rows),
            "on": np.arange(n_rows) % 3 == 0,
        }
    )


def series(n_series=12, length=20):
    """Return rows of series, those of one together."""
    n_rows = n_series * length
    generator = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "id": np.repeat(np.arange(n_series), length),
            "time": np.tile(np.arange(length), n_series),
            "value": generator.normal(size=n_rows).cumsum().round(4),
        }
    )


def _nothing(*report, **more):
    """Take a report of progress."""


@cache
def version(name):
    """Return the version of a pipeline that is published under its name: fitted, and neither searched nor tested."""
    frame = rows() if name == "table" else series()
    if name == "table":
        frame["label"] = np.where(frame["plain"] > 0, "yes", "no")
    if name == "series":
        frame["label"] = np.where(frame["id"] % 2 == 0, "even", "odd")
    wanted = {"pipeline_id": name, **PARAMETERS[name]}
    parameters = check(TrainParameters, wanted)
    training = assemble(Tables(parameters, registry.check(parameters), frame, None))
    made = samples.make(training, _nothing)
    problem = Problem(
        X=made.X,
        y=made.y,
        kinds=made.kinds,
        task=training.task,
        classes=made.classes,
        parameters=training.parameters,
        metric=None,
        folds=(),
        weights=None,
        seconds=1.0,
    )
    fitted = problem.pipeline(MODELS[name], scaled=True).fit(made.X, made.y)
    pipeline = TrainedPipeline(
        task=training.task,
        signature=training.signature,
        features=made.features,
        classes=made.classes,
        positive_class=training.positive_class,
        columns=tuple(made.X.columns),
        original=Original.of(fitted, made.X.head(5).reset_index(drop=True)),
        libraries=installed_versions(),
    )
    record = Record(
        pipeline_id=name,
        version=0,
        created_at="2026-01-01T00:00:00+00:00",
        job_id=f"training of {name}",
        engine="sklearn",
        task=training.task.value,
        seed=0,
        result={"modelId": name, "modelType": type(MODELS[name]).__name__},
        parameters={},
        signature=training.signature.as_json(),
        metrics={},
        holdout={},
        libraries={},
        times={},
    )
    return Version(record, pipeline.to_artifact(), {})
