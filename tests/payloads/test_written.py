"""Predictions as tables: what is written is read back as it was."""

import io
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.payloads import written

COLUMNS = {
    "id": ["=1+1", 'quote " and , comma', "zwei\nZeilen", "ü"],
    "score": [0.1 + 0.2, 1e-300, float("nan"), 5.0],
    "number": [2**62, 2, -3, 0],
    "sure": [True, False, True, True],
    "class": ["a", None, "b", "a"],
}

READERS = {
    "application/x-ndjson": lambda data: pd.DataFrame([json.loads(line) for line in data.decode().splitlines()]),
    "application/jsonl": lambda data: pd.DataFrame([json.loads(line) for line in data.decode().splitlines()]),
    "text/csv": lambda data: pd.read_csv(io.BytesIO(data)),
    "application/vnd.apache.parquet": lambda data: pq.read_table(io.BytesIO(data)).to_pandas(),
    "application/vnd.apache.arrow.stream": lambda data: pa.ipc.open_stream(data).read_pandas(),
    "application/vnd.apache.arrow.file": lambda data: pa.ipc.open_file(data).read_pandas(),
}


def write(columns, form):
    return b"".join(written.write(columns, form))


@pytest.mark.parametrize("form", written.FORMS)
def test_every_value_is_read_back_as_it_was(form):
    expected = pd.DataFrame(COLUMNS)
    if form == "text/csv":
        # But for what a spreadsheet would compute.
        expected.loc[0, "id"] = "'=1+1"
    pd.testing.assert_frame_equal(READERS[form](write(COLUMNS, form)), expected, check_exact=True)


def test_the_types_of_a_table_are_those_of_its_values():
    table = pq.read_table(io.BytesIO(write(COLUMNS, "application/vnd.apache.parquet")))
    assert [str(kind) for kind in table.schema.types] == ["string", "double", "int64", "bool", "string"]
    assert table["score"].null_count == 1


def test_what_is_missing_is_null_or_an_empty_field():
    lines = write(COLUMNS, "application/x-ndjson").decode().splitlines()
    assert json.loads(lines[2])["score"] is None
    assert write({"a": [1], "b": [float("nan")], "c": [None]}, "text/csv") == b"a,b,c\r\n1,,\r\n"


@pytest.mark.parametrize("form", written.FORMS)
def test_many_rows_are_all_written(form):
    pieces = list(written.write({"id": list(range(25_001)), "score": [0.5] * 25_001}, form))
    assert len(READERS[form](b"".join(pieces))) == 25_001
    assert len(pieces) > 1 or "apache" in form


def test_an_explanation_is_an_object_of_a_line_and_text_in_a_cell():
    columns = {"id": [1], "explanations": [{"id": 1, "contributions": []}]}
    assert json.loads(write(columns, "application/x-ndjson")) == {"id": 1, "explanations": columns["explanations"][0]}
    assert json.loads(READERS["text/csv"](write(columns, "text/csv"))["explanations"][0])["contributions"] == []
