"""Which engine trains a model, by the first part of the model's dotted name.

To add an engine: make its room (app/pipelines/<name>/ with engine.py and params.py, see CONTRIBUTING.md) and add a row.
The values are strings, so that no engine is imported before it is asked for.
"""

from __future__ import annotations

from importlib import import_module

from app.errors import Fault, InvalidParameters, nearest
from app.payloads.parameters import Task, TrainParameters
from app.pipelines.base import Engine

ENGINES = {
    "portfolio": "app.pipelines.portfolio:PortfolioEngine",
    "sklearn": "app.pipelines.sklearn:SklearnEngine",
    "xgboost": "app.pipelines.sklearn:SklearnEngine",
    "lightgbm": "app.pipelines.sklearn:SklearnEngine",
    "tpot": "app.pipelines.tpot:TpotEngine",
    "autokeras": "app.pipelines.autokeras:AutoKerasEngine",
}

#: The model that is trained when none is named.
DEFAULT = "portfolio"


def named(parameters: TrainParameters) -> str:
    """Return the model that some parameters name, or the default."""
    model = parameters.model_training.model
    return DEFAULT if model is None else model


def resolve(parameters: TrainParameters) -> Engine:
    """Return the engine that trains the model of some parameters.

    Raises
    ------
    InvalidParameters
        Listing the models there are.
    """
    model = named(parameters)
    name = model.partition(".")[0]
    engine = _load(name) if name in ENGINES else None
    if engine is None or model not in engine.models():
        known = sorted({name for engine in map(_load, ENGINES) for name in engine.models()})
        raise InvalidParameters(
            "The model is not one that this service trains.",
            [Fault("/params/model_training/model", f"unknown; {nearest(model, known)}known are {', '.join(known)}")],
        )
    return engine


def check(parameters: TrainParameters) -> Task | None:
    """Return the task of a training: that of its model, or the one asked for; None when neither says.

    Raises
    ------
    InvalidParameters
    """
    model, asked = parameters.model_training.model, parameters.task
    found = resolve(parameters).task(named(parameters))
    # Forecasts are made by models of numbers.
    fits = found is None or asked in (None, found) or (found is Task.REGRESSION and asked is Task.FORECASTING)
    if not fits:
        raise InvalidParameters(
            f"{model} is for {found}, not for {asked}.",
            [Fault("/params/task", f"leave it out, or name a model for {asked}")],
        )
    return asked or found


def reads(parameters: TrainParameters) -> frozenset[str]:
    """Return what the model of some parameters takes of a series: its features, its raw signals, or both."""
    return resolve(parameters).reads(named(parameters))


def picks(parameters: TrainParameters) -> bool:
    """Tell whether nobody has named a model, so that what it learns from is to be chosen too."""
    return named(parameters) == DEFAULT


def _load(name: str) -> Engine:
    module, _, attribute = ENGINES[name].partition(":")
    engine: Engine = getattr(import_module(module), attribute)()
    return engine
