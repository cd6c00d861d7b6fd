"""Columns of a row that are left out."""

import numpy as np
import pandas as pd
import pytest

from app.explain.parts.columns import Columns
from tests.explain.functions import Watched


@pytest.fixture
def frame():
    """30 rows of two numbers and a text."""
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 2)), columns=["a", "b"])
    return X.assign(text=pd.array(np.resize(["x", "y", None], 30), dtype="str"))


def test_a_column_that_is_left_out_has_the_values_of_the_background_and_answers_are_means(frame):
    model = Watched(lambda rows: rows["a"] * rows["b"] + rows["text"].isna(), frame)
    masked = Columns.of(model.subject, frame.iloc[[2]])
    row = frame.iloc[2]
    found = masked.answers(np.array([[True, True, True], [True, False, True], [False, False, False]]))
    assert found[:, 0] == pytest.approx(
        [
            row["a"] * row["b"] + 1,
            (row["a"] * frame["b"]).mean() + 1,
            (frame["a"] * frame["b"] + frame["text"].isna()).mean(),
        ]
    )
    assert masked.cost == masked.background == 30
    assert [part.feature for part in masked.parts] == ["a", "b", "text"]


def test_a_row_that_is_named_lends_what_is_left_out(frame):
    model = Watched(lambda rows: rows["a"], frame)
    masked = Columns.of(model.subject, frame.iloc[[0]])
    others = np.arange(30)
    found = masked.answers(np.zeros((30, 3), dtype=bool), others)[:, 0]
    assert sorted(found) == pytest.approx(sorted(frame["a"]))
    assert masked.answers(np.ones((2, 3), dtype=bool), np.array([4, 7]))[:, 0] == pytest.approx([frame["a"][0]] * 2)


def test_many_masks_are_asked_for_in_portions_and_answered_in_their_order(frame):
    X = pd.concat([frame] * 5, ignore_index=True)
    model = Watched(lambda rows: rows["a"], X)
    masked = Columns.of(model.subject, X.iloc[[0]])
    masks = np.random.default_rng(0).random((2_500, 3)) < 0.5
    found = masked.answers(masks)[:, 0]
    assert max(len(rows) for rows in model.asked) <= 50_000
    assert len(model.asked) > 1
    assert np.allclose(found, np.where(masks[:, 0], X["a"][0], masked.answers(np.zeros((1, 3), dtype=bool))[0, 0]))
