"""What a pipeline accepts, inferred at training and kept at serving."""

import base64
import json

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidData, InvalidParameters
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
        ("t", "category"),
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


def test_what_stands_beside_is_not_learned_from_and_may_be_sent(train_parameters):
    frame = TABLE.assign(who="a", when="2020-01-01", heavy=1.0).astype({"who": "str", "when": "str"})
    parameters = train_parameters(id_column="id", target="label", groups="who", sample_weight="heavy")
    signature = infer(frame.drop(columns="when"), parameters)
    assert signature.names("feature") == ["n", "b", "t"]
    assert set(signature.ignored) == {"id", "label", "who", "heavy"}
    assert list(signature.conform(NEW.assign(who="b")).columns) == ["n", "b", "t"]
    assert "when" not in infer(frame, train_parameters(target="label", time="when")).names("feature")


MESSY = pd.DataFrame(
    {
        "when": pd.array(["2020-01-31", "2020-02-01T12:00:00+02:00", None, "soon"] + ["2021-01-01"] * 60, dtype="str"),
        "price": pd.array(["1.5", "?", "-2", "1e3"] * 16, dtype="str"),
        "code": pd.array([f"{number:03}" for number in range(64)], dtype="str"),
        "said": pd.array([f"this is what they said, number {number}" for number in range(64)], dtype="str"),
        "y": [0, 1] * 32,
    }
)


@pytest.fixture
def messy(train_parameters):
    """The signature of the messy table."""
    return infer(MESSY, train_parameters(target="y"))


def test_a_messy_table_has_its_kinds_and_descriptions(messy):
    when, price, code, said = messy.columns
    assert [column.kind for column in messy.columns] == ["date", "number", "category", "text"]
    assert when.summary == {
        "missing": 2,
        "min": "2020-01-31T00:00:00",
        "max": "2021-01-01T00:00:00",
        "median": "2021-01-01T00:00:00",
    }
    assert when.marks == ("soon",)
    assert price.summary == {"missing": 16, "min": -2.0, "max": 1000.0, "median": 1.5}
    assert (code.summary["distinct"], len(code.summary["categories"])) == (64, 50)
    assert said.summary == {"missing": 0, "distinct": 64}
    assert messy.text_columns == ["when", "code", "said"]


def test_a_messy_table_conforms_as_it_did_in_training(messy):
    again = Signature.from_json(json.loads(json.dumps(messy.as_json())))
    assert again == messy
    frame = again.conform(MESSY.head(4))
    assert frame.dtypes.astype("str").to_dict() == {
        "when": "datetime64[us]",
        "price": "float64",
        "code": "str",
        "said": "str",
    }
    assert frame["when"].tolist()[:2] == [pd.Timestamp("2020-01-31"), pd.Timestamp("2020-02-01 10:00")]
    assert frame.isna().sum().to_dict() == {"when": 2, "price": 1, "code": 0, "said": 0}


@pytest.mark.parametrize(
    ("name", "values", "kind", "detail"),
    [
        ("when", ["later", "2020-01-01"], "str", "1 row(s) are none of the form that training had (year first)"),
        ("when", ["31/01/2020", "x"], "str", "2 row(s)"),
        ("when", [20200131, 0], "int64", "expects dates, has numbers"),
        ("price", ["cheap", "1,5"], "str", "expects numbers, has text: 2 row(s) are none"),
        ("price", ["1e999", "inf"], "str", "2 row(s)"),
        ("price", [True, False], "bool", "expects numbers, has booleans"),
        ("code", [1, 2], "int64", "expects text, has numbers"),
    ],
)
def test_a_value_that_does_not_fit_is_counted_and_not_told(messy, name, values, kind, detail):
    frame = MESSY.head(2).drop(columns="y").assign(**{name: pd.Series(values, dtype=kind)})
    (found,) = faults(messy, frame).values()
    assert detail in found
    assert "later" not in found
    assert "cheap" not in found


def test_numbers_without_marks_are_numbers_whatever_training_had(messy):
    assert messy.conform(MESSY.head(2).assign(price=[1, 2]))["price"].tolist() == [1.0, 2.0]
    assert messy.conform(MESSY.head(1).assign(price=np.nan, when=np.nan)).isna().sum(axis=None) == 2


def overridden(train_parameters, values, kind, dtype=None):
    frame = pd.DataFrame({"a": pd.Series(values, dtype=dtype), "other": 1.0})
    signature = infer(frame, train_parameters(target="y", columns={"a": kind}))
    return signature, signature.conform(frame)["a"]


@pytest.mark.parametrize(
    ("values", "dtype", "kind", "expected"),
    [
        pytest.param([1, 2, 1], "int64", "category", ["1", "2", "1"], id="integers as categories"),
        pytest.param([1.0, None, 2.5], "float64", "category", ["1", None, "2.5"], id="with a gap, as categories"),
        pytest.param([True, False], "bool", "text", ["True", "False"], id="booleans as text"),
        pytest.param(["1", " 2.5 ", "n/a", ""], "str", "number", [1.0, 2.5, None, None], id="text as numbers"),
        pytest.param([True, False], "bool", "number", [1.0, 0.0], id="booleans as numbers"),
        pytest.param([1.0, 0.0, None], "float64", "boolean", [1.0, 0.0, None], id="numbers as booleans"),
        pytest.param(["Yes", "no", None, "?"], "str", "boolean", [1.0, 0.0, None, None], id="text as booleans"),
        pytest.param(["2020-01-01"], "str", "category", ["2020-01-01"], id="dates as categories"),
        pytest.param(["x y z w"] * 3, "str", "text", ["x y z w"] * 3, id="a constant as text"),
        pytest.param([None, None], "str", "number", [None, None], id="nothing as numbers"),
    ],
)
def test_a_kind_may_be_asked_for(train_parameters, values, dtype, kind, expected):
    signature, conformed = overridden(train_parameters, values, kind, dtype)
    assert signature.columns[0].kind == kind
    assert [None if pd.isna(value) else value for value in conformed] == expected


@pytest.mark.parametrize(
    ("values", "dtype", "kind", "detail"),
    [
        pytest.param(["1", "x"], "str", "number", "1 row(s)", id="words as numbers"),
        pytest.param([1, 2], "int64", "boolean", "expects booleans", id="two as a boolean"),
        pytest.param(["perhaps"], "str", "boolean", "1 row(s)", id="a word as a boolean"),
        pytest.param([20200131], "int64", "date", "numbers, which are not read as dates", id="numbers as dates"),
        pytest.param(["01/02/2020", "03/04/2020"], "str", "date", "do not tell day from month", id="an order unknown"),
        pytest.param(["x", "y"], "str", "date", "no dates of one form", id="words as dates"),
    ],
)
def test_a_kind_that_values_cannot_have_is_refused(train_parameters, values, dtype, kind, detail):
    with pytest.raises(InvalidData) as refusal:
        overridden(train_parameters, values, kind, dtype)
    (fault,) = refusal.value.faults
    assert fault.pointer == "/raw_data/a"
    assert detail in fault.detail


@pytest.mark.parametrize("name", ["absent", "label", "id"])
def test_only_a_feature_has_a_kind_to_ask_for(train_parameters, name):
    with pytest.raises(InvalidParameters) as refusal:
        infer(TABLE, train_parameters(id_column="id", target="label", columns={name: "category"}))
    assert [fault.pointer for fault in refusal.value.faults] == [f"/params/columns/{name}"]


def test_coded_categories_of_a_csv_may_be_numbers_in_json(train_parameters):
    signature, _ = overridden(train_parameters, ["1", "2", "3"], "category", "str")
    frame = pd.DataFrame({"a": [3, 1], "other": 1.0})
    assert signature.conform(frame)["a"].tolist() == ["3", "1"]
    with pytest.raises(InvalidData):
        overridden(train_parameters, ["01", "02"], "category", "str")[0].conform(frame)


def test_a_record_of_protocol_1_is_read(signature):
    column = {"summary": {}, "role": "feature"}
    old = {
        "columns": [
            column | {"name": name, "kind": kind} for name, kind in (("n", "number"), ("b", "boolean"), ("t", "text"))
        ],
        "id_column": "id",
        "ignored": ["label", "id"],
    }
    read = Signature.from_json(old)
    assert [column.kind for column in read.columns] == ["number", "boolean", "category"]
    assert read.text_columns == ["t"]
    pd.testing.assert_frame_equal(read.conform(NEW), signature.conform(NEW))


def pictures(png, **columns):
    return pd.DataFrame({"file": ["a/1.png", "b/2.png"], "image": pd.Series([png, png], dtype="object"), **columns})


def test_of_images_only_they_are_learned_from(train_parameters, png):
    frame = pictures(png, folder=["a", "b"])
    signature = infer(frame, train_parameters(target="folder", id_column="file"))
    (column,) = signature.columns
    assert (column.name, column.kind, column.role) == ("image", "image", "feature")
    assert column.summary == {"missing": 0, "height": 4, "width": 6, "channels": 3}
    assert {"file", "folder", "label"} <= set(signature.ignored)
    assert signature.conform(frame)["image"].tolist() == [png, png]


def test_images_may_come_as_base64_text(train_parameters, png):
    signature = infer(pictures(png), train_parameters(target="y", id_column="file"))
    text = base64.b64encode(png).decode()
    sent = pd.DataFrame({"image": pd.Series([text, f"data:image/png;base64,{text}"], dtype="str")})
    assert signature.conform(sent)["image"].tolist() == [png, png]


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        (["!!!", "ü"], "2 row(s) are none"),
        ([base64.b64encode(b"GIF89a").decode()] * 2, "2 row(s) are none"),
        ([None, "iVBO"], "no image in 1 row(s)"),
        ([None, None], "no image in 2 row(s)"),
        ([1.0, 2.0], "expects images, has numbers"),
    ],
)
def test_base64_text_of_anything_else_is_refused(train_parameters, png, values, detail):
    signature = infer(pictures(png), train_parameters(target="y", id_column="file"))
    frame = pd.DataFrame({"image": pd.Series(values, dtype="float64" if values[0] == 1.0 else "str")})
    assert detail in faults(signature, frame)["/data/image"]


@pytest.mark.parametrize("role", ["target", "id_column", "groups", "time", "sample_weight"])
def test_images_are_neither_labels_nor_ids_nor_beside(train_parameters, png, role):
    with pytest.raises(InvalidParameters) as refusal:
        infer(pictures(png, n=1.0), train_parameters(**{role: "image"}))
    assert [fault.pointer for fault in refusal.value.faults] == [f"/params/{role}"]


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


@pytest.mark.parametrize("of_series", [False, True], ids=["a table", "series"])
def test_ids_that_a_float_does_not_tell_apart_are_refused(train_parameters, of_series):
    frame = pd.DataFrame({"id": [2**53 - 1, 1.5], "x": 1.0})
    named = {"extract_features": {"column_id": "id"}} if of_series else {"id_column": "id"}
    signature = infer(frame, train_parameters(**named))
    large = frame.assign(id=[float(2**64 - 1), 1.0])
    for use in (lambda: infer(large, train_parameters(**named)), lambda: signature.conform(large)):
        with pytest.raises(InvalidData) as refusal:
            use()
        assert [(fault.pointer, fault.detail) for fault in refusal.value.faults] == [
            ("/raw_data/id", "too large to be told apart; send them as text")
        ]
    assert signature.conform(frame.assign(id=[2**63 - 1, -(2**63)])).shape[0] == 2


@pytest.mark.parametrize(
    ("when", "kind"),
    [(["2020-01-02", "2020-01-01"], "date"), ([2, 1], "number"), (["01/13/2020", "01/02/2020"], "date")],
)
def test_a_series_is_ordered_by_numbers_or_dates(train_parameters, when, kind):
    series = {"column_id": "key", "column_sort": "when", "column_kind": "what", "column_value": "x"}
    frame = SERIES.assign(when=when)
    signature = infer(frame, train_parameters(extract_features=series))
    assert signature.columns[1].kind == kind
    assert signature.conform(frame)["when"].dtype == ("datetime64[us]" if kind == "date" else "float64")


@pytest.mark.parametrize("when", [["first", "second"], ["01/02/2020", "02/02/2020"], ["2020-01-01"] * 40 + ["soon"]])
def test_a_series_is_not_ordered_by_other_text(train_parameters, when):
    frame = pd.concat([SERIES] * 21, ignore_index=True).head(len(when)).assign(when=when)
    series = {"column_id": "key", "column_sort": "when", "column_kind": "what", "column_value": "x"}
    with pytest.raises(InvalidData, match="cannot be ordered"):
        infer(frame, train_parameters(extract_features=series))


def test_groups_of_series_are_no_signal(train_parameters):
    frame = SERIES.drop(columns="what").assign(who=["a", "a"])
    parameters = train_parameters(groups="who", extract_features={"column_id": "key", "column_sort": "when"})
    signature = infer(frame, parameters)
    assert signature.names("value") == ["x"]
    assert signature.ignored == ("who",)


def test_a_series_has_no_kinds_to_ask_for(train_parameters):
    series = {"column_id": "key", "column_sort": "when", "column_kind": "what", "column_value": "x"}
    with pytest.raises(InvalidParameters):
        infer(SERIES, train_parameters(extract_features=series, columns={"x": "category"}))


def test_the_ids_of_a_series_are_not_described(train_parameters):
    series = {"column_id": "key", "column_sort": "when", "column_kind": "what", "column_value": "x"}
    assert infer(SERIES, train_parameters(extract_features=series)).columns[0].summary == {}
