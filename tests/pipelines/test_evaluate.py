"""Scores that are scikit-learn's own, on rows that the model has not seen."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.ensemble import RandomForestClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline

from app.errors import TrainingFailed
from app.payloads.parameters import Task
from app.pipelines import evaluate, preprocess


def silent(*report):
    """Take a report and do nothing with it."""


def rows(n_classes, seed=3):
    """Return 120 rows of noise with a little of the class in them, and the classes."""
    generator = np.random.default_rng(seed)
    y = np.arange(120) % n_classes
    return pd.DataFrame(generator.normal(size=(120, 3)) + y[:, np.newaxis] * 0.4, columns=list("abc")), y


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_over_folds_are_those_of_scikit_learn(n_classes):
    X, y = rows(n_classes)
    pipeline = preprocess.assemble(X, LogisticRegression(), scaled=True)
    described = evaluate.cross_validated(pipeline, X, y, Task.CLASSIFICATION, 7, silent)
    folds = StratifiedKFold(5, shuffle=True, random_state=7)
    for metric, scorer in (
        ("accuracy", "accuracy"),
        ("roc_auc", "roc_auc" if n_classes == 2 else "roc_auc_ovr_weighted"),
    ):
        expected = cross_val_score(pipeline, X, y, cv=folds, scoring=scorer)
        np.testing.assert_allclose(described[metric]["folds"], expected, rtol=1e-12)
        assert described[metric]["mean"] == pytest.approx(expected.mean())
        assert described[metric]["std"] == pytest.approx(expected.std())
    assert described["folds"] == 5


def test_scores_of_a_regression_over_folds_are_those_of_scikit_learn():
    X, y = rows(60)
    y = y.astype("float64")
    pipeline = preprocess.assemble(X, LinearRegression(), scaled=False)
    described = evaluate.cross_validated(pipeline, X, y, Task.REGRESSION, 1, silent)
    folds = KFold(5, shuffle=True, random_state=1)
    np.testing.assert_allclose(described["r2"]["folds"], cross_val_score(pipeline, X, y, cv=folds, scoring="r2"))
    expected = -cross_val_score(pipeline, X, y, cv=folds, scoring="neg_root_mean_squared_error")
    np.testing.assert_allclose(described["rmse"]["folds"], expected)


def test_folds_are_reported_one_by_one():
    X, y = rows(2)
    reports = []
    pipeline = preprocess.assemble(X, LogisticRegression(), scaled=True)
    evaluate.cross_validated(pipeline, X, y, Task.CLASSIFICATION, 0, lambda *report: reports.append(report))
    assert reports == [("cross-validation", fold / 5) for fold in range(5)]


@pytest.mark.parametrize(
    ("n_classes", "n_rows", "held"),
    [
        pytest.param(2, 100, 20, id="two classes"),
        pytest.param(60, 300, 60, id="as many classes as held-out rows"),
        pytest.param(100, 500, 100, id="the most classes, each with the fewest rows"),
    ],
)
def test_each_class_is_held_out_in_its_share(n_classes, n_rows, held):
    y = np.arange(n_rows) % n_classes
    seen, unseen = evaluate.split(y, Task.CLASSIFICATION, seed=0)
    assert len(unseen) == held
    assert sorted([*seen, *unseen]) == list(range(n_rows))
    assert list(np.bincount(y[unseen])) == [held // n_classes] * n_classes
    assert list(seen) == sorted(seen)


def test_classes_of_few_rows_beside_a_large_one_are_held_out_all_the_same():
    y = np.repeat(np.arange(21), [400, *[5] * 20])
    seen, unseen = evaluate.split(y, Task.CLASSIFICATION, seed=0)
    assert set(y[seen]) == set(y[unseen]) == set(range(21))


def test_the_smallest_regression_holds_out_a_fifth():
    seen, unseen = evaluate.split(np.arange(10.0), Task.REGRESSION, seed=0)
    assert (len(seen), len(unseen)) == (8, 2)


def test_the_split_is_the_seeds():
    y = np.arange(100) % 2
    first, again, other = (evaluate.split(y, Task.CLASSIFICATION, seed=seed)[1].tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_the_confusion_matrix_has_true_classes_as_rows_in_the_order_of_the_classes():
    X, y = rows(3)
    fitted = preprocess.assemble(X, RandomForestClassifier(10, max_depth=2, random_state=0), scaled=False).fit(X, y)
    # Fewer rows of one class than of the other, so that the matrix differs from its transpose.
    seen = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 2)[:20]])
    classes = ("x", "y", "z")
    described = evaluate.held_out(fitted, X.iloc[seen], y[seen], Task.CLASSIFICATION, classes)
    predicted = fitted.predict(X.iloc[seen])
    expected = [[int(((y[seen] == true) & (predicted == said)).sum()) for said in range(3)] for true in range(3)]
    assert described["confusion_matrix"] == expected
    assert described["confusion_matrix"][1] == [0, 0, 0]
    assert described["confusion_matrix"][0][2] != described["confusion_matrix"][2][0]
    assert described["classes"] == list(classes)
    assert described["rows"] == len(seen)
    assert described["accuracy"] == pytest.approx(metrics.accuracy_score(y[seen], predicted))
    # A class that is not among these rows has no area under its curve.
    assert described["roc_auc"] is None
    assert described["classification_report"]["x"]["support"] == (y[seen] == 0).sum()


def test_one_row_of_a_regression_has_no_r2():
    X, y = rows(60)
    fitted = preprocess.assemble(X, LinearRegression(), scaled=False).fit(X, y)
    scores = evaluate.score(fitted, X[:1], y[:1].astype("float64"), Task.REGRESSION)
    assert scores["r2"] is None
    assert scores["rmse"] == pytest.approx(abs(fitted.predict(X[:1])[0] - y[0]))


def test_fitting_leaves_the_pipeline_unfitted():
    X, y = rows(2)
    pipeline = preprocess.assemble(X, LogisticRegression(), scaled=False)
    evaluate.fit(pipeline, X, y)
    assert not hasattr(pipeline[-1], "coef_")


def test_a_refusal_is_told_in_the_estimators_own_words():
    X, y = rows(2)
    with pytest.raises(TrainingFailed, match=r"IsotonicRegression could not be trained on this data: .*1 feature"):
        evaluate.fit(Pipeline([("model", IsotonicRegression())]), X, y)
