"""On models whose truth is known each method finds it."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from app.explain import counterfactual, curves, gradients, registry
from app.explain.base import Case, Network, Subject
from app.explain.drawn import Drawn
from app.payloads.parameters import Kind, Task
from app.pipelines.autokeras import backend
from tests.explain.functions import asked, opaque, shares
from tests.explain.truths import FOUR, WEIGHTS, by_size, errors, linear, local

#: Functions of one column each, and what they add up to.
ADDED = {
    "a": np.sin,
    "b": np.square,
    "c": lambda x: 2.0 * (x > 0.3),
    "d": lambda x: np.exp(x / 2),
    "e": lambda x: 0 * x,
}


def additive(rows):
    """A sum of functions of one column each."""
    return sum(function(rows[name]) for name, function in ADDED.items())


@pytest.mark.parametrize("method", ["lime", "shap"])
def test_a_linear_model_is_explained_in_the_order_and_with_the_signs_of_its_weights(many, method):
    row = pd.DataFrame([[1.5] * 5], columns=list("abcde"))
    found = local(method, opaque(linear, many), row)
    assert [one.part.feature for one in by_size(found)] == list("abcde")
    for name, weight in WEIGHTS.items():
        assert weight * shares(found)[name] > 0 or name == "e"


def test_lime_gives_of_a_linear_model_how_far_the_rows_own_quartile_is_from_the_others(many):
    """Columns are drawn one by one, and the kernel is a product over columns: each weight is a difference of means."""
    shown = opaque(linear, many)
    drawn = Drawn.of(shown)
    for place in (0, 1, 2):
        row = many.iloc[[place]]
        found = local("lime", shown, row, num_samples=20_000)
        for name, weight in WEIGHTS.items():
            same = drawn.quartiles[name] == pd.qcut(many[name], 4, labels=False).iloc[place]
            alike = drawn.rows[name][same].mean() - drawn.rows[name][~same].mean()
            # What the ridge takes off: one part in the weighed spread of a mask of 20,000, which is more than 1,000.
            bound = FOUR * errors(found)[name] + abs(weight * alike) / 1_000 + 1e-12
            assert shares(found)[name] == pytest.approx(weight * alike, abs=bound)


def test_shap_of_a_linear_model_is_the_weight_times_the_distance_to_the_mean(normal, subject):
    fitted = subject(normal, linear(normal), LinearRegression(), Task.REGRESSION)
    row = normal.iloc[[7]]
    expected = {name: weight * (row[name].iloc[0] - normal[name].mean()) for name, weight in WEIGHTS.items()}
    for model, algorithm in (
        (fitted, "linear"),
        (opaque(linear, normal), "exact"),
        (opaque(linear, normal), "permutation"),
    ):
        found = local("shap", model, row, algorithm=algorithm)
        assert found.algorithm == algorithm
        assert shares(found) == pytest.approx(expected, abs=1e-9)
        assert found.base_value == pytest.approx(linear(normal).mean())


@pytest.mark.parametrize("algorithm", ["exact", "permutation"])
def test_shap_of_a_sum_of_functions_is_each_functions_distance_to_its_mean(normal, algorithm):
    for place in (0, 11):
        row = normal.iloc[[place]]
        found = local("shap", opaque(additive, normal), row, algorithm=algorithm)
        for name, function in ADDED.items():
            expected = function(row[name]).iloc[0] - function(normal[name]).mean()
            assert shares(found)[name] == pytest.approx(expected, abs=1e-9)


def test_where_a_few_of_many_rows_are_compared_with_shap_misses_no_more_than_the_errors_told(many):
    row = many.iloc[[3]]
    for num_samples in (300, 1_000):
        found = local("shap", opaque(additive, many), row, algorithm="permutation", num_samples=num_samples)
        for name, function in ADDED.items():
            expected = function(row[name]).iloc[0] - function(many[name]).mean()
            assert shares(found)[name] == pytest.approx(expected, abs=FOUR * errors(found)[name] + 1e-12)


def test_columns_that_a_function_ignores_get_nothing(many):
    model = opaque(lambda rows: np.exp(rows["a"] + rows["b"]), many)
    row = pd.DataFrame([[1.5] * 5], columns=list("abcde"))
    for algorithm in ("exact", "permutation"):
        found = shares(local("shap", model, row, algorithm=algorithm))
        assert [found[name] for name in "cde"] == pytest.approx([0, 0, 0], abs=1e-12)
    found = local("lime", model, row)
    for name in "cde":
        assert abs(shares(found)[name]) < 3 * errors(found)[name]
    assert min(abs(shares(found)[name]) / errors(found)[name] for name in "ab") > FOUR


def test_columns_that_no_tree_asks_for_get_nothing(many, subject):
    target = np.where(many["a"] > 0, 3.0, 0.0) + np.where(many["b"] > 1, 1.0, 0.0)
    fitted = subject(many, target, DecisionTreeRegressor(max_depth=3, random_state=0), Task.REGRESSION)
    for place in range(5):
        found = shares(local("shap", fitted, many.iloc[[place]]))
        assert found["c"] == found["d"] == found["e"] == 0
        assert found["a"] != 0


def test_trees_tell_which_pair_of_columns_acts_together(many, subject):
    target = 4.0 * ((many["a"] > 0) & (many["c"] > 0)) + many["b"]
    fitted = subject(many, target, RandomForestRegressor(30, max_depth=5, random_state=0), Task.REGRESSION)
    cases = [Case(many.iloc[[place]]) for place in range(100)]
    interactions = registry.resolve("interactions")
    pairs = interactions(fitted, cases, asked("interactions")).details["interactions"]
    assert set(pairs[0]["features"]) == {"a", "c"}
    # All others are what the forest has learned of 400 rows by chance.
    assert pairs[0]["interaction"] > 5 * pairs[1]["interaction"]

    def together(*columns):
        surface = curves.partial_dependence(fitted, cases, asked("partial_dependence", columns=list(columns)))
        return surface.details["surface"]["interaction"]

    others = [pair for pair in combinations("abcde", 2) if set(pair) != {"a", "c"}]
    assert together("a", "c") > 5 * max(together(*pair) for pair in others)


def test_a_surface_without_interaction_is_the_sum_of_its_curves(many):
    cases = [Case(many.iloc[[place]]) for place in range(60)]
    found = curves.partial_dependence(opaque(additive, many), cases, asked("partial_dependence", columns=["a", "b"]))
    assert found.details["surface"]["interaction"] == pytest.approx(0, abs=1e-12)
    grids, mean = found.details["surface"]["grids"], np.array(found.details["surface"]["mean"])
    expected = np.sin(grids[0])[:, None] + np.square(grids[1])[None, :]
    assert np.ptp(mean - expected) == pytest.approx(0, abs=1e-9)


def test_a_counterfactual_of_a_linear_model_crosses_the_boundary_where_it_is_nearest(many):
    def above(rows):
        return 1 / (1 + np.exp(-linear(rows)))

    model = opaque(above, many, classes=("below", "above"))
    for place in range(10):
        row = many.iloc[[place]]
        found = counterfactual.explain(model, Case(row), asked("counterfactual", seconds=60)).details["counterfactuals"]
        assert found
        before = float(linear(row).iloc[0])
        # In spreads of a column the boundary is so far away in each direction, and least in the best of them.
        nearest = abs(before) / max(abs(weight) * many[name].std() for name, weight in WEIGHTS.items())
        for one in found:
            after = float(linear(pd.DataFrame([one["values"]])).iloc[0])
            assert (after > 0) != (before > 0)
            assert one["outcome"] == ("above" if after > 0 else "below")
            assert one["distance"] >= nearest
        # The way back to the row is tried in steps of a 256th, from a value that some row has: at most 7 spreads off.
        assert min(one["distance"] for one in found) <= nearest + 7 / 256 + 0.005


def of_network(X, layers):
    """Return a network of numbers that has learned nothing, and its weights."""
    keras = backend.keras()
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((X.shape[1],)), *layers(keras.layers)])

    def numbers(rows):
        return rows.to_numpy("float32")

    def predict(rows):
        return model(numbers(rows)).detach().numpy().astype("float64")

    kinds = dict.fromkeys(X, Kind.NUMBER)
    subject = Subject(Task.REGRESSION, (), kinds, predict, X, network=Network("table", numbers, lambda: model))
    with backend.quiet():
        return subject, [weight.astype("float64") for weight in model.get_weights()]


@pytest.mark.parametrize("algorithm", ["expected", "integrated"])
def test_gradients_of_a_linear_network_are_weights_times_distances(normal, algorithm):
    subject, (weights, _) = of_network(normal, lambda layers: [layers.Dense(1)])
    # As many points as rows, each of which is taken once.
    found = gradients.explain(subject, Case(normal.iloc[[4]]), asked("gradients", algorithm=algorithm, num_samples=40))
    expected = weights.ravel() * (normal.iloc[4] - normal.mean()).to_numpy()
    assert list(shares(found).values()) == pytest.approx(expected, abs=1e-5)
    assert found.trust["additivity_error"] < 1e-5


def test_gradients_add_up_within_the_error_told(normal):
    subject, _ = of_network(normal, lambda layers: [layers.Dense(16, activation="tanh"), layers.Dense(1)])
    row = normal.iloc[[4]]
    for num_samples in (100, 1_000):
        found = gradients.explain(subject, Case(row), asked("gradients", num_samples=num_samples))
        told = found.base_value + sum(one.value for one in found.contributions)
        assert found.base_value == pytest.approx(subject.predict(normal).mean(), abs=1e-5)
        miss = abs(told - subject.predict(row)[0, 0])
        assert miss == pytest.approx(found.trust["additivity_error"], abs=1e-5)
        assert miss < FOUR * sum(one.error for one in found.contributions)
    assert found.trust["additivity_error"] < 0.02 * np.abs(subject.predict(normal) - found.base_value).mean()


def test_expected_gradients_come_to_what_is_integrated_finely(normal):
    subject, weights = of_network(normal, lambda layers: [layers.Dense(16, activation="tanh"), layers.Dense(1)])
    hidden, bias, out, _ = weights
    row = normal.iloc[[4]]
    found = gradients.explain(subject, Case(row), asked("gradients", num_samples=2_000))
    way = row.to_numpy() - normal.to_numpy()
    expected = np.zeros(5)
    for place in (np.arange(500) + 0.5) / 500:
        at = np.tanh((normal.to_numpy() + place * way) @ hidden + bias)
        expected += (((1 - at**2) * out.ravel()) @ hidden.T * way).mean(axis=0) / 500
    for one, value in zip(found.contributions, expected, strict=True):
        assert one.value == pytest.approx(value, abs=FOUR * one.error)
