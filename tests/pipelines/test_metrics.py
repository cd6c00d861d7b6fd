"""Metrics by name: which are offered, what they count, and that they measure what folds leave them."""

import math

import numpy as np
import pytest
from sklearn import metrics as scores
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import get_scorer

from app.errors import InvalidParameters
from app.payloads.parameters import ModelTraining, Task
from app.pipelines import metrics


def predictions(n_classes, rows=120):
    """Return labels, what a linear model that has not seen them says of them, and weights."""
    generator = np.random.default_rng(n_classes)
    X = generator.normal(size=(2 * rows, 4))
    if not n_classes:
        y = X @ [1.0, 0.5, 0.0, 0.0] + generator.normal(size=2 * rows) / 2 + 8
        predicted = LinearRegression().fit(X[:rows], y[:rows]).predict(X[rows:])
    else:
        y = np.digitize(X[:, 0] + generator.normal(size=2 * rows), np.linspace(-1, 1, n_classes + 1)[1:-1])
        predicted = LogisticRegression().fit(X[:rows], y[:rows]).predict_proba(X[rows:])
    return y[rows:], predicted, generator.random(rows)


def task_of(n_classes):
    return Task.CLASSIFICATION if n_classes else Task.REGRESSION


OFFERED = [(n_classes, name) for n_classes in (0, 2, 3) for name in metrics.known_names(n_classes)]


@pytest.mark.parametrize(("n_classes", "name"), OFFERED)
def test_every_metric_that_is_offered_measures_predictions_with_and_without_weights(n_classes, name):
    y, predicted, weights = predictions(n_classes)
    metric = metrics.resolve(name, task_of(n_classes), n_classes)
    assert math.isfinite(metric.score(y, predicted))
    assert math.isfinite(metric.score(y, predicted, weights))


@pytest.mark.parametrize(("n_classes", "name"), OFFERED)
def test_every_metric_that_is_offered_prefers_better_predictions(n_classes, name):
    y, predicted, _ = predictions(n_classes)
    metric = metrics.resolve(name, task_of(n_classes), n_classes)
    shuffled = np.random.default_rng(0).permutation(predicted)
    assert metric.score(y, predicted) * metric.sign > metric.score(y, shuffled) * metric.sign


@pytest.mark.parametrize("n_classes", [0, 2, 3])
def test_what_people_ask_for_is_offered(n_classes):
    named = ("rmse", "mse", "mae", "mape", "r2", "neg_root_mean_squared_error", "explained_variance")
    if n_classes:
        named = ("accuracy", "balanced_accuracy", "roc_auc", "average_precision", "f1", "f1_macro", "precision",
                 "recall", "jaccard", "log_loss", "neg_log_loss", "brier", "matthews_corrcoef")  # fmt: skip
    assert set(named) <= set(metrics.known_names(n_classes))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_names_of_groupings_and_of_numbers_are_not_offered_for_classes(n_classes):
    offered = set(metrics.known_names(n_classes))
    assert not offered & {"adjusted_rand_score", "v_measure_score", "r2", "rmse", "neg_max_error", "d2_absolute_error"}


def test_the_two_likeliest_of_two_classes_are_no_measure():
    assert "top_k_accuracy" not in metrics.known_names(2)
    assert "top_k_accuracy" in metrics.known_names(3)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("rmse", scores.root_mean_squared_error),
        ("mse", scores.mean_squared_error),
        ("mae", scores.mean_absolute_error),
        ("mape", scores.mean_absolute_percentage_error),
    ],
)
def test_an_error_of_numbers_is_positive_and_less_is_better(name, function):
    y, predicted, weights = predictions(0)
    metric = metrics.resolve(name, Task.REGRESSION, 0)
    assert metric.sign == -1
    assert metric.score(y, predicted) == pytest.approx(function(y, predicted))
    assert metric.score(y, predicted, weights) == pytest.approx(function(y, predicted, sample_weight=weights))
    negated = metrics.resolve(metric.scorer, Task.REGRESSION, 0)
    assert (negated.sign, negated.score(y, predicted)) == (1, -metric.score(y, predicted))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_an_error_of_probabilities_is_positive_and_less_is_better(n_classes):
    y, predicted, _ = predictions(n_classes)
    found = metrics.resolve("log_loss", Task.CLASSIFICATION, n_classes)
    assert (found.sign, found.score(y, predicted)) == (-1, pytest.approx(scores.log_loss(y, predicted)))
    brier = metrics.resolve("brier", Task.CLASSIFICATION, n_classes)
    expected = scores.brier_score_loss(y, predicted if n_classes > 2 else predicted[:, 1])
    assert (brier.sign, brier.score(y, predicted)) == (-1, pytest.approx(expected))


@pytest.mark.parametrize("name", ["f1", "precision", "recall", "jaccard"])
def test_a_metric_of_one_class_counts_the_positive_one_which_is_the_last(name):
    y, predicted, _ = predictions(2)
    said = (predicted[:, 1] > 0.5).astype(int)
    function = getattr(scores, f"{name}_score")
    found = metrics.resolve(name, Task.CLASSIFICATION, 2).score(y, predicted)
    assert found == pytest.approx(function(y, said, pos_label=1))
    assert found != pytest.approx(function(y, said, pos_label=0))


@pytest.mark.parametrize("name", ["f1", "precision", "recall", "jaccard"])
def test_a_metric_of_one_class_is_the_mean_over_classes_where_there_are_more(name):
    y, predicted, _ = predictions(3)
    expected = getattr(scores, f"{name}_score")(y, predicted.argmax(axis=1), average="macro")
    assert metrics.resolve(name, Task.CLASSIFICATION, 3).score(y, predicted) == pytest.approx(expected)


def test_the_area_of_several_classes_is_weighted_by_them():
    y, predicted, _ = predictions(3)
    expected = scores.roc_auc_score(y, predicted, multi_class="ovr", average="weighted")
    assert metrics.resolve("roc_auc", Task.CLASSIFICATION, 3).score(y, predicted) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["accuracy", "average_precision", "matthews_corrcoef", "balanced_accuracy"])
def test_a_scorer_of_scikit_learn_scores_as_it_does_there(name):
    X = np.random.default_rng(0).normal(size=(80, 2))
    y = (X[:, 0] + np.random.default_rng(1).normal(size=80) > 0).astype(int)
    model = LogisticRegression().fit(X, y)
    found = metrics.resolve(name, Task.CLASSIFICATION, 2).score(y, model.predict_proba(X))
    assert found == pytest.approx(get_scorer(name)(model, X, y))


@pytest.mark.parametrize("name", ["log_loss", "brier", "d2_log_loss_score", "d2_brier_score", "top_k_accuracy", "f1"])
def test_rows_that_lack_a_class_are_measured_all_the_same(name):
    y, predicted, _ = predictions(3)
    kept = y != 1
    assert math.isfinite(metrics.resolve(name, Task.CLASSIFICATION, 3).score(y[kept], predicted[kept]))


def test_the_log_loss_of_rows_that_lack_a_class_counts_what_was_given_to_it():
    predicted = np.array([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]])
    found = metrics.resolve("log_loss", Task.CLASSIFICATION, 3).score(np.array([0, 2]), predicted)
    assert found == pytest.approx(-np.log(0.5))


@pytest.mark.parametrize(
    ("name", "n_classes", "y", "predicted"),
    [
        pytest.param("roc_auc", 2, [1, 1], [[0.5, 0.5], [0.1, 0.9]], id="one class"),
        pytest.param("roc_auc", 3, [0, 1], [[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]], id="a class is missing"),
        pytest.param("r2", 0, [1.0], [2.0], id="one number"),
        pytest.param("rmse", 0, [1.0, 2.0], [np.nan, 2.0], id="no number"),
        pytest.param("neg_mean_squared_log_error", 0, [1.0, -2.0], [1.0, 2.0], id="a logarithm of less than 0"),
    ],
)
def test_what_cannot_be_measured_is_not_a_number(name, n_classes, y, predicted):
    metric = metrics.resolve(name, task_of(n_classes), n_classes)
    assert math.isnan(metric.score(np.array(y), np.array(predicted)))


@pytest.mark.parametrize("n_classes", [0, 2])
def test_weights_that_are_all_zero_measure_nothing(n_classes):
    y, predicted, _ = predictions(n_classes)
    for name in ("rmse", "r2") if not n_classes else ("accuracy", "log_loss", "roc_auc"):
        metric = metrics.resolve(name, task_of(n_classes), n_classes)
        assert math.isnan(metric.score(y, predicted, np.zeros(len(y))))


def test_weights_count():
    y, predicted = np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.2, 0.8], [0.4, 0.6]])
    metric = metrics.resolve("accuracy", Task.CLASSIFICATION, 2)
    assert metric.score(y, predicted) == 0.75
    assert metric.score(y, predicted, np.array([1.0, 5.0, 1.0, 1.0])) == 0.375


@pytest.mark.parametrize(
    ("name", "n_classes"),
    [("beauty", 2), ("r2", 2), ("rmse", 3), ("roc_auc", 0), ("adjusted_rand_score", 3), ("F1", 2)],
)
def test_a_metric_that_does_not_fit_is_refused_with_those_that_do(name, n_classes):
    with pytest.raises(InvalidParameters) as refused:
        metrics.resolve(name, task_of(n_classes), n_classes)
    (fault,) = refused.value.faults
    assert fault.pointer == "/params/model_training/metric"
    for known in metrics.known_names(n_classes):
        assert known in fault.detail
    assert name not in refused.value.detail


@pytest.mark.parametrize(
    ("task", "n_classes", "name"),
    [
        (Task.CLASSIFICATION, 2, "roc_auc"),
        (Task.CLASSIFICATION, 3, "roc_auc"),
        (Task.REGRESSION, 0, "r2"),
        (Task.FORECASTING, 0, "rmse"),
    ],
)
def test_without_a_name_it_is_the_tasks_own(task, n_classes, name):
    assert metrics.resolve(None, task, n_classes).name == name


@pytest.mark.parametrize("task", Task)
def test_what_is_always_reported_fits_every_number_of_classes(task):
    for name in metrics.REPORTED[task]:
        for n_classes in (2, 3, 100) if task is Task.CLASSIFICATION else (0,):
            assert metrics.resolve(name, task, n_classes).name == name


POSITIVE = np.arange(1.0, 9.0)


@pytest.mark.parametrize(
    ("name", "y"),
    [
        ("neg_mean_squared_log_error", POSITIVE - 4),
        ("neg_root_mean_squared_log_error", POSITIVE - 4),
        ("neg_mean_poisson_deviance", POSITIVE - 4),
        ("neg_mean_gamma_deviance", POSITIVE - 1),
        ("rmse", POSITIVE * 1e200),
    ],
)
def test_a_metric_that_cannot_measure_the_labels_is_refused_with_those_that_can(name, y):
    training = ModelTraining(metric=name)
    metric = metrics.of(training, Task.REGRESSION, 0)
    with pytest.raises(InvalidParameters, match=name) as refused:
        metrics.check(metric, training, y)
    (fault,) = refused.value.faults
    assert fault.pointer == "/params/model_training/metric"
    known = fault.detail.partition(": ")[2].split(", ")
    assert {"mae", "neg_median_absolute_error"} <= set(known)
    assert name not in known
    for other in known:
        assert math.isfinite(metrics.resolve(other, Task.REGRESSION, 0).score(y, np.full(len(y), y.mean())))


@pytest.mark.parametrize("name", metrics.known_names(0))
@pytest.mark.parametrize("y", [POSITIVE, np.full(8, 0.1)], ids=["positive", "all the same"])
def test_numbers_above_0_are_measured_by_every_metric_of_numbers(name, y):
    training = ModelTraining(metric=name)
    metrics.check(metrics.of(training, Task.REGRESSION, 0), training, y)


def test_a_deviance_of_counts_takes_some_that_are_0():
    training = ModelTraining(metric="neg_mean_poisson_deviance")
    metrics.check(metrics.of(training, Task.FORECASTING, 0), training, np.array([0.0, 3.0, 1.0]))


def test_the_argument_of_tpot_that_named_the_metric_is_pointed_at():
    training = ModelTraining(model="tpot.TPOTRegressor", model_args={"scoring": "neg_mean_gamma_deviance"})
    with pytest.raises(InvalidParameters) as refused:
        metrics.check(metrics.of(training, Task.REGRESSION, 0), training, POSITIVE - 4)
    assert refused.value.faults[0].pointer == "/params/model_training/model_args/scoring"
