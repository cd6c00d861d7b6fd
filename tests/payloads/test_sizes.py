"""Tables that are larger than they look: refused before memory is spent on them."""

import io
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.errors import ServiceError, UploadTooLarge
from app.payloads import frames
from app.payloads.uploads import Upload
from app.settings import Settings

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


@pytest.mark.parametrize(
    ("write", "name"),
    [
        pytest.param(lambda: arrow(table(["a"], 2**26), compression="zstd"), "t.arrow", id="compressed Arrow"),
        pytest.param(lambda: parquet(pa.table({"a": repeated(1000)})), "t.parquet", id="a Parquet dictionary"),
    ],
)
def test_an_upload_that_unfolds_to_hundreds_of_times_its_size_is_refused_before_it_does(write, name):
    data = write()
    assert len(data) < 2**20
    command = [sys.executable, "-c", READ, name]
    process = subprocess.run(command, input=data, cwd=ROOT, capture_output=True, timeout=100)
    assert process.returncode == 0, process.stderr.decode()
    status, grown = process.stdout.split()
    assert status == b"413"
    assert int(grown) < 300, "mebibytes"
