"""Bars and lines of a profile."""

import pandas as pd
import pytest

from app.pages.training import drawing
from app.payloads.parameters import ExtractFeatures
from app.payloads.profiles.columns import describe
from app.payloads.profiles.series import traces
from app.payloads.profiles.table import Target

HOSTILE = "<b>left</b>"


def test_a_bar_a_bin_within_the_box():
    found = drawing.histogram(describe(pd.Series([0.1, 0.2, 0.25, 9.7] * 5, name="x")))
    assert max(bar["height"] for bar in found) == drawing.HEIGHT
    assert all(bar["x"] >= 0 and bar["x"] + bar["width"] <= drawing.WIDTH for bar in found)
    assert found[0]["title"].endswith(": 15")


def test_few_whole_numbers_have_a_bar_each_in_their_order():
    found = drawing.histogram(describe(pd.Series([3, 1, 1, 2, 1], name="x")))
    assert [bar["title"] for bar in found] == ["1: 3", "2: 1", "3: 1"]


@pytest.mark.parametrize("values", [["a", "b"], [None, None], [True, False]])
def test_what_is_not_spread_has_no_histogram(values):
    column = pd.Series(values, name="x", dtype=None if values[0] else "float64")
    assert drawing.histogram(describe(column)) == []


def test_years_have_no_commas_and_dates_are_days():
    assert drawing.ends(describe(pd.Series([2007, 2009, 2008], name="x"))) == ["2007", "median 2008", "2009"]
    dates = describe(pd.Series(["2020-01-01 10:00", "2020-03-01 11:00"] * 5, name="x", dtype="str"))
    assert drawing.ends(dates) == ["2020-01-01", "2020-03-01"]
    assert "2020-01-01 to" in drawing.histogram(dates)[0]["title"]


def test_the_rarer_classes_are_one_bar():
    counts = {f"class {number}": 20 - number for number in range(15)}
    found = drawing.classes(Target("y", "classification", sum(counts.values()), counts, None))
    assert len(found) == 13
    assert found[-1]["name"] == "3 more"
    assert sum(bar["count"] for bar in found) == sum(counts.values())


def test_series_are_lines_of_a_colour_a_class_thinned_and_without_html():
    rows = pd.DataFrame(
        {"id": [0] * 1000 + [1] * 1000, "t": list(range(1000)) * 2, HOSTILE: range(2000), "other": range(2000)}
    )
    labels = pd.Series(["yes", "no"], index=[0, 1], name="label")
    found = traces(rows, ExtractFeatures(column_id="id", column_sort="t"), labels)
    figure, height = drawing.lines(tuple(found))
    assert len(figure["data"]) == 4
    assert all(len(line["x"]) <= 300 for line in figure["data"])
    assert {line["name"] for line in figure["data"]} == {"yes", "no"}
    assert len({line["line"]["color"] for line in figure["data"]}) == 2
    assert figure["layout"]["yaxis"]["title"]["text"] == "&lt;b&gt;left&lt;/b&gt;"
    assert height > 250
    assert drawing.lines(()) is None
