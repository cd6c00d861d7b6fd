"""The form of a row: built from the signature, read back as the row that was shown, whatever the names are."""

import io

import pandas as pd
import pytest
from werkzeug.datastructures import FileStorage, MultiDict

from app.errors import InvalidData
from app.pages.asking import fields, typed
from app.payloads import signature as signatures
from app.payloads.parameters import Kind, TrainParameters, check
from tests import kinds

HOSTILE = ("<img src=x onerror=alert(1)>", "</script>", "c1", "a\"'`=b", " ")


def signature_of(frame, target, **parameters):
    values = {"pipeline_id": "p", "target": target, "model_training": {}, **parameters}
    return signatures.infer(frame, check(TrainParameters, values))


@pytest.fixture(scope="module")
def customers():
    return signature_of(kinds.customers(), "leaves", id_column="customer")


def posted(shown):
    """Return what a browser sends of a form that nobody has touched."""
    form = MultiDict()
    for field in shown:
        value = "" if field.value is None else field.value
        if field.kind == "category" and field.value is not None:
            form[f"{field.name}_other"] = field.value if field.other else ""
            value = "other" if field.other else f"={field.value}"
        form[field.name] = {True: "yes", False: "no"}.get(value, value) if field.kind == "boolean" else str(value)
    return form


def test_a_form_begins_with_the_middle_of_the_training_and_says_its_range(customers):
    shown = {field.column: field for field in fields.fields(customers, fields.usual(customers))}
    frame = kinds.customers()
    assert shown["age"].value == pytest.approx(frame["age"].median())
    assert (shown["age"].low, shown["age"].high) == (frame["age"].min(), frame["age"].max())
    assert shown["age"].told == f"{frame['age'].min():g} to {frame['age'].max():g}"
    assert shown["plan"].value == frame["plan"].value_counts().index[0]
    assert shown["city"].told == f"and {frame['city'].nunique() - 50} more in the training"
    assert (shown["since"].kind, shown["since"].told) == ("day", "2019-01-01 to 2019-08-28")
    assert (shown["note"].kind, shown["note"].value) == ("text", None)


@pytest.mark.parametrize("place", range(0, 27, 3))
def test_a_row_that_is_shown_and_sent_back_is_the_same_row(customers, place):
    row = kinds.customers().drop(columns=["leaves", "customer"]).iloc[place].to_dict()
    row = {name: None if value is None or value != value else value for name, value in row.items()}
    assert typed.row(customers, posted(fields.fields(customers, row)), {}) == row


def test_names_and_categories_that_would_be_code_are_nothing_but_values():
    frame = pd.DataFrame({name: [f"{name}{number}" for number in range(3)] * 4 for name in HOSTILE} | {"y": range(12)})
    signature = signature_of(frame, "y", task="regression")
    shown = fields.fields(signature, fields.usual(signature))
    assert [field.name for field in shown] == ["c0", "c1", "c2", "c3", "c4"]
    assert typed.row(signature, posted(shown), {}) == fields.usual(signature)


@pytest.mark.parametrize("category", ["", "other", "=x", "missing", "yes"])
def test_no_category_is_taken_for_a_choice_of_the_form(category):
    frame = pd.DataFrame({"a": [category, "plain"] * 6, "y": range(12)})
    signature = signature_of(frame, "y", task="regression")
    assert typed.row(signature, {"c0": f"={category}"}, {}) == {"a": category}
    assert typed.row(signature, {"c0": "other", "c0_other": "another"}, {}) == {"a": "another"}
    assert typed.row(signature, {"c0": ""}, {}) == {"a": None}
    assert typed.row(signature, {}, {}) == {"a": None}


@pytest.mark.parametrize("text", ["abc", "1e999", "nan", "-inf", "1,5"])
def test_what_is_no_number_is_refused_with_its_column(customers, text):
    with pytest.raises(InvalidData) as refused:
        typed.row(customers, {"c0": text}, {})
    assert [fault.pointer for fault in refused.value.faults] == ["/raw_data/age"]


def test_what_the_training_did_not_have_is_told_and_the_rest_is_not(customers):
    row = fields.usual(customers)
    assert typed.outside(customers, row) == []
    told = typed.outside(customers, {**row, "age": 300.0, "plan": "gold"})
    assert [one.split()[0] for one in told] == ["age", "plan"]
    # Not all of its towns are listed, so that nobody knows.
    assert typed.outside(customers, {**row, "city": "Nowhere"}) == []


def test_dates_of_another_form_are_written_as_they_came():
    days = pd.date_range("2020-01-01", periods=40).strftime("%d.%m.%Y")
    signature = signature_of(pd.DataFrame({"day": days, "y": range(40)}), "y", task="regression")
    (shown,) = fields.fields(signature, fields.usual(signature))
    assert (shown.kind, shown.told) == ("date", "01.01.2020 to 09.02.2020")
    assert typed.row(signature, posted([shown]), {})["day"] == shown.value == "20.01.2020"


def test_an_image_is_what_is_chosen_else_what_was_there():
    column = signatures.Column("image", Kind.IMAGE, "feature", {}, Kind.IMAGE)
    signature = signatures.Signature((column,), None, ())
    chosen = FileStorage(io.BytesIO(b"bytes"), filename="a.png")
    assert typed.row(signature, {"c0_kept": "aGVsbG8="}, {})["image"] == "aGVsbG8="
    assert typed.row(signature, {"c0_kept": "aGVsbG8="}, {"c0": chosen})["image"] == "Ynl0ZXM="
    with pytest.raises(InvalidData, match="cannot be read"):
        typed.row(signature, {}, {})


@pytest.mark.parametrize("category", ["a\nb", "a\r\nb", "a\rb", "\n", "x", "x ", " x"])
def test_a_category_is_the_one_that_is_known_however_browsers_end_its_lines(category):
    frame = pd.DataFrame({"a": [category, "plain"] * 6, "y": range(12)})
    signature = signature_of(frame, "y", task="regression")
    sent = category.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    assert typed.row(signature, {"c0": f"={sent}"}, {}) == {"a": category}
    assert typed.row(signature, {"c0": "other", "c0_other": sent}, {}) == {"a": category}
    assert typed.row(signature, {"c0": "other", "c0_other": f"{sent}\r\nz"}, {})["a"].endswith("\nz")
