"""What a search improves, by the names that scikit-learn gives its scorers or by the short ones that people use."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidParameters, at, nearest
from app.payloads.parameters import ModelTraining, Task

if TYPE_CHECKING:
    import numpy as np

#: {short name: scikit-learn's scorer}. The value of these is an error, so that less is better.
ERRORS = {
    "rmse": "neg_root_mean_squared_error",
    "mse": "neg_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "mape": "neg_mean_absolute_percentage_error",
    "log_loss": "neg_log_loss",
    "brier": "neg_brier_score",
}

#: {name: scikit-learn's scorer} of metrics that are of two classes as named, where there are more.
OF_SEVERAL = {
    "roc_auc": "roc_auc_ovr_weighted",
    "f1": "f1_macro",
    "precision": "precision_macro",
    "recall": "recall_macro",
    "jaccard": "jaccard_macro",
}

#: What is improved when nobody says.
DEFAULTS = {Task.CLASSIFICATION: "roc_auc", Task.REGRESSION: "r2", Task.FORECASTING: "rmse"}

#: What is reported beside the metric, for every training.
REPORTED = {
    Task.CLASSIFICATION: ("accuracy", "roc_auc", "log_loss"),
    Task.REGRESSION: ("r2", "rmse", "mae"),
    Task.FORECASTING: ("r2", "rmse", "mae"),
}


#: {scorer: its function} of those that take the classes from y, of which a fold may lack one; they are told instead.
TOLD_OF_CLASSES = {
    "neg_log_loss": "log_loss",
    "neg_brier_score": "brier_score_loss",
    "d2_log_loss_score": "d2_log_loss_score",
    "d2_brier_score": "d2_brier_score",
    "top_k_accuracy": "top_k_accuracy_score",
}

#: Scorers that know no weights: each row counts once.
UNWEIGHTED = {
    "neg_max_error", "neg_negative_likelihood_ratio", "positive_likelihood_ratio",
    "roc_auc_ovo", "roc_auc_ovo_weighted",
}  # fmt: skip

#: What a scorer raises of rows that it cannot measure.
_REFUSALS = (ValueError, TypeError, AttributeError, ArithmeticError)

#: Parts of the names of scorers of numbers, to which codes of classes are numbers too.
OF_NUMBERS = ("error", "deviance", "r2", "explained_variance", "d2_absolute", "d2_pinball")


@dataclass(frozen=True)
class Metric:
    """One measure of predictions.

    Attributes
    ----------
    name
        As the caller named it.
    scorer
        scikit-learn's name.
    sign
        1 when greater is better, -1 for an error.
    n_classes
        0 for numbers.
    """

    name: str
    scorer: str
    sign: int
    n_classes: int

    def score(
        self, y: np.ndarray[Any, Any], predicted: np.ndarray[Any, Any], weights: np.ndarray[Any, Any] | None = None
    ) -> float:
        """Measure predictions; NaN where these rows cannot be measured, as with a single class of them.

        Parameters
        ----------
        y
            Codes or targets, shape (n_samples,).
        predicted
            Probabilities, shape (n_samples, n_classes), or targets, (n_samples,).
        weights
            Of the rows, shape (n_samples,).
        """
        extra = {} if weights is None or self.scorer in UNWEIGHTED else {"sample_weight": weights}
        try:
            value = self._value(y, predicted, **extra)
        except _REFUSALS:
            return math.nan
        return value * self.sign if math.isfinite(value) else math.nan

    def refusal(self, y: np.ndarray[Any, Any]) -> str | None:
        """Say why targets cannot be measured, whatever is predicted, in scikit-learn's words; None when they can.

        Asked of a prediction that every model can make, their mean: it keeps what bounds a metric has where they do.

        Parameters
        ----------
        y
            Targets, shape (n_samples,). Of classes, `resolve` has seen all there is to see.
        """
        import numpy as np

        if self.n_classes:
            return None
        with np.errstate(over="ignore"):
            mean = np.full(len(y), y.mean())
        try:
            value = self._value(y, mean)
        except _REFUSALS as error:
            return " ".join(str(error).split())
        return None if math.isfinite(value) else "It is not a finite number for them."

    def _value(self, y: np.ndarray[Any, Any], predicted: np.ndarray[Any, Any], **extra: Any) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return float(self._scorer()(_given(self.n_classes), predicted, y, **extra))

    def _scorer(self) -> Any:
        from sklearn import metrics

        if not self.n_classes or self.scorer not in TOLD_OF_CLASSES:
            return metrics.get_scorer(self.scorer)
        return metrics.make_scorer(
            getattr(metrics, TOLD_OF_CLASSES[self.scorer]),
            response_method="predict_proba",
            greater_is_better=not self.scorer.startswith("neg_"),
            labels=list(range(self.n_classes)),
        )


def of(training: ModelTraining, task: Task, n_classes: int) -> Metric:
    """Return the metric of a training: `metric`, what TPOT 0.x called `scoring`, or the default.

    Raises
    ------
    InvalidParameters
    """
    name = training.model_args.get("scoring") if _is_scoring(training) else training.metric
    if name is None and (training.model or "").startswith("autokeras.") and task is Task.CLASSIFICATION:
        # What AutoKeras ranks its trials by.
        name = "accuracy"
    return resolve(name, task, n_classes)


def _is_scoring(training: ModelTraining) -> bool:
    """Tell whether the metric is named by what TPOT 0.x called `scoring`."""
    is_tpot = (training.model or "").startswith("tpot.")
    return is_tpot and training.metric is None and training.model_args.get("scoring") is not None


def check(metric: Metric, training: ModelTraining, y: np.ndarray[Any, Any]) -> None:
    """Refuse a metric that labels cannot be measured by, whatever is predicted: a logarithm of negative ones, say.

    Raises
    ------
    InvalidParameters
        In scikit-learn's words, with the names of those that measure these labels.
    """
    words = metric.refusal(y)
    if words is None:
        return
    known = [name for name in known_names(metric.n_classes) if _metric(name, metric.n_classes).refusal(y) is None]
    named = ("model_args", "scoring") if _is_scoring(training) else ("metric",)
    raise InvalidParameters(
        f"{metric.name} cannot measure these labels. {words}",
        [Fault(at("params", "model_training", *named), f"take one that can: {', '.join(sorted(known))}")],
    )


def resolve(name: str | None, task: Task, n_classes: int) -> Metric:
    """Return a metric by its name, the task's default when there is none.

    Raises
    ------
    InvalidParameters
        Listing the names that fit the task.
    """
    wanted = name or DEFAULTS[task]
    metric = _metric(wanted, n_classes)
    if not _fits(metric):
        known = sorted(known_names(n_classes))
        detail = f"unknown, or of another task; {nearest(wanted, known)}known are {', '.join(known)}"
        raise InvalidParameters(
            f"The metric is none of a {task} of this data.", [Fault("/params/model_training/metric", detail)]
        )
    return metric


def known_names(n_classes: int) -> list[str]:
    """List the metrics that fit a number of classes; 0 stands for numbers."""
    from sklearn.metrics import get_scorer_names

    names = [*ERRORS, *get_scorer_names()]
    return [name for name in names if _fits(_metric(name, n_classes))]


def sign(name: str | None) -> int:
    """Tell by its name how a metric counts: 1 where greater is better, -1 for an error."""
    return -1 if name in ERRORS else 1


def _metric(name: str, n_classes: int) -> Metric:
    scorer = OF_SEVERAL.get(name, name) if n_classes > 2 else name
    return Metric(name, ERRORS.get(scorer, scorer), sign(name), n_classes)


def _fits(metric: Metric) -> bool:
    """Tell whether a metric prefers good predictions to bad ones; its name alone does not say what it is for.

    Those of groupings do not: to them the names of the classes, and numbers altogether, mean nothing.
    """
    import numpy as np
    from sklearn.metrics import get_scorer_names

    if metric.scorer not in get_scorer_names():
        return False
    y: np.ndarray[Any, Any] = np.arange(1.0, 9.0) + 0.25
    if metric.n_classes == 0:
        good, bad = y + 0.5, y[::-1]
    elif any(part in metric.scorer for part in OF_NUMBERS):
        return False
    else:
        y = np.arange(6 * metric.n_classes) % metric.n_classes
        good = np.full((len(y), metric.n_classes), 0.9 / metric.n_classes)
        good[np.arange(len(y)), y] += 0.1
        bad = np.roll(good, 1, axis=0)
    return (metric.score(y, good) - metric.score(y, bad)) * metric.sign > 0


def _given(n_classes: int) -> Any:
    """Return a model whose predictions are its input, so that scorers, which ask a model, can be used on them."""
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    class Probabilities(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
        def fit(self, X: Any, y: Any = None) -> Any:
            return self

        @property
        def classes_(self) -> Any:
            import numpy as np

            return np.arange(n_classes)

        def predict_proba(self, X: Any) -> Any:
            return X

        def predict(self, X: Any) -> Any:
            return X.argmax(axis=1)

    class Targets(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
        def fit(self, X: Any, y: Any = None) -> Any:
            return self

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, X: Any) -> Any:
            return X

    return Probabilities() if n_classes else Targets()
