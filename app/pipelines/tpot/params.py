"""TPOT's arguments by the names of 0.x and of 1.x, with their bounds."""

from __future__ import annotations

from typing import Any

from app.errors import Fault, InvalidParameters, at
from app.payloads.parameters import ModelTraining, Task

MODELS = {"tpot.TPOTClassifier": Task.CLASSIFICATION, "tpot.TPOTRegressor": Task.REGRESSION}

#: Minutes of a search that names no limit.
DEFAULT_MINUTES = 5.0

#: {argument: (type, least, most)}.
BOUNDS: dict[str, tuple[type, float, float]] = {
    "generations": (int, 1, 10_000),
    "population_size": (int, 2, 1_000),
    "max_time_mins": (float, 0.01, 7 * 24 * 60),
    "max_eval_time_mins": (float, 0.01, 24 * 60),
    "cv": (int, 2, 20),
    "random_state": (int, 0, 2**32 - 1),
    "early_stop": (int, 1, 10_000),
}

#: {argument: values}. 0.x called a smaller space `config_dict: TPOT light`.
CHOICES = {
    "search_space": ("linear", "linear-light"),
    "config_dict": ("TPOT light",),
}

#: 0.x arguments that change nothing here: output goes to the job's progress, and a worker trains on one core.
ACCEPTED_UNUSED = ("verbosity", "verbose", "n_jobs", "disable_update_check")

#: Names of metrics and TPOT's scorer for each task.
METRICS = {
    Task.CLASSIFICATION: {
        "roc_auc": "roc_auc_ovr",
        "accuracy": "accuracy",
        "balanced_accuracy": "balanced_accuracy",
        "f1": "f1_macro",
        "f1_macro": "f1_macro",
        "f1_weighted": "f1_weighted",
        "log_loss": "neg_log_loss",
        "neg_log_loss": "neg_log_loss",
    },
    Task.REGRESSION: {
        "r2": "r2",
        "rmse": "neg_root_mean_squared_error",
        "mae": "neg_mean_absolute_error",
        "neg_root_mean_squared_error": "neg_root_mean_squared_error",
        "neg_mean_absolute_error": "neg_mean_absolute_error",
        "neg_mean_squared_error": "neg_mean_squared_error",
    },
}


def check(training: ModelTraining) -> None:
    """Check the arguments of a search.

    Raises
    ------
    InvalidParameters
        Naming each argument that is not known, gone since 0.x, or out of bounds.
    """
    metrics = METRICS[MODELS[training.model]]
    faults = [
        Fault(at("params", "model_training", "model_args", name), detail)
        for name, value in training.model_args.items()
        if (detail := _refusal(name, value, metrics))
    ]
    if training.metric not in (None, *metrics):
        faults.append(Fault("/params/model_training/metric", f"known are {', '.join(metrics)}"))
    if faults:
        raise InvalidParameters(f"{training.model} does not take these arguments.", faults)


def scorer(training: ModelTraining, metric: str) -> str:
    """Return the scikit-learn scorer of the metric; 0.x's `scoring` argument names one too."""
    return METRICS[MODELS[training.model]][training.model_args.get("scoring", metric)]


def _refusal(name: str, value: Any, metrics: dict[str, str]) -> str | None:
    if name in ACCEPTED_UNUSED:
        return None
    if name == "scoring":
        return None if isinstance(value, str) and value in metrics else f"known are {', '.join(metrics)}"
    if name in CHOICES:
        return None if value in CHOICES[name] else f"known are {', '.join(CHOICES[name])}"
    if name not in BOUNDS:
        known = [*BOUNDS, *CHOICES, "scoring", *ACCEPTED_UNUSED]
        return f"not an argument that TPOT 1 takes here; known are {', '.join(known)}"
    kind, least, most = BOUNDS[name]
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or (kind is int and not isinstance(value, int)) or not least <= value <= most:
        return f"must be {'a whole number' if kind is int else 'a number'} from {least:g} to {most:g}"
    return None
