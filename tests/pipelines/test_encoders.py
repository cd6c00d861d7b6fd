"""Dates and texts into numbers."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from app.pipelines.encoders import COMPONENTS, DateEncoder, TextEncoder


def texts(*values, name="t"):
    return pd.DataFrame({name: pd.array(list(values), dtype="str")})


def dates(*values):
    return pd.DataFrame({"d": pd.array(list(values), dtype="datetime64[us]")})


TOPICS = [
    f"{'the cat purrs and sleeps' if number % 2 else 'stocks fell at the market'} {number}" for number in range(60)
]


@pytest.mark.parametrize("letters", [False, True], ids=["words", "letters"])
def test_texts_of_one_topic_are_near_each_other(letters):
    fitted = TextEncoder(letters=letters).fit(texts(*TOPICS))
    cat, cats, market = fitted.transform(texts("a cat sleeps", "cats: the cat that purrs", "market: stocks fell"))
    assert np.linalg.norm(cat - cats) < np.linalg.norm(cat - market)
    assert fitted.n_outputs_ == [COMPONENTS]
    assert fitted.transform(texts(*TOPICS)).var(axis=0).sum() == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("letters", [False, True], ids=["words", "letters"])
@pytest.mark.parametrize(
    "values",
    [
        [None] * 5, [""] * 5, ["..."] * 5, ["same"] * 5, ["a"] * 5, ["x"], ["x", None], ["one word", "two"], ["ü"] * 4,
        ["猫 犬", "犬"],
    ],
)  # fmt: skip
def test_a_column_of_little_keeps_its_place(values, letters):
    frame = texts(*values)
    fitted = TextEncoder(letters=letters).fit(frame)
    found = fitted.transform(frame)
    assert found.shape == (len(values), sum(fitted.n_outputs_))
    assert found.shape[1] >= 1
    assert np.isfinite(found).all()
    assert np.isfinite(fitted.transform(texts(None, "never seen", ""))).all()


@pytest.mark.parametrize("letters", [False, True], ids=["words", "letters"])
def test_what_is_learned_from_is_encoded_as_anything_else(letters):
    frame = pd.concat([texts(*TOPICS), texts(*([None] * 60), name="empty"), texts(*["a"] * 60, name="one")], axis=1)
    encoder = TextEncoder(letters=letters)
    assert np.array_equal(encoder.fit_transform(frame), encoder.transform(frame))
    assert np.array_equal(encoder.transform(frame), TextEncoder(letters=letters).fit(frame).transform(frame))


def test_columns_of_few_texts_are_left_out():
    frame = pd.concat([texts(*["a", "b"] * 20, name="few"), texts(*map(str, range(100, 140)), name="many")], axis=1)
    fitted = TextEncoder(letters=True, least=31).fit(frame)
    assert fitted.n_outputs_ == [0, COMPONENTS]
    assert fitted.transform(frame.head(1)).shape == (1, COMPONENTS)
    assert TextEncoder(least=100).fit(frame).transform(frame).shape == (40, 0)


def test_how_often_a_text_is_there_does_not_matter_to_its_words():
    often = TextEncoder().fit(texts(*TOPICS, *[TOPICS[0]] * 100))
    once = TextEncoder().fit(texts(*TOPICS))
    assert often.vectorizers_[0].vocabulary_ == once.vectorizers_[0].vocabulary_
    np.testing.assert_allclose(often.vectorizers_[0].idf_, once.vectorizers_[0].idf_)


def test_a_row_is_encoded_alone_as_it_is_among_others():
    frame = texts(*TOPICS, None)
    fitted = TextEncoder().fit(frame)
    alone = np.vstack([fitted.transform(frame.iloc[[row]]) for row in range(len(frame))])
    np.testing.assert_allclose(alone, fitted.transform(frame), atol=1e-6)


def test_a_date_is_its_parts():
    frame = dates("2024-02-29T18:30", "1969-12-31T00:00", None)
    fitted = DateEncoder().fit(frame)
    found = pd.DataFrame(fitted.transform(frame), columns=fitted.get_feature_names_out())
    assert found.iloc[0].to_dict() == {
        "d_days": 19782 + 18.5 / 24, "d_year": 2024, "d_month": 2, "d_day": 29, "d_weekday": 3, "d_hour": 18.5,
    }  # fmt: skip
    assert found.iloc[1].tolist() == [-1, 1969, 12, 31, 2, 0]
    np.testing.assert_array_equal(found.iloc[2], fitted.transform(dates("1997-01-29T21:15"))[0])


def test_parts_are_those_of_pandas():
    moments = pd.Series(pd.date_range("1899-01-01", "2101-01-01", freq="137D")).astype("datetime64[us]")
    found = DateEncoder().fit_transform(moments.to_frame("d")).T
    expected = (moments.dt.year, moments.dt.month, moments.dt.day, moments.dt.day_of_week)
    for part, wanted in zip(found[1:5], expected, strict=True):
        np.testing.assert_array_equal(part, wanted)


def test_days_without_times_have_no_hour():
    fitted = DateEncoder().fit(dates("2024-02-29", None))
    assert fitted.n_outputs_ == [5]
    assert fitted.transform(dates("2024-02-29T18:30")).shape == (1, 5)


def test_a_column_without_one_date_keeps_its_place():
    fitted = DateEncoder().fit(dates(None, None))
    np.testing.assert_array_equal(fitted.transform(dates(None)), [[0, 1970, 1, 1, 3]])


@pytest.mark.parametrize(
    ("encoder", "frame"),
    [(TextEncoder(random_state=3), texts(*TOPICS)), (DateEncoder(), dates("2020-01-01T10:00", None))],
)
def test_it_is_an_estimator_of_named_columns(encoder, frame):
    fitted, again = encoder.fit(frame), clone(encoder).fit(frame)
    np.testing.assert_array_equal(fitted.transform(frame), again.transform(frame))
    stored = pickle.loads(pickle.dumps(fitted))  # noqa: S301  made here
    np.testing.assert_array_equal(fitted.transform(frame), stored.transform(frame))
    assert list(fitted.feature_names_in_) == list(frame.columns)
    assert len(fitted.get_feature_names_out()) == fitted.transform(frame).shape[1]


def test_thousands_of_words_are_stored_as_a_few_things():
    draw = np.random.default_rng(0)
    frame = texts(*(" ".join(f"wört{number}" for number in draw.integers(0, 3000, 8)) for _ in range(1500)))
    fitted = TextEncoder().fit(frame)
    assert len(fitted.vectorizers_[0].vocabulary_) > 5000
    bare, words, ends = fitted.__getstate__()["vectorizers_"][0]
    assert isinstance(words, str)
    assert len(ends) == len(fitted.vectorizers_[0].vocabulary_)
    assert not hasattr(bare, "vocabulary_")
    # Storing changes nothing, and what is read predicts the same.
    again = pickle.loads(pickle.dumps(fitted))  # noqa: S301  our own
    assert again.vectorizers_[0].vocabulary_ == fitted.vectorizers_[0].vocabulary_
    np.testing.assert_array_equal(again.transform(frame), fitted.transform(frame))
    assert clone(fitted).get_params() == fitted.get_params()
