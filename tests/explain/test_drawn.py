"""The values that LIME draws, beside those of LIME itself and of the rows."""

import numpy as np
import pandas as pd
import pytest
from lime.lime_tabular import LimeTabularExplainer
from scipy.stats import ks_2samp
from sklearn.datasets import load_breast_cancer

from app.explain.drawn import ROWS, STRATA, Drawn
from app.payloads.parameters import Kind
from tests.explain.functions import opaque


def drawn(X, **kinds):
    """Draw values for the columns of rows."""
    return Drawn.of(opaque(lambda rows: np.zeros(len(rows)), X, **kinds))


def test_numbers_are_drawn_from_the_distribution_that_lime_draws_them_from():
    X = load_breast_cancer(as_frame=True).data
    ours = drawn(X).rows
    stock = LimeTabularExplainer(X.to_numpy(), feature_names=list(X), random_state=0)
    theirs = stock._LimeTabularExplainer__data_inverse(X.iloc[0].to_numpy(), 5_000)[1]
    for place, name in enumerate(X):
        # A larger distance has a probability of one in ten thousand where both are drawn from one distribution.
        assert ks_2samp(ours[name], theirs[1:, place]).pvalue > 1e-4, name


def test_each_quartile_and_what_is_missing_has_its_share_and_its_range():
    values = np.random.default_rng(0).exponential(size=400)
    values[:80] = np.nan
    found = drawn(pd.DataFrame({"a": values}))
    assert len(found.rows) == ROWS
    assert found.rows["a"].isna().sum() == ROWS // 5
    edges = found.edges["a"]
    known = values[80:]
    for quartile in range(4):
        inside = known[edges.searchsorted(known) == quartile]
        ours = found.rows["a"][found.quartiles["a"] == quartile]
        assert len(ours) == pytest.approx(len(inside) * ROWS / 400, abs=1)
        assert inside.min() <= ours.min() < ours.max() <= inside.max()
    assert (found.quartiles["a"] == -1).sum() == ROWS // 5


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.resize([1.0, 2.0, 5.0], 90), id="whole numbers"),
        pytest.param(np.full(90, 0.25), id="one number"),
        pytest.param(np.full(90, np.nan), id="none"),
        pytest.param(pd.date_range("2020-01-01", periods=90).astype("datetime64[us]"), id="dates"),
        pytest.param(pd.array(np.resize(["a", "b", None], 90), dtype="str"), id="categories"),
    ],
)
def test_what_is_no_measured_number_is_drawn_from_the_rows_each_as_often_as_it_is_there(values):
    X = pd.DataFrame({"a": values})
    found = drawn(X).rows["a"]
    assert found.dtype == X["a"].dtype
    expected = X["a"].value_counts(dropna=False, normalize=True)
    assert (found.value_counts(dropna=False, normalize=True) - expected).abs().max() < 0.01


def test_values_of_a_group_are_next_to_each_other():
    X = pd.DataFrame(
        {"a": np.random.default_rng(0).normal(size=300), "b": pd.array(["x", "y", "z"] * 100, dtype="str")}
    )
    found = drawn(X)
    ranges = found.rows["a"].groupby(found.strata[:, 0]).agg(["min", "max", "size"])
    assert len(ranges) == STRATA
    assert (ranges["max"].to_numpy()[:-1] < ranges["min"].to_numpy()[1:]).all()
    assert ranges["size"].between(ROWS // STRATA - 1, ROWS // STRATA + 1).all()
    assert found.rows["b"].groupby(found.strata[:, 1]).nunique().tolist() == [1, 1, 1]


def test_of_many_categories_the_rest_is_one_group():
    X = pd.DataFrame({"a": pd.array([f"c{number}" for number in range(100)], dtype="str")})
    assert set(drawn(X).strata[:, 0]) == set(range(STRATA))


def test_of_very_many_columns_as_many_rows_are_drawn_as_there_are():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3_000)), columns=[f"c{n}" for n in range(3_000)])
    assert drawn(X).rows.shape == (333, 3_000)


def test_signals_are_themselves():
    signals = [np.arange(3.0), np.arange(4.0)]
    X = pd.DataFrame({"a": pd.Series(signals, dtype="object")})
    found = drawn(X, a=Kind.SIGNAL)
    assert {id(value) for value in found.rows["a"]} == {id(value) for value in signals}
    assert all(found.strata[place, 0] == found.strata[place % 2, 0] for place in range(len(found.rows)))


def test_they_are_drawn_once():
    shown = opaque(lambda rows: rows["a"], pd.DataFrame({"a": [0.5, 1.5]}))
    assert Drawn.of(shown) is Drawn.of(shown)
