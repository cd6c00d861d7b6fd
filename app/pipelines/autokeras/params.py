"""AutoKeras's models and their arguments, with bounds."""

from __future__ import annotations

from typing import Any

from app.errors import Fault, InvalidData, InvalidParameters, at
from app.payloads.parameters import Kind, Task, TrainParameters

#: {model: (what it predicts, what it looks at)}. AutoKeras 3 has none for series; ours have the names that fit.
MODELS = {
    "autokeras.StructuredDataClassifier": (Task.CLASSIFICATION, "table"),
    "autokeras.StructuredDataRegressor": (Task.REGRESSION, "table"),
    "autokeras.ImageClassifier": (Task.CLASSIFICATION, "image"),
    "autokeras.ImageRegressor": (Task.REGRESSION, "image"),
    "autokeras.TextClassifier": (Task.CLASSIFICATION, "text"),
    "autokeras.TextRegressor": (Task.REGRESSION, "text"),
    "autokeras.TimeseriesClassifier": (Task.CLASSIFICATION, "series"),
    "autokeras.TimeseriesRegressor": (Task.REGRESSION, "series"),
}

#: {argument: (type, least, most, default)}. None stands for the default of whatever argument, as in AutoKeras's own
#: signatures; for a default it is the training's own, or no limit.
BOUNDS: dict[str, tuple[type, float, float, float | None]] = {
    "max_trials": (int, 1, 1_000, 5),
    "epochs": (int, 1, 10_000, 100),
    "batch_size": (int, 1, 4_096, 32),
    "patience": (int, 1, 1_000, 10),
    "validation_split": (float, 0.05, 0.5, 0.3),
    "max_model_size": (int, 1_000, 1_000_000_000, None),
    "seed": (int, 0, 2**32 - 1, None),
}

#: {argument: values}; the first is the default.
CHOICES = {"tuner": ("greedy", "random", "bayesian")}

#: Measures of the validation rows that lead the search when the training names no metric, by AutoKeras's names.
OBJECTIVES = {
    Task.CLASSIFICATION: ("val_accuracy", "val_loss"),
    Task.REGRESSION: ("val_loss",),
}

#: Architectures for images; `vanilla` is a small stack of convolutions, the others have millions of weights.
BLOCKS = ("vanilla", "resnet", "xception", "efficient")

#: AutoKeras's arguments that change nothing here: nothing is kept in a folder, and nothing printed.
ACCEPTED_UNUSED = ("overwrite", "project_name", "verbose")

#: {what a model looks at: kinds of columns that it takes}.
KINDS = {
    "table": {Kind.NUMBER, Kind.BOOLEAN, Kind.CATEGORY, Kind.TEXT, Kind.DATE},
    "image": {Kind.IMAGE},
    "text": {Kind.TEXT, Kind.CATEGORY},
    "series": {Kind.SIGNAL},
}


def check(parameters: TrainParameters) -> None:
    """Check the arguments of a search, and that the model is one for such data.

    Raises
    ------
    InvalidParameters
        Naming each argument that is not known or out of bounds.
    """
    training = parameters.model_training
    assert training.model is not None
    task, kind = MODELS[training.model]
    faults = [
        Fault(at("params", "model_training", "model_args", name), detail)
        for name, value in training.model_args.items()
        if (detail := _refusal(name, value, task, kind))
    ]
    if faults:
        raise InvalidParameters(f"{training.model} does not take these arguments.", faults)
    series = parameters.extract_features is not None
    if kind == "series" and (not series or parameters.task is Task.FORECASTING):
        raise _unfit(training.model, "it takes whole series: a classification or regression with extract_features")
    if kind in ("image", "text") and series:
        raise _unfit(training.model, "it does not take series; for those there is autokeras.TimeseriesClassifier")


def check_kinds(model: str, kinds: dict[str, Kind]) -> None:
    """Check that a model takes columns of these kinds.

    Raises
    ------
    InvalidData
    """
    kind = MODELS[model][1]
    others = set(kinds.values()) - KINDS[kind]
    if others or (kind in ("image", "text") and len(kinds) != 1):
        wanted = {"table": "plain columns", "image": "images", "text": "one column of text", "series": "series"}
        found = ", ".join(sorted(set(kinds.values())))
        raise InvalidData(
            f"{model} takes {wanted[kind]}.",
            [Fault("/raw_data", f"has {len(kinds)} feature column(s), of kind {found}")],
        )


def given(parameters: TrainParameters) -> dict[str, Any]:
    """Return every argument of a search: those that are given, and the defaults of the others."""
    training = parameters.model_training
    assert training.model is not None
    defaults: dict[str, Any] = {name: default for name, (*_, default) in BOUNDS.items()}
    defaults |= {name: values[0] for name, values in CHOICES.items()}
    defaults |= {"objective": OBJECTIVES[MODELS[training.model][0]][0], "block_type": None}
    found = defaults | {name: value for name, value in training.model_args.items() if value is not None}
    return found | {"seed": parameters.seed if found["seed"] is None else found["seed"]}


def _unfit(model: str, detail: str) -> InvalidParameters:
    return InvalidParameters(f"{model} is not for such data.", [Fault("/params/model_training/model", detail)])


def _refusal(name: str, value: Any, task: Task, kind: str) -> str | None:
    if name in ACCEPTED_UNUSED:
        return None
    known = [*BOUNDS, *CHOICES, "objective", *(["block_type"] if kind == "image" else [])]
    if name not in known:
        return f"not an argument here; known are {', '.join([*known, *ACCEPTED_UNUSED])}"
    if value is None:
        return None
    choices = CHOICES | {"objective": OBJECTIVES[task]} | ({"block_type": BLOCKS} if kind == "image" else {})
    if name in choices:
        return None if value in choices[name] else f"known are {', '.join(choices[name])}"
    type_, least, most, _ = BOUNDS[name]
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or (type_ is int and not isinstance(value, int)) or not least <= value <= most:
        return f"must be {'a whole number' if type_ is int else 'a number'} from {least} to {most}"
    return None
