"""Forecasts relative to the last value: levels that training never saw."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from app.payloads.parameters import ExtractFeatures, Forecast
from app.pipelines.tsfresh.backtest import backtest
from app.pipelines.tsfresh.relative import RelativeToLast
from app.pipelines.tsfresh.windows import WindowFeatures
from tests.pipelines.series import silent


@pytest.fixture(scope="module")
def rising():
    """Return samples of a series that rises steadily and has a week, and folds."""
    time = np.arange(200)
    noise = np.random.default_rng(0).normal(size=200) / 5
    frame = pd.DataFrame({"id": 0, "t": time, "x": time / 2 + 3 * np.sin(2 * np.pi * time / 7) + noise})
    wanted = ExtractFeatures(column_id="id", column_sort="t")
    _, X, y, order = WindowFeatures.fit(frame, wanted, Forecast(window=14, horizon=2), "x", silent)
    return X, y, backtest(order, 4, 2)


def error(model, rising):
    """Return the mean absolute error over the folds."""
    X, y, folds = rising
    return np.mean([mean_absolute_error(y[b], model.fit(X.iloc[a], y[a]).predict(X.iloc[b])) for a, b in folds])


def test_trees_follow_a_trend_and_a_season(rising):
    forest = RandomForestRegressor(30, random_state=0)
    naive = error(RelativeToLast(DummyRegressor(strategy="constant", constant=0)), rising)
    assert error(forest, rising) > naive
    assert error(RelativeToLast(forest), rising) < naive / 3


def test_around_zero_it_is_the_last_value(rising):
    X, y, _ = rising
    naive = RelativeToLast(DummyRegressor(strategy="constant", constant=0)).fit(X, y)
    np.testing.assert_array_equal(naive.predict(X), X["x__last"])


def test_a_straight_line_is_fitted_as_it_is_without():
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(50, 3)), columns=["x__last", "x__lag_1", "x__mean"])
    y = X.to_numpy() @ [1.0, -0.5, 2.0] + 7
    relative = RelativeToLast(make_pipeline(StandardScaler(), Ridge(1e-9))).fit(X, y)
    np.testing.assert_allclose(relative.predict(X), y, atol=1e-6)


def test_only_what_rises_with_the_level_of_a_value_is_made_relative_to_it():
    names = ["a__last", "a__b__last", "a__lag_1", "a__b__lag_2", "a__mean", "a__b__maximum", "a__variance", "step"]
    X = pd.DataFrame(np.arange(16.0).reshape(2, 8), columns=names)
    model = RelativeToLast(DummyRegressor()).fit(X, np.zeros(2))
    assert model.column_ == "a__last"
    assert model.levels_ == {
        "a__lag_1": "a__last",
        "a__mean": "a__last",
        "a__b__lag_2": "a__b__last",
        "a__b__maximum": "a__b__last",
    }
    assert RelativeToLast(DummyRegressor(), column="step").fit(X, np.zeros(2)).column_ == "step"
    with pytest.raises(ValueError, match="no column of last values"):
        RelativeToLast(DummyRegressor()).fit(X[["step"]], np.zeros(2))


def test_it_is_an_estimator_like_any_other(rising):
    X, y, _ = rising
    model = clone(RelativeToLast(Ridge(alpha=2), column="x__last"))
    assert model.get_params()["regressor__alpha"] == 2
    model.set_params(regressor__alpha=3).fit(X, y)
    assert model.regressor_.alpha == 3
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))  # noqa: S301  our own
    assert model.feature_names_in_.tolist() == list(X.columns)
