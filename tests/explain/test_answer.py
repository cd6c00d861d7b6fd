"""Explanations as JSON and as a table."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

from app.explain import answer
from app.explain.base import Case
from app.explain.found import Contribution, Local, Overall, Part
from app.payloads.explaining import METHODS
from app.payloads.parameters import Kind
from tests.explain.functions import asked, opaque


@pytest.fixture
def case():
    """A model of every kind of column, and a row of it under an id."""
    X = pd.DataFrame({"n": [1.5], "member": [1.0], "lost": [np.nan]})
    X["plan"] = pd.array([None], dtype="str")
    X["when"] = pd.Series(["2020-01-01T10:00:00"], dtype="datetime64[us]")
    X = X.set_axis(["r7"], axis=0)
    return opaque(lambda rows: rows["n"], X, ("no", "yes"), member=Kind.BOOLEAN), Case(X)


def found(*contributions, **more):
    """Return an explanation."""
    return Local(contributions, base_value=0.5, local_prediction=1.0, **more)


def entry_of(case, local, num_features=10, output=1):
    """Return an explanation of the row as JSON has it."""
    shown, row = case
    return answer.local(shown, row, 0.9, asked("lime", output, num_features=num_features), local)


def test_values_are_those_that_were_sent(case):
    entry = entry_of(case, found(*(Contribution(Part(name), 1.0) for name in case[0].columns)))
    assert {one["feature"]: one["value"] for one in entry["contributions"]} == {
        "n": 1.5, "member": True, "lost": None, "plan": None, "when": "2020-01-01T10:00:00"
    }  # fmt: skip
    assert (entry["id"], entry["target"], entry["prediction"]) == ("r7", "yes", 0.9)
    json.dumps(entry, allow_nan=False)


def test_the_largest_come_first_and_the_others_are_summed_up(case):
    shares = {"n": 0.1, "member": -3.0, "lost": 2.0, "plan": -0.25, "when": 0.0}
    entry = entry_of(case, found(*(Contribution(Part(name), share) for name, share in shares.items())), 2)
    assert [one["feature"] for one in entry["contributions"]] == ["member", "lost"]
    assert entry["rest"] == {"features": 3, "contribution": pytest.approx(-0.15)}
    whole = entry_of(case, found(*(Contribution(Part(name), share) for name, share in shares.items())))
    assert whole["rest"] == {"features": 0, "contribution": 0}


def test_shares_of_the_same_size_stay_in_their_order(case):
    entry = entry_of(case, found(*(Contribution(Part(name), share) for name, share in (("n", -1.0), ("plan", 1.0)))))
    assert [one["feature"] for one in entry["contributions"]] == ["n", "plan"]


def test_an_error_makes_an_interval_in_which_95_of_100_lie(case):
    (one,) = entry_of(case, found(Contribution(Part("n"), 2.0, 0.5)))["contributions"]
    assert one["standard_error"] == 0.5
    assert one["interval"] == pytest.approx([2 - 0.98, 2 + 0.98], abs=1e-4)


@pytest.mark.parametrize(("degrees", "times"), [(1, 12.706), (7, 2.3646), (30, 2.0423), (1e9, 1.96)])
def test_an_error_of_few_samples_makes_a_wide_interval(case, degrees, times):
    """As tables of Student's t have it."""
    (one,) = entry_of(case, found(Contribution(Part("n"), 2.0, 0.5, degrees=degrees)))["contributions"]
    assert one["interval"] == pytest.approx([2 - times / 2, 2 + times / 2], abs=1e-3)


@pytest.mark.parametrize("error", [None, float("nan"), float("inf")])
def test_without_an_error_there_is_no_interval(case, error):
    (one,) = entry_of(case, found(Contribution(Part("n"), 2.0, error)))["contributions"]
    assert set(one) == {"feature", "value", "contribution"}


def test_parts_say_where_they_are(case):
    word, stretch, region = (
        Contribution(part, 1.0) for part in (Part("plan", "word", 3, 7), Part("s", None, 0, 5), Part("i", region=0))
    )
    entry = entry_of(case, found(word, stretch, region))
    assert entry["contributions"] == [
        {"feature": "plan", "value": "word", "contribution": 1, "start": 3, "end": 7},
        {"feature": "s", "value": None, "contribution": 1, "start": 0, "end": 5},
        {"feature": "i", "value": None, "contribution": 1, "region": 0},
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_trust_that_cannot_be_told_is_null(case, value):
    entry = entry_of(case, found(trust={"fidelity": value, "standard_error": 0.5}))
    assert (entry["fidelity"], entry["standard_error"]) == (None, 0.5)


def test_a_forecast_says_its_step(case):
    shown, row = case
    index = pd.MultiIndex.from_tuples([("north", 2, "2025-01-03")], names=["id", "step", "time"])
    entry = answer.local(shown, Case(row.row.set_axis(index, axis=0)), 1.0, asked("lime"), found())
    assert (entry["id"], entry["step"]) == ("north", 2)


@pytest.mark.parametrize("identity", ["a", 7, 2.5])
def test_ids_keep_their_type(case, identity):
    shown, row = case
    entry = answer.local(shown, Case(row.row.set_axis(pd.Index([identity]), axis=0)), 1.0, asked("lime"), found())
    assert (entry["id"], type(entry["id"])) == (identity, type(identity))


def test_an_overall_explanation_has_rows_and_no_id(case):
    overall = Overall([Contribution(Part("n"), 1.0)], rows=12, details={"curves": []})
    entry = answer.overall(case[0], asked("summary", 0), overall)
    assert entry["rows"] == 12
    assert entry["target"] == "no"
    assert entry["curves"] == []
    assert entry["contributions"] == [{"feature": "n", "value": None, "contribution": 1}]
    assert "id" not in entry


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_described_with_its_parameters_and_their_defaults(name):
    described = answer.explainer(name, METHODS[name], "local")
    assert described["method"] == name
    assert described["description"]
    assert described["needs_rows"] == METHODS[name].needs_rows
    assert set(described["parameters"]) == set(METHODS[name].model_fields) - {"pipeline_id", "version", "method"}
    assert all(one.get("description") for one in described["parameters"].values())
    assert described["parameters"]["num_features"]["default"] == 10
    json.dumps(described, allow_nan=False)


def table(*entries, overall=()):
    """Return the lines of a table, each as {column: cell}."""
    written = answer.table({"explanations": list(entries), "overall": list(overall)})
    return list(csv.DictReader(io.StringIO(written)))


def test_a_table_has_a_line_a_contribution(case):
    first = entry_of(case, found(Contribution(Part("n"), -2.0, 0.5, "n > 1"), Contribution(Part("s", None, 0, 5), 1.0)))
    lines = table(first, first | {"id": 3, "step": 2}, overall=[{"target": "no", "contributions": [{"feature": "x"}]}])
    assert float(lines[0].pop("low")) == pytest.approx(-2.98, abs=1e-4)
    assert float(lines[0].pop("high")) == pytest.approx(-1.02, abs=1e-4)
    assert {name: cell for name, cell in lines[0].items() if cell} == {
        "id": "r7", "target": "yes", "of": "contribution", "feature": "n", "value": "1.5", "contribution": "-2.0",
        "standard_error": "0.5", "condition": "n > 1",
    }  # fmt: skip
    assert (lines[1]["feature"], lines[1]["start"], lines[1]["end"]) == ("s", "0", "5")
    assert [(line["id"], line["step"]) for line in lines] == [("r7", "")] * 2 + [("3", "2")] * 2 + [("", "")]
    assert lines[4]["target"] == "no"


def test_an_answer_without_contributions_is_a_table_of_its_heading():
    assert answer.table({"explanations": [], "overall": []}).splitlines() == [
        "id,step,target,of,number,feature,value,contribution,standard_error,low,high,condition,start,end,region,prediction"
    ]


def test_what_a_method_gives_beside_contributions_is_in_the_table_too():
    found = {"prediction": 0.2, "values": {"a": 1, "b": 2}, "changed": ["b"]}
    (line,) = table({"id": 1, "contributions": [], "counterfactuals": [found]})
    assert (line["of"], line["number"], line["feature"], line["value"]) == ("counterfactuals", "0", "b", "2")
    curve = {"feature": "a", "grid": [1, 2], "mean": [0.1, 0.3], "low": [0, 0.1], "high": [0.2, 0.5]}
    lines = table({"contributions": [], "curves": [curve]})
    assert [(one["value"], one["prediction"], one["high"]) for one in lines] == [
        ("1", "0.1", "0.2"),
        ("2", "0.3", "0.5"),
    ]
    pair = {"features": ["a", "b"], "interaction": 0.5, "standard_error": None}
    (line,) = table({"contributions": [], "interactions": [pair]})
    assert (line["of"], line["feature"], line["contribution"]) == ("interaction", "a × b", "0.5")
    surface = {"features": ["a", "b"], "grids": [[1], ["x", "y"]], "mean": [[0.1, 0.2]]}
    assert [one["value"] for one in table({"contributions": [], "surface": surface})] == ["1 × x", "1 × y"]


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
@pytest.mark.parametrize("column", ["id", "target", "feature", "value", "condition"])
def test_no_cell_is_a_formula(column, text):
    entry = {"id": "a", "target": None, "contributions": [{"feature": "n", "value": 1, "contribution": -1.5}]}
    if column in ("id", "target"):
        entry[column] = text
    else:
        entry["contributions"][0][column] = text
    (line,) = table(entry)
    assert line[column] == f"'{text}"
    # What is a number stays one, whatever its sign.
    assert line["contribution"] == "-1.5"


@pytest.mark.parametrize("text", ["a, b", 'said "so"', "two\nlines", "ünï"])
def test_text_comes_back_as_it_was(text):
    (line,) = table({"id": text, "contributions": [{"feature": text, "value": text, "contribution": 1}]})
    assert (line["id"], line["feature"], line["value"]) == (text, text, text)
