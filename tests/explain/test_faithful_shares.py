"""Shapley values keep their definition and their axioms, whatever gives them."""

import math
from itertools import combinations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from app.payloads.parameters import Task
from tests.explain.functions import opaque, shares
from tests.explain.truths import FOUR, local


def enumerated(value, n_columns):
    """Return Shapley values from their definition, `value` being what a set of columns is worth."""
    found = np.zeros(n_columns)
    for column in range(n_columns):
        others = [other for other in range(n_columns) if other != column]
        for size in range(n_columns):
            weight = math.factorial(size) * math.factorial(n_columns - size - 1) / math.factorial(n_columns)
            for chosen in combinations(others, size):
                found[column] += weight * (value({*chosen, column}) - value(set(chosen)))
    return found


def along_the_paths(tree, x, known):
    """Return what a tree answers when it knows some columns: else it goes both ways, as many training rows as went."""

    def below(node):
        if tree.children_left[node] < 0:
            return tree.value[node].ravel()[-1]
        left, right = tree.children_left[node], tree.children_right[node]
        if tree.feature[node] in known:
            return below(left if np.float32(x[tree.feature[node]]) <= tree.threshold[node] else right)
        rows = tree.weighted_n_node_samples
        return (rows[left] * below(left) + rows[right] * below(right)) / rows[node]

    return below(0)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeRegressor(max_depth=5, random_state=0),
        RandomForestRegressor(6, max_depth=4, random_state=0),
        ExtraTreesRegressor(6, max_depth=4, random_state=0),
        RandomForestClassifier(6, max_depth=4, random_state=0),
    ],
    ids=["tree", "forest", "extra trees", "forest of classes"],
)
def test_values_of_trees_are_those_enumerated_along_their_paths(many, subject, model):
    target = many["a"] * many["b"] + np.maximum(many["c"], many["d"])
    task = Task.CLASSIFICATION if isinstance(model, RandomForestClassifier) else Task.REGRESSION
    fitted = subject(many, target > 0 if task is Task.CLASSIFICATION else target, model, task, scaled=False)
    members = getattr(fitted.final.model, "estimators_", [fitted.final.model])
    for place in (0, 1, 2):
        row, x = many.iloc[[place]], many.iloc[place].to_numpy()

        def worth(known, x=x):
            return float(np.mean([along_the_paths(one.tree_, x, known) for one in members]))

        found = local("shap", fitted, row, output=int(task is Task.CLASSIFICATION))
        assert found.algorithm == "tree"
        assert list(shares(found).values()) == pytest.approx(enumerated(worth, 5), abs=1e-9)
        assert found.base_value == pytest.approx(worth(set()))


def tangled(rows):
    """A function of which no two columns can be taken apart."""
    return rows["a"] * rows["b"] * rows["c"] + np.maximum(rows["c"], rows["d"]) * (rows["a"] > rows["b"]) + rows["a"]


@pytest.mark.parametrize("algorithm", ["exact", "permutation"])
def test_values_of_an_opaque_model_are_those_enumerated_over_the_background(normal, algorithm):
    for place in (0, 1, 2):
        row = normal.iloc[[place]]

        def worth(known, row=row):
            names = [name for number, name in enumerate(normal) if number in known]
            return float(tangled(normal.assign(**{name: row[name].iloc[0] for name in names})).mean())

        found = local("shap", opaque(tangled, normal), row, algorithm=algorithm)
        for one, expected in zip(found.contributions, enumerated(worth, 5), strict=True):
            assert one.value == pytest.approx(expected, abs=1e-9 + FOUR * (one.error or 0))
        assert found.base_value == pytest.approx(worth(set()))


@pytest.fixture(scope="module")
def twins(normal, subject):
    """Models by how they are explained: `a` and `b` are the same column and act alike, `d` and `e` do not act."""
    X = normal.assign(b=normal["a"])

    def alike(rows):
        return np.maximum(rows["a"], rows["c"]) + np.maximum(rows["b"], rows["c"]) + rows["a"] * rows["b"]

    return {
        "linear": subject(X, X["a"] + X["b"] + X["c"], LinearRegression(), Task.REGRESSION),
        "exact": opaque(alike, X),
        "permutation": opaque(alike, X),
    }


@pytest.mark.parametrize("algorithm", ["linear", "exact", "permutation"])
def test_what_acts_alike_shares_alike_and_all_adds_up(twins, algorithm):
    model = twins[algorithm]
    for place in (0, 5, 9):
        row = model.background.iloc[[place]]
        found = local("shap", model, row, algorithm=algorithm)
        values = {one.part.feature: one for one in found.contributions}
        bound = 1e-9 + FOUR * ((values["a"].error or 0) + (values["b"].error or 0))
        assert values["a"].value == pytest.approx(values["b"].value, abs=bound)
        assert [values[name].value for name in "de"] == pytest.approx([0, 0], abs=1e-9)
        total = found.base_value + sum(one.value for one in found.contributions)
        assert total == pytest.approx(model.predict(row)[0, 0], abs=1e-9)
        assert found.local_prediction == pytest.approx(total)
