"""Rows with another outcome that differ in little."""

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidParameters
from app.explain import counterfactual
from app.explain.base import Case
from app.payloads.parameters import Kind
from tests.explain.functions import Watched, asked, opaque


@pytest.fixture
def people():
    """Applicants: who earns more, has a plan or is a member is taken, and who has many children needs more."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame(
        {"income": generator.uniform(10, 90, 120).round(1), "children": generator.integers(0, 5, 120) * 1.0}
    )
    X["plan"] = pd.array(generator.choice(["basic", "full"], 120), dtype="str")
    X["member"] = generator.integers(0, 2, 120) * 1.0
    X["age"] = generator.uniform(20, 70, 120).round(1)
    return X


KINDS = {"member": Kind.BOOLEAN}


def score(rows):
    """Return the probability to be taken."""
    points = rows["income"] / 10 - rows["children"] + 2 * (rows["plan"] == "full") + 2 * rows["member"]
    return 1 / (1 + np.exp(-(points - 6)))


def poor():
    """Return an applicant who is not taken: a basic plan, no member, two children."""
    row = pd.DataFrame({"income": [45.0], "children": [2.0]})
    row["plan"] = pd.array(["basic"], dtype="str")
    return row.assign(member=0.0, age=33.0)


def explain(shown, row, output=1, **more):
    """Search rows with another outcome; none of these searches comes near its deadline."""
    return counterfactual.explain(shown, Case(row), asked("counterfactual", output, seconds=60, **more))


def of_classes(X, function=score):
    """Return the model of two classes."""
    return opaque(function, X, ("refused", "taken"), **KINDS)


def as_row(values, row):
    """Return the values of an answer as a row."""
    found = {name: float(value) if isinstance(value, bool) else value for name, value in values.items()}
    return pd.DataFrame([found]).astype(row.dtypes.to_dict())


def checked(local, shown, row, output=1):
    """Return what was found, each asked of the model once more and compared with the row."""
    found = local.details["counterfactuals"]
    for one in found:
        again = as_row(one["values"], row)
        answers = shown.predict(again)[0]
        assert one["prediction"] == pytest.approx(answers[output])
        if shown.classes:
            assert one["outcome"] == shown.classes[int(answers.argmax())]
        assert one["changed"] == [name for name in row if again[name].iloc[0] != row[name].iloc[0]]
        assert one["changed"]
    assert [len(one["changed"]) for one in found] == sorted(len(one["changed"]) for one in found)
    return found


def test_each_row_has_another_outcome_and_changes_little(people):
    shown, row = of_classes(people), poor()
    local = explain(shown, row, count=10)
    found = checked(local, shown, row)
    assert local.details["wanted"] == {"other_than": "refused"}
    assert {one["outcome"] for one in found} == {"taken"}
    assert local.details["note"] is None
    assert local.details["row"] == {"income": 45, "children": 2, "plan": "basic", "member": False, "age": 33}
    assert local.ended == "exhausted"
    # More than three points are wanted, which income alone brings, or a plan and a membership.
    assert found[0]["changed"] == ["income"]
    assert 80 < found[0]["values"]["income"] < 81
    assert all("age" not in one["changed"] for one in found)
    assert ["plan", "member"] in [one["changed"] for one in found]


def test_no_row_changes_more_columns_than_another_and_the_same(people):
    shown, row = of_classes(people), poor()
    changed = [set(one["changed"]) for one in explain(shown, row, count=10).details["counterfactuals"]]
    for one in changed:
        assert not any(other < one for other in changed)
    assert len({frozenset(one) for one in changed}) == len(changed)


def test_only_as_many_are_returned_as_asked_for(people):
    shown, row = of_classes(people), poor()
    many = explain(shown, row, count=10).details["counterfactuals"]
    assert explain(shown, row, count=2).details["counterfactuals"] == many[:2]


def test_the_model_says_how_often_it_was_asked(people):
    model = Watched(score, people, ("refused", "taken"), **KINDS)
    local = explain(model.subject, poor())
    # The row itself and those that are returned are asked for besides.
    assert 0 <= len(model.drawn) - local.num_samples <= 200


def test_the_same_request_finds_the_same(people):
    shown, row = of_classes(people), poor()
    assert explain(shown, row).details == explain(shown, row.copy()).details


def test_immutable_columns_stay(people):
    shown, row = of_classes(people), poor()
    for one in checked(explain(shown, row, immutable=["income", "age"], count=10), shown, row):
        assert one["values"]["income"] == 45
        assert set(one["changed"]) <= {"children", "plan", "member"}


def test_ranges_and_what_is_allowed_are_kept(people):
    shown, row = of_classes(people), poor()
    more = {"ranges": {"income": [30, 65], "children": [2, 4]}, "allowed": {"plan": ["basic"], "member": [True]}}
    found = checked(explain(shown, row, count=10, **more), shown, row)
    assert found
    for one in found:
        assert 30 <= one["values"]["income"] <= 65
        assert one["values"]["children"] == 2
        assert one["values"]["plan"] == "basic"
        assert "member" in one["changed"]


def test_a_range_may_go_beyond_what_the_training_had(people):
    shown = of_classes(people, lambda rows: (rows["income"] > 150) * 0.9)
    row = poor()
    assert explain(shown, row).details["counterfactuals"] == []
    found = checked(explain(shown, row, ranges={"income": [0, 400]}), shown, row)
    assert 150 < found[0]["values"]["income"] < 151
    assert found[0]["changed"] == ["income"]


def test_a_category_may_be_one_that_the_training_never_had(people):
    shown = of_classes(people, lambda rows: (rows["plan"] == "golden") * 0.9)
    row = poor()
    (found,) = checked(explain(shown, row, allowed={"plan": ["full", "golden"]}), shown, row)
    assert found["values"]["plan"] == "golden"


def test_whole_numbers_stay_whole(people):
    shown = of_classes(people, lambda rows: 0.9 * (rows["children"] > 3.4) + 0.04 * rows["income"] / 90)
    row = poor()
    for more in ({}, {"ranges": {"children": [0.5, 9.5]}}, {"immutable": ["income"]}):
        found = checked(explain(shown, row, count=10, **more), shown, row)
        assert found[0]["values"]["children"] == 4
        assert all(one["values"]["children"] % 1 == 0 for one in found)


def test_numbers_are_moved_no_further_than_is_needed_and_can_be_read(people):
    shown = of_classes(people, lambda rows: (rows["income"] >= 63.25) * 0.9)
    row = poor()
    (found,) = checked(explain(shown, row, count=1), shown, row)
    assert 63.25 <= found["values"]["income"] < 63.6
    assert len(str(found["values"]["income"])) <= 6


@pytest.mark.parametrize("size", [1e-7, 1e-3, 1.0, 1e3, 1e9])
def test_numbers_of_any_size_can_be_read(people, size):
    X = people[["income"]] * size
    shown = opaque(lambda rows: rows["income"] / size, X)
    row = X.iloc[[int(X["income"].argmin())]]
    for goal in (21.37, 47.91, 73.3):
        (found,) = checked(explain(shown, row, 0, at_least=goal, count=1), shown, row, 0)
        digits = f"{found['values']['income']:.17g}".replace(".", "").partition("e")[0].strip("0")
        shortest = repr(found["values"]["income"]).replace(".", "").partition("e")[0].strip("0")
        assert min(len(digits), len(shortest)) <= 6
        assert goal <= found["values"]["income"] / size < goal + 0.6


def test_dates_are_taken_over_as_they_are():
    when = pd.date_range("2020-01-01", periods=50).astype("datetime64[us]")
    X = pd.DataFrame({"when": when, "n": np.arange(50.0)})
    shown = opaque(lambda rows: (rows["when"] >= "2020-02-10") * 0.8 + 0.1, X, ("old", "new"))
    row = X.iloc[[3]]
    found = explain(shown, row).details["counterfactuals"]
    assert found[0]["changed"] == ["when"]
    assert found[0]["values"]["when"] in {f"2020-02-{day}T00:00:00" for day in range(10, 20)}


@pytest.fixture
def flags():
    """Rows of three columns of yes and no."""
    X = pd.DataFrame(np.random.default_rng(0).integers(0, 2, (60, 3)).astype("float64"), columns=["a", "b", "c"])
    return X, dict.fromkeys("abc", Kind.BOOLEAN)


def test_what_needs_two_columns_is_found_and_no_third_changes(flags):
    X, kinds = flags
    shown = opaque(lambda rows: rows["a"] * rows["b"] * 0.9, X, ("no", "yes"), **kinds)
    row = pd.DataFrame({"a": [0.0], "b": [0.0], "c": [1.0]})
    (found,) = checked(explain(shown, row, count=10), shown, row)
    assert found["changed"] == ["a", "b"]
    assert found["values"] == {"a": True, "b": True, "c": True}


def test_a_missing_value_is_changed_like_any_other():
    X = pd.DataFrame({"n": [1.0, 2.0, 3.0, np.nan] * 10, "m": np.arange(40.0)})
    shown = opaque(lambda rows: (rows["n"] > 2) * 0.9, X, ("no", "yes"))
    found = explain(shown, X.iloc[[3]]).details["counterfactuals"]
    assert found[0]["changed"] == ["n"]
    assert found[0]["values"] == {"n": 3, "m": 3}


def test_a_missing_value_with_a_range_may_stay():
    X = pd.DataFrame({"n": [1.0, 2.0, 3.0, np.nan] * 10, "m": np.arange(40.0)})
    shown = opaque(lambda rows: (rows["m"] > 30) * 0.9, X, ("no", "yes"))
    found = explain(shown, X.iloc[[3]], ranges={"n": [2, 3]}).details["counterfactuals"]
    assert found[0]["changed"] == ["m"]
    assert found[0]["values"] == {"n": None, "m": 31}


@pytest.mark.parametrize("more", [{"at_least": 60}, {"at_most": 12.5}, {"at_least": 50, "at_most": 50.5}])
def test_of_numbers_a_range_is_reached(people, more):
    shown = opaque(lambda rows: rows["income"] - rows["children"], people, **KINDS)
    row = poor()
    found = checked(explain(shown, row, 0, count=10, **more), shown, row, 0)
    assert found
    for one in found:
        assert more.get("at_least", -np.inf) <= one["prediction"] <= more.get("at_most", np.inf)
        assert one["outcome"] is None


def test_of_three_classes_the_one_wanted_is_reached(people):
    def function(rows):
        place = np.digitize(rows["income"], [30, 60])
        return np.eye(3)[place] * 0.7 + 0.1

    shown, row = opaque(function, people, ("low", "mid", "top"), **KINDS), poor()
    for name, low, high in (("low", 0, 30), ("top", 60, 90)):
        (found, *_) = checked(explain(shown, row, 0, wanted=name), shown, row, 0)
        assert found["outcome"] == name
        assert low <= found["values"]["income"] <= high
    both = checked(explain(shown, row, 0, count=10), shown, row, 0)
    assert {one["outcome"] for one in both} <= {"low", "top"}


def test_a_row_that_has_the_outcome_already_needs_no_change(people):
    shown = opaque(lambda rows: rows["income"], people, **KINDS)
    for local in (explain(shown, poor(), 0, at_least=20), explain(of_classes(people), poor(), wanted="refused")):
        assert local.details["counterfactuals"] == []
        assert "already" in local.details["note"]


def test_none_that_is_found_is_an_answer_with_a_note(people):
    shown = of_classes(people, lambda rows: np.full(len(rows), 0.1))
    local = explain(shown, poor())
    assert local.details["counterfactuals"] == []
    assert local.details["note"] == "None was found. Let more columns change, or widen the ranges."
    fixed = explain(shown, poor(), immutable=list(people.columns))
    assert fixed.details["note"] == "No column may change."
    assert fixed.details["counterfactuals"] == []


def test_a_search_that_is_cut_short_returns_what_it_has_or_says_so(people):
    shown, row = of_classes(people), poor()
    local = counterfactual.explain(shown, Case(row), asked("counterfactual", 1, seconds=1e-9))
    assert local.ended == "deadline"
    checked(local, shown, row)
    nothing = of_classes(people, lambda rows: np.full(len(rows), 0.1))
    told = counterfactual.explain(nothing, Case(row), asked("counterfactual", 1, seconds=1e-9)).details
    assert told["counterfactuals"] == []
    assert told["note"].startswith("None was found")


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"immutable": ["nothing"]}, "/params/immutable"),
        ({"ranges": {"plan": [0, 1]}}, "/params/ranges/plan"),
        ({"allowed": {"income": [1]}}, "/params/allowed/income"),
        ({"wanted": "unheard of"}, "/params/wanted"),
        ({"at_least": 3}, "/params/at_least"),
    ],
)
def test_what_cannot_be_held_or_reached_is_pointed_at(people, more, pointer):
    with pytest.raises(InvalidParameters) as refused:
        explain(of_classes(people), poor(), **more)
    assert refused.value.status == 422
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
