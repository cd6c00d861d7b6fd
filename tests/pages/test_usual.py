"""The value that stands for a column: within what the training had, and in the form that it came in."""

import pandas as pd
import pytest

from app.pages.asking import fields
from app.pages.model import calling, tree
from app.store.record import Record
from tests.pages.asking.test_fields import signature_of


def record_of(signature):
    return Record(
        pipeline_id="p",
        version=1,
        created_at="2026-11-21T10:00:00+00:00",
        job_id="job",
        engine="sklearn",
        task="regression",
        seed=0,
        result={},
        parameters={},
        signature=signature.as_json(),
        metrics={},
        holdout={},
        libraries={},
        times={},
        compiled={},
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1234567.0, 1234567.0, 1234567.5], 1234567),
        ([0.123456789] * 3, 0.123456789),
        ([0.1, 0.123456789, 0.2], 0.123457),
        ([1, 2, 3], 2),
        ([2.0**60] * 3, 2.0**60),
    ],
    ids=str,
)
def test_a_number_is_rounded_unless_that_leads_out_of_what_the_training_had(values, expected):
    signature = signature_of(pd.DataFrame({"a": values * 4, "y": range(12)}), "y", task="regression")
    (row,) = calling.example(record_of(signature), {})
    assert fields.usual(signature) == row == {"a": expected}


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%d.%m.%Y", "%m/%d/%Y", "%d %B %Y", "%Y-%m-%d"])
def test_a_date_is_written_as_those_of_the_training_were(form):
    days = pd.date_range("2020-01-01", periods=41)
    frame = pd.DataFrame({"day": days.strftime(form), "y": range(41)})
    signature = signature_of(frame, "y", task="regression")
    (row,) = calling.example(record_of(signature), {})
    assert fields.usual(signature) == row
    names, values = tree.values(record_of(signature), {})
    sent = signature.conform(pd.DataFrame([values], columns=names))
    assert sent["day"].tolist() == [days[20]]


def test_of_one_day_the_hour_stays():
    frame = pd.DataFrame({"day": ["2020-01-01 12:00:00"] * 12, "y": range(12)})
    assert fields.usual(signature_of(frame, "y", task="regression")) == {"day": "2020-01-01 12:00:00"}


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%Y-%m"])
def test_the_steps_of_a_series_go_on_in_the_form_that_the_training_had(form):
    moments = pd.date_range("2020-01-01", periods=40, freq="MS" if form == "%Y-%m" else "D")
    frame = pd.DataFrame({"who": 1, "day": moments.strftime(form), "x": range(40)})
    series = {"column_id": "who", "column_sort": "day"}
    signature = signature_of(frame, None, task="classification", extract_features=series)
    kept = [{"id": 1, "label": 1, "signals": [{"name": "x", "place": [0, 1, 2], "value": [0.5, 1.5, 2.5]}]}]
    rows = calling.example(record_of(signature), {"examples": kept})
    assert signature.conform(pd.DataFrame(rows))["day"].is_monotonic_increasing
    assert len({row["day"] for row in rows}) == 3


def test_a_category_of_two_lines_is_the_one_that_is_known_however_it_is_sent():
    frame = pd.DataFrame({"a": ["x\ny", "x\r\nz", "w"] * 4, "y": range(12)})
    record = record_of(signature_of(frame, "y", task="regression"))
    for typed, meant in (("x\r\ny", "x\ny"), ("x\r\nz", "x\r\nz"), ("new\r\n", "new\n")):
        assert tree.values(record, {"column.0": typed}) == (["a"], [meant])
