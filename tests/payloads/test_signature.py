"""What a pipeline accepts, inferred at training and kept at serving."""

import json

import pandas as pd
import pytest

from app.errors import InvalidData
from app.payloads.signature import Signature, infer

TABLE = pd.DataFrame(
    {
        "id": [1, 2, 3],
        "n": [1.0, None, 5.0],
        "b": [True, False, True],
        "t": pd.Series(["x", "y", "x"], dtype="str"),
        "label": [0, 1, 0],
    }
)
NEW = TABLE[["n", "b", "t"]]


@pytest.fixture
def signature(train_parameters):
    """The signature of the table above."""
    return infer(TABLE, train_parameters(id_column="id", target="label"))


def faults(signature, frame):
    with pytest.raises(InvalidData) as refusal:
        signature.conform(frame, "data")
    return {fault.pointer: fault.detail for fault in refusal.value.faults}


def test_neither_id_nor_target_is_a_feature(signature):
    assert [(column.name, column.kind) for column in signature.columns] == [
        ("n", "number"),
        ("b", "boolean"),
        ("t", "text"),
    ]
    assert signature.id_column == "id"
    assert signature.text_columns == ["t"]


def test_a_column_is_described_by_its_range_or_its_categories(signature):
    number, boolean, text = (column.summary for column in signature.columns)
    assert number == {"missing": 1, "min": 1.0, "max": 5.0, "median": 3.0}
    assert (boolean["min"], boolean["max"]) == (0.0, 1.0)
    assert text == {"missing": 0, "distinct": 2, "categories": ["x", "y"]}


def test_a_signature_comes_back_from_json(signature):
    assert Signature.from_json(json.loads(json.dumps(signature.as_json()))) == signature


def test_a_frame_is_brought_to_order_and_kinds(signature):
    frame = NEW.assign(label=0, id=9)[["t", "label", "b", "id", "n"]]
    conformed = signature.conform(frame)
    assert {name: str(kind) for name, kind in conformed.dtypes.items()} == {"n": "float64", "b": "float64", "t": "str"}
    assert list(conformed.columns) == ["n", "b", "t"]


def test_each_column_that_is_missing_unknown_or_of_another_kind_is_named(signature):
    assert faults(signature, pd.DataFrame({"n": ["x"], "b": ["x"], "wings": [1]}).astype({"n": "str", "b": "str"})) == {
        "/data/t": "this column is missing",
        "/data/wings": "the model was not trained with this column",
        "/data/n": "expects numbers, has text",
        "/data/b": "expects booleans, has text",
    }


@pytest.mark.parametrize(
    ("name", "values", "accepted"),
    [
        pytest.param("n", [1, 2, 3], True, id="integers for numbers"),
        pytest.param("n", [True, False, True], False, id="booleans for numbers"),
        pytest.param("n", [None] * 3, True, id="nothing for numbers"),
        pytest.param("b", [1.0, 0.0, None], True, id="booleans with a gap"),
        pytest.param("b", [1.0, 2.0, None], False, id="other numbers for booleans"),
        pytest.param("t", [1.0, 2.0, 3.0], False, id="numbers for text"),
        pytest.param("t", [None] * 3, True, id="nothing for text"),
        pytest.param("t", ["new", "x", "y"], True, id="text that training did not see"),
    ],
)
def test_a_kind_fits_or_not(signature, name, values, accepted):
    kind = "str" if isinstance(values[0], str) else "bool" if values[0] is True else "float64"
    frame = NEW.assign(**{name: pd.Series(values, dtype=kind)})
    if not accepted:
        assert list(faults(signature, frame)) == [f"/data/{name}"]
        return
    conformed = signature.conform(frame)
    assert conformed[name].isna().tolist() == [value is None for value in values]


def test_a_table_needs_a_column_to_learn_from(train_parameters):
    with pytest.raises(InvalidData, match="no column to learn from"):
        infer(TABLE[["id", "label"]], train_parameters(id_column="id", target="label"))


SERIES = pd.DataFrame({"key": [1, 1], "when": [0, 1], "what": ["a", "b"], "x": [1.0, 2.0]}).astype({"what": "str"})


def roles(parameters, frame=SERIES):
    return {column.name: column.role for column in infer(frame, parameters).columns}


def test_the_columns_of_a_series_have_their_roles(train_parameters):
    series = {"column_id": "key", "column_sort": "when", "column_kind": "what", "column_value": "x"}
    expected = {"key": "id", "when": "sort", "what": "signal", "x": "value"}
    assert roles(train_parameters(extract_features=series)) == expected


def test_without_a_value_column_every_other_column_is_a_signal(train_parameters):
    frame = SERIES.drop(columns="what").assign(y=3.0, label=1)
    parameters = train_parameters(target="label", extract_features={"column_id": "key", "column_sort": "when"})
    assert roles(parameters, frame) == {"key": "id", "when": "sort", "x": "value", "y": "value"}


def test_stacked_signals_need_to_know_their_values(train_parameters):
    with pytest.raises(InvalidData, match="column_value"):
        roles(train_parameters(extract_features={"column_id": "key", "column_kind": "what"}))


def test_a_series_is_numbers(train_parameters):
    with pytest.raises(InvalidData, match="must be numbers"):
        roles(train_parameters(extract_features={"column_id": "key", "column_sort": "when"}))


def test_the_ids_of_a_series_are_not_described(train_parameters):
    series = {"column_id": "key", "column_sort": "when", "column_kind": "what", "column_value": "x"}
    assert infer(SERIES, train_parameters(extract_features=series)).columns[0].summary == {}
