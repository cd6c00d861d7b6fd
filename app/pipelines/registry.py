"""Which engine trains a model, by the first part of the model's dotted name.

To add an engine: make its room (app/pipelines/<name>/ with engine.py and params.py, see CONTRIBUTING.md) and add a row.
The values are strings, so that no engine is imported before it is asked for.
"""

from __future__ import annotations

from importlib import import_module

from app.errors import Fault, InvalidParameters
from app.payloads.parameters import ModelTraining, Task
from app.pipelines.base import Engine

ENGINES = {
    "sklearn": "app.pipelines.sklearn:SklearnEngine",
    "xgboost": "app.pipelines.sklearn:SklearnEngine",
    "lightgbm": "app.pipelines.sklearn:SklearnEngine",
    "tpot": "app.pipelines.tpot:TpotEngine",
}


def engine_name(model: str) -> str:
    """Return the name of the room whose engine trains a model."""
    return ENGINES[model.partition(".")[0]].split(":")[0].rpartition(".")[2]


def resolve(model: str) -> Engine:
    """Return the engine that trains a model.

    Raises
    ------
    InvalidParameters
        Listing the models there are.
    """
    name = model.partition(".")[0]
    engine = _load(name) if name in ENGINES else None
    if engine is None or engine.task(model) is None:
        known = sorted({name for engine in map(_load, ENGINES) for name in engine.models()})
        raise InvalidParameters(
            "The model is not one that this service trains.",
            [Fault("/params/model_training/model", f"unknown; known are {', '.join(known)}")],
        )
    return engine


def check(training: ModelTraining, task: Task | None) -> Task:
    """Return the task of a model, checked against the one asked for.

    Raises
    ------
    InvalidParameters
    """
    found = resolve(training.model).task(training.model)
    assert found is not None
    if task not in (None, found):
        raise InvalidParameters(
            f"{training.model} is for {found}, not for {task}.",
            [Fault("/params/task", f"leave it out, or name a model for {task}")],
        )
    return found


def _load(name: str) -> Engine:
    module, _, attribute = ENGINES[name].partition(":")
    engine: Engine = getattr(import_module(module), attribute)()
    return engine
