"""What pairs of columns do together in trees, and what trees are read at all."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

from app.errors import InvalidParameters
from app.explain import interactions, trees
from app.explain.base import Case
from app.payloads.parameters import Task
from tests.explain.functions import asked, shares


@pytest.fixture(scope="module")
def frame():
    """300 rows of four numbers and a text."""
    X = pd.DataFrame(np.random.default_rng(0).uniform(-1, 1, size=(300, 4)), columns=list("abcd"))
    return X.assign(text=pd.array(np.resize(["x", "y", "z"], 300), dtype="str"))


def together(shown, rows, output=0, **more):
    """Return {pair: what it does together}, and the explanation."""
    cases = [Case(rows.iloc[[place]]) for place in range(len(rows))]
    found = interactions.explain(shown, cases, asked("interactions", output, num_features=100, **more))
    return {tuple(one["features"]): one["interaction"] for one in found.details["interactions"]}, found


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeRegressor(max_depth=6, random_state=0),
        RandomForestRegressor(20, random_state=0),
        GradientBoostingRegressor(max_depth=4, random_state=0),
        HistGradientBoostingRegressor(max_iter=50),
        XGBRegressor(n_estimators=20, n_jobs=1),
        LGBMRegressor(n_estimators=50, n_jobs=1, verbose=-1),
    ],
    ids=lambda model: type(model).__name__,
)
def test_two_columns_of_which_the_product_is_told_are_on_top(frame, subject, model):
    target = 5 * frame["b"] * frame["d"] + frame["a"]
    pairs, found = together(subject(frame, target, model, Task.REGRESSION), frame.head(50))
    assert next(iter(pairs)) == ("b", "d")
    assert pairs["b", "d"] > 3 * sorted(pairs.values())[-2]
    assert list(pairs.values()) == sorted(pairs.values(), reverse=True)
    assert set(pairs) == set(combinations(frame.columns, 2))
    assert (found.algorithm, found.scale, found.rows) == ("tree_interactions", "value", 50)


def test_columns_that_only_add_up_do_nothing_together(frame, subject):
    model = GradientBoostingRegressor(n_estimators=50, max_depth=1, random_state=0)
    pairs, found = together(subject(frame, frame["a"] + frame["b"], model, Task.REGRESSION), frame.head(30))
    assert max(pairs.values()) == pytest.approx(0, abs=1e-6)
    assert sorted(shares(found), key=lambda name: -shares(found)[name])[:2] in (["a", "b"], ["b", "a"])


def test_main_effects_and_pairs_add_up_to_shap_values(frame, subject):
    """Of one row: the pairs of a column, half of each, and its own effect are what SHAP gives it."""
    model = DecisionTreeRegressor(max_depth=5, random_state=0)
    shown = subject(frame, frame["a"] * frame["b"] + frame["c"], model, Task.REGRESSION)
    values, base = trees.values(shown, shown.final, shown.final.transform(frame.head(1)))
    pairs, found = together(shown, frame.head(1))
    whole = sum(abs(value) for value in shares(found).values()) + sum(pairs.values())
    answer = shown.predict(frame.head(1))[0, 0]
    assert abs(answer - base[0]) <= whole + 1e-9
    assert values.sum() + base[0] == pytest.approx(answer)


def test_the_categories_of_a_column_are_one(frame, subject):
    target = 4 * frame["a"] * (frame["text"] == "x")
    shown = subject(frame, target, RandomForestRegressor(20, random_state=0), Task.REGRESSION)
    assert shown.final.origins.count("text") == 3
    pairs, found = together(shown, frame.head(40))
    assert next(iter(pairs)) == ("a", "text")
    assert len(found.contributions) == 5


@pytest.mark.parametrize(
    ("model", "scale"),
    [
        (RandomForestClassifier(20, random_state=0), "probability"),
        (GradientBoostingClassifier(n_estimators=20, random_state=0), "log_odds"),
        (XGBClassifier(n_estimators=20, n_jobs=1), "log_odds"),
        (LGBMClassifier(n_estimators=20, n_jobs=1, verbose=-1), "log_odds"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_of_two_classes_as_of_numbers(frame, subject, model, scale):
    shown = subject(frame, frame["b"] * frame["d"] > 0, model)
    pairs, found = together(shown, frame.head(30), 1)
    assert next(iter(pairs)) == ("b", "d")
    assert found.scale == scale


@pytest.mark.parametrize(
    ("model", "scale"),
    [
        (RandomForestClassifier(20, random_state=0), "probability"),
        (XGBClassifier(n_estimators=20, n_jobs=1), "score"),
        (LGBMClassifier(n_estimators=20, n_jobs=1, verbose=-1), "score"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_of_three_classes_each_has_its_own(frame, subject, model, scale):
    labels = np.where(frame["c"] > 0.6, "aside", np.where(frame["b"] * frame["d"] > 0, "same", "other"))
    shown = subject(frame, labels, model)
    first, found = together(shown, frame.head(30), 0)
    last, _ = together(shown, frame.head(30), 2)
    assert found.scale == scale
    assert next(iter(last)) == ("b", "d")
    assert first != last


def test_trees_that_have_none_are_refused_with_what_does(frame, subject):
    labels = np.digitize(frame["a"], [-0.3, 0.3])
    shown = subject(frame, labels, GradientBoostingClassifier(n_estimators=3))
    with pytest.raises(InvalidParameters) as refused:
        together(shown, frame.head(3))
    (fault,) = refused.value.faults
    assert fault.pointer == "/params/method"
    assert "partial_dependence of two columns does" in fault.detail


def test_only_trees_are_read(frame, subject):
    assert trees.reads(RandomForestClassifier())
    assert not trees.reads(LinearRegression())
    with pytest.raises(InvalidParameters):
        together(subject(frame, frame["a"], LinearRegression(), Task.REGRESSION), frame.head(3))


def test_more_interactions_than_can_be_computed_are_refused_with_the_limit(subject):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 2_001))).add_prefix("c")
    shown = subject(X, X["c0"], DecisionTreeRegressor(max_depth=2), Task.REGRESSION)
    with pytest.raises(InvalidParameters) as refused:
        together(shown, X.head(2))
    assert "4,000,000" in refused.value.detail
    assert "partial_dependence" in refused.value.faults[0].detail
