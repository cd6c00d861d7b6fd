"""Series as they are, for models that read them, alone and beside their features."""

import json

import numpy as np
import pandas as pd
import pytest

from app.pipelines.tsfresh import SeriesFeatures
from app.pipelines.tsfresh.series import raw_signals
from tests.pipelines.series import IDS, STACKED, fitted, series, silent, stacked, wanted


def same(left, right):
    """Assert that two frames hold the same arrays in the same places."""
    assert left.index.tolist() == right.index.tolist()
    assert list(left.columns) == list(right.columns)
    for name in left.columns:
        for one, other in zip(left[name], right[name], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("signals", [("a", "b"), ("a", "a__b")], ids=str)
def test_signals_come_sorted_one_array_a_series(signals):
    wide = series(signals=signals)
    shuffled = wide.sample(frac=1, random_state=0)
    found = raw_signals(shuffled, wanted())
    assert found.index.tolist() == shuffled["id"].unique().tolist()
    assert list(found.columns) == list(signals)
    for name in IDS:
        for signal in signals:
            cell = found.loc[name, signal]
            assert cell.dtype == "float64"
            np.testing.assert_array_equal(cell, wide.loc[wide["id"] == name, signal])
    same(raw_signals(stacked(wide, signals), wanted(**STACKED)).loc[IDS], found.loc[IDS])


def test_features_and_signals_come_together():
    frame = series(signals=("a", "a__b"))
    both, X = SeriesFeatures.fit(frame, wanted(), silent, raw=True)
    features, rows = fitted(frame)
    assert list(X.columns) == [*rows.columns, "a", "a__b"]
    assert both.raw == ("a", "a__b")
    pd.testing.assert_frame_equal(X[list(rows.columns)], rows, check_exact=True)
    same(X[["a", "a__b"]], raw_signals(frame, wanted()))
    read = SeriesFeatures.from_json(json.loads(json.dumps(both.as_json())))
    assert read == both
    same(read.transform(frame)[["a__b", "a"]], X[["a__b", "a"]])
    pd.testing.assert_frame_equal(read.transform(frame)[list(rows.columns)], rows, check_exact=True)
    assert features.only(["a__b"]).raw == ("a__b",)


def test_signals_alone_compute_no_feature():
    only, X = SeriesFeatures.fit(series(), wanted(), silent, raw=True, features=False)
    assert (only.columns, only.raw, only.fill) == (("x",), ("x",), ())
    same(X, raw_signals(series(), wanted()))
    same(only.transform(series([5, 3])), X.loc[[5, 3]])


def test_a_model_is_given_what_it_uses_in_its_order():
    frame = series(signals=("a", "b"))
    both, X = SeriesFeatures.fit(frame, wanted(), silent, raw=True)
    chosen = both.only(["b__mean", "a", "a__maximum"])
    assert chosen.features == ["b__mean", "a__maximum"]
    assert chosen._needed() == {"0": {"maximum": None}, "1": {"mean": None}}
    served = chosen.transform(frame)
    assert list(served.columns) == ["b__mean", "a", "a__maximum"]
    pd.testing.assert_frame_equal(served[["b__mean", "a__maximum"]], X[["b__mean", "a__maximum"]], check_exact=True)
    same(served[["a"]], X[["a"]])
    assert both.only(["b"]).only([]).transform(frame).shape == (6, 0)


def test_a_series_that_lacks_a_signal_is_a_single_zero_in_it():
    stacks = stacked(series(signals=("a", "b")), ("a", "b"))
    lacking = stacks[(stacks["id"] != 7) | (stacks["signal"] != "b")].reset_index(drop=True)
    assert raw_signals(lacking, wanted(**STACKED)).loc[7, "b"].tolist() == [0.0]
