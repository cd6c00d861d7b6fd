"""Series that stand in several blocks."""

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidData, UploadTooLarge
from app.pipelines import straddling
from app.pipelines.straddling import Straddling


def cut(ids, sizes):
    """Return the ids that each block of some rows ends, and the last ones."""
    series = Straddling("id")
    frame = pd.DataFrame({"id": ids, "value": np.arange(len(ids))})
    found = []
    for block in np.split(np.arange(len(ids)), np.cumsum(sizes)):
        if len(block):
            found.append(series.whole(frame.iloc[block], "raw_data")["id"].tolist())
    return [*found, series.rest("raw_data")["id"].tolist()]


def test_the_last_series_of_a_block_waits_for_its_rows():
    assert cut([1, 1, 2, 2, 2, 3], [1, 3]) == [[], [1, 1], [2, 2, 2], [3]]


def test_a_series_that_comes_again_is_refused_also_within_a_block():
    for sizes in ([], [2], [1, 1, 1]):
        with pytest.raises(InvalidData, match="must stand together"):
            cut(["a", "b", "a", "c"], sizes)


def test_a_series_and_a_file_have_a_bound(monkeypatch):
    monkeypatch.setattr(straddling, "_CELLS", 10)
    with pytest.raises(UploadTooLarge, match="one is held whole"):
        cut([1] * 6, [3])
    monkeypatch.setattr(straddling, "_SERIES", 3)
    with pytest.raises(UploadTooLarge, match="more than 3 series"):
        cut([1, 2, 3, 4, 5], [])


def test_rows_of_one_series_wait_for_the_end_and_rows_without_their_ids_do_not():
    rows = pd.DataFrame({"value": [1.0, 2.0]})
    single, lacking = Straddling(None), Straddling("id")
    assert [len(single.whole(rows, "raw_data")) for _ in range(2)] == [0, 0]
    assert len(single.rest("raw_data")) == 4
    assert len(lacking.whole(rows, "raw_data")) == 2
    assert lacking.rest("raw_data") is None


def test_a_column_that_is_empty_in_one_block_is_of_the_kind_it_has_in_the_other():
    series = Straddling("id")
    series.whole(pd.DataFrame({"id": [1], "time": [np.nan]}), "raw_data")
    series.whole(pd.DataFrame({"id": [1], "time": pd.Series(["noon"], dtype="str")}), "raw_data")
    assert series.rest("raw_data")["time"].dtype == "str"
