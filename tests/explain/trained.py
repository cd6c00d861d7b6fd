"""Pipelines of every kind of data, trained as a worker trains them, and what is sent to be explained by each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from app.explain import subject as subjects
from app.explain.explanation import Explanation
from app.payloads import frames
from app.payloads.explaining import check_explaining
from app.payloads.uploads import Upload
from app.pipelines import intake
from app.pipelines import run as pipelines
from app.pipelines.autokeras import backend
from app.pipelines.trained import TrainedPipeline, installed_versions
from tests import kinds

DATA = Path(__file__).parents[2] / "data"

#: Seconds that a training may take; none comes near.
SECONDS = 120


@dataclass(frozen=True)
class Trained:
    """A trained pipeline, and rows or series that are sent to it.

    Attributes
    ----------
    report
        What its training reported.
    sent
        As the service reads it.
    ids
        Of what is sent.
    """

    pipeline: TrainedPipeline
    report: dict[str, Any]
    sent: pd.DataFrame
    ids: list[Any]

    @property
    def subject(self):
        """The model as explainers see it."""
        return subjects.of(self.pipeline)

    def explain(self, method, sent=True, **parameters):
        """Return the answer to a request; `sent` is the frame, or whether the usual one is sent."""
        frame = sent if isinstance(sent, pd.DataFrame) else self.sent if sent else None
        wanted = check_explaining({"pipeline_id": "p", "method": method, **parameters})
        return Explanation(wanted, 1, self.pipeline, frame, reported=lambda: self.report).answer()


@dataclass(frozen=True)
class Recipe:
    """What a pipeline is trained from.

    Attributes
    ----------
    data
        Returns what is trained on, its labels or None, and what is sent.
    """

    data: Callable[[], tuple[Any, pd.DataFrame | None, Any]]
    parameters: dict[str, Any]


def recipe(data, model, target=None, id_column=None, model_args=None, **parameters):
    """Return a recipe with the smallest settings that train a model of its kind."""
    training = {"model": model, "model_args": model_args or {}}
    columns = {"target": target, "id_column": id_column}
    named = {name: value for name, value in columns.items() if value is not None}
    return Recipe(data, {"model_training": training, "folds": 2, "explain": {"rows": 0}, **named, **parameters})


def _penguins():
    return pd.read_csv(DATA / "penguins.csv"), None, pd.read_csv(DATA / "penguins_new.csv")


def _diabetes():
    return pd.read_csv(DATA / "diabetes.csv"), None, pd.read_csv(DATA / "diabetes_new.csv")


def _few_diabetes():
    """Few rows, of which a network learns something at once: numbers, and whether they are high."""
    frame = pd.read_csv(DATA / "diabetes.csv")[["id", "age", "bmi", "bp", "s5", "progression"]].iloc[:120]
    frame["high"] = np.where(frame["progression"] > 140, "high", "low")
    return frame, None, frame.drop(columns=["progression", "high"])


def _numbers_alone():
    frame, _, sent = _few_diabetes()
    return frame.drop(columns="high"), None, sent


def _classes_alone():
    frame, _, sent = _few_diabetes()
    return frame.drop(columns="progression"), None, sent


def _customers():
    frame = kinds.customers()
    return frame, None, frame.drop(columns="leaves")


def _notes():
    """Texts alone, of which one word decides."""
    frame = kinds.customers()[["customer", "note"]]
    rude = frame["note"].str.contains("rude")
    return frame.assign(leaves=np.where(rude, "leaves", "stays")), None, frame


def _pictures():
    sent, labels = kinds.pictures()
    return sent, labels, sent


def _waves():
    frame, labels = kinds.waves()
    return frame, labels, frame


def _stacked_waves():
    frame, labels = kinds.stacked_waves()
    return frame, labels, frame


def _few_waves():
    """Short series, of which a network learns something at once."""
    frame, labels = kinds.waves()
    labels = labels.iloc[:20]
    frame = frame[frame["wave"].isin(labels["wave"])].groupby("wave", sort=False).head(40)
    return frame, labels, frame


def _sales():
    frame = kinds.sales().groupby("store").head(60)
    return frame, None, frame


_OF_SERIES = {"column_id": "wave", "column_sort": "when", "default_fc_parameters": "MinimalFCParameters()"}
_STACKED = {**_OF_SERIES, "column_kind": "sensor", "column_value": "value"}
_SMALL = {"height": 12, "width": 12, "channels": 1}
_SHORT = {"max_trials": 1, "epochs": 1}
_FOREST, _TREES = "sklearn.ensemble.RandomForestClassifier", {"n_estimators": 10, "max_depth": 5}

RECIPES = {
    "three classes": recipe(_penguins, _FOREST, "species", "id", _TREES),
    "numbers": recipe(_diabetes, "sklearn.svm.SVR", "progression", "id", {"C": 100}),
    "linear": recipe(_diabetes, "sklearn.linear_model.Ridge", "progression", "id"),
    "customers": recipe(
        _customers, "sklearn.ensemble.GradientBoostingClassifier", "leaves", "customer", {"n_estimators": 30}
    ),
    "texts": recipe(_notes, "sklearn.linear_model.LogisticRegression", "leaves", "customer"),
    "network of texts": recipe(_notes, "autokeras.TextClassifier", "leaves", "customer", _SHORT),
    "images": recipe(_pictures, _FOREST, None, None, _TREES, images=_SMALL),
    "network of images": recipe(_pictures, "autokeras.ImageClassifier", None, None, _SHORT, images=_SMALL),
    "series": recipe(_waves, _FOREST, None, None, _TREES, extract_features=_OF_SERIES),
    "stacked series": recipe(_stacked_waves, _FOREST, None, None, _TREES, extract_features=_STACKED),
    "whole series": recipe(
        _few_waves, "autokeras.TimeseriesClassifier", None, None, _SHORT, extract_features=_OF_SERIES
    ),
    "forecast": recipe(
        _sales,
        "sklearn.linear_model.Ridge",
        "sales",
        task="forecasting",
        extract_features={
            "column_id": "store", "column_sort": "day", "default_fc_parameters": {"mean": None, "maximum": None}
        },
        forecast={"horizon": 3, "window": 10},
    ),
    "network of numbers": recipe(
        _numbers_alone, "autokeras.StructuredDataRegressor", "progression", "id", _SHORT
    ),
    "network of classes": recipe(_classes_alone, "autokeras.StructuredDataClassifier", "high", "id", _SHORT),
}  # fmt: skip


class NoRows:
    """Where no row of a leaderboard is kept."""

    def add_row(self, name, row):
        pass

    def rows(self):
        return []


def upload(value, part="raw_data"):
    """Return a frame as CSV, or a named file as it is."""
    if isinstance(value, tuple):
        return Upload(part, value[1], "", value[0])
    return Upload(part, value.to_csv(index=False).encode(), "text/csv", f"{part}.csv")


def _import_once(model):
    """Import what each process that a training starts would import by itself otherwise: that takes seconds."""
    import_module("skops.io")
    if model.startswith("autokeras."):
        backend.autokeras()


def train(name, publications, store, settings):
    """Train the pipeline of a recipe, and load it at once: other tests empty the store."""
    made = RECIPES[name]
    _import_once(made.parameters["model_training"]["model"])
    raw, labels, sent = made.data()
    parameters = {"pipeline_id": name.replace(" ", "-"), "limits": {"seconds": SECONDS}, **made.parameters}
    uploads = {"raw_data": upload(raw), "params": Upload("params", yaml.safe_dump(parameters).encode())}
    if labels is not None:
        uploads["labels"] = upload(labels, "labels")
    tables = intake.read(uploads, settings)
    record = pipelines.train(tables, f"job of {name}", SECONDS, publications, lambda *_, **__: None, NoRows())
    artifact = store.artifact(record.pipeline_id, record.version)
    pipeline = TrainedPipeline.from_artifact(artifact, installed_versions())
    frame = frames.read(upload(sent), settings, pipeline.signature.text_columns, pipeline.signature.id_column)
    identities = frame[pipeline.signature.id_column].unique().tolist()
    return Trained(pipeline, store.report(record.pipeline_id, record.version), frame, identities)
