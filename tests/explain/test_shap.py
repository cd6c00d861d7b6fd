"""Shapley values that are known from their definition."""

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBRegressor

from app.explain.base import Asked, Subject
from app.explain.shap import explain
from app.payloads.parameters import Task


def asked(num_samples=None, output=0, seed=0):
    """Ask for all columns of one output."""
    return Asked(output=output, num_features=100, num_samples=num_samples, seed=seed)


def opaque(function, X):
    """Return a function of rows as a model whose inside nobody can see."""
    return Subject(Task.REGRESSION, lambda rows: np.asarray(function(rows), dtype="float64").reshape(-1, 1), X, None)


def shapley(function, X, row):
    """Enumerate all coalitions: the mean answer when the row's columns of a coalition stand in every background row."""
    columns = list(X.columns)

    def value(coalition):
        rows = X.copy()
        for name in coalition:
            rows[name] = row[name].iloc[0]
        return float(np.mean(function(rows)))

    def share(name):
        others = [other for other in columns if other != name]
        total = 0.0
        for size in range(len(columns)):
            weight = factorial(size) * factorial(len(columns) - size - 1) / factorial(len(columns))
            for chosen in combinations(others, size):
                total += weight * (value({*chosen, name}) - value(chosen))
        return total

    return {name: share(name) for name in columns}, value(())


@pytest.fixture
def frame():
    """40 rows of four numbers."""
    return pd.DataFrame(np.random.default_rng(0).normal(size=(40, 4)), columns=list("abcd"))


def tangled(rows):
    """Products, steps and sums of three columns and of four."""
    return rows["a"] * rows["b"] * rows["c"] + np.maximum(rows["c"], rows["d"]) * (rows["a"] > rows["b"])


def pairwise(rows):
    """Products of two columns only: of such a function one pair of walks already gives the exact values."""
    return rows["a"] * rows["b"] - 3 * rows["b"] * rows["d"] + rows["c"]


def test_a_function_of_pairs_is_explained_exactly_by_one_walk_and_its_reverse(frame):
    expected, base = shapley(pairwise, frame, frame.iloc[[5]])
    local = explain(opaque(pairwise, frame), frame.iloc[[5]], asked(num_samples=2 * 4 * 40))
    assert local.num_samples == 2 * 4 * 40
    assert local.background == 40
    assert local.base_value == pytest.approx(base, abs=1e-9)
    for name, share in expected.items():
        assert local.contributions[name] == pytest.approx(share, abs=1e-9)


def test_the_sampler_comes_close_to_the_enumerated_values(frame):
    for place in (0, 7):
        expected, base = shapley(tangled, frame, frame.iloc[[place]])
        local = explain(opaque(tangled, frame), frame.iloc[[place]], asked(num_samples=50_000))
        assert local.base_value == pytest.approx(base, abs=1e-9)
        for name, share in expected.items():
            assert local.contributions[name] == pytest.approx(share, abs=0.02)
        assert local.trust["additivity_error"] < 1e-9


def test_more_samples_come_closer(frame):
    expected, _ = shapley(tangled, frame, frame.iloc[[0]])

    def miss(num_samples):
        runs = [explain(opaque(tangled, frame), frame.iloc[[0]], asked(num_samples, seed=seed)) for seed in range(5)]
        return np.mean([abs(run.contributions[name] - expected[name]) for run in runs for name in expected])

    assert miss(20_000) < miss(400) / 2


def test_a_column_that_the_model_ignores_gets_nothing(frame):
    local = explain(opaque(lambda rows: rows["a"] * rows["b"], frame), frame.iloc[[3]], asked(num_samples=1000))
    assert local.contributions["c"] == local.contributions["d"] == 0
    assert local.contributions["a"] != 0


def test_columns_that_act_alike_share_alike(frame):
    twins = frame.assign(b=frame["a"])
    local = explain(opaque(lambda rows: rows["a"] * rows["b"] + rows["c"], twins), twins.iloc[[3]], asked(320))
    assert local.contributions["a"] == pytest.approx(local.contributions["b"], abs=1e-9)


def test_contributions_of_a_sum_of_models_are_the_sums_of_contributions(frame):
    whole, first, second = (
        explain(opaque(function, frame), frame.iloc[[9]], asked(1000)).contributions
        for function in (lambda rows: tangled(rows) + pairwise(rows), tangled, pairwise)
    )
    for name in frame:
        assert whole[name] == pytest.approx(first[name] + second[name], abs=1e-9)


@pytest.mark.parametrize("budget", [10, 100, 50_000])
def test_the_budget_is_kept_unless_it_is_less_than_one_pair_of_walks(budget):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 12))).add_prefix("x")
    calls = []
    local = explain(opaque(lambda rows: calls.append(len(rows)) or rows.sum(axis=1), X), X.iloc[[0]], asked(budget))
    assert local.num_samples <= max(budget, 2 * 12)
    assert local.trust["additivity_error"] < 1e-9


def test_text_and_missing_values_are_replaced_as_they_are():
    X = pd.DataFrame({"a": [1.0, np.nan, 3.0, 4.0] * 5})
    X["text"] = pd.array(["x", None, "y", "y"] * 5, dtype="str")
    seen = []

    def function(rows):
        seen.append(rows)
        return (rows["text"] == "y") * 2.0 + rows["text"].isna() * 5.0 + rows["a"]

    row = X.iloc[[1]]
    local = explain(opaque(lambda rows: function(rows).fillna(3.0), X), row, asked(320))
    assert local.contributions["text"] == pytest.approx(5 - (2 * 10 + 5 * 5) / 20)
    assert {str(value) for rows in seen for value in rows["text"].unique()} <= {"x", "y", "nan"}
    assert all(rows["text"].dtype == X["text"].dtype for rows in seen)


def test_a_linear_model_is_explained_by_weight_times_distance_to_the_mean(diabetes, subject):
    X, y = diabetes
    shown = subject(X, y, LinearRegression(), Task.REGRESSION, scaled=False)
    by_hand = LinearRegression().fit(X, y)
    local = explain(shown, X.iloc[[4]], asked())
    assert (local.algorithm, local.scale) == ("linear", "value")
    for place, name in enumerate(X):
        expected = by_hand.coef_[place] * (X[name].iloc[4] - X[name].mean())
        assert local.contributions[name] == pytest.approx(expected, abs=1e-9)
    assert local.base_value == pytest.approx(by_hand.predict(X).mean())
    assert local.local_prediction == pytest.approx(by_hand.predict(X.iloc[[4]])[0])


def test_log_odds_of_two_classes_are_each_others_negative(penguins, subject):
    X, species = penguins
    for model in (LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression())):
        shown = subject(X, species == "Gentoo", model)
        first, second = (explain(shown, X.iloc[[0]], asked(output=output)) for output in (0, 1))
        assert first.scale == "log_odds"
        assert first.base_value == pytest.approx(-second.base_value)
        for name in X:
            assert first.contributions[name] == pytest.approx(-second.contributions[name], abs=1e-12)


def test_the_categories_of_a_text_column_are_one_contribution(penguins, subject):
    X, species = penguins
    shown = subject(X, species == "Gentoo", LogisticRegression())
    weights, inputs = shown.final.model.coef_[0], shown.final.transform(X)
    places = [place for place, name in enumerate(shown.final.origins) if name == "island"]
    assert len(places) == 3
    expected = (weights[places] * (inputs[0] - inputs.mean(axis=0))[places]).sum()
    assert explain(shown, X.iloc[[0]], asked(output=1)).contributions["island"] == pytest.approx(expected)


def test_what_does_not_add_up_is_sampled_instead(diabetes, subject):
    """An estimator read wrongly must not be reported as exact: here its trees answer through a link of their own."""

    class Squared(RandomForestRegressor):
        def predict(self, X):
            return super().predict(X) ** 2

    Squared.__name__ = "RandomForestRegressor"
    shown = subject(*diabetes, Squared(5, random_state=0), Task.REGRESSION)
    local = explain(shown, diabetes[0].iloc[[0]], asked(1000))
    assert local.algorithm == "permutation"
    assert local.trust["additivity_error"] < 1e-6
    assert local.local_prediction == pytest.approx(shown.predict(diabetes[0].iloc[[0]])[0, 0])


@pytest.mark.parametrize(
    "model",
    [
        XGBRegressor(n_estimators=20, objective="reg:gamma"),
        LGBMRegressor(n_estimators=20, objective="gamma", verbose=-1),
    ],
    ids=["xgboost", "lightgbm"],
)
def test_contributions_to_a_number_are_in_its_unit_even_where_the_model_adds_up_logarithms(diabetes, subject, model):
    X, target = diabetes
    shown = subject(X, target, model, Task.REGRESSION)
    local = explain(shown, X.iloc[[0]], asked(1000))
    assert local.scale == "value"
    assert local.local_prediction == pytest.approx(shown.predict(X.iloc[[0]])[0, 0])
    assert 100 < local.base_value < 200
