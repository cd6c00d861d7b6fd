"""From the caller's columns to numbers and back."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from app.pipelines import preprocess


@pytest.fixture
def frame():
    """Numbers and text in turn, each with a missing value."""
    return pd.DataFrame(
        {
            "colour_of_it": pd.array(["red", "blue", None, "red"], dtype="str"),
            "height": [1.0, 3.0, np.nan, 5.0],
            "shape": pd.array(["round", "round", "square", "a_b"], dtype="str"),
            "width": [10.0, 10.0, 20.0, 40.0],
        }
    )


@pytest.mark.parametrize("scaled", [False, True], ids=["as they are", "scaled"])
def test_every_output_has_its_column_as_origin(frame, scaled):
    fitted = preprocess.preprocessor(frame, scaled).fit(frame)
    origins = preprocess.origins(fitted)
    before = fitted.transform(frame)
    assert before.shape == (4, len(origins))
    assert set(origins) == set(frame.columns)
    for name in frame.columns:
        changed = frame.copy()
        changed[name] = frame[name].to_numpy()[[3, 0, 1, 2]]
        moved = (fitted.transform(changed) != before).any(axis=0)
        assert {origins[place] for place in np.flatnonzero(moved)} == {name}


def test_a_column_called_like_another_with_its_category_keeps_its_own_origin():
    frame = pd.DataFrame({"a": pd.array(["b_c", "x"], dtype="str"), "a_b": pd.array(["c", "y"], dtype="str")})
    fitted = preprocess.preprocessor(frame, scaled=False).fit(frame)
    assert preprocess.origins(fitted) == ["a", "a", "a_b", "a_b"]


def test_missing_numbers_become_the_median_of_training(frame):
    fitted = preprocess.preprocessor(frame, scaled=False).fit(frame)
    place = preprocess.origins(fitted).index("height")
    np.testing.assert_array_equal(fitted.transform(frame)[:, place], [1, 3, 3, 5])


def test_scaled_numbers_have_mean_0_and_variance_1(frame):
    fitted = preprocess.preprocessor(frame, scaled=True).fit(frame)
    places = [place for place, name in enumerate(preprocess.origins(fitted)) if name in ("height", "width")]
    numbers = fitted.transform(frame)[:, places]
    np.testing.assert_allclose(numbers.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(numbers.var(axis=0), 1)


def test_a_missing_category_is_a_category_of_its_own(frame):
    fitted = preprocess.preprocessor(frame, scaled=False).fit(frame)
    places = [place for place, name in enumerate(preprocess.origins(fitted)) if name == "colour_of_it"]
    encoded = fitted.transform(frame)[:, places]
    assert encoded.shape == (4, 3)
    np.testing.assert_array_equal(encoded.sum(axis=1), 1)
    np.testing.assert_array_equal(encoded[0], encoded[3])
    assert len(np.unique(encoded[:3], axis=0)) == 3


@pytest.mark.parametrize("unseen", ["green", None, ""], ids=["another word", "missing", "empty"])
def test_a_category_that_training_did_not_see_is_none_of_them(unseen):
    frame = pd.DataFrame({"colour": pd.array(["red", "blue"], dtype="str")})
    fitted = preprocess.preprocessor(frame, scaled=False).fit(frame)
    row = pd.DataFrame({"colour": pd.array([unseen], dtype="str")})
    np.testing.assert_array_equal(fitted.transform(row), [[0, 0]])


def test_many_categories_share_one_column_which_takes_the_unseen_too():
    names = [f"c{number:02}" for number in range(50) for _ in range(2 if number < 20 else 1)]
    frame = pd.DataFrame({"code": pd.array(names, dtype="str")})
    fitted = preprocess.preprocessor(frame, scaled=False).fit(frame)
    encoded = fitted.transform(frame)
    assert encoded.shape[1] == preprocess.MAX_CATEGORIES == len(preprocess.origins(fitted))
    row = pd.DataFrame({"code": pd.array(["never seen"], dtype="str")})
    rare = encoded.sum(axis=0).argmax()
    assert fitted.transform(row)[0].argmax() == rare


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(np.full(4, np.nan), id="numbers"),
        pytest.param(pd.array([None] * 4, dtype="str"), id="text"),
    ],
)
def test_a_column_without_one_value_keeps_its_place(frame, column):
    frame = frame.assign(height=column)
    fitted = preprocess.preprocessor(frame, scaled=False).fit(frame)
    origins = preprocess.origins(fitted)
    assert origins.count("height") == 1
    assert fitted.transform(frame).shape == (4, len(origins))
    assert np.isfinite(fitted.transform(frame)).all()


def test_the_pipeline_has_two_steps_and_predicts_rows_with_missing_values(frame):
    pipeline = preprocess.assemble(frame, Ridge(), scaled=True)
    assert [name for name, _ in pipeline.steps] == ["preprocess", "model"]
    assert np.isfinite(pipeline.fit(frame, np.arange(4.0)).predict(frame)).all()


@pytest.mark.parametrize("scaled", [False, True], ids=["as they are", "scaled"])
def test_features_that_are_all_numbers_need_no_columns_named(scaled):
    rows = pd.DataFrame({"a": [1.0, 2.0, 6.0], "b": [0.0, 0.0, 9.0]})
    changed = np.asarray(preprocess.numbers_only(scaled).fit(rows).transform(rows))
    expected = (rows - rows.mean()) / rows.std(ddof=0) if scaled else rows
    np.testing.assert_allclose(changed, expected)
