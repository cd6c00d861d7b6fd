"""Local linear models that find what is known to be there."""

import numpy as np
import pandas as pd
import pytest

from app.explain.base import Asked, Subject
from app.explain.lime import explain
from app.payloads.parameters import Task


def asked(num_features=10, num_samples=2000, seed=0):
    """Ask for the one output."""
    return Asked(output=0, num_features=num_features, num_samples=num_samples, seed=seed)


class Watched:
    """A function of rows as a model, which keeps the rows that it was asked for."""

    def __init__(self, function, X):
        self.asked = []
        self._function = function
        self.subject = Subject(Task.REGRESSION, self._answer, X, None)

    def _answer(self, rows):
        self.asked.append(rows)
        return np.asarray(self._function(rows), dtype="float64").reshape(-1, 1)

    @property
    def drawn(self):
        """All rows that were asked for."""
        return pd.concat(self.asked, ignore_index=True)


@pytest.fixture
def frame():
    """200 rows of four numbers between -1 and 1."""
    return pd.DataFrame(np.random.default_rng(0).uniform(-1, 1, size=(200, 4)), columns=list("abcd"))


def test_a_linear_model_gives_the_sign_and_the_order_of_its_weights(frame):
    row = pd.DataFrame([[0.9, 0.9, 0.9, 0.9]], columns=list("abcd"))
    model = Watched(lambda rows: 5 * rows["b"] - 3 * rows["d"] + rows["a"], frame)
    local = explain(model.subject, row, asked())
    assert sorted(local.contributions, key=lambda name: -abs(local.contributions[name])) == ["b", "d", "a", "c"]
    assert local.contributions["b"] > 0 > local.contributions["d"]
    assert local.contributions["a"] > 0
    assert abs(local.contributions["c"]) < abs(local.contributions["a"]) / 5
    assert 0.5 < local.trust["fidelity"] <= 1
    assert local.scale == "value"


def test_only_as_many_columns_as_asked_for_are_fitted(frame):
    model = Watched(lambda rows: 5 * rows["b"] - 3 * rows["d"], frame)
    local = explain(model.subject, frame.iloc[[0]], asked(num_features=2))
    assert set(local.contributions) == set(local.conditions) == {"b", "d"}


def test_conditions_name_the_quartile_that_the_value_lies_in(frame):
    local = explain(Watched(lambda rows: rows["a"], frame).subject, frame.iloc[[int(frame["a"].argmax())]], asked())
    assert local.conditions["a"].startswith("a > ")
    assert float(local.conditions["a"].split()[-1]) == pytest.approx(frame["a"].quantile(0.75), abs=0.01)


@pytest.mark.parametrize("place", [0, 1, 2], ids=["2007", "2008", "2009"])
def test_a_column_of_few_values_is_drawn_within_the_data(frame, place):
    """LIME itself asks for the year 0 here, and gives that column the largest weight."""
    X = frame.assign(year=np.resize([2007.0, 2008.0, 2009.0], 200))
    model = Watched(lambda rows: rows["a"] + (rows["year"] < 1000) * 50, X)
    local = explain(model.subject, X.iloc[[place]], asked())
    assert model.drawn["year"].between(2007, 2009).all()
    assert abs(local.contributions["year"]) < 0.05
    assert max(local.contributions, key=lambda name: abs(local.contributions[name])) == "a"


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.resize([0.0, 1.0], 200), id="two values"),
        pytest.param(np.where(np.arange(200) < 5, 1.0, 0.0), id="nearly all the same"),
        pytest.param(np.where(np.arange(200) < 5, -1e6, 3.0), id="a few far away"),
        pytest.param(np.round(np.random.default_rng(1).exponential(size=200) * 3), id="skewed counts"),
        pytest.param(np.arange(200.0) * 1e9, id="large"),
        pytest.param(np.arange(200.0) * 1e-9, id="small"),
    ],
)
def test_no_row_is_drawn_outside_the_range_of_the_data(frame, values):
    X = frame.assign(a=values)
    for place in (0, 199):
        model = Watched(lambda rows: rows["b"], X)
        explain(model.subject, X.iloc[[place]], asked())
        for name in X:
            assert model.drawn[name].between(X[name].min(), X[name].max()).all()


def test_constant_columns_are_left_out_and_as_they_are_in_the_row(frame):
    X = frame.assign(c=7.0, text=pd.array(["same"] * 200, dtype="str"))
    row = X.iloc[[0]].assign(c=9.0)
    model = Watched(lambda rows: rows["a"] + rows["c"], X)
    local = explain(model.subject, row, asked())
    assert set(local.contributions) == {"a", "b", "d"}
    assert (model.drawn["c"] == 9).all()
    assert (model.drawn["text"] == "same").all()


def test_a_background_without_any_variation_explains_nothing_and_says_the_prediction():
    X = pd.DataFrame({"a": [1.0] * 5, "b": [2.0] * 5})
    local = explain(Watched(lambda rows: rows["a"] + rows["b"], X).subject, X.iloc[[0]], asked())
    assert local.contributions == {}
    assert local.base_value == local.local_prediction == 3


def test_text_columns_are_drawn_from_their_categories_and_named(frame):
    X = frame.assign(text=pd.array(np.resize(["red", "blue", "green"], 200), dtype="str"))
    model = Watched(lambda rows: (rows["text"] == "red") * 4.0 + rows["a"] / 10, X)
    red, blue = (explain(model.subject, X.iloc[[place]], asked()) for place in (0, 1))
    assert set(model.drawn["text"].unique()) == {"red", "blue", "green"}
    assert red.contributions["text"] > 1
    assert blue.contributions["text"] < 0
    assert red.conditions["text"] == "text=red"


def test_a_category_that_the_background_lacks_can_be_explained(frame):
    X = frame.assign(text=pd.array(np.resize(["red", "blue"], 200), dtype="str"))
    row = X.iloc[[0]].assign(text=pd.array(["never seen"], dtype="str"))
    local = explain(Watched(lambda rows: (rows["text"] == "never seen") * 4.0, X).subject, row, asked())
    assert local.contributions["text"] > 1
    assert local.conditions["text"] == "text=never seen"


@pytest.mark.parametrize("place", [0, 1], ids=["a missing row", "a row with all values"])
def test_missing_values_are_explained(frame, place):
    X = frame.assign(text=pd.array(np.resize([None, "red", "blue"], 200), dtype="str"))
    X.loc[::4, "a"] = np.nan
    model = Watched(lambda rows: rows["text"].isna() * 4.0 + rows["a"], X)
    local = explain(model.subject, X.iloc[[place]], asked())
    assert not model.drawn["a"].isna().any()
    assert model.drawn["text"].isna().any()
    assert all(map(np.isfinite, local.contributions.values()))
    assert (local.contributions["text"] > 1) == (place == 0)
    assert local.conditions["text"] == ("text=(missing)" if place == 0 else "text=red")


def test_the_row_itself_is_among_those_asked_for(frame):
    model = Watched(lambda rows: rows["a"], frame)
    explain(model.subject, frame.iloc[[3]], asked())
    pd.testing.assert_frame_equal(model.asked[0].iloc[[0]], frame.iloc[[3]].reset_index(drop=True))


def test_the_number_of_samples_is_the_number_of_rows_asked_for(frame):
    model = Watched(lambda rows: rows["a"], frame)
    local = explain(model.subject, frame.iloc[[0]], asked(num_samples=123))
    assert len(model.drawn) == local.num_samples == 123
