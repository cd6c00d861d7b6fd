"""Forests of small trees: all trees at once say what one after another does, to the last bit."""

import numpy as np
import pytest
import treelite.sklearn
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from treelite import gtil

from app.pipelines.compiled.models import Trees
from app.pipelines.compiled.small_trees import SmallTrees


def fitted(estimator, load):
    """Fit an estimator to real rows, and return its trees as treelite has them, and the rows."""
    X, y = load(return_X_y=True)
    X = X.astype("float32").astype("float64")
    return estimator.fit(X, y), treelite.sklearn.import_model(estimator), X


def edges(model, X):
    """Return rows whose values are thresholds of the trees, or next to them, or beyond all."""
    found = [X.min(axis=0) - 1e9, X.max(axis=0) + 1e9, np.zeros(X.shape[1])]
    tree = model.get_tree_accessor(0)
    columns, thresholds = tree.get_field("split_index"), tree.get_field("threshold")
    for node in np.flatnonzero(tree.get_field("cleft") >= 0):
        for beside in (thresholds[node], *np.nextafter(thresholds[node], [-np.inf, np.inf])):
            row = X[node % len(X)].copy()
            row[columns[node]] = beside
            found.append(row)
    return np.array(found)


@pytest.mark.parametrize(
    ("estimator", "load"),
    [
        (RandomForestClassifier(50, random_state=0), load_breast_cancer),
        (RandomForestClassifier(7, max_leaf_nodes=9, random_state=0), load_breast_cancer),
        (RandomForestClassifier(20, max_depth=5, random_state=0), load_digits),
        (ExtraTreesClassifier(30, random_state=0), load_wine),
        (RandomForestRegressor(30, min_samples_leaf=8, random_state=0), load_diabetes),
        (ExtraTreesRegressor(30, max_leaf_nodes=64, random_state=0), load_diabetes),
        (RandomForestClassifier(3, max_depth=1, random_state=0), load_iris),
        (RandomForestClassifier(3, min_samples_split=500, random_state=0), load_iris),
    ],
)
def test_what_all_trees_say_at_once_is_what_they_say_one_after_another(estimator, load):
    estimator, model, X = fitted(estimator, load)
    small = SmallTrees.of(model)
    rows = np.concatenate([X, edges(model, X)])
    expected = gtil.predict(model, rows).reshape(len(rows), -1)
    np.testing.assert_array_equal(small(rows), expected)
    for row in range(0, len(rows), 97):
        np.testing.assert_array_equal(small(rows[row : row + 1]), expected[row : row + 1])
    original = estimator.predict_proba(X) if hasattr(estimator, "classes_") else estimator.predict(X)[:, None]
    np.testing.assert_allclose(small(X), original, rtol=1e-12)


@pytest.mark.parametrize(
    ("estimator", "load"),
    [
        pytest.param(RandomForestRegressor(3, random_state=0), load_diabetes, id="a tree of more leaves than bits"),
        pytest.param(ExtraTreesClassifier(600, max_leaf_nodes=64), load_digits, id="many trees of many thresholds"),
        pytest.param(GradientBoostingRegressor(n_estimators=3), load_diabetes, id="a sum and no mean"),
        pytest.param(IsolationForest(n_estimators=5, random_state=0), load_iris, id="a mean that is no answer yet"),
    ],
)
def test_other_trees_are_left_to_their_library(estimator, load):
    _, model, X = fitted(estimator, load)
    assert SmallTrees.of(model) is None
    trees = Trees(model.serialize_bytes(), single=True)
    np.testing.assert_array_equal(trees(X), gtil.predict(model, X).reshape(len(X), -1))


def test_rows_with_missing_values_are_left_to_their_library():
    _, model, X = fitted(RandomForestClassifier(10, random_state=0), load_iris)
    X[::7, 2] = np.nan
    trees = Trees(model.serialize_bytes(), single=True)
    np.testing.assert_array_equal(trees(X), gtil.predict(model, X).reshape(len(X), -1))
