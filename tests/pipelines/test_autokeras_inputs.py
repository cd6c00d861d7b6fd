"""Rows of each kind as the numbers of a network."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from app.pipelines.autokeras import inputs
from tests.pipelines.autokeras_rows import INPUTS, N

SIZE = (8, 8, 3)


def learned(kind, X, words=500):
    """What is known of rows, as it is after it was stored."""
    return json.loads(json.dumps(inputs.learn(kind, X, SIZE, words)))


@pytest.mark.parametrize("kind", INPUTS)
def test_rows_become_finite_numbers(kind):
    X = INPUTS[kind]()
    found = inputs.encode(learned(kind, X), X)
    assert len(found) == N
    assert np.isfinite(found).all()


@pytest.mark.parametrize("kind", INPUTS)
def test_a_row_becomes_the_same_whatever_stands_beside_it(kind):
    X = INPUTS[kind]()
    known = learned(kind, X)
    assert np.array_equal(inputs.encode(known, X.iloc[[7]]), inputs.encode(known, X)[[7]])


def test_columns_may_come_in_another_order_with_others_between():
    X = INPUTS["table"]()
    known = learned("table", X)
    mixed = X[["other", "number"]].assign(another=1.0)
    assert np.array_equal(inputs.encode(known, mixed), inputs.encode(known, X))


def test_a_missing_column_is_refused():
    X = INPUTS["series"]()
    with pytest.raises(ValueError, match=r"1 column\(s\)"):
        inputs.encode(learned("series", X), X[["wave"]])


def test_a_missing_number_is_the_mean():
    X = pd.DataFrame({"a": [1.0, 3.0, np.nan]})
    assert inputs.encode(learned("table", X), X).tolist() == [[-1], [1], [0]]


def test_a_number_far_from_all_others_is_cut():
    known = learned("table", pd.DataFrame({"a": [1.0, 3.0]}))
    assert inputs.encode(known, pd.DataFrame({"a": [1e300, -np.inf]})).tolist() == [[100], [-100]]


def test_a_column_of_one_value_or_of_none_is_harmless():
    X = pd.DataFrame({"same": [2.0, 2.0], "none": [np.nan, np.nan], "huge": [1e308, -1e308]})
    assert np.isfinite(inputs.encode(learned("table", X), X)).all()


def test_a_large_number_keeps_what_it_differs_by():
    seconds = pd.DataFrame({"at": 1.6e9 + np.arange(4.0)})
    assert len(np.unique(inputs.encode(learned("table", seconds), seconds))) == 4


def test_words_are_numbered_by_how_often_they_occur():
    X = pd.DataFrame({"a": ["The cat, the CAT!", "the dog"]})
    found = inputs.encode(learned("text", X, words=4), pd.DataFrame({"a": ["the cat barks the dog", None]}))
    # 2 and 3 are words, 1 is an unknown one, 0 fills up; the longest text of the training had four words.
    assert found.tolist() == [[2, 3, 1, 2], [0, 0, 0, 0]]


def test_codes_of_words_stay_below_the_size_of_the_vocabulary():
    X = pd.DataFrame({"a": [" ".join(f"w{number}" for number in range(50))]})
    assert inputs.encode(learned("text", X, words=10), X).max() == 9


def test_short_series_are_continued_and_long_ones_cut():
    known = learned("series", pd.DataFrame({"a": [np.array([1.0, 3.0])]}))
    found = inputs.encode(known, pd.DataFrame({"a": [np.array([3.0]), np.array([1.0, 3.0, 9.0]), np.array([])]}))
    assert found[:, :, 0].tolist() == [[1, 1], [-1, 1], [0, 0]]


def test_of_very_long_series_stretches_are_averaged():
    X = pd.DataFrame({"a": [np.arange(3.0 * inputs.MOST_STEPS - 1)]})
    found = inputs.encode(learned("series", X), X)
    assert found.shape == (1, inputs.MOST_STEPS, 1)
    assert (np.diff(found[0, :, 0]) > 0).all()


def test_an_image_has_the_size_that_was_asked_for():
    X = INPUTS["image"]()
    found = inputs.encode(learned("image", X), X)
    assert found.shape == (N, *SIZE)
    assert found[1].min() > 0.7 > 0.1 > found[0].max()


def test_a_table_is_one_of_numbers():
    with pytest.raises(ValueError, match="could not convert"):
        inputs.learn("table", pd.DataFrame({"a": ["x", "y"]}), SIZE, 500)


def test_a_text_or_image_is_one_column():
    with pytest.raises(ValueError, match="one column, not 2"):
        inputs.learn("text", pd.DataFrame({"a": ["x"], "b": ["y"]}), SIZE, 500)
