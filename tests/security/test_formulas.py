"""CSV that a spreadsheet opens: no cell of it is computed, and nothing else of it is changed."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.payloads import cells, written
from app.payloads.batches.parameters import Form
from app.payloads.batches.results import ResultFile

#: How what a spreadsheet computes begins.
BEGINS = "=+-@\t\r\n＝＋－＠"

FORMULAS = [
    "=1+1",
    '=HYPERLINK("http://x")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "=cmd|' /C'!A0",
]

texts = st.builds(lambda first, rest: first + rest, st.sampled_from(BEGINS), st.text(max_size=8))


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def rows_of(data):
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


@given(texts)
def test_no_text_begins_as_a_formula_and_only_plain_numbers_are_left(text):
    found = cells.guarded(text)
    assert found == f"'{text}" or (found == text and is_number(text))


@given(st.text(max_size=8).filter(lambda text: not text or text[0] not in BEGINS))
def test_another_text_is_not_changed(text):
    assert cells.guarded(text) == text


@pytest.mark.parametrize("value", [-1.5, -3, 0, None, True, "-5", "+3.5e-7", "a=1", "", "'"])
def test_numbers_and_other_values_are_not_changed(value):
    assert cells.guarded(value) is value


@pytest.mark.parametrize("text", FORMULAS)
def test_a_prediction_as_csv_computes_nothing_and_other_forms_give_ids_back(text):
    columns = {"id": [text, "b"], text: [0.5, -1.5], "prediction": [text, None]}
    header, first, second = rows_of(b"".join(written.write(columns, "text/csv")))
    assert header == ["id", f"'{text}", "prediction"]
    assert first == [f"'{text}", "0.5", f"'{text}"]
    assert second == ["b", "-1.5", ""]
    line = b"".join(written.write(columns, "application/x-ndjson")).splitlines()[0]
    assert json.loads(line) == {"id": text, text: 0.5, "prediction": text}


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("text", FORMULAS)
def test_a_result_of_a_batch_computes_nothing_and_other_forms_give_ids_back(text, form):
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    with ResultFile(sink, form, {}) as file:
        file.write({"id": [text, "b", "-5", None], "score": [-1.5, 2.0, 3.0, 4.0]})
    data = sink.getvalue()
    if form is Form.CSV:
        assert [row[0] for row in rows_of(data)] == ["id", f"'{text}", "b", "-5", ""]
        assert rows_of(data)[1][1] == "-1.5"
        return
    ids = {
        Form.JSONL: lambda: [json.loads(line)["id"] for line in data.splitlines()],
        Form.PARQUET: lambda: pq.read_table(io.BytesIO(data))["id"].to_pylist(),
        Form.ARROW: lambda: pa.ipc.open_file(data).read_all()["id"].to_pylist(),
    }[form]()
    assert ids == [text, "b", "-5", None]


def test_over_http_a_prediction_and_an_explanation_as_csv_compute_nothing(client, served):
    rows = [{"id": "=1+1", "weight": 5.0, "eggs": 3, "ringed": True, "colour": "=2+2", "seen": "2020-01-01"}]
    body, accept = {"pipeline_id": "birds", "data": rows}, {"Accept": "text/csv"}
    for path, more in (("/serve_prediction", {}), ("/explain", {"method": "lime", "num_samples": 50})):
        answer = client.post(path, json=body | more, headers=accept)
        assert answer.mimetype == "text/csv", answer.text
        found = [cell for row in rows_of(answer.data) for cell in row]
        assert "'=1+1" in found
        assert not [cell for cell in found if cell and cell[0] in BEGINS and not is_number(cell)]
