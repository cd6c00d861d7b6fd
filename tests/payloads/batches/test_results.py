"""Results have one kind of values a column, whichever block tells it."""

import io

import pyarrow.parquet as pq
import pytest

from app.payloads.batches.parameters import Form
from app.payloads.batches.results import ResultFile, Widened


def written(*parts):
    """Write the values of a column block by block, anew as often as it is widened."""
    kinds = {}
    while True:
        file = io.BytesIO()
        try:
            with ResultFile(file, Form.PARQUET, kinds) as result:
                for values in parts:
                    result.write({"id": values})
            return pq.read_table(file).column("id").to_pylist()
        except Widened:
            continue


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([[1, 2], [3]], [1, 2, 3]),
        ([[1], [2.0, float("nan")]], [1, 2, None]),
        ([[1], [2.5]], [1.0, 2.5]),
        ([[None], [None, 3]], [None, None, 3]),
        ([[None], [None]], [None, None]),
        ([[1, 2.0], ["a", None]], ["1", "2", "a", None]),
        ([[True], ["a"]], ["True", "a"]),
        ([[1], [2**70]], ["1", str(2**70)]),
        ([[2**60 + 1], [0.5]], [str(2**60 + 1), "0.5"]),
        ([["a", 1]], ["a", "1"]),
    ],
)
def test_a_column_is_of_the_narrowest_kind_that_holds_all_of_it(parts, expected):
    found = written(*parts)
    assert found == expected
    assert list(map(type, found)) == list(map(type, expected))
