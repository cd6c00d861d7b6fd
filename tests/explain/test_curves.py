"""How predictions follow columns."""

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidParameters
from app.explain import curves
from app.explain.base import Case
from app.payloads.parameters import Kind
from tests.explain.functions import Watched, asked, opaque, shares


@pytest.fixture
def rows():
    """90 rows of each kind that can be varied, and a text."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame({"x": generator.uniform(0, 1, 90), "count": generator.integers(0, 60, 90).astype("float64")})
    X["few"] = np.resize([3.0, 1.0, 2.0, np.nan], 90)
    X["member"] = np.resize([0.0, 1.0], 90)
    X["plan"] = pd.array(np.resize(["b", "a", "b", None, "c", "b"], 90), dtype="str")
    X["when"] = pd.date_range("2020-01-01", periods=90).astype("datetime64[us]")
    X["note"] = pd.array([f"note {number}" for number in range(90)], dtype="str")
    return X


KINDS = {"member": Kind.BOOLEAN, "note": Kind.TEXT}


def additive(rows):
    """Return a sum of what each column tells."""
    return 4 * rows["x"] + rows["count"] / 10 + 3 * (rows["plan"] == "a") + rows["member"]


def ice(shown, row, output=0, **more):
    """Return {feature: curve} of a row, and the explanation."""
    local = curves.ice(shown, Case(row), asked("ice", output, num_features=100, **more))
    return {one["feature"]: one for one in local.details["curves"]}, local


def dependence(shown, rows, output=0, **more):
    """Return the explanation of a model over rows."""
    cases = [Case(rows.iloc[[place]]) for place in range(len(rows))]
    return curves.partial_dependence(shown, cases, asked("partial_dependence", output, num_features=100, **more))


def test_a_grid_of_numbers_is_quantiles_and_each_once(rows):
    shown = opaque(additive, rows, **KINDS)
    grid = curves.grid(shown, "x", 20)
    assert grid == pytest.approx(rows["x"].quantile(np.linspace(0.02, 0.98, 20)).tolist())
    assert grid == sorted(set(grid))


def test_a_grid_of_whole_numbers_is_of_numbers_that_rows_have(rows):
    grid = curves.grid(opaque(additive, rows, **KINDS), "count", 10)
    assert set(grid) <= set(rows["count"])
    assert len(grid) == len(set(grid)) <= 10
    assert grid == sorted(grid)


def test_a_grid_of_few_values_is_all_of_them_but_what_is_missing(rows):
    shown = opaque(additive, rows, **KINDS)
    assert curves.grid(shown, "few", 20) == [1, 2, 3]
    assert curves.grid(shown, "member", 2) == [0, 1]


def test_a_grid_of_categories_is_the_most_frequent_first(rows):
    shown = opaque(additive, rows, **KINDS)
    assert curves.grid(shown, "plan", 2) == ["b", "a", "c"]
    many = rows.assign(plan=pd.array([f"p{number % 30}" for number in range(90)], dtype="str"))
    assert len(curves.grid(opaque(additive, many, **KINDS), "plan", 100)) == 10


def test_a_grid_of_dates_is_of_dates_that_rows_have(rows):
    grid = curves.grid(opaque(additive, rows, **KINDS), "when", 7)
    assert len(grid) == 7
    assert set(grid) <= set(rows["when"].tolist())


@pytest.mark.parametrize("place", [0, 3, 17])
def test_a_curve_has_the_prediction_at_the_own_value_of_the_row(rows, place):
    X = rows.head(20)
    shown = opaque(additive, X, **KINDS)
    found, local = ice(shown, X.iloc[[place]], grid_size=100)
    assert set(found) == {"x", "count", "few", "member", "plan", "when"}
    own = shown.predict(X.iloc[[place]])[0, 0]
    for curve in found.values():
        if curve["value"] is not None:
            assert curve["predictions"][curve["grid"].index(curve["value"])] == pytest.approx(own)
    assert shares(local)["x"] == pytest.approx(own - np.mean(found["x"]["predictions"]))
    assert local.num_samples == sum(len(curve["grid"]) for curve in found.values())


def test_a_curve_follows_its_column_and_nothing_else(rows):
    found, _ = ice(opaque(additive, rows, **KINDS), rows.iloc[[0]], columns=["x", "plan"])
    assert np.diff(found["x"]["predictions"]) == pytest.approx(4 * np.diff(found["x"]["grid"]))
    told = dict(zip(found["plan"]["grid"], found["plan"]["predictions"], strict=True))
    assert told["a"] - told["b"] == pytest.approx(3)
    assert told["b"] == told["c"]


def test_values_are_written_as_they_are_sent(rows):
    found, _ = ice(opaque(additive, rows, **KINDS), rows.iloc[[3]])
    assert (found["few"]["value"], found["plan"]["value"]) == (None, None)
    assert found["when"]["value"] == "2020-01-04T00:00:00"
    assert found["member"]["value"] is True
    assert found["member"]["grid"] == [False, True]
    assert found["when"]["grid"][0].startswith("2020-01-")


def test_types_of_columns_stay_when_they_are_varied(rows):
    model = Watched(additive, rows, **KINDS)
    ice(model.subject, rows.iloc[[0]])
    dependence(model.subject, rows.head(5), columns=["when", "plan"])
    assert all(one.dtypes.to_dict() == rows.dtypes.to_dict() for one in model.asked)


def test_the_columns_that_change_most_come_first_and_only_those_asked_for(rows):
    shown = opaque(additive, rows, **KINDS)
    local = curves.ice(shown, Case(rows.iloc[[0]]), asked("ice", num_features=2))
    assert [one["feature"] for one in local.details["curves"]] == ["count", "x"]
    variations = [one["variation"] for one in ice(shown, rows.iloc[[0]])[0].values()]
    assert variations == sorted(variations, reverse=True)


def test_variation_is_the_steps_added_up_and_of_categories_the_range():
    assert curves.variation(np.array([0.0, 2.0, 1.0, 4.0]), Kind.NUMBER) == 6
    assert curves.variation(np.array([0.0, 2.0, 1.0, 4.0]), Kind.CATEGORY) == 4
    assert curves.variation(np.array([3.0]), Kind.NUMBER) == 0


@pytest.mark.parametrize("output", [0, 1])
def test_a_column_without_one_value_has_no_curve(rows, output):
    X = rows.assign(few=np.nan)
    shown = opaque(lambda frame: frame["x"], X, ("no", "yes"), **KINDS)
    found, local = ice(shown, X.iloc[[0]], output)
    assert "few" not in found
    assert set(shares(local)) == {"x", "count", "member", "plan", "when"}
    overall = dependence(shown, X.head(10), output)
    assert "few" not in {one["feature"] for one in overall.details["curves"]}


def test_partial_dependence_of_a_sum_is_what_the_column_adds(rows):
    shown = opaque(additive, rows, **KINDS)
    overall = dependence(shown, rows)
    found = {one["feature"]: one for one in overall.details["curves"]}
    others = additive(rows).mean() - 4 * rows["x"].mean()
    assert found["x"]["mean"] == pytest.approx(4 * np.array(found["x"]["grid"]) + others)
    assert shares(overall)["x"] == pytest.approx(np.std(found["x"]["mean"]))
    assert shares(overall)["when"] == pytest.approx(0, abs=1e-12)
    assert overall.rows == 90
    assert overall.num_samples == 90 * sum(len(one["grid"]) for one in found.values())


def test_the_spread_between_rows_is_that_of_their_own_curves(rows):
    shown = opaque(lambda frame: frame["x"] * frame["count"], rows, **KINDS)
    (found,) = dependence(shown, rows, columns=["x"], grid_size=5).details["curves"]
    for value, mean, low, high in zip(*(found[name] for name in ("grid", "mean", "low", "high")), strict=True):
        answers = value * rows["count"]
        assert (mean, low, high) == pytest.approx((answers.mean(), answers.quantile(0.1), answers.quantile(0.9)))


def test_rows_asked_for_in_portions_are_meaned_as_together(rows, monkeypatch):
    shown = opaque(additive, rows, **KINDS)
    whole = dependence(shown, rows)
    monkeypatch.setattr(curves, "_TOGETHER", 250)
    model = Watched(additive, rows, **KINDS)
    assert dependence(model.subject, rows).details == whole.details
    assert max(map(len, model.asked)) <= 250


def test_the_surface_of_a_sum_has_no_interaction_and_that_of_a_product_has(rows):
    def surface(function, *names):
        return dependence(opaque(function, rows, **KINDS), rows, columns=list(names), grid_size=6)

    alone = surface(additive, "x", "count").details["surface"]
    assert alone["interaction"] == pytest.approx(0, abs=1e-12)
    together = surface(lambda frame: frame["x"] * frame["count"], "x", "count").details["surface"]
    assert together["features"] == ["x", "count"]
    x, count = (np.array(grid) for grid in together["grids"])
    assert np.array(together["mean"]) == pytest.approx(np.outer(x, count))
    expected = np.outer(x - x.mean(), count - count.mean()).std()
    assert together["interaction"] == pytest.approx(expected)
    assert together["interaction"] > 1


def test_a_surface_has_categories_and_yes_and_no(rows):
    overall = dependence(opaque(additive, rows, **KINDS), rows, columns=["plan", "member"])
    surface = overall.details["surface"]
    assert surface["grids"] == [["b", "a", "c"], [False, True]]
    assert np.diff(surface["mean"], axis=1).ravel() == pytest.approx([1, 1, 1])
    assert shares(overall) == pytest.approx({"plan": np.std([0, 3, 0]), "member": 0.5})


def test_a_column_that_is_named_twice_is_one(rows):
    overall = dependence(opaque(additive, rows, **KINDS), rows, columns=["x", "x"])
    assert [one["feature"] for one in overall.details["curves"]] == ["x"]


@pytest.mark.parametrize("method", ["ice", "partial_dependence"])
def test_columns_that_are_not_there_or_cannot_be_varied_are_pointed_at(rows, method):
    shown = opaque(additive, rows, **KINDS)
    ask = {"ice": ice, "partial_dependence": dependence}[method]
    with pytest.raises(InvalidParameters) as refused:
        ask(shown, rows.iloc[[0]], columns=["note", "nothing"])
    assert {fault.pointer for fault in refused.value.faults} == {"/params/columns"}
    assert {fault.detail.partition(":")[0] for fault in refused.value.faults} == {"note", "nothing"}
    assert "known are x, count, few, member, plan, when" in refused.value.faults[0].detail
