"""Limits on rows, texts and depth: one more is refused in every format, and what is at the limit is read."""

from __future__ import annotations

import io
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.errors import Unreadable, UploadTooLarge
from app.payloads import frames, strict_json
from app.payloads.uploads import Upload


def _arrow(frame):
    sink, table = io.BytesIO(), pa.Table.from_pandas(frame)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _parquet(frame):
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame), sink)
    return sink.getvalue()


WRITERS = {
    "columns.json": lambda frame: frame.to_json().encode(),
    "records.json": lambda frame: frame.to_json(orient="records").encode(),
    "split.json": lambda frame: frame.to_json(orient="split").encode(),
    "lines.jsonl": lambda frame: frame.to_json(orient="records", lines=True).encode(),
    "table.csv": lambda frame: frame.to_csv(index=False).encode(),
    "table.parquet": _parquet,
    "table.arrow": _arrow,
}


def read(frame, name, settings):
    return frames.read(Upload("raw_data", WRITERS[name](frame), filename=name), settings)


@pytest.mark.parametrize("name", WRITERS)
def test_one_row_more_than_are_read_is_refused(settings, name):
    few = settings.model_copy(update={"max_rows": 100})
    assert len(read(pd.DataFrame({"a": range(100)}), name, few)) == 100
    with pytest.raises(UploadTooLarge, match="at most 100 rows"):
        read(pd.DataFrame({"a": range(101)}), name, few)


@pytest.mark.parametrize("name", WRITERS)
def test_a_text_longer_than_one_is_read_is_refused_by_its_column(settings, name):
    short = settings.model_copy(update={"max_cell_kb": 1})
    assert read(pd.DataFrame({"a": ["x", "y" * 1024]}), name, short)["a"].str.len().max() == 1024
    with pytest.raises(UploadTooLarge) as refusal:
        read(pd.DataFrame({"a": ["x", "y" * 1025]}), name, short)
    assert [fault.pointer for fault in refusal.value.faults] == ["/raw_data/a"]


def test_the_way_of_a_prediction_without_a_frame_has_the_limit_too(client, served, settings):
    long = "x" * (settings.max_cell_kb * 1024 + 1)
    row = {"id": "b1", "weight": 5.0, "eggs": 3, "ringed": True, "colour": long, "seen": "2020-01-01"}
    answer = client.post("/serve_prediction", json={"pipeline_id": "birds", "data": [row]})
    assert (answer.status_code, answer.json["type"]) == (413, "urn:problem:upload-too-large")
    answer = client.post("/serve_prediction", json={"pipeline_id": "birds", "data": [row | {"colour": "red"}]})
    assert answer.status_code == 200


def nested(depth, kind):
    return b"[" * depth + b"1" + b"]" * depth if kind == "lists" else b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize("kind", ["lists", "objects"])
def test_json_is_read_a_hundred_deep_and_no_further(kind):
    strict_json.loads(nested(strict_json.MAX_DEPTH, kind), "body")
    for depth in (strict_json.MAX_DEPTH + 1, 500, 100_000):
        with pytest.raises(Unreadable, match="too deep"):
            strict_json.loads(nested(depth, kind), "body")


def test_brackets_in_texts_and_many_records_are_not_deep():
    records = [{"a": "[" * 500, "b": [row]} for row in range(1_000)]
    assert strict_json.loads(json.dumps(records).encode(), "body") == records


@pytest.mark.parametrize(
    "path",
    ["/serve_prediction", "/explain", "/batch_predictions", "/v1/models/birds:predict", "/v2/models/birds/infer",
     "/invocations", "/models/birds/current", "/models/birds/versions/1/paths"],
)  # fmt: skip
@pytest.mark.parametrize(
    "body",
    [nested(101, "objects"), nested(5_000, "lists"), b'{"a":NaN}', b'{"a":1,"a":2}', b'{"a":"\\ud800"}',
     b"\xff\xfe{\x00", b'{"a":' + b"9" * 5_000 + b"}", b"", b"[", b"null"],
)  # fmt: skip
def test_json_that_surprises_is_refused_on_every_route(client, served, path, body):
    method = "PUT" if path.endswith("current") else "POST"
    answer = client.open(path, method=method, data=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b'"n": 1', b'"n": NaN'), (b'"n": 1', b'"n": -Infinity'), (b'"n": 1', b'"n": 1, "n": 2'),
        (b'"n": 1', b'"n": "\\ud800"'), (b'"n": 1', b'"n": ' + b"9" * 5_000), (b"}}", b"}} x"), (b"}}", b"},}"),
    ],
)  # fmt: skip
def test_what_json_leaves_open_is_refused_in_a_body_that_is_right_else(client, served, right, wrong):
    body = b'{"pipeline_id": "none", "data": {"n": 1, "m": {"r": 1}}}'
    headers = {"Content-Type": "application/json"}
    assert client.post("/serve_prediction", data=body, headers=headers).status_code in (404, 422)
    assert right in body
    assert client.post("/serve_prediction", data=body.replace(right, wrong), headers=headers).status_code == 400


def test_a_table_of_too_many_columns_is_refused(refused, training, settings):
    wide = json.dumps({f"c{number}": [1] for number in range(20_000)}).encode()
    refused(413, **training(raw_data=wide))
