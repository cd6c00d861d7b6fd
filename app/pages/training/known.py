"""Models, metrics and other values to choose from: names in tables, for which no engine is imported."""

from __future__ import annotations

from app.payloads.parameters import Task
from app.pipelines.autokeras import params as autokeras
from app.pipelines.sklearn import params as sklearn
from app.pipelines.tpot import params as tpot

#: The engine that picks, which is what trains when no model is named.
PORTFOLIO = "portfolio"

#: Seconds that it takes when nobody says how long.
PORTFOLIO_SECONDS = 60

#: {model: its task; None of the portfolio, which has any}.
MODELS: dict[str, Task | None] = {
    PORTFOLIO: None,
    **tpot.MODELS,
    **{name: task for name, (task, _) in autokeras.MODELS.items()},
    **dict.fromkeys(sklearn.names(sklearn.CLASSIFIERS), Task.CLASSIFICATION),
    **dict.fromkeys(sklearn.names(sklearn.REGRESSORS), Task.REGRESSION),
}

#: {task: metrics that most people choose among}; any scorer of scikit-learn can be named.
METRICS = {
    Task.CLASSIFICATION: (
        "roc_auc", "accuracy", "balanced_accuracy", "f1", "average_precision", "log_loss", "brier", "precision",
        "recall", "matthews_corrcoef",
    ),
    Task.REGRESSION: ("r2", "rmse", "mae", "mape", "mse", "neg_median_absolute_error", "explained_variance"),
}  # fmt: skip

#: What networks look at, by what was uploaded: images, one column of text, series, and tables of any other kind.
_NETWORKS = {"image": "Image", "text": "Text", "series": "Timeseries", "table": "StructuredData"}


def network(looks_at: str, task: Task) -> str:
    """Return AutoKeras's model for a kind of data and a task."""
    return f"autokeras.{_NETWORKS[looks_at]}{'Classifier' if task is Task.CLASSIFICATION else 'Regressor'}"


def fitting(task: Task | None) -> list[str]:
    """Return the models for a task; those for numbers also forecast."""
    wanted = Task.REGRESSION if task is Task.FORECASTING else task
    return [name for name, of in MODELS.items() if wanted is None or of in (None, wanted)]


def metrics(task: Task | None) -> list[str]:
    """Return the metrics that are suggested for a task."""
    if task is None:
        return [name for names in METRICS.values() for name in names]
    return list(METRICS[Task.REGRESSION if task is Task.FORECASTING else task])
