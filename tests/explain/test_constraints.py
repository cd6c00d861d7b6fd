"""What a counterfactual may change."""

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidParameters
from app.explain.constraints import Constraints
from app.payloads.parameters import Kind
from tests.explain.functions import asked, opaque


@pytest.fixture
def people():
    """Eight people: a number, a whole number, categories, yes or no, a date and a text; with holes."""
    X = pd.DataFrame({"height": np.linspace(1.5, 2.0, 8) + 0.001, "children": np.resize([0.0, 1.0, 4.0, np.nan], 8)})
    X["plan"] = pd.array(np.resize(["basic", "full", None, "basic"], 8), dtype="str")
    X["member"] = np.resize([0.0, 1.0], 8)
    X["since"] = pd.date_range("2020-01-01", periods=8).astype("datetime64[us]")
    X["note"] = pd.array([f"note {number}" for number in range(8)], dtype="str")
    return X, opaque(lambda rows: rows["height"], X, member=Kind.BOOLEAN, note=Kind.TEXT)


def constraints(people, place=0, **more):
    """Read constraints on the change of one row."""
    X, shown = people
    return Constraints.of(shown, X.iloc[[place]], asked("counterfactual", at_least=1, **more).parameters)


def test_columns_of_numbers_categories_and_dates_may_change_unless_they_are_immutable(people):
    X, _ = people
    assert dict(zip(X.columns, constraints(people).mutable.tolist(), strict=True)) == {
        "height": True, "children": True, "plan": True, "member": True, "since": True, "note": False
    }  # fmt: skip
    fixed = constraints(people, immutable=["plan", "height", "note"])
    assert fixed.mutable.tolist() == [False, True, False, True, True, False]


def test_without_constraints_the_training_lends_its_values_as_they_are(people):
    X, _ = people
    pd.testing.assert_frame_equal(constraints(people).donors(), X)


def test_numbers_are_brought_into_their_range_and_half_of_them_are_spread_over_it(people):
    X, _ = people
    lent = constraints(people, ranges={"height": [1.8, 3.0]}).donors()
    assert lent["height"].between(1.8, 3.0).all()
    assert lent["height"].max() > 2.6
    assert lent["height"][1] == 1.8
    pd.testing.assert_frame_equal(lent.drop(columns="height"), X.drop(columns="height"))


@pytest.mark.parametrize("bounds", [[0, 9], [2.5, 7.2], [5.5, 9.9]])
def test_whole_numbers_are_lent_whole(people, bounds):
    lent = constraints(people, ranges={"children": bounds}).donors()["children"].dropna()
    assert (lent % 1 == 0).all()
    assert lent.between(*bounds).all()


def test_categories_are_those_allowed_whether_training_had_them_or_not(people):
    X, _ = people
    lent = constraints(people, allowed={"plan": ["full", "never seen"], "member": [True]}).donors()
    assert set(lent["plan"]) == {"full", "never seen"}
    assert (lent["plan"][X["plan"] == "full"] == "full").all()
    assert lent["member"].tolist() == [1] * 8
    assert lent.dtypes.to_dict() == X.dtypes.to_dict()


def test_rows_keep_to_ranges_and_what_is_allowed(people):
    X, _ = people
    found = constraints(people, ranges={"height": [1.6, 1.9]}, allowed={"plan": ["full"]})
    rows = X.assign(height=[1.7, 1.6, 1.9, 1.95, 1.5, 1.7, 1.7, 1.7])
    rows["plan"] = pd.array(["full", "full", "full", "full", "full", "basic", None, "other"], dtype="str")
    assert found.each_holds(rows).tolist() == [True, True, True, False, False, True, False, False]


@pytest.mark.parametrize("place", [0, 2, 3])
def test_a_value_that_did_not_change_keeps_to_any_constraint(people, place):
    """The third row has no plan, and the fourth no children."""
    X, _ = people
    found = constraints(people, place, ranges={"height": [5, 6], "children": [7, 8]}, allowed={"plan": ["other"]})
    assert found.each_holds(X.iloc[[place]]).tolist() == [True]
    assert found.each_holds(X.iloc[[place]].assign(height=5.5, children=7.0)).tolist() == [True]
    assert found.each_holds(X.iloc[[place]].assign(height=1.0)).tolist() == [False]


@pytest.mark.parametrize(
    ("more", "pointers"),
    [
        ({"immutable": ["plan", "nothing"]}, ["/params/immutable"]),
        ({"ranges": {"nothing": [0, 1]}}, ["/params/ranges/nothing"]),
        ({"ranges": {"plan": [0, 1], "since": [0, 1]}}, ["/params/ranges/plan", "/params/ranges/since"]),
        ({"ranges": {"member": [0, 1]}}, ["/params/ranges/member"]),
        ({"allowed": {"height": [1.5]}}, ["/params/allowed/height"]),
        ({"allowed": {"note": ["note 1"], "a/b": [1]}}, ["/params/allowed/note", "/params/allowed/a~1b"]),
    ],
)
def test_constraints_on_columns_that_they_cannot_hold_for_are_pointed_at(people, more, pointers):
    with pytest.raises(InvalidParameters) as refused:
        constraints(people, **more)
    assert [fault.pointer for fault in refused.value.faults] == pointers
    assert all("known are height" in fault.detail or "those are" in fault.detail for fault in refused.value.faults)


@pytest.mark.parametrize("value", ["yes", 2, "true"])
def test_a_column_of_yes_and_no_has_no_other_values(people, value):
    with pytest.raises(InvalidParameters) as refused:
        constraints(people, allowed={"member": [value]})
    assert [(fault.pointer, fault.detail) for fault in refused.value.faults] == [
        ("/params/allowed/member", "known are true and false")
    ]
    assert constraints(people, allowed={"member": [True]}).donors()["member"].eq(1).all()
