"""Labels are joined by id, and checked to be learnable."""

import pandas as pd
import pytest

from app.errors import InvalidData, InvalidParameters
from app.payloads.labels import LEAST, MAX_CLASSES, MAX_NUMBERED_CLASSES, check, join, positive_class, task
from app.payloads.parameters import Task

IDS = pd.Index([30, 10, 20], name="id")


def labels(ids, values, name="label"):
    return pd.DataFrame({"id": ids, name: values})


def test_labels_are_joined_by_id_and_never_by_position():
    joined = join(labels([10, 20, 30], ["ten", "twenty", "thirty"]), IDS, "id", None)
    assert list(joined.items()) == [(30, "thirty"), (10, "ten"), (20, "twenty")]


def test_integer_and_float_ids_are_the_same_ids():
    assert join(labels([10.0, 20.0, 30.0], [1, 2, 3]), IDS, "id", None).tolist() == [3, 1, 2]


def test_target_names_the_column_among_several():
    frame = labels([10, 20, 30], [1, 2, 3]).assign(other=0)
    assert join(frame, IDS, "id", "label").tolist() == [3, 1, 2]
    with pytest.raises(InvalidData, match="one more"):
        join(frame, IDS, "id", None)


@pytest.mark.parametrize(
    ("ids", "values", "words"),
    [
        ([10, 20], [1, 2], "1 id(s) are without a label: 30."),
        ([10, 20, 30, 40], [1, 2, 3, 4], "1 id(s) are labelled, and not in raw_data: 40."),
        ([10, 20, 30, 10], [1, 2, 3, 1], "1 id(s) are labelled more than once: 10."),
        ([10, 20, 30], [1.0, 2.0, None], "1 id(s) are with an empty label: 30."),
        (["10", "20", "30"], [1, 2, 3], "different kinds"),
        ([10, 20, 2.0**64], [1, 2, 3], "ids that are too large"),
    ],
)
def test_ids_that_do_not_match_are_listed(ids, values, words):
    with pytest.raises(InvalidData) as refusal:
        join(labels(ids, values), IDS, "id", None)
    assert words in refusal.value.detail


def test_of_very_many_ids_some_are_listed_and_the_rest_counted():
    with pytest.raises(InvalidData) as refusal:
        join(labels([0], [1]), pd.RangeIndex(1000), "id", None)
    assert "999 id(s)" in refusal.value.detail
    assert refusal.value.detail.endswith("and 979 more.")
    assert len(refusal.value.faults) == 20


@pytest.mark.parametrize(
    ("values", "task", "word"),
    [
        pytest.param(["a"] * 10, Task.CLASSIFICATION, "single class", id="one class"),
        pytest.param(["a"] * 10 + ["b"] * (LEAST - 1), Task.CLASSIFICATION, f"at least {LEAST}", id="a rare class"),
        pytest.param(list(range(MAX_CLASSES + 1)) * 5, Task.CLASSIFICATION, "regressor", id="too many classes"),
        pytest.param(["1"] * 20, Task.REGRESSION, "numbers", id="text for a regression"),
        pytest.param([True, False] * 10, Task.REGRESSION, "numbers", id="booleans for a regression"),
        pytest.param([1.0] * 20, Task.REGRESSION, "two different", id="one value for a regression"),
        pytest.param(list(range(2 * LEAST - 1)), Task.REGRESSION, "at least 10", id="few rows for a regression"),
    ],
)
def test_labels_that_cannot_be_learned_are_refused(values, task, word):
    with pytest.raises(InvalidData, match=word) as refusal:
        check(pd.Series(values), task, "/raw_data/y")
    assert refusal.value.faults[0].pointer == "/raw_data/y"


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a"] * LEAST + ["b"] * LEAST, Task.CLASSIFICATION),
        (list(range(MAX_CLASSES)) * LEAST, Task.CLASSIFICATION),
        ([0.5, 1.5] * LEAST, Task.REGRESSION),
    ],
)
def test_labels_at_the_bounds_are_accepted(values, task):
    check(pd.Series(values), task)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        pytest.param(["a", "b", "c"] * 5, Task.CLASSIFICATION, id="text"),
        pytest.param([str(number) for number in range(50)], Task.CLASSIFICATION, id="numbers in quotes"),
        pytest.param([True, False] * 5, Task.CLASSIFICATION, id="booleans"),
        pytest.param([0, 1] * 5, Task.CLASSIFICATION, id="two whole numbers"),
        pytest.param([0.25, 0.75] * 5, Task.CLASSIFICATION, id="two numbers"),
        pytest.param([3.0, 1.0, 2.0] * 5, Task.CLASSIFICATION, id="few whole numbers, read as floats"),
        pytest.param(list(range(MAX_NUMBERED_CLASSES)), Task.CLASSIFICATION, id="the most whole numbers"),
        pytest.param(list(range(MAX_NUMBERED_CLASSES + 1)), Task.REGRESSION, id="one whole number more"),
        pytest.param([0.5, 1.0, 1.5] * 5, Task.REGRESSION, id="three numbers, not whole"),
        pytest.param([7] * 10, Task.CLASSIFICATION, id="one value, which is refused as a single class"),
    ],
)
def test_the_labels_tell_the_task(values, found):
    assert task(pd.Series(values)) is found


@pytest.mark.parametrize(
    ("values", "wanted", "found"),
    [
        (["no", "yes"], None, "yes"),
        (["no", "yes"], "no", "no"),
        ([0, 1], None, 1),
        ([0, 1], 0, 0),
        ([0, 1], "0", 0),
        ([False, True], None, True),
        ([9, 10], None, 10),
        (["0", "1"], 0, "0"),
    ],
)
def test_the_positive_class_is_the_one_wanted_else_the_last(values, wanted, found):
    assert positive_class(pd.Series(values), wanted) == found


def test_a_positive_class_that_no_row_has_is_answered_with_the_known():
    with pytest.raises(InvalidParameters) as refusal:
        positive_class(pd.Series(["no", "yes"]), "maybe")
    assert refusal.value.faults[0].detail == "known are no, yes"
