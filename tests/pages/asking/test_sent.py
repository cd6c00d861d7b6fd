"""What a form brings: rows, texts and files, and the row of a file that goes on to another page."""

import json

import pandas as pd
import pytest
from flask import Flask, request

from app.errors import InvalidData, ServiceError, Unacceptable
from app.pages.asking import fields, previews, sent
from app.settings import Settings
from tests import kinds
from tests.pages.asking.test_fields import signature_of

SETTINGS = Settings(redis_url="redis://127.0.0.1:1", signing_secret="s" * 40)


@pytest.fixture(scope="module")
def customers():
    return signature_of(kinds.customers(), "leaves", id_column="customer")


@pytest.fixture(scope="module")
def waves():
    frame, _ = kinds.waves()
    series = {"column_id": "wave", "column_sort": "when"}
    return signature_of(frame, None, task="classification", extract_features=series)


@pytest.fixture
def asked():
    """Return a function that makes a request of a form."""
    app = Flask(__name__)
    contexts = []

    def ask(**form):
        contexts.append(app.test_request_context("/", method="POST", data=form))
        contexts[-1].push()
        return request

    yield ask
    for context in reversed(contexts):
        context.pop()


@pytest.mark.parametrize(
    ("text", "media_type"),
    [
        ("a,b\n1,2", "text/csv"),
        ('{"a": [1]}', "application/json"),
        (' [{"a": 1}] ', "application/json"),
        ('{"a": 1}\n\n{"a": 2}', "application/jsonl"),
        ('{"a": {"0": 1},\n"b": {"0": 2}}', "application/json"),
    ],
)
def test_the_format_of_a_text_is_told_by_how_it_begins(text, media_type):
    assert sent.pasted(text).media_type == media_type


@pytest.mark.parametrize("form", [{"source": "file"}, {"source": "text", "text": " \n"}], ids=str)
def test_nothing_is_not_sent(asked, customers, form):
    with pytest.raises(Unacceptable):
        sent.read(asked(**form), customers)


def test_a_row_of_a_table_goes_on_with_the_values_it_has(asked, customers):
    frame = kinds.customers().head(3)
    text = frame.to_csv(index=False)
    given = sent.begun(asked(source="text", text=text, pick="1"), customers, SETTINGS)
    assert (given.source, given.values["age"]) == ("row", frame["age"].iloc[1])
    assert given.values["since"] == frame["since"].iloc[1]
    with pytest.raises(InvalidData, match="no such row"):
        sent.begun(asked(source="text", text=text, pick="3"), customers, SETTINGS)


def test_a_series_goes_on_as_a_text_that_is_read_as_the_same_series(asked, waves):
    frame, _ = kinds.waves()
    request = asked(source="text", text=frame[frame["wave"].isin(["w1", "w2"])].to_csv(index=False), pick="w2")
    given = sent.begun(request, waves, SETTINGS)
    again = sent.table(sent.pasted(given.text), waves, SETTINGS)
    expected = frame[frame["wave"] == "w2"].reset_index(drop=True)
    assert given.source == "text"
    assert again["wave"].tolist() == expected["wave"].tolist()
    assert again["height"].tolist() == pytest.approx(expected["height"].tolist())
    with pytest.raises(InvalidData, match="no such series"):
        sent.begun(asked(source="text", text=given.text, pick="w9"), waves, SETTINGS)


def test_only_a_row_that_is_small_goes_on_and_of_a_large_one_the_page_says_so(asked, customers):
    rows = kinds.customers().head(2).assign(note=["short", "x" * (sent.LONGEST + 1)])
    text = rows.to_csv(index=False)
    given = sent.begun(asked(source="text", text=text, pick="0"), customers, SETTINGS)
    assert (given.values["note"], given.note) == ("short", "")
    given = sent.begun(asked(source="text", text=text, pick="1"), customers, SETTINGS)
    assert given.values == fields.usual(customers)
    assert "400 kB fit" in given.note


def test_only_a_series_that_is_short_goes_on(asked, waves):
    frame = kinds.waves()[0]
    times = pd.date_range("2020-01-01", periods=20_000, freq="h").astype("str")
    long = pd.DataFrame({"wave": "w1", "when": times, "height": 0.5, "wind": 1.25})
    text = pd.concat([long, frame[frame["wave"] == "w2"]]).to_csv(index=False)
    given = sent.begun(asked(source="text", text=text, pick="w1"), waves, SETTINGS)
    assert (given.source, given.text, given.nothing) == ("file", "", True)
    assert "too large" in given.note
    assert sent.begun(asked(source="text", text=text, pick="w2"), waves, SETTINGS).text


@pytest.mark.parametrize("text", ["{", "[1, 2]", '{"a": 1}', "\x00", json.dumps({"a": [[1]]})])
def test_what_is_no_table_is_an_error_that_says_so(asked, customers, text):
    with pytest.raises(ServiceError) as refused:
        sent.begun(asked(source="text", text=text), customers, SETTINGS)
    assert 400 <= refused.value.status < 500


def test_rows_of_the_training_are_called_by_what_is_in_them(customers):
    rows = kinds.customers().drop(columns=["leaves", "customer"]).head(2).to_dict("records")
    assert previews.names(rows, customers)[1].startswith("2: ")
    assert "missing" in previews.names(rows, customers)[0]


@pytest.mark.parametrize("text", ["foo,bar\n1,2", "age,since\n1,2020-01-01"])
def test_a_table_of_other_columns_does_not_go_on_as_a_row_of_missing_values(asked, customers, text):
    with pytest.raises(InvalidData) as refused:
        sent.begun(asked(source="text", text=text), customers, SETTINGS)
    assert "/raw_data/city" in [fault.pointer for fault in refused.value.faults]


def test_of_a_series_other_columns_are_refused_too(asked, waves):
    with pytest.raises(InvalidData):
        sent.begun(asked(source="text", text="foo,bar\n1,2"), waves, SETTINGS)
