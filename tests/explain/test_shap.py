"""Shapley values that are known from their definition."""

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor
from xgboost import XGBRegressor

from app.errors import InvalidParameters
from app.explain import shap
from app.explain.base import Case
from app.payloads.parameters import Kind, Task
from tests.explain.functions import Watched, asked, opaque, shares


def explain(subject, row, num_samples=None, output=0, **more):
    """Explain one row of a model."""
    return shap.explain(subject, Case(row), asked("shap", output, num_samples=num_samples, **more))


def sampled(subject, row, num_samples, **more):
    """Explain one row by drawn permutations, though all coalitions could be asked for."""
    return explain(subject, row, num_samples, algorithm="permutation", **more)


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


@pytest.mark.parametrize("place", [0, 7, 21])
def test_few_columns_are_explained_exactly_by_all_coalitions(frame, place):
    expected, base = shapley(tangled, frame, frame.iloc[[place]])
    local = explain(opaque(tangled, frame), frame.iloc[[place]])
    assert (local.algorithm, local.ended) == ("exact", "exact")
    assert local.num_samples == 2**4 * 40
    assert local.base_value == pytest.approx(base, abs=1e-9)
    assert shares(local) == pytest.approx(expected, abs=1e-9)
    assert all(one.error is None for one in local.contributions)


def test_a_function_of_pairs_is_explained_exactly_by_walks_and_their_reverses(frame):
    expected, base = shapley(pairwise, frame, frame.iloc[[5]])
    local = sampled(opaque(pairwise, frame), frame.iloc[[5]], 2 * 2 * 4 * 40)
    assert local.num_samples <= 2 * 2 * 4 * 40
    assert local.background == 40
    assert local.base_value == pytest.approx(base, abs=1e-9)
    assert shares(local) == pytest.approx(expected, abs=1e-9)
    assert local.trust["standard_error"] < 1e-9


def test_the_sampler_comes_close_to_the_enumerated_values(frame):
    for place in (0, 7):
        expected, base = shapley(tangled, frame, frame.iloc[[place]])
        local = sampled(opaque(tangled, frame), frame.iloc[[place]], 50_000)
        assert local.algorithm == "permutation"
        assert local.base_value == pytest.approx(base, abs=1e-9)
        for name, share in expected.items():
            assert shares(local)[name] == pytest.approx(share, abs=0.02)
        assert local.trust["additivity_error"] < 1e-9


def test_what_it_misses_is_within_the_errors_told(frame):
    expected, _ = shapley(tangled, frame, frame.iloc[[0]])
    runs = [sampled(opaque(tangled, frame), frame.iloc[[0]], 4_000, seed=seed) for seed in range(30)]
    scores = np.array(
        [[(one.value - expected[one.part.feature]) / one.error for one in run.contributions] for run in runs]
    )
    assert 0.7 < np.sqrt((scores**2).mean()) < 1.4


def test_more_samples_come_closer(frame):
    expected, _ = shapley(tangled, frame, frame.iloc[[0]])

    def miss(num_samples):
        runs = [sampled(opaque(tangled, frame), frame.iloc[[0]], num_samples, seed=seed) for seed in range(5)]
        return np.mean([abs(shares(run)[name] - expected[name]) for run in runs for name in expected])

    assert miss(20_000) < miss(400) / 2


def test_an_error_that_is_small_enough_ends_the_sampling(frame):
    local = sampled(opaque(tangled, frame), frame.iloc[[0]], 50_000, max_error=0.03)
    assert local.ended == "max_error"
    assert local.trust["standard_error"] == max(one.error for one in local.contributions) <= 0.03
    assert local.num_samples < 50_000


def test_a_column_that_the_model_ignores_gets_nothing(frame):
    for ask in (explain, sampled):
        found = shares(ask(opaque(lambda rows: rows["a"] * rows["b"], frame), frame.iloc[[3]], 1000))
        assert found["c"] == pytest.approx(0, abs=1e-15)
        assert found["d"] == pytest.approx(0, abs=1e-15)
        assert found["a"] != 0


def test_columns_that_act_alike_share_alike(frame):
    twins = frame.assign(b=frame["a"])
    for ask, count in ((explain, None), (sampled, 640)):
        found = shares(ask(opaque(lambda rows: rows["a"] * rows["b"] + rows["c"], twins), twins.iloc[[3]], count))
        assert found["a"] == pytest.approx(found["b"], abs=1e-9)


@pytest.mark.parametrize("ask", [explain, sampled])
def test_contributions_of_a_sum_of_models_are_the_sums_of_contributions(frame, ask):
    whole, first, second = (
        shares(ask(opaque(function, frame), frame.iloc[[9]], 1000))
        for function in (lambda rows: tangled(rows) + pairwise(rows), tangled, pairwise)
    )
    for name in frame:
        assert whole[name] == pytest.approx(first[name] + second[name], abs=1e-9)


@pytest.mark.parametrize("budget", [10, 100, 50_000])
@pytest.mark.parametrize("algorithm", ["auto", "permutation"])
def test_the_budget_is_kept_unless_it_is_less_than_two_pairs_of_walks(budget, algorithm):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 14))).add_prefix("x")
    model = Watched(lambda rows: rows.sum(axis=1), X)
    local = explain(model.subject, X.iloc[[0]], budget, algorithm=algorithm)
    assert local.algorithm == "permutation"
    assert local.num_samples == len(model.drawn) <= max(budget, 2 * 2 * 14)
    assert local.trust["additivity_error"] < 1e-9


def test_text_and_missing_values_are_replaced_as_they_are():
    X = pd.DataFrame({"a": [1.0, np.nan, 3.0, 4.0] * 5})
    X["text"] = pd.array(["x", None, "y", "y"] * 5, dtype="str")
    model = Watched(lambda rows: ((rows["text"] == "y") * 2.0 + rows["text"].isna() * 5.0 + rows["a"]).fillna(3.0), X)
    for ask, count in ((explain, None), (sampled, 320)):
        local = ask(model.subject, X.iloc[[1]], count)
        # Where `a` is missing the answer is 3, whatever the text is.
        assert sum(shares(local).values()) == pytest.approx(3 - local.base_value)
    assert {str(value) for value in model.drawn["text"].unique()} == {"x", "y", "nan"}
    assert all(rows["text"].dtype == X["text"].dtype for rows in model.asked)


def test_a_text_that_is_missing_has_its_share():
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0] * 5})
    X["text"] = pd.array(["x", None, "y", "y"] * 5, dtype="str")
    subject = opaque(lambda rows: (rows["text"] == "y") * 2.0 + rows["text"].isna() * 5.0 + rows["a"], X)
    for ask, count in ((explain, None), (sampled, 320)):
        assert shares(ask(subject, X.iloc[[1]], count))["text"] == pytest.approx(5 - (2 * 10 + 5 * 5) / 20)


def test_exact_values_of_many_columns_are_refused_and_permutation_named():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 13))).add_prefix("x")
    with pytest.raises(InvalidParameters) as refused:
        explain(opaque(lambda rows: rows.sum(axis=1), X), X.iloc[[0]], algorithm="exact")
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.detail) == ("/params/algorithm", "ask for permutation, or leave it out")
    assert "13 parts" in refused.value.detail


@pytest.mark.parametrize("algorithm", ["tree", "linear"])
def test_an_algorithm_that_does_not_fit_the_model_is_refused(frame, subject, algorithm):
    other = LinearRegression() if algorithm == "tree" else RandomForestRegressor(3)
    for shown in (opaque(tangled, frame), subject(frame, tangled(frame), other, Task.REGRESSION)):
        with pytest.raises(InvalidParameters) as refused:
            explain(shown, frame.iloc[[0]], algorithm=algorithm)
        assert [fault.pointer for fault in refused.value.faults] == ["/params/algorithm"]
        assert f"not explained as a {algorithm} model" in refused.value.detail


@pytest.mark.parametrize("algorithm", ["exact", "permutation"])
def test_what_is_asked_for_is_done_though_a_quicker_way_fits(frame, subject, algorithm):
    shown = subject(frame, tangled(frame), DecisionTreeRegressor(max_depth=3), Task.REGRESSION)
    local = explain(shown, frame.iloc[[0]], 50_000, algorithm=algorithm)
    assert local.algorithm == algorithm
    expected, _ = shapley(lambda rows: shown.predict(rows)[:, 0], frame, frame.iloc[[0]])
    assert shares(local) == pytest.approx(expected, abs=1e-9 if algorithm == "exact" else 0.1)


@pytest.mark.parametrize("place", [0, 11])
def test_a_linear_model_is_explained_as_all_coalitions_explain_it(frame, subject, place):
    shown = subject(frame, pairwise(frame), LinearRegression(), Task.REGRESSION)
    known, counted = (explain(shown, frame.iloc[[place]], algorithm=name) for name in ("linear", "exact"))
    assert (known.algorithm, known.num_samples) == ("linear", None)
    assert shares(known) == pytest.approx(shares(counted), abs=1e-9)
    assert known.base_value == pytest.approx(counted.base_value)


def conditional(model, row):
    """Return the values of one tree: what is left out of a coalition is met as often as training rows went each way."""
    tree = model.tree_

    def value(coalition, node=0):
        if tree.children_left[node] < 0:
            return float(tree.value[node].ravel()[0])
        left, right = tree.children_left[node], tree.children_right[node]
        if tree.feature[node] in coalition:
            return value(coalition, left if row[tree.feature[node]] <= tree.threshold[node] else right)
        weights = tree.weighted_n_node_samples[[left, right]]
        return float(weights @ [value(coalition, left), value(coalition, right)] / weights.sum())

    n = len(row)
    found = np.zeros(n)
    for place in range(n):
        others = [other for other in range(n) if other != place]
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            for chosen in combinations(others, size):
                found[place] += weight * (value({*chosen, place}) - value(chosen))
    return found, value(())


@pytest.mark.parametrize("place", [0, 5, 17])
def test_a_tree_is_explained_by_how_often_training_rows_went_each_way(frame, subject, place):
    shown = subject(frame, tangled(frame), DecisionTreeRegressor(max_depth=4), Task.REGRESSION, scaled=False)
    row = frame.iloc[[place]]
    expected, base = conditional(shown.final.model, shown.final.transform(row)[0].astype("float32"))
    local = explain(shown, row)
    assert (local.algorithm, local.num_samples, local.background) == ("tree", None, 0)
    assert shares(local) == pytest.approx(dict(zip(shown.final.origins, expected, strict=True)), abs=1e-9)
    assert local.base_value == pytest.approx(base)


def test_what_holds_of_any_shapley_values_holds_of_trees(frame, subject):
    """Their values are of another game than all coalitions with background rows, and of the same axioms."""
    beside = frame.assign(idle=np.random.default_rng(1).normal(size=40))
    target = 3 * frame["a"] + frame["b"]
    shown = subject(beside, target, GradientBoostingRegressor(n_estimators=20, max_features=None), Task.REGRESSION)
    by_trees, counted = (explain(shown, beside.iloc[[4]], algorithm=name) for name in ("tree", "exact"))
    assert by_trees.local_prediction == pytest.approx(counted.local_prediction) == shown.predict(beside.iloc[[4]])[0, 0]
    assert by_trees.base_value == pytest.approx(shown.predict(beside).mean())
    assert max(shares(by_trees), key=lambda name: abs(shares(by_trees)[name])) == "a"


def test_many_rows_are_explained_by_trees_as_each_is_alone(penguins, subject):
    X, species = penguins
    shown = subject(X, species == "Gentoo", GradientBoostingClassifier(n_estimators=5))
    cases = [Case(X.iloc[[place]]) for place in range(6)]
    together = shap.exact_each(shown, cases, asked("shap", 1))
    for case, local in zip(cases, together, strict=True):
        alone = explain(shown, case.row, output=1)
        assert shares(local) == pytest.approx(shares(alone), abs=1e-12)
        assert local.base_value == alone.base_value
        assert local.local_prediction == pytest.approx(alone.local_prediction)


def test_many_rows_of_another_model_are_not_explained_at_once(frame):
    assert shap.exact_each(opaque(tangled, frame), [Case(frame.iloc[[0]])], asked("shap")) is None


def test_a_linear_model_is_explained_by_weight_times_distance_to_the_mean(diabetes, subject):
    X, y = diabetes
    shown = subject(X, y, LinearRegression(), Task.REGRESSION, scaled=False)
    by_hand = LinearRegression().fit(X, y)
    local = explain(shown, X.iloc[[4]])
    assert (local.algorithm, local.scale) == ("linear", "value")
    for place, name in enumerate(X):
        expected = by_hand.coef_[place] * (X[name].iloc[4] - X[name].mean())
        assert shares(local)[name] == pytest.approx(expected, abs=1e-9)
    assert local.base_value == pytest.approx(by_hand.predict(X).mean())
    assert local.local_prediction == pytest.approx(by_hand.predict(X.iloc[[4]])[0])


def test_log_odds_of_two_classes_are_each_others_negative(penguins, subject):
    X, species = penguins
    for model in (LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression())):
        shown = subject(X, species == "Gentoo", model)
        first, second = (explain(shown, X.iloc[[0]], output=output) for output in (0, 1))
        assert first.scale == "log_odds"
        assert first.base_value == pytest.approx(-second.base_value)
        for name in X:
            assert shares(first)[name] == pytest.approx(-shares(second)[name], abs=1e-12)


def test_the_categories_of_a_text_column_are_one_contribution(penguins, subject):
    X, species = penguins
    shown = subject(X, species == "Gentoo", LogisticRegression())
    weights, inputs = shown.final.model.coef_[0], shown.final.transform(X)
    places = [place for place, name in enumerate(shown.final.origins) if name == "island"]
    assert len(places) == 3
    expected = (weights[places] * (inputs[0] - inputs.mean(axis=0))[places]).sum()
    assert shares(explain(shown, X.iloc[[0]], output=1))["island"] == pytest.approx(expected)


def test_what_does_not_add_up_is_asked_of_coalitions_instead(diabetes, subject):
    """An estimator read wrongly must not be reported as exact: here its trees answer through a link of their own."""

    class Squared(RandomForestRegressor):
        def predict(self, X):
            return super().predict(X) ** 2

    Squared.__name__ = "RandomForestRegressor"
    shown = subject(*diabetes, Squared(5, random_state=0), Task.REGRESSION)
    local = explain(shown, diabetes[0].iloc[[0]], 1000)
    assert local.algorithm == "permutation"
    assert local.trust["additivity_error"] < 1e-6
    assert local.local_prediction == pytest.approx(shown.predict(diabetes[0].iloc[[0]])[0, 0])


@pytest.mark.parametrize(
    "model",
    [
        XGBRegressor(n_estimators=20, objective="reg:gamma", n_jobs=1),
        LGBMRegressor(n_estimators=20, objective="gamma", n_jobs=1, verbose=-1),
    ],
    ids=["xgboost", "lightgbm"],
)
def test_contributions_to_a_number_are_in_its_unit_even_where_the_model_adds_up_logarithms(diabetes, subject, model):
    X, target = diabetes
    shown = subject(X, target, model, Task.REGRESSION)
    local = explain(shown, X.iloc[[0]], 1000)
    assert local.scale == "value"
    assert local.local_prediction == pytest.approx(shown.predict(X.iloc[[0]])[0, 0])
    assert 100 < local.base_value < 200


@pytest.mark.parametrize(("count", "algorithm"), [(8, "exact"), (9, "permutation")])
def test_all_coalitions_are_asked_for_where_they_and_all_background_rows_fit_the_samples(count, algorithm):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, count))).add_prefix("x")
    local = explain(opaque(lambda rows: rows.prod(axis=1), X), X.iloc[[0]])
    assert local.algorithm == algorithm
    assert local.background == 60
    assert local.num_samples <= 20_000


def test_words_share_what_all_of_them_change():
    X = pd.DataFrame({"note": pd.array(["rude and rude", "so good"], dtype="str")})
    model = opaque(lambda rows: rows["note"].str.contains("so") & rows["note"].str.contains("good"), X, note=Kind.TEXT)
    local = explain(model, X.iloc[[1]])
    assert {one.part.value: one.value for one in local.contributions} == {"so": 0.5, "good": 0.5}
    assert local.algorithm == "exact"
    assert (local.base_value, local.local_prediction) == (0, 1)
    with pytest.raises(InvalidParameters) as refused:
        explain(model, X.iloc[[1]], algorithm="tree")
    assert refused.value.faults[0].pointer == "/params/algorithm"


def test_the_kernel_is_for_words_and_not_for_columns():
    X = pd.DataFrame({"note": pd.array(["rude and late and slow and kind", "so good"], dtype="str"), "n": [1.0, 2.0]})
    model = opaque(lambda rows: rows["note"].str.count("rude|slow") ** 2, X, note=Kind.TEXT)
    local = explain(model, X.iloc[[0]], 10, algorithm="kernel", text="note")
    assert local.algorithm == "kernel"
    assert local.local_prediction == pytest.approx(4)
    with pytest.raises(InvalidParameters, match="columns are compared with other rows") as refused:
        explain(model, X.iloc[[0]], algorithm="kernel")
    assert [fault.pointer for fault in refused.value.faults] == ["/params/algorithm"]
