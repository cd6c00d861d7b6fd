"""Forests asked tree by tree."""

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from app.explain import forests

X = np.random.default_rng(0).normal(size=(200, 4))
Y = X[:, 0] * X[:, 1] + X[:, 2]


@pytest.mark.parametrize("labels", [Y > 0, np.digitize(Y, [-1, 1])], ids=["two classes", "three classes"])
@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
def test_probabilities_are_those_of_scikit_learn(kind, labels):
    model = kind(15, random_state=0).fit(X, labels)
    rows = np.random.default_rng(1).normal(size=(500, 4)) * 3
    np.testing.assert_allclose(forests.answers(model, rows), model.predict_proba(rows), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("kind", [RandomForestRegressor, ExtraTreesRegressor])
def test_numbers_are_those_of_scikit_learn(kind):
    model = kind(15, random_state=0).fit(X, Y)
    rows = np.random.default_rng(1).normal(size=(500, 4)) * 3
    np.testing.assert_allclose(forests.answers(model, rows)[:, 0], model.predict(rows), rtol=1e-12)


def test_rows_between_two_numbers_of_half_the_width_go_where_scikit_learn_sends_them():
    model = RandomForestRegressor(30, random_state=0).fit(X.astype("float32"), Y)
    edges = np.concatenate([one.tree_.threshold for one in model.estimators_])
    rows = np.zeros((len(edges), 4))
    rows[:, 0] = np.nextafter(edges, np.resize([-np.inf, np.inf], len(edges)))
    np.testing.assert_allclose(forests.answers(model, rows)[:, 0], model.predict(rows), rtol=1e-12)


def test_other_models_are_left_to_themselves():
    class Other(RandomForestRegressor):
        """A forest that may answer as it likes."""

    for model in (GradientBoostingRegressor(n_estimators=3).fit(X, Y), Other(3).fit(X, Y)):
        assert forests.answers(model, X) is None
    assert forests.answers(RandomForestRegressor(3).fit(X, np.column_stack([Y, Y])), X) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_rows_that_a_forest_may_refuse_are_left_to_it(value):
    model = RandomForestRegressor(3, random_state=0).fit(X, Y)
    rows = X[:3].copy()
    rows[1, 2] = value
    assert forests.answers(model, rows) is None
