"""Rows of values of other rows."""

import numpy as np
import pandas as pd
import pytest

from app.explain.mixing import OWN, Mixture


@pytest.fixture
def rows():
    """Four rows of every type that a column has, with a missing value in each."""
    X = pd.DataFrame({"n": [1.0, 2.0, np.nan, 4.0]})
    X["text"] = pd.array(["a", None, "c", "d"], dtype="str")
    X["when"] = pd.Series(["2020-01-01", "0001-01-02", None, "9999-12-30"], dtype="datetime64[us]")
    X["cell"] = pd.Series([b"one", b"two", np.zeros(3), None], dtype="object")
    return X


@pytest.mark.parametrize("columns", [["n"], ["n", "text"], ["n", "text", "when", "cell"]])
def test_the_row_itself_comes_back_as_it_is(rows, columns):
    for place in range(len(rows)):
        row = rows[columns].iloc[[place]]
        mixed = Mixture.of(row, rows[columns]).rows(np.full((2, len(columns)), OWN))
        pd.testing.assert_frame_equal(mixed, pd.concat([row, row], ignore_index=True))


@pytest.mark.parametrize("columns", [["n"], ["n", "text"], ["n", "text", "when", "cell"]])
def test_so_does_every_other_row(rows, columns):
    places = np.repeat(np.arange(4)[:, None], len(columns), axis=1)
    mixed = Mixture.of(rows[columns].iloc[[3]], rows[columns]).rows(places)
    pd.testing.assert_frame_equal(mixed, rows[columns])


def test_each_column_takes_its_value_from_the_row_named_for_it(rows):
    mixed = Mixture.of(rows.iloc[[3]], rows.iloc[:2]).rows(np.array([[0, 1, OWN, OWN], [OWN, OWN, 0, 1]]))
    assert mixed["n"].tolist() == [1, 4]
    assert mixed["text"].isna().tolist() == [True, False]
    assert mixed["text"][1] == "d"
    assert mixed["when"].tolist() == [rows["when"][3], rows["when"][0]]
    assert mixed["cell"].tolist() == [None, b"two"]


def test_types_stay_whatever_the_index_of_the_rows(rows):
    moved = rows.set_axis(["x", "y", "x", "z"], axis=0)
    mixed = Mixture.of(moved.iloc[[0]], moved).rows(np.array([[3, 2, 1, 0]]))
    assert mixed.dtypes.to_dict() == rows.dtypes.to_dict()
    assert mixed.index.tolist() == [0]
    assert mixed["when"][0] == rows["when"][1]


def test_numbers_alone_are_mixed_as_tables_with_text_are():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)), columns=list("abc"))
    beside = X.assign(text=pd.array(["t"] * 20, dtype="str"))
    places = np.random.default_rng(1).integers(OWN, 20, size=(50, 3))
    plain = Mixture.of(X.iloc[[7]], X)
    mixed = Mixture.of(beside.iloc[[7]], beside)
    assert plain.numbers is not None
    assert mixed.numbers is None
    with_text = np.hstack([places, np.zeros((50, 1), dtype=int)])
    pd.testing.assert_frame_equal(plain.rows(places), mixed.rows(with_text)[["a", "b", "c"]])
