"""Which kind a column is when nobody says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.payloads import kinds
from app.payloads.parameters import Kind

REVIEWS = [f"I bought {number} of these and would not do it again" for number in range(40)]


def test_booleans_that_came_with_holes_are_booleans_and_take_both_at_serving():
    column = pd.Series([1.0, 0.0, None, 1.0])
    reading = kinds.tell(column)
    assert reading.kind is Kind.BOOLEAN
    expected = [1.0, 0.0]
    for values in (pd.Series([True, False]), pd.Series([1, 0]), pd.Series([1.0, 0.0])):
        assert kinds.read(values, reading).tolist() == expected
    with pytest.raises(kinds.Misfit):
        kinds.read(pd.Series([2.0, 0.0]), reading)
    # Counts without a hole, and other numbers, are numbers.
    assert kinds.tell(pd.Series([1, 0, 1])).kind is Kind.NUMBER
    assert kinds.tell(pd.Series([1.0, 0.0, 2.0, None])).kind is Kind.NUMBER
    assert kinds.tell(pd.Series([1.0, 1.0, None])).kind is Kind.NUMBER


def told(values, dtype="str"):
    return kinds.tell(pd.Series(values, dtype=dtype))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        pytest.param(["a", "b", None] * 10, "category", id="few"),
        pytest.param([f"k{number}" for number in range(1000)], "category", id="many codes"),
        pytest.param([f"Name {number} Surname" for number in range(100)], "category", id="names"),
        pytest.param(REVIEWS, "text", id="sentences"),
        pytest.param([*REVIEWS, None, "", "short"], "text", id="sentences and gaps"),
        pytest.param(["I agree with all of it", "I agree with none of it"] * 20, "category", id="answers to choose"),
        pytest.param([None] * 5, "category", id="nothing"),
        pytest.param(["", " "], "category", id="blanks"),
        pytest.param(["1", "2"], "category", id="numbers in quotes"),
        pytest.param(["1", "?"], "number", id="a mark among numbers"),
        pytest.param(["1", "N/A", "", None], "number", id="another mark, in capitals"),
        pytest.param(["?", "?"], "category", id="marks alone"),
        pytest.param(["01", "?"], "category", id="a mark among codes"),
        pytest.param(["1,5", "?"], "category", id="a decimal comma"),
        pytest.param(["1", "?", "much"], "category", id="a mark and a word"),
        pytest.param(["0.5", "0", "-"], "number", id="zeros before a point"),
        pytest.param(["2020-01-01", "2020-01-02"], "date", id="dates"),
        pytest.param(["2020-01-01"] * 99 + ["tbd"], "date", id="dates and a word"),
        pytest.param(["2020-01-01"] * 2000 + [f"x{n}" for n in range(60)], "category", id="dates and many words"),
        pytest.param(["01/02/2020", "03/04/2020"], "category", id="dates of an unknown order"),
        pytest.param(["yes", "no"], "category", id="yes and no"),
    ],
)
def test_text_is_told_apart(values, kind):
    assert told(values).kind == kind


@pytest.mark.parametrize(
    ("values", "dtype", "kind"),
    [([1, 2], "int64", "number"), ([1.0, None], "float64", "number"), ([True, False], "bool", "boolean")],
)
def test_numbers_and_booleans_are_what_they_are(values, dtype, kind):
    assert told(values, dtype) == kinds.Reading(Kind(kind), Kind(kind))


VALUES = (
    st.none()
    | st.text(st.characters(codec="utf-8"), max_size=12)
    | st.sampled_from(["?", "1", "-2.5", "2020-01-01", "n/a"])
)


@settings(max_examples=60)
@given(st.lists(VALUES, min_size=1, max_size=12))
def test_what_was_told_of_any_text_reads_that_text_again(values):
    column = pd.Series(values, dtype="str")
    reading = kinds.tell(column)
    whole = kinds.read(column, reading)
    assert len(whole) == len(column)
    assert whole.dtype == {"number": "float64", "date": "datetime64[us]"}.get(reading.kind, "str")
    for row in range(len(column)):
        # A row by itself is read as it was among the others.
        pd.testing.assert_series_equal(kinds.read(column.iloc[[row]], reading), whole.iloc[[row]])


@settings(max_examples=60)
@given(st.lists(st.floats(allow_infinity=False) | st.integers(-(10**6), 10**6), min_size=1))
def test_a_number_as_a_category_is_written_the_same_alone_and_among_others(values):
    column = pd.Series(values, dtype="float64")
    reading = kinds.wanted(column, Kind.CATEGORY)
    whole = kinds.read(column, reading)
    for row, value in enumerate(column):
        if value == value and value == int(value) and abs(value) < 2**53:
            alone = kinds.read(pd.Series([int(value)], dtype="int64"), reading)
            assert alone.tolist() == [whole[row]]
        assert (whole.isna() == column.isna()).all()


@pytest.mark.parametrize("kind", [Kind.CATEGORY, Kind.TEXT])
def test_booleans_are_the_same_words_whether_training_or_a_request_has_a_gap(kind):
    whole, gap = pd.Series([True, False]), pd.Series([1.0, None, 0.0])
    for trained, words in ((whole, ["True", "False"]), (gap, ["1", "0"])):
        reading = kinds.wanted(trained, kind)
        for asked in (whole, gap, gap.dropna().astype("int64")):
            assert kinds.read(asked, reading).dropna().tolist() == words


def test_text_is_not_numbers_for_who_did_not_train_with_text():
    with pytest.raises(kinds.Misfit, match="expects numbers, has text"):
        kinds.read(pd.Series(["1", "2"], dtype="str"), kinds.Reading(Kind.NUMBER, Kind.NUMBER))


@pytest.mark.parametrize("kind", [Kind.NUMBER, Kind.BOOLEAN, Kind.CATEGORY, Kind.TEXT, Kind.DATE])
@pytest.mark.parametrize("dtype", ["str", "float64"])
def test_a_column_of_nothing_fits_every_kind(kind, dtype):
    form = "year first" if kind is Kind.DATE else None
    empty = kinds.read(pd.Series([None, None], dtype=dtype), kinds.Reading(kind, Kind.TEXT, form))
    assert empty.isna().all()
    assert empty.dtype == kinds.read(pd.Series([np.nan], dtype="float64"), kinds.Reading(kind, Kind.TEXT, form)).dtype
