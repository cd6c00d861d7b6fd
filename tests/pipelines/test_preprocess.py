"""From the caller's columns to numbers and back."""

import io
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.linear_model import Ridge

from app.payloads.parameters import Images, Kind, Task, TrainParameters
from app.pipelines import formats, preprocess

#: {dtype: kind} of the frames here.
KINDS = {"float64": Kind.NUMBER, "str": Kind.CATEGORY, "datetime64[us]": Kind.DATE, "object": Kind.IMAGE}


def prepared(frame, scaled=False, images=None, **kinds):
    """Return a preprocessor fitted to a frame; `kinds` are those that dtypes do not tell."""
    kinds = {name: KINDS[str(dtype)] for name, dtype in frame.dtypes.items()} | kinds
    return preprocess.preprocessor(kinds, scaled, images).fit(frame)


def picture(colour):
    sink = io.BytesIO()
    Image.new("RGB", (5, 5), colour).save(sink, "PNG")
    return sink.getvalue()


@pytest.fixture
def messy():
    """Every kind of column, 60 rows, each with missing values where it may have some."""
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "code__x": pd.array([*(f"K-{number}" for number in range(59)), None], dtype="str"),
            "when": pd.array([*pd.date_range("2020-01-01", periods=59, freq="7h"), None], dtype="datetime64[us]"),
            "size": np.where(generator.uniform(size=60) < 0.1, np.nan, generator.normal(size=60)),
            "said": pd.array(
                [*(f"word{number % 7} and word{number % 5} they said" for number in range(59)), None], dtype="str"
            ),
            "colour": pd.array(np.resize(["red", "blue", None, ""], 60), dtype="str"),
            "round": np.resize([0.0, 1.0, np.nan], 60),
            "image": pd.Series([picture((number, 0, 255)) for number in range(60)], dtype="object"),
        }
    )
    return frame, {"said": Kind.TEXT, "round": Kind.BOOLEAN, "images": Images(height=4, width=4, channels=1)}


@pytest.mark.parametrize("scaled", [False, True], ids=["as they are", "scaled"])
def test_every_kind_of_column_becomes_numbers_with_its_origin(messy, scaled):
    frame, named = messy
    fitted = prepared(frame, scaled, **named)
    before, origins = fitted.transform(frame), preprocess.origins(fitted)
    assert before.dtype == "float64"
    assert np.isfinite(before).all()
    assert before.shape == (60, len(origins))
    assert set(origins) == set(frame.columns)
    assert origins.count("image") == 16
    for name in frame.columns:
        changed = frame.assign(**{name: frame[name].to_numpy()[::-1]}).astype(frame.dtypes.to_dict())
        moved = (fitted.transform(changed) != before).any(axis=0)
        assert {origins[place] for place in np.flatnonzero(moved)} == {name}


def test_a_row_is_prepared_alone_as_it_is_among_others(messy):
    frame, named = messy
    fitted = prepared(frame, True, **named)
    alone = np.vstack([fitted.transform(frame.iloc[[row]]) for row in range(60)])
    np.testing.assert_allclose(alone, fitted.transform(frame), atol=1e-6)


def test_rows_of_nothing_that_was_seen_are_numbers(messy):
    frame, named = messy
    fitted = prepared(frame, True, **named)
    new = frame.head(1).assign(code__x="never seen", said="other words", colour=None, when=pd.NaT)
    new = new.assign(size=np.nan, round=np.nan).astype(frame.dtypes.to_dict())
    assert np.isfinite(fitted.transform(new)).all()


def test_it_is_the_same_each_time_and_after_storage(messy):
    frame, named = messy
    first, second = (prepared(frame, True, **named).transform(frame) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    kinds = {name: KINDS[str(dtype)] for name, dtype in frame.dtypes.items()} | {"said": Kind.TEXT}
    pipeline = preprocess.assemble(problem(kinds), Ridge(), scaled=True).fit(frame, np.arange(60.0))
    stored = formats.load(*formats.dump(pipeline, frame))
    np.testing.assert_array_equal(stored.predict(frame), pipeline.predict(frame))


def test_signals_are_left_to_models_that_read_them():
    frame = pd.DataFrame({"n": [1.0, 2.0]})
    frame["signal"] = pd.Series([np.zeros(3), np.ones(4)], dtype="object")
    fitted = prepared(frame, signal=Kind.SIGNAL)
    np.testing.assert_array_equal(fitted.transform(frame), [[1], [2]])
    assert preprocess.origins(fitted) == ["n"]


def test_images_alone_are_floats_of_the_size_asked_for():
    frame = pd.DataFrame({"i": pd.Series([picture("red"), picture("blue")], dtype="object")})
    fitted = prepared(frame, images=Images(height=4, width=6, channels=1))
    assert fitted.transform(frame).shape == (2, 24)
    assert prepared(frame).transform(frame).shape == (2, 32 * 32 * 3)


def problem(kinds, select=False, seed=0):
    return SimpleNamespace(
        kinds=kinds, parameters=TrainParameters(pipeline_id="p"), select=select, task=Task.REGRESSION, seed=seed
    )


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
    fitted = prepared(frame, scaled)
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
    fitted = prepared(frame)
    assert preprocess.origins(fitted) == ["a", "a", "a_b", "a_b"]


def test_missing_numbers_become_the_median_of_training(frame):
    fitted = prepared(frame)
    place = preprocess.origins(fitted).index("height")
    np.testing.assert_array_equal(fitted.transform(frame)[:, place], [1, 3, 3, 5])


def test_scaled_numbers_have_mean_0_and_variance_1(frame):
    fitted = prepared(frame, scaled=True)
    places = [place for place, name in enumerate(preprocess.origins(fitted)) if name in ("height", "width")]
    numbers = fitted.transform(frame)[:, places]
    np.testing.assert_allclose(numbers.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(numbers.var(axis=0), 1)


def test_a_missing_category_is_a_category_of_its_own(frame):
    fitted = prepared(frame)
    places = [place for place, name in enumerate(preprocess.origins(fitted)) if name == "colour_of_it"]
    encoded = fitted.transform(frame)[:, places]
    assert encoded.shape == (4, 3)
    np.testing.assert_array_equal(encoded.sum(axis=1), 1)
    np.testing.assert_array_equal(encoded[0], encoded[3])
    assert len(np.unique(encoded[:3], axis=0)) == 3


@pytest.mark.parametrize("unseen", ["green", None, ""], ids=["another word", "missing", "empty"])
def test_a_category_that_training_did_not_see_is_none_of_them(unseen):
    frame = pd.DataFrame({"colour": pd.array(["red", "blue"], dtype="str")})
    fitted = prepared(frame)
    row = pd.DataFrame({"colour": pd.array([unseen], dtype="str")})
    np.testing.assert_array_equal(fitted.transform(row), [[0, 0]])


def test_many_categories_share_one_column_which_takes_the_unseen_too():
    names = [f"c{number:02}" for number in range(50) for _ in range(2 if number < 20 else 1)]
    frame = pd.DataFrame({"code": pd.array(names, dtype="str")})
    fitted = prepared(frame)
    encoded = fitted.transform(frame)[:, : preprocess.MAX_CATEGORIES]
    np.testing.assert_array_equal(encoded.sum(axis=1), 1)
    row = pd.DataFrame({"code": pd.array(["never seen"], dtype="str")})
    rare = encoded.sum(axis=0).argmax()
    assert fitted.transform(row)[0, : preprocess.MAX_CATEGORIES].argmax() == rare


def test_rare_categories_are_told_apart_by_their_letters_and_only_where_there_are_many():
    names = [f"{word} {number}" for number in range(20) for word in ("bolt", "screw")]
    frame = pd.DataFrame({"part": pd.array(names, dtype="str"), "few": pd.array(["a", "b"] * 20, dtype="str")})
    fitted = prepared(frame)
    origins = preprocess.origins(fitted)
    assert origins.count("few") == 2
    letters = np.flatnonzero(np.array(origins) == "part")[preprocess.MAX_CATEGORIES :]
    assert len(letters) > 0
    new = pd.DataFrame({"part": pd.array(["bolt 999", "bolt 3", "screw 3"], dtype="str"), "few": frame["few"].head(3)})
    unseen, bolt, screw = fitted.transform(new)[:, letters]
    assert np.linalg.norm(unseen - bolt) < np.linalg.norm(unseen - screw)


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(np.full(4, np.nan), id="numbers"),
        pytest.param(pd.array([None] * 4, dtype="str"), id="categories"),
        pytest.param(pd.array([None] * 4, dtype="datetime64[us]"), id="dates"),
    ],
)
def test_a_column_without_one_value_keeps_its_place(frame, column):
    frame = frame.assign(height=column)
    fitted = prepared(frame)
    origins = preprocess.origins(fitted)
    assert origins.count("height") == (5 if column.dtype == "datetime64[us]" else 1)
    assert fitted.transform(frame).shape == (4, len(origins))
    assert np.isfinite(fitted.transform(frame)).all()


def test_the_pipeline_has_two_steps_and_predicts_rows_with_missing_values(frame):
    kinds = {name: KINDS[str(dtype)] for name, dtype in frame.dtypes.items()}
    pipeline = preprocess.assemble(problem(kinds), Ridge(), scaled=True)
    assert [name for name, _ in pipeline.steps] == ["preprocess", "model"]
    assert np.isfinite(pipeline.fit(frame, np.arange(4.0)).predict(frame)).all()


def test_the_seed_is_that_of_the_encoders():
    pipeline = preprocess.assemble(problem({"part": Kind.CATEGORY, "said": Kind.TEXT}, seed=3), Ridge(), scaled=True)
    steps = pipeline["preprocess"].get_params()
    assert (steps["letters__random_state"], steps["text__random_state"]) == (3, 3)


def test_where_features_are_selected_that_is_the_first_step():
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(60, 3)), columns=["a", "b", "c"])
    kinds = dict.fromkeys(frame.columns, Kind.NUMBER)
    pipeline = preprocess.assemble(problem(kinds, select=True), Ridge(), scaled=True).fit(frame, frame["b"] * 2)
    assert [name for name, _ in pipeline.steps] == ["select", "preprocess", "model"]
    assert pipeline["select"].relevant_ == ["b"]


@pytest.mark.parametrize("scaled", [False, True], ids=["as they are", "scaled"])
def test_features_that_are_all_numbers_need_no_columns_named(scaled):
    rows = pd.DataFrame({"a": [1.0, 2.0, 6.0], "b": [0.0, 0.0, 9.0]})
    changed = np.asarray(preprocess.numbers_only(scaled).fit(rows).transform(rows))
    expected = (rows - rows.mean()) / rows.std(ddof=0) if scaled else rows
    np.testing.assert_allclose(changed, expected)
