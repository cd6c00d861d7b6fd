"""Tables of every format into frames of numbers, booleans, text and images."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.errors import FormatUnknown, InvalidData, Unreadable, UploadTooLarge
from app.payloads import frames
from app.payloads.uploads import Upload
from app.settings import Settings


def read(data, name="t.json", settings=None, text=()):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return frames.read(Upload("raw_data", data, filename=name), settings or Settings(), text)


def arrow(table, **options):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def feather(table):
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def parquet(table):
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


FRAME = pd.DataFrame({"n": [1.5, None, -3.0], "i": [3, 2, 1], "b": [True, False, True], "t": ["ü", None, "x,\ny"]})
COLUMNS = json.loads(FRAME.to_json())


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(COLUMNS, "t.json", id="columns by row name"),
        pytest.param(
            {name: list(column.values()) for name, column in COLUMNS.items()}, "t.json", id="columns of lists"
        ),
        pytest.param(json.loads(FRAME.to_json(orient="records")), "t.json", id="records"),
        pytest.param(json.loads(FRAME.to_json(orient="split")), "t.json", id="split"),
        pytest.param(FRAME.to_json(orient="records", lines=True).encode(), "t.jsonl", id="JSON lines"),
        pytest.param(
            b"\n" + FRAME.to_json(orient="records", lines=True).replace("\n", "\r\n\n").encode(),
            "t.ndjson",
            id="JSON lines of Windows, some of them blank",
        ),
        pytest.param(FRAME.to_csv(index=False).encode(), "t.csv", id="CSV"),
        pytest.param(b"\xef\xbb\xbf" + FRAME.to_csv(index=False).encode(), "t.csv", id="CSV with a mark"),
        pytest.param(FRAME.to_csv(index=False).replace("\n", "\r\n").encode(), "t.csv", id="CSV of Windows"),
        pytest.param(parquet(pa.Table.from_pandas(FRAME)), "t.parquet", id="Parquet"),
        pytest.param(arrow(pa.Table.from_pandas(FRAME)), "t.arrow", id="an Arrow stream"),
        pytest.param(feather(pa.Table.from_pandas(FRAME)), "t.feather", id="an Arrow file"),
    ],
)
def test_every_format_gives_the_same_frame(data, name):
    frame = read(data, name)
    if name == "t.csv" and b"\r\n" in data:
        frame["t"] = frame["t"].str.replace("\r\n", "\n")
    pd.testing.assert_frame_equal(frame, FRAME.astype({"t": "str"}))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"a": 1}\n{"a": NaN}', "Line 2 of raw_data is not strict JSON"),
        (b'{"a": 1, "a": 2}', "Line 1 of raw_data is not strict JSON"),
        (b'{"a": 1}\n\n{"a": }', "Line 3 of raw_data is not JSON"),
        (b'{"a": 1}\n{"a":\n2}', "Line 2"),
        (b'{"a": 1}\n[2]', "not all of its members are records"),
        (b'{"a": 1}\n{"a": "\xff"}', "Line 2 of raw_data is not UTF-8"),
    ],
)
def test_a_line_that_is_no_record_is_named(data, words):
    with pytest.raises(Unreadable, match=words):
        read(data, "t.jsonl")


def test_lines_are_as_large_as_a_table_may_be():
    with pytest.raises(UploadTooLarge):
        read(b"{}\n" * 101, "t.jsonl", Settings(max_cells=100))
    with pytest.raises(UploadTooLarge):
        read(b'{"a": 1, "b": 2}\n' * 51, "t.jsonl", Settings(max_cells=100))


def test_a_column_is_in_the_order_of_the_first_columns_rows():
    frame = read({"a": {"x": 1, "y": 2}, "b": {"y": 20, "x": 10}})
    assert frame["b"].tolist() == [10, 20]


def test_a_record_without_a_name_has_a_missing_value_there():
    frame = read([{"a": 1}, {"a": 2, "b": "x"}])
    assert frame["b"].isna().tolist() == [True, False]


def test_a_csv_column_that_is_text_keeps_its_leading_zeros():
    assert read(b"code,n\n007,1\n012,2\n", "t.csv", text=["code", "absent"])["code"].tolist() == ["007", "012"]


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        pytest.param(["7", "12"], [7, 12], id="numbers"),
        pytest.param(["7.0", "12.0"], [7.0, 12.0], id="with a point"),
        pytest.param(["7", "007"], ["7", "007"], id="zeros before one"),
        pytest.param(["18446744073709551614", "7"], ["18446744073709551614", "7"], id="beyond 64 bits"),
        pytest.param(["a", "7"], ["a", "7"], id="text"),
    ],
)
def test_different_ids_of_a_csv_stay_different(ids, found):
    data = "\n".join(["id,n", *(f"{name},1" for name in ids)]).encode()
    upload = Upload("raw_data", data, filename="t.csv")
    assert frames.read(upload, Settings(), id_column="id")["id"].tolist() == found


def test_ids_in_quotes_are_text_where_quotes_tell():
    upload = Upload("raw_data", b'{"id": ["7", "8"]}', filename="t.json")
    assert frames.read(upload, Settings(), id_column="id")["id"].tolist() == ["7", "8"]


def test_a_text_of_a_csv_may_be_long():
    assert read(b"image,n\n" + b"x" * 200_000 + b",1\n", "t.csv")["image"].str.len().tolist() == [200_000]


def test_a_long_csv_column_is_of_one_kind_wherever_its_text_stands():
    frame = read(b"a,b\n" + b"1,2\n" * 300_000 + b"x,3\n", "t.csv")
    assert frame["a"].tolist()[::300_000] == ["1", "x"]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        pytest.param(pa.array([1, None, 2]), [1.0, None, 2.0], id="integers with a gap"),
        pytest.param(pa.array([True, None]), [1.0, None], id="booleans with a gap"),
        pytest.param(pa.array([1, 2], pa.decimal128(10, 2)), [1.0, 2.0], id="decimals"),
        pytest.param(pa.array([2**64 - 1], pa.uint64()), [2.0**64], id="large unsigned"),
        pytest.param(pa.array([None, None]), [None, None], id="nothing"),
        pytest.param(pa.array(["x", None]).dictionary_encode(), ["x", None], id="categories of text"),
        pytest.param(pa.array([1, 2]).dictionary_encode(), [1, 2], id="categories of integers"),
        pytest.param(pa.array([1, None]).dictionary_encode(), [1.0, None], id="categories of integers with a gap"),
        pytest.param(pa.array([1.5, None]).dictionary_encode(), [1.5, None], id="categories of floats with a gap"),
        pytest.param(pa.array([True, None]).dictionary_encode(), [1.0, None], id="categories of booleans with a gap"),
        pytest.param(pa.array(["x"], pa.string_view()), ["x"], id="a view of text"),
    ],
)
@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_a_column_of_arrow_keeps_its_values(column, values, form):
    table = pa.table({"a": column})
    frame = read(arrow(table) if form == "arrow" else parquet(table), f"t.{form}")
    assert [None if pd.isna(value) else value for value in frame["a"]] == values


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pa.array([0, 1], pa.uint8()), id="small unsigned"),
        pytest.param(pa.array([0, 2**63 - 1], pa.uint64()), id="unsigned that fit"),
        pytest.param(pa.array([7, 8, 7]).dictionary_encode(), id="categories"),
    ],
)
@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_whole_numbers_stay_whole(column, form):
    table = pa.table({"a": column})
    found = read(arrow(table) if form == "arrow" else parquet(table), f"t.{form}")["a"]
    assert (found.dtype, found.tolist()) == ("int64", column.to_pylist())


def test_an_integer_beyond_64_bits_is_a_number_and_one_beyond_a_float_is_refused():
    assert read({"a": [10**30]})["a"].tolist() == [1e30]
    with pytest.raises(InvalidData):
        read(b'{"a": [1' + b"0" * 400 + b"]}")


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1], pa.duration("s")),
        pa.array([b"x"]),
        pa.array([[1]]),
        pa.array([{"x": 1}]),
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())),
        pa.array([float("inf")]),
    ],
    ids=lambda column: str(column.type),
)
def test_a_column_of_another_kind_is_pointed_at(column):
    with pytest.raises(InvalidData) as refusal:
        read(arrow(pa.table({"a": column})), "t.arrow")
    assert [fault.pointer.removesuffix("/0") for fault in refusal.value.faults] == ["/raw_data/a"]


def encoded(*entries, index=(0, 0)):
    return pa.DictionaryArray.from_arrays(pa.array(index, pa.int8()), pa.array(entries))


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(encoded("x", None), id="a null in a dictionary"),
        pytest.param(encoded("x", "x", index=(0, 1)), id="a dictionary with an entry twice"),
        pytest.param(encoded(None), id="a dictionary of nothing"),
        pytest.param(encoded([1]), id="a dictionary of lists"),
        pytest.param(
            pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]),
            id="a union",
        ),
    ],
)
def test_a_column_of_arrow_that_pandas_has_no_form_for_is_unreadable(column):
    with pytest.raises(Unreadable, match="a column of a type that is not read here"):
        read(arrow(pa.table({"n": [1, 2], "a": column})), "t.arrow")


@pytest.mark.parametrize(
    ("kind", "values", "texts"),
    [
        pytest.param(pa.timestamp("s"), [0, None], ["1970-01-01 00:00:00", None], id="seconds"),
        pytest.param(pa.timestamp("ns"), [5], ["1970-01-01 00:00:00.000000005"], id="nanoseconds"),
        pytest.param(pa.timestamp("us", "Asia/Tokyo"), [0], ["1970-01-01 00:00:00.000000"], id="a zone, in UTC"),
        pytest.param(pa.timestamp("ms", "no such zone"), [0], ["1970-01-01 00:00:00.000"], id="a zone of no name"),
        pytest.param(pa.date32(), [366, None], ["1971-01-02", None], id="days"),
        pytest.param(pa.date64(), [86_400_000], ["1970-01-02"], id="days in milliseconds"),
    ],
)
@pytest.mark.parametrize("encoded", [False, True], ids=["plain", "categories"])
def test_dates_of_arrow_are_text(kind, values, texts, encoded):
    column = pa.array(values, pa.int32() if kind == pa.date32() else pa.int64()).cast(kind)
    table = pa.table({"n": [1] * len(values), "a": column.dictionary_encode() if encoded else column, "z": texts})
    frame = read(arrow(table), "t.arrow")
    assert list(frame.columns) == ["n", "a", "z"]
    assert [None if pd.isna(value) else value for value in frame["a"]] == texts


def test_dates_are_measured_before_they_are_written_out():
    column = pa.array(np.zeros(2**20, "int64"), pa.timestamp("s"))
    with pytest.raises(UploadTooLarge):
        read(arrow(pa.table({"a": column})), "t.arrow", Settings(max_cells=2**20, max_upload_mb=16))


def test_a_binary_column_of_images_is_read_and_one_with_a_gap_is_not(png):
    frame = read(parquet(pa.table({"a": pa.array([png, png]), "n": [1, 2]})), "t.parquet")
    assert frame["a"].tolist() == [png, png]
    with pytest.raises(InvalidData):
        read(parquet(pa.table({"a": pa.array([png, None])})), "t.parquet")


def test_labels_are_no_images(png):
    upload = Upload("labels", png, filename="l.png")
    with pytest.raises(FormatUnknown, match="labels are a table"):
        frames.read(upload, Settings())
    with pytest.raises(InvalidData):
        frames.read(Upload("labels", parquet(pa.table({"a": pa.array([png])})), filename="l.parquet"), Settings())


def texts(offsets, data):
    buffers = (pa.py_buffer(np.array(offsets, "int32").tobytes()), pa.py_buffer(data))
    return pa.table({"a": pa.StringArray.from_buffers(len(offsets) - 1, *buffers)})


@pytest.mark.parametrize("write", [arrow, parquet])
def test_text_that_is_not_utf_8_is_unreadable(write):
    with pytest.raises(Unreadable):
        read(write(texts([0, 1, 2], b"\xffa")), f"t.{write.__name__}")


@pytest.mark.parametrize("offset", [400, -400], ids=["beyond the end", "before the start"])
def test_text_that_claims_bytes_outside_its_buffer_is_unreadable(offset):
    with pytest.raises(Unreadable):
        read(arrow(texts([0, offset, 2, 3], b"xyz")), "t.arrow")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([1, "?", None, 2.5], ["1", "?", None, "2.5"], id="a mark of a missing number"),
        pytest.param(["A1", 7, 7.0], ["A1", "7", "7"], id="codes"),
        pytest.param([10**30, "x"], [str(10**30), "x"], id="a large number"),
    ],
)
def test_numbers_among_texts_are_texts_as_they_are_in_a_csv(values, expected):
    column = read({"c": values})["c"]
    assert column.dtype == "str"
    assert [None if pd.isna(value) else value for value in column] == expected


def test_booleans_among_texts_or_numbers_are_refused():
    for values in ([True, "x"], [False, 2]):
        with pytest.raises(InvalidData):
            read({"c": values})


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_columns_may_be_separated_as_other_programs_do(delimiter):
    text = delimiter.join("ab") + "\n" + delimiter.join(["1", "x y"]) + "\n" + delimiter.join(["2", '"q;\t,"']) + "\n"
    frame = read(text.encode(), "t.tsv" if delimiter == "\t" else "t.csv")
    assert frame.to_dict("list") == {"a": [1, 2], "b": ["x y", "q;\t,"]}


@pytest.mark.parametrize(
    ("data", "name", "error", "words"),
    [
        pytest.param(b"\x1f\x8b\x08\x00\x00", "t.csv", Unreadable, "compressed with gzip", id="gzip called .csv"),
        pytest.param(b"\x1f\x8b\x08\x00\x00", "t.csv.gz", FormatUnknown, "is compressed", id="gzip"),
        pytest.param("a,b\nü,1\n".encode("latin-1"), "t.csv", Unreadable, "Save it as CSV in UTF-8", id="latin-1"),
        pytest.param(b"PK\x03\x04", "t.xlsx", FormatUnknown, "a workbook: save it as CSV", id="a workbook"),
        pytest.param(b",a\n0,1\n", "t.csv", InvalidData, "not named one by one", id="an index"),
    ],
)
def test_what_else_people_send_is_answered_with_what_to_do(data, name, error, words):
    with pytest.raises(error, match=words) as refused:
        read(data, name)
    if error is InvalidData:
        assert "column 1 has no name" in refused.value.faults[0].detail
        assert "leave out a frame's index" in refused.value.faults[0].detail
