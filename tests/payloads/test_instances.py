"""Rows in the bodies of V1 and of MLflow: every form of the same rows, and what is none."""

import json

import pytest

from app.errors import InvalidData, InvalidParameters, Unreadable
from app.payloads import frames, instances
from app.payloads.instances import MLFLOW
from app.payloads.parameters import Kind
from app.payloads.signature import Column, Signature
from app.settings import Settings


def signature(**kinds):
    return Signature(tuple(Column(name, kind, "feature", {}, kind) for name, kind in kinds.items()), None, ())


TWO, ONE = signature(a=Kind.NUMBER, b=Kind.TEXT), signature(t=Kind.TEXT)
RECORDS = [{"a": 1.5, "b": "x"}, {"a": None, "b": "y"}]
LISTS = [[1.5, "x"], [None, "y"]]


def read(body, accepts=TWO, **options):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return instances.read(data, accepts, **options)


@pytest.mark.parametrize(
    "body",
    [
        {"instances": RECORDS},
        {"instances": LISTS},
        {"inputs": RECORDS},
        {"inputs": LISTS},
        {"inputs": {"a": [1.5, None], "b": ["x", "y"]}},
        {"inputs": {"a": [[1.5], [None]], "b": [["x"], ["y"]]}},
        {"dataframe_records": RECORDS},
        {"dataframe_split": {"index": [3, 4], "columns": ["a", "b"], "data": LISTS}},
        {"instances": [{"a": 1.5, "b": {"b64": "x"}}, {"a": None, "b": {"b64": "y"}}], "signature_name": "d"},
    ],
    ids=json.dumps,
)
def test_every_form_is_the_same_table(body):
    frame = frames.read(read(body, forms=MLFLOW).rows, Settings())
    assert frame.astype("object").where(frame.notna(), None).to_dict("records") == RECORDS


def test_of_one_column_a_row_is_a_value():
    assert read({"instances": ["x", None]}, ONE).rows.value == {"t": ["x", None]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[1]",
        b'{"instances": [NaN]}',
        {"instances": {"a": 1}},
        {"instances": "x"},
        {"inputs": 5},
        {"instances": [[1, "x"], {"a": 1}]},
        {"instances": [{"a": 1}, 5]},
        {"dataframe_split": [[1]]},
        {"dataframe_split": {"columns": ["a"]}},
        {"dataframe_split": {"columns": ["a"], "data": [], "name": 1}},
        {"dataframe_records": [[1, "x"]]},
    ],
    ids=str,
)
def test_what_is_no_list_of_rows_is_refused(body):
    with pytest.raises(Unreadable):
        read(body, forms=MLFLOW)


@pytest.mark.parametrize("rows", [[[1]], [[1, "x"], [1, "x", 2]], [[]], [1, 2]], ids=str)
def test_a_list_has_a_value_for_each_column(rows):
    with pytest.raises(InvalidData) as caught:
        read({"instances": rows})
    assert caught.value.faults[0].pointer.startswith("/instances/")
    assert "a, b" in caught.value.faults[0].detail


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"instances": LISTS, "inputs": LISTS}, "/inputs"),
        ({"instance": LISTS}, "/instance"),
        ({"dataframe_split": {}}, "/dataframe_split"),
        ({"instances": LISTS, "parameters": [1]}, "/parameters"),
    ],
    ids=str,
)
def test_a_member_that_does_not_belong_there_is_pointed_at(body, pointer):
    with pytest.raises(InvalidParameters) as caught:
        read(body)
    assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_a_body_without_rows_has_none_to_predict():
    found = read({"parameters": {"method": "sp_lime"}})
    assert (found.upload, found.parameters) == (None, {"method": "sp_lime"})
    with pytest.raises(InvalidParameters):
        _ = found.rows


@pytest.mark.parametrize("value", [[], {"a": [], "b": []}], ids=str)
def test_no_rows_at_all_are_refused_as_everywhere(value):
    with pytest.raises(InvalidData, match="no rows"):
        frames.read(read({"inputs": value}).rows, Settings())
