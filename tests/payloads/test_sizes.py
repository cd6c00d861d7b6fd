"""Tables that are larger than they look: refused before memory is spent on them."""

import io
import json
import subprocess
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.errors import ServiceError, Unreadable, UploadTooLarge
from app.payloads import frames, parquet_pages
from app.payloads.batches import arrow_blocks
from app.payloads.uploads import Upload
from app.settings import Settings
from tests import kinds

ROOT = Path(__file__).parents[2]
WIDE = ["a", "b", "c", "d", "e"]


def csv(columns, rows, end="\n"):
    return end.join([",".join(columns), *([",".join("1" for _ in columns)] * rows), ""]).encode()


def arrow(table, **options):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def parquet(table):
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def table(columns, rows):
    return pa.table({name: np.zeros(rows) for name in columns})


@pytest.mark.parametrize(("columns", "rows"), [(WIDE, 1), (WIDE[:4], 26), (WIDE[:1], 101)])
@pytest.mark.parametrize(
    ("write", "name"),
    [
        pytest.param(lambda c, r: json.dumps({n: [1] * r for n in c}).encode(), "t.json", id="columns"),
        pytest.param(lambda c, r: json.dumps([dict.fromkeys(c, 1)] * r).encode(), "t.json", id="records"),
        pytest.param(
            lambda c, r: json.dumps({"columns": c, "data": [[1] * len(c)] * r}).encode(), "t.json", id="split"
        ),
        pytest.param(csv, "t.csv", id="CSV"),
        pytest.param(lambda c, r: csv(c, r, "\r"), "t.csv", id="CSV of an old Mac"),
        pytest.param(lambda c, r: parquet(table(c, r)), "t.parquet", id="Parquet"),
        pytest.param(lambda c, r: arrow(table(c, r)), "t.arrow", id="Arrow"),
    ],
)
def test_too_many_columns_or_cells_are_refused_in_every_format(limits, write, name, columns, rows):
    with pytest.raises(UploadTooLarge, match=f"{len(columns)} columns"):
        frames.read(Upload("raw_data", write(columns, rows), filename=name), limits)


def test_as_many_cells_as_the_limit_are_read(limits):
    data = json.dumps({column: [1] * 25 for column in WIDE[:4]}).encode()
    assert frames.read(Upload("raw_data", data, filename="t.json"), limits).shape == (25, 4)


def test_records_that_share_no_name_are_refused_before_they_fill_a_table(limits):
    records = json.dumps([{f"name{number}": 1} for number in range(2000)]).encode()
    tracemalloc.start()
    try:
        with pytest.raises(UploadTooLarge):
            frames.read(Upload("raw_data", records, filename="t.json"), limits)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20, "2000 x 2000 cells are 32 MB"
    finally:
        tracemalloc.stop()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("form", ["csv", "split"])
def test_very_many_names_are_refused_in_time(form):
    names = [f"name{number}" for number in range(100_000)]
    names.append(names[-1])
    data = ",".join(names).encode() if form == "csv" else json.dumps({"columns": names, "data": []}).encode()
    with pytest.raises(ServiceError) as refusal:
        frames.read(Upload("raw_data", data, filename="t.csv" if form == "csv" else "t.json"), Settings())
    assert refusal.value.status in (413, 422)


#: Reads the upload on stdin in a process that may take little more memory than it has at its start.
READ = """
import resource, sys
import pandas, pyarrow.parquet
from app.errors import ServiceError
from app.payloads import frames
from app.payloads.uploads import Upload
from app.settings import Settings
frames.read(Upload("raw_data", b"a\\n1\\n", filename="t.csv"), Settings())
data = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
try:
    frames.read(Upload("raw_data", data, filename=sys.argv[1]), Settings())
    print("read", end=" ")
except ServiceError as error:
    print(error.status, end=" ")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def repeated(count):
    """One text of a mebibyte, count times, by reference."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array(["x" * 2**20]))


def zigzag(number, length=0):
    """Write a whole number as Thrift's compact protocol does, in so many bytes at least."""
    left, found = number << 1, []
    while left or not found or len(found) < length:
        found.append(left & 127)
        left >>= 7
    return bytes([*(byte | 128 for byte in found[:-1]), found[-1]])


def lying(size):
    """Return a Parquet file of one text of so many bytes, whose footer says that there are ten."""
    sink = io.BytesIO()
    options = {"compression": "zstd", "use_dictionary": False, "write_statistics": False, "data_page_size": 2**31 - 1}
    pq.write_table(pa.table({"a": ["\0" * size]}), sink, **options)
    data = sink.getvalue()
    group = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0)
    for told in {group.total_byte_size, group.column(0).total_uncompressed_size}:
        true = zigzag(told)
        # In the footer, which is behind the page.
        before, found, after = data.rpartition(true)
        assert found
        data = before + zigzag(10, len(true)) + after
    assert pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).total_byte_size == 10
    return data


def endless(count):
    """Return a Parquet file of one row, a list of so many zeros, which take some hundred bytes and no page says it."""
    zeros = pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), pa.array(np.zeros(count, np.int64)))
    return parquet(pa.table({"a": zeros}))


@pytest.mark.parametrize(
    ("write", "name", "expected"),
    [
        pytest.param(lambda: arrow(table(["a"], 2**26), compression="zstd"), "t.arrow", b"413", id="compressed Arrow"),
        pytest.param(lambda: parquet(pa.table({"a": repeated(1000)})), "t.parquet", b"413", id="a Parquet dictionary"),
        pytest.param(lambda: lying(2**29), "t.parquet", b"413", id="a Parquet footer that lies"),
        pytest.param(lambda: endless(2**26), "t.parquet", b"400", id="a list in Parquet"),
    ],
)
def test_an_upload_that_unfolds_to_hundreds_of_times_its_size_is_refused_before_it_does(write, name, expected):
    data = write()
    assert len(data) < 2**20
    command = [sys.executable, "-c", READ, name]
    process = subprocess.run(command, input=data, cwd=ROOT, capture_output=True, timeout=100)
    assert process.returncode == 0, process.stderr.decode()
    status, grown = process.stdout.split()
    assert status == expected
    assert int(grown) < 300, "mebibytes"


@pytest.mark.parametrize(
    ("write", "error"), [(lambda: lying(2**27), UploadTooLarge), (lambda: endless(99), Unreadable)]
)
def test_a_long_file_of_such_pages_or_lists_is_refused_too(write, error):
    with pytest.raises(error):
        list(arrow_blocks.parquet(io.BytesIO(write()), "data"))


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
@pytest.mark.parametrize(
    "options", [{}, {"use_dictionary": False}, {"data_page_version": "2.0"}, {"row_group_size": 40}]
)
def test_what_the_pages_of_a_file_unfold_to_is_what_its_writer_says(compression, options):
    frame = kinds.customers()
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame), sink, compression=compression, data_page_size=2000, **options)
    footer = pq.ParquetFile(io.BytesIO(sink.getvalue())).metadata
    sizes = list(parquet_pages.unfolded(io.BytesIO(sink.getvalue()), footer))
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    # The writer counts the headers too.
    assert 0 <= sum(group.total_byte_size for group in groups) - sum(sizes) < 100 * len(sizes)
    assert len(sizes) >= footer.num_columns * footer.num_row_groups
    assert len(frames.read(Upload("raw_data", sink.getvalue(), filename="t.parquet"), Settings())) == len(frame)


def test_pages_of_any_bytes_are_a_table_or_refused():
    good = bytearray(parquet(table(WIDE, 3)))
    generator = np.random.default_rng(0)
    for _ in range(500):
        data = good.copy()
        for place in generator.integers(4, len(good) - 8, 3):
            data[place] = generator.integers(256)
        with suppress(Unreadable, UploadTooLarge):
            assert list(arrow_blocks.parquet(io.BytesIO(bytes(data)), "data"))


def field(number, kind, value, before=0):
    """Write a field of a header; of a structure and of bytes as short as they can be."""
    step = number - before
    begin = bytes([step << 4 | kind]) if 0 < step < 16 else bytes([kind]) + zigzag(number)
    return begin + zigzag(value)


PAGE = field(1, 5, 0) + field(2, 5, 10, 1) + field(3, 5, 20, 2)


def test_a_header_is_read_as_its_format_has_it():
    found = parquet_pages._Header(PAGE + field(4, 5, 7, 3) + b"\0" + b"what follows")
    assert (found.unfolded, found.stored, found.length) == (10, 20, len(PAGE) + 3)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(field(2, 5, 2**30, 3), id="a size that comes twice"),
        pytest.param(field(2, 6, 10, 3), id="a size of another type, too"),
        pytest.param(field(65538, 5, 2**30), id="a number of a field that others cut to 16 bits"),
        pytest.param(field(16, 5, 1), id="a field that no page has"),
    ],
)
def test_what_readers_do_not_agree_about_in_a_header_is_refused(more):
    with pytest.raises(ValueError, match=r"^a "):
        parquet_pages._Header(PAGE + more + b"\0")


def test_a_size_beyond_what_a_page_may_have_is_refused():
    for sizes in ((2**31, 20), (10, 2**32 + 20), (-1, 20)):
        header = field(1, 5, 0) + field(2, 5, sizes[0] % 2**62, 1) + field(3, 5, sizes[1], 2)
        with pytest.raises(ValueError, match=r"^a "):
            parquet_pages._Header(header + b"\0")


@pytest.mark.parametrize(
    ("writer", "exact"),
    [
        ("parquet-cpp-arrow version 26.0.1", True), ("", True), (None, True),
        ("parquet-mr version 1.12.2 (build 77e30c8093386ec52c3cfa6c34b7ef3321322c94)", True),
        ("parquet-mr version 1.10.1-databricks-0002", True), ("parquet-mr version 1.3.0", True),
        ("parquet-mr version 1.2.8", False), (" parquet-mr version 1.2.8", False), ("parquet-mr", False),
        ("parquet-mr version 1.3x", False), ("parquet-mr version 2x", False), ("parquet-mr version 1.13.x", False),
        ("Parquet-MR version 1.2.8 (build x)", False),
    ],
)  # fmt: skip
def test_writers_whose_pages_may_go_on_beyond_their_column_are_known(writer, exact):
    footer = SimpleNamespace(created_by=writer, num_row_groups=0)
    if exact:
        assert list(parquet_pages.unfolded(io.BytesIO(), footer)) == []
    else:
        with pytest.raises(ValueError, match="too old"):
            list(parquet_pages.unfolded(io.BytesIO(), footer))


def test_a_page_that_leads_beyond_its_column_is_refused():
    chunk = SimpleNamespace(data_page_offset=0, has_dictionary_page=False, total_compressed_size=15)
    group = SimpleNamespace(num_columns=1, column=lambda _: chunk)
    footer = SimpleNamespace(created_by=None, num_row_groups=1, row_group=lambda _: group)
    with pytest.raises(ValueError, match="longer than its column"):
        list(parquet_pages.unfolded(io.BytesIO(PAGE + b"\0" * 99), footer))


@pytest.mark.parametrize(
    "header", [b"", b"\xff" * 9, b"\x15" + b"\xff" * 70_000, b"\x1c" * 50, b"\x19\xff" * 20, b"\x00"]
)
def test_a_header_that_goes_on_and_on_is_refused(header):
    with pytest.raises(ValueError, match=r"^a "):
        parquet_pages._Header(header)
