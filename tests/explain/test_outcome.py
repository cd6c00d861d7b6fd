"""The outcomes that a counterfactual is to have."""

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidParameters
from app.explain.outcome import Outcome
from tests.explain.functions import asked, opaque

X = pd.DataFrame({"n": [0.0]})
NUMBERS = opaque(lambda rows: rows["n"], X)
CLASSES = opaque(lambda rows: np.zeros((len(rows), 3)), X, ("low", "mid", "top"))

#: Answers of three classes: low, mid and top ahead, and low and mid even.
ANSWERS = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7], [0.4, 0.4, 0.2]])


def outcome(subject, now, **more):
    """Read what is wanted."""
    return Outcome.of(subject, np.array(now), asked("counterfactual", **more).parameters)


def test_any_class_but_the_present_one_is_reached_where_another_is_ahead():
    found = outcome(CLASSES, [0.6, 0.3, 0.1])
    assert found.described == {"other_than": "low"}
    assert (found.clarity(ANSWERS) > 0).tolist() == [False, True, True, False]


@pytest.mark.parametrize("name", ["mid", "top"])
def test_a_class_that_is_named_is_reached_where_it_is_ahead_of_all_others(name):
    found = outcome(CLASSES, [0.6, 0.3, 0.1], wanted=name)
    assert found.described == {"class": name}
    assert (found.clarity(ANSWERS) > 0).tolist() == [place == ["low", "mid", "top"].index(name) for place in range(4)]


def test_the_clearer_it_is_the_greater_is_the_number():
    clear = outcome(CLASSES, [0.6, 0.3, 0.1], wanted="top").clarity(ANSWERS)
    assert clear == pytest.approx([-0.5, -0.2, 0.5, -0.2])


@pytest.mark.parametrize(
    ("named", "reached"),
    [
        ({"at_least": 2}, [False, False, True, True, True]),
        ({"at_most": 2}, [True, True, True, False, False]),
        ({"at_least": 1, "at_most": 3}, [False, True, True, True, False]),
        ({"at_least": 2, "at_most": 2}, [False, False, True, False, False]),
    ],
)
def test_a_range_of_numbers_has_its_ends(named, reached):
    found = outcome(NUMBERS, [0.0], **named)
    assert (found.clarity(np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])) > 0).tolist() == reached
    assert found.described == {"at_least": None, "at_most": None} | named


@pytest.mark.parametrize(
    ("subject", "more", "pointer", "detail"),
    [
        pytest.param(CLASSES, {"at_least": 1}, "at_least", "name the class in wanted", id="a number of classes"),
        pytest.param(CLASSES, {"at_most": 1}, "at_most", "name the class in wanted", id="another number of classes"),
        pytest.param(CLASSES, {"wanted": "best"}, "wanted", "known classes are low, mid, top", id="an unknown class"),
        pytest.param(NUMBERS, {"wanted": "low"}, "wanted", "name at_least or at_most", id="a class of numbers"),
        pytest.param(NUMBERS, {}, "at_least", "missing", id="nothing of numbers"),
    ],
)
def test_what_cannot_be_reached_is_refused(subject, more, pointer, detail):
    with pytest.raises(InvalidParameters) as refused:
        outcome(subject, [0.6, 0.3, 0.1], **more)
    (fault,) = refused.value.faults
    assert fault.pointer == f"/params/{pointer}"
    assert detail in fault.detail
