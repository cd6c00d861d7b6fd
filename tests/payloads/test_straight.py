"""Tables that are read straight into arrays: as a frame would be, or not at all."""

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import Unreadable, UploadTooLarge
from app.payloads import frames, straight
from app.payloads.parameters import TrainParameters, check
from app.payloads.signature import infer
from app.payloads.uploads import Upload
from app.settings import Settings

SETTINGS = Settings(redis_url="unix:///nowhere")

#: Rows of training: a number, a quantity with a mark, a flag, a category, free text, and what is not learned from.
TRAINED = pd.DataFrame(
    {
        "key": [f"k{n}" for n in range(40)],
        "n": np.arange(40) / 3,
        "m": [*("1.5", "?") * 20],
        "flag": [True, False] * 20,
        "town": ["Rome", "Oslo", "Łódź", "Paris"] * 10,
        "text": [f"word {n} of many others {n * n}" for n in range(40)],
        "label": ["yes", "no"] * 20,
    }
)
SIGNATURE = infer(TRAINED, check(TrainParameters, {"pipeline_id": "p", "target": "label", "id_column": "key"}))

ROW = {"n": 1.25, "m": 2, "flag": True, "town": "Rome", "text": "a new text"}


def read(value):
    """Return what is read straight of a JSON value."""
    return straight.read(Upload("data", value=value), straight.Wanted.of(SIGNATURE), SETTINGS)


def framed(value):
    """Return the ids and columns that a frame of it would have."""
    upload = Upload("data", value=value)
    frame = frames.read(upload, SETTINGS, SIGNATURE.text_columns, SIGNATURE.id_column)
    conformed = SIGNATURE.conform(frame, "data")
    ids = frame["key"] if "key" in frame else pd.Series(range(len(frame)))
    return ids.tolist(), {name: conformed[name].to_numpy() for name in conformed.columns}


def same(found, expected):
    """Compare columns: numbers with missing ones, and texts whose missing ones are None or NaN."""
    assert found.keys() == expected.keys()
    for name, values in found.items():
        if values.dtype == "float64":
            np.testing.assert_array_equal(values, expected[name])
        else:
            assert [v if isinstance(v, str) else None for v in values] == [
                v if isinstance(v, str) else None for v in expected[name]
            ]


CELLS = {
    "key": st.text(max_size=3) | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False),
    "n": st.none() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans(),
    "m": st.none() | st.floats(-9, 9) | st.sampled_from(["?", "3", "x"]),
    "flag": st.none() | st.booleans() | st.sampled_from([0, 1, "yes"]),
    "town": st.none() | st.text(max_size=5) | st.integers(0, 9),
    "text": st.none() | st.text(max_size=9),
    "label": st.none() | st.sampled_from(["yes", 1, 2.5, True, [1]]),
}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.fixed_dictionaries({n: CELLS[n] for n in ("n", "m", "flag", "town", "text")}), min_size=1, max_size=4),
    st.lists(CELLS["key"], min_size=4, max_size=4),
    st.lists(CELLS["label"], min_size=4, max_size=4),
    st.sampled_from([(), ("key",), ("label",), ("key", "label")]),
)
def test_what_is_read_straight_is_what_a_frame_would_have(rows, keys, labels, beside):
    rows = [dict(row) for row in rows]
    for row, key, label in zip(rows, keys, labels, strict=False):
        row |= {name: value for name, value in (("key", key), ("label", label)) if name in beside}
    records = read(rows)
    columns = read({name: [row[name] for row in rows] for name in rows[0]})
    by_row = read({name: {str(n): row[name] for n, row in enumerate(rows)} for name in rows[0]})
    split = read({"columns": list(rows[0]), "index": [7], "data": [[row[n] for n in rows[0]] for row in rows]})
    if records is None:
        assert columns is None
        assert by_row is None
        assert split is None
        return
    ids, expected = framed(rows)
    for found in (records, columns, by_row, split):
        assert found.ids.tolist() == ids
        same(found.columns, expected)


def test_a_plain_row_is_read_straight_whatever_its_orientation():
    for value in ([ROW], {n: [v] for n, v in ROW.items()}, {n: {"7": v} for n, v in ROW.items()}):
        found = read(value)
        assert found.ids.tolist() == [0]
        assert found.columns["n"].tolist() == [1.25]
    assert read([ROW | {"key": "x", "label": "yes"}]).ids.tolist() == ["x"]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([], id="no rows"),
        pytest.param({}, id="no columns"),
        pytest.param([ROW, 3], id="a row that is none"),
        pytest.param([ROW, {**ROW, "other": 1}], id="records of different names"),
        pytest.param([ROW | {"other": 1}], id="a column that is not known"),
        pytest.param([{k: v for k, v in ROW.items() if k != "n"}], id="a column that is missing"),
        pytest.param([ROW | {"n": "3"}], id="a number in quotes"),
        pytest.param([ROW | {"n": 10**400}], id="a number beyond all"),
        pytest.param([ROW | {"town": 3}], id="a number for a category"),
        pytest.param([ROW | {"key": 2**70}], id="an id beyond 64 bits"),
        pytest.param([ROW | {"key": None}], id="an id that is missing"),
        pytest.param([ROW | {"label": [1]}], id="a list where nothing is read"),
        pytest.param({n: [v] * (1 + (n == "n")) for n, v in ROW.items()}, id="columns of two lengths"),
        pytest.param({"columns": list(ROW), "data": [list(ROW.values()), [1]]}, id="split and ragged"),
        pytest.param({"columns": [*ROW, "n"], "data": [[*ROW.values(), 1]]}, id="split with a name twice"),
        pytest.param({"columns": list(ROW), "data": []}, id="split without rows"),
        pytest.param({"columns": [1], "data": [[1]]}, id="split with a number for a name"),
        pytest.param({"columns": "n", "data": 3}, id="split of no lists"),
        pytest.param("text", id="no table"),
    ],
)
def test_anything_else_is_left_to_a_frame(value):
    assert read(value) is None


def arrow(frame):
    """Write a frame as an Arrow stream."""
    table, written = pa.Table.from_pandas(frame, preserve_index=False), io.BytesIO()
    with pa.ipc.new_stream(written, table.schema) as stream:
        stream.write_table(table)
    return Upload("data", written.getvalue(), "application/vnd.apache.arrow.stream")


def test_arrow_tables_are_read_straight_where_a_frame_would_have_the_same():
    plain = TRAINED.assign(m=np.float32(1.5), town=[None, "Oslo"] * 20).drop(columns="label")
    plain.loc[3, "n"] = np.nan
    found = straight.read(arrow(plain), straight.Wanted.of(SIGNATURE), SETTINGS)
    assert found.ids.tolist() == plain["key"].tolist()
    conformed = SIGNATURE.conform(frames.read(arrow(plain), SETTINGS, SIGNATURE.text_columns, "key"))
    same(found.columns, {name: conformed[name].to_numpy() for name in conformed})
    for other in (
        plain.assign(n=np.inf),
        plain.assign(n="3"),
        plain.assign(n=pd.Timestamp("2020-01-01")),
        plain.assign(label=np.inf),
        plain.assign(key=1.5),
        plain.assign(more=1),
        plain.iloc[:0],
    ):
        assert straight.read(arrow(other), straight.Wanted.of(SIGNATURE), SETTINGS) is None


def test_bounds_of_a_table_and_what_is_no_json_are_told_by_those_who_tell_it():
    small = Settings(redis_url="unix:///nowhere", max_cells=9)
    many = Upload("data", value=[ROW, ROW])
    assert straight.read(many, straight.Wanted.of(SIGNATURE), small) is None
    with pytest.raises(UploadTooLarge):
        frames.read(many, small)
    with pytest.raises(Unreadable):
        straight.read(Upload("data", b"[1,", "application/json"), straight.Wanted.of(SIGNATURE), SETTINGS)
    assert straight.read(Upload("data", b"n,m\n1,2\n", "text/csv"), straight.Wanted.of(SIGNATURE), SETTINGS) is None
    sent = Upload("data", json.dumps([ROW]).encode(), "application/json")
    assert straight.read(sent, straight.Wanted.of(SIGNATURE), SETTINGS).ids.tolist() == [0]


def test_of_dates_and_images_there_is_nothing_straight():
    dated = replace(SIGNATURE.columns[0], kind="date")
    assert (
        straight.read(Upload("data", value=[ROW]), straight.Wanted.of(replace(SIGNATURE, columns=(dated,))), SETTINGS)
        is None
    )
