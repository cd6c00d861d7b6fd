"""Distances of the What-If Tool, computed by hand, and the nearest rows with another outcome."""

import numpy as np
import pandas as pd
import pytest

from app.explain import nearest
from app.explain.base import Case
from app.explain.nearest import distances
from app.payloads.parameters import Kind
from tests.explain.functions import asked, opaque


def text(*values):
    """Return a column of texts."""
    return pd.array(values, dtype="str")


def away(X, place, power=1, row=None, **kinds):
    """Return how far all rows are from one of them, or from another row."""
    shown = opaque(lambda rows: np.zeros(len(rows)), X, **kinds)
    return distances(X.iloc[[place]] if row is None else row, X, shown, power)


def test_numbers_differ_in_sample_standard_deviations():
    X = pd.DataFrame({"n": [2.0, 4.0, 4.0, 10.0]})
    # Mean 5, squares 9 + 1 + 1 + 25, over 3: 12.
    spread = 12**0.5
    assert away(X, 0) == pytest.approx([0, 2 / spread, 2 / spread, 8 / spread])
    assert away(X, 0, power=2) == pytest.approx([0, 4 / 12, 4 / 12, 64 / 12])


def test_numbers_that_do_not_vary_differ_by_nothing():
    X = pd.DataFrame({"n": [3.0, 3.0, 3.0]})
    assert away(X, 0).tolist() == [0, 0, 0]
    assert away(X, 0, row=pd.DataFrame({"n": [50.0]})).tolist() == [0, 0, 0]


def test_categories_differ_by_the_probability_that_two_rows_agree():
    X = pd.DataFrame({"c": text("a", "a", "a", "b", "c")})
    # (3/5)² + (1/5)² + (1/5)².
    agree = 11 / 25
    assert away(X, 0) == pytest.approx([0, 0, 0, agree, agree])
    assert away(X, 3, power=2) == pytest.approx([agree**2] * 3 + [0, agree**2])
    assert away(X, 0, row=pd.DataFrame({"c": text("new")})) == pytest.approx([agree] * 5)


@pytest.mark.parametrize("power", [1, 2])
def test_what_is_missing_is_one_away_even_from_what_is_missing_too(power):
    X = pd.DataFrame({"n": [1.0, np.nan, 3.0, np.nan], "c": text("a", "a", None, None)})
    assert away(X, 0, power) == pytest.approx([0, 1, (2 / 2**0.5) ** power + 1, 2])
    assert away(X, 3, power) == pytest.approx([2, 2, 2, 2])


def test_yes_and_no_are_numbers():
    X = pd.DataFrame({"member": [1.0, 0.0, 0.0, 0.0]})
    assert away(X, 1, member=Kind.BOOLEAN) == pytest.approx([2, 0, 0, 0])


def test_dates_differ_in_days_and_spreads_of_days():
    when = pd.Series(["2020-01-01", "2020-01-03", "2020-01-05", None], dtype="datetime64[us]")
    assert away(pd.DataFrame({"when": when}), 0) == pytest.approx([0, 1, 2, 1])
    far = pd.DataFrame({"when": pd.Series(["9999-12-30"], dtype="datetime64[us]")})
    days = (pd.Timestamp("9999-12-30") - pd.Timestamp("2020-01-05")).days
    assert away(pd.DataFrame({"when": when}), 0, row=far)[2] == pytest.approx(days / 2)


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.CATEGORY])
def test_texts_that_are_all_different_are_left_out(kind):
    X = pd.DataFrame({"n": [1.0, 2.0, 3.0], "note": text("one", "two", "three")})
    assert away(X, 0, note=kind) == pytest.approx([0, 1, 2])
    same = X.assign(note=text("one", "two", "one"))
    assert away(same, 0, note=kind) == pytest.approx([0, 1 + 5 / 9, 2])


def test_whole_series_are_left_out():
    X = pd.DataFrame({"n": [1.0, 3.0], "s": pd.Series([np.zeros(3), np.ones(2)], dtype="object")})
    assert away(X, 0, s=Kind.SIGNAL) == pytest.approx([0, 2 / 2**0.5])


def test_columns_add_up_without_a_root():
    X = pd.DataFrame({"n": [0.0, 1.0, 2.0], "m": [10.0, 40.0, 10.0], "c": text("a", "b", "a")})
    steps = {"n": [0, 1, 2], "m": [0, 30 / 300**0.5, 0], "c": [0, 5 / 9, 0]}
    for power in (1, 2):
        expected = [sum(column[place] ** power for column in steps.values()) for place in range(3)]
        assert away(X, 0, power) == pytest.approx(expected)


@pytest.fixture
def people():
    """Five people, whether they are over 30, and a model that looks at their age alone."""
    X = pd.DataFrame({"age": [20.0, 25.0, 35.0, 40.0, 35.0], "town": text("x", "y", "y", "x", "x")})
    return X, opaque(lambda rows: np.where(rows["age"] > 30, 0.9, 0.2), X, ("young", "old"))


def explain(shown, row, output=0, **more):
    """Return what is found for one row."""
    return nearest.explain(shown, Case(row), asked("nearest", output, **more))


def test_the_nearest_row_with_another_predicted_class_is_found(people):
    X, shown = people
    local = explain(shown, X.iloc[[0]], 1)
    spread, agree = X["age"].std(), (9 + 4) / 25
    (found,) = local.details["nearest"]
    # The third and the fifth are as old; the fifth lives in the same town.
    assert found == {
        "distance": pytest.approx(15 / spread),
        "prediction": 0.9,
        "outcome": "old",
        "values": {"age": 35, "town": "x"},
        "changed": ["age"],
    }
    assert local.details["row"] == {"age": 20, "town": "x"}
    assert local.algorithm == "nearest_l1"
    assert local.background == 5
    both = explain(shown, X.iloc[[0]], count=2).details["nearest"]
    assert [one["distance"] for one in both] == pytest.approx([15 / spread, 15 / spread + agree])
    assert [one["changed"] for one in both] == [["age"], ["age", "town"]]


def test_of_rows_that_are_as_near_the_first_is_taken():
    X = pd.DataFrame({"n": [0.0, 2.0, -2.0, 2.0]})
    shown = opaque(lambda rows: np.abs(rows["n"]) / 2, X, ("no", "yes"))
    found = explain(shown, X.iloc[[0]], count=3).details["nearest"]
    assert [one["values"]["n"] for one in found] == [2, -2, 2]
    assert len({one["distance"] for one in found}) == 1


def test_squares_prefer_many_small_differences_to_a_large_one():
    X = pd.DataFrame({"a": [0.0, 3.0, 1.0, 8.0], "b": [0.0, 0.0, 1.0, 8.0], "c": [0.0, 0.0, 1.9, 8.0]})
    shown = opaque(lambda rows: (rows.sum(axis=1) > 0) * 1.0, X, ("no", "yes"))
    first = {
        name: explain(shown, X.iloc[[0]], distance=name).details["nearest"][0]["values"]["a"] for name in ("l1", "l2")
    }
    assert first == {"l1": 3, "l2": 1}


def test_a_row_that_was_sent_is_compared_with_the_training(people):
    _, shown = people
    row = pd.DataFrame({"age": [31.0], "town": text("never seen")})
    (found,) = explain(shown, row).details["nearest"]
    assert found["values"] == {"age": 25, "town": "y"}
    assert found["changed"] == ["age", "town"]


def test_where_all_have_the_same_outcome_none_is_found(people):
    X, _ = people
    shown = opaque(lambda rows: np.full(len(rows), 0.7), X, ("young", "old"))
    assert explain(shown, X.iloc[[0]]).details["nearest"] == []


@pytest.fixture
def numbers():
    """Six rows of one number, which is what is predicted."""
    X = pd.DataFrame({"n": [0.0, 1.0, 2.0, 4.0, 7.0, np.nan]})
    return X, opaque(lambda rows: rows["n"].fillna(-50), X)


def test_of_numbers_the_outcome_is_another_by_the_spread_of_predictions_or_as_far_as_asked(numbers):
    X, shown = numbers
    plain = explain(shown, X.iloc[[0]])
    spread = X["n"].fillna(-50).std()
    assert plain.details["difference"] == pytest.approx(spread)
    assert plain.details["nearest"][0]["values"] == {"n": None}
    near = explain(shown, X.iloc[[0]], difference=2, count=5)
    assert near.details["difference"] == 2
    assert [one["prediction"] for one in near.details["nearest"]] == [2, -50, 4, 7]
    assert all(one["outcome"] is None for one in near.details["nearest"])


def test_what_is_missing_in_both_is_no_difference_to_see(numbers):
    X, _ = numbers
    beside = X.assign(m=np.nan)
    local = explain(opaque(lambda rows: rows["n"].fillna(-50), beside), beside.iloc[[1]], difference=1)
    assert local.details["nearest"][0]["changed"] == ["n"]


def test_the_rows_that_are_sent_are_searched_where_that_is_asked_for(trained):
    model = trained("three classes")
    answer = model.explain("nearest", ids=model.ids[:2], among="sent", count=3)
    told = model.subject.predict(model.pipeline.rows(model.sent)).argmax(axis=1)
    outcomes = dict(zip(model.ids, (model.pipeline.classes[code] for code in told), strict=True))
    for entry in answer["explanations"]:
        found = entry["nearest"]
        assert len(found) == 3
        assert [one["distance"] for one in found] == sorted(one["distance"] for one in found)
        for one in found:
            assert outcomes[one["id"]] == one["outcome"] != outcomes[entry["id"]]
    assert answer["background"] == len(model.ids)
    (alone,) = model.explain("nearest", sent=model.sent.head(1), among="sent")["explanations"]
    assert (alone["nearest"], alone["note"]) == ([], "No row that was sent has another outcome.")
    (usual,) = model.explain("nearest", sent=model.sent.head(1))["explanations"]
    assert "id" not in usual["nearest"][0]
