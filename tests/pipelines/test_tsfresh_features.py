"""Features of long time series: the same in serving as in training, one series at a time or many."""

import json

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidData, TrainingFailed
from app.pipelines.tsfresh import SeriesFeatures
from tests.pipelines.series import IDS, STACKED, fitted, series, stacked, wanted

EXPLICIT = {"mean": None, "quantile": [{"q": 0.1}, {"q": 0.9}], "fft_coefficient": [{"coeff": 1, "attr": "abs"}]}


@pytest.mark.parametrize("parameters", ["MinimalFCParameters()", EXPLICIT], ids=["minimal", "explicit"])
def test_serving_the_training_series_gives_the_rows_of_training(parameters):
    features, rows = fitted(series(), parameters)
    pd.testing.assert_frame_equal(features.transform(series()), rows, check_exact=True)
    assert list(rows.columns) == list(features.columns)
    assert np.isfinite(rows.to_numpy()).all()


def test_features_are_what_their_names_say():
    _, rows = fitted(series(), EXPLICIT)
    for name, values in series().groupby("id")["x"]:
        assert rows.loc[name, "x__mean"] == pytest.approx(values.mean())
        assert rows.loc[name, "x__quantile__q_0.9"] == pytest.approx(values.quantile(0.9))


def test_rows_come_in_the_order_in_which_ids_first_occur():
    features, rows = fitted(series())
    assert rows.index.tolist() == IDS
    assert features.transform(series([5, 11, 3])).index.tolist() == [5, 11, 3]
    mixed = series([5, 11]).sort_values(["t", "id"], ascending=[True, False], ignore_index=True)
    assert features.transform(mixed).index.tolist() == [11, 5]


def test_more_series_than_a_chunk_keep_their_order_and_are_reported():
    ids, reports = list(range(120, 0, -1)), []
    _, rows = SeriesFeatures.fit(series(ids, 6), wanted(), lambda stage, share: reports.append((stage, share)))
    assert rows.index.tolist() == ids
    assert {stage for stage, _ in reports} == {"features"}
    shares = [share for _, share in reports]
    assert shares[:2] == [0, 5 / 120]
    assert shares == sorted(shares)
    pd.testing.assert_frame_equal(rows.loc[[1, 120]], fitted(series([1, 120], 6))[1], check_like=True)


@pytest.mark.parametrize("parameters", ["MinimalFCParameters()", EXPLICIT], ids=["minimal", "explicit"])
def test_one_series_alone_has_the_values_that_it_has_among_others(parameters):
    features, rows = fitted(series(), parameters)
    for name in IDS:
        pd.testing.assert_frame_equal(features.transform(series([name])), rows.loc[[name]], check_exact=True)


def test_a_selection_computes_just_its_columns_in_its_order():
    features, rows = fitted(series(), EXPLICIT)
    columns = ["x__quantile__q_0.9", 'x__fft_coefficient__attr_"abs"__coeff_1']
    assert set(columns) < set(rows.columns)
    for asked in (columns, columns[::-1]):
        chosen = features.only(asked)
        assert chosen._needed() == {"0": {"quantile": [{"q": 0.9}], "fft_coefficient": [{"attr": "abs", "coeff": 1}]}}
        pd.testing.assert_frame_equal(chosen.transform(series()), rows[asked], check_exact=True)


@pytest.mark.parametrize("signals", [("a", "b"), ("a", "a__b"), ("a__b", "a"), ("mean", "0")], ids=str)
def test_signals_side_by_side_and_stacked_give_the_same_features(signals):
    wide = series(signals=signals)
    features, rows = fitted(wide, EXPLICIT)
    stacks = stacked(wide, signals)
    of_stacks, stacked_rows = fitted(stacks, EXPLICIT, **STACKED)
    assert {name.rsplit("__", 1)[0] for name in rows.columns if name.endswith("__mean")} == set(signals)
    pd.testing.assert_frame_equal(stacked_rows.sort_index()[rows.columns], rows.sort_index(), check_exact=True)
    for name in signals:
        np.testing.assert_allclose(rows[f"{name}__mean"], wide.groupby("id", sort=False)[name].mean(), rtol=1e-12)
    some = list(rows.columns)[::-2]
    pd.testing.assert_frame_equal(features.only(some).transform(wide), rows[some], check_exact=True)
    other_order = stacked(wide, signals[::-1])
    served = of_stacks.only(some).transform(other_order)
    pd.testing.assert_frame_equal(served.sort_index(), rows[some].sort_index(), check_exact=True)


def test_the_sort_column_decides_the_order_of_a_series():
    features, rows = fitted(series(), {"linear_trend": [{"attr": "slope"}], "first_location_of_maximum": None})
    shuffled = series().sample(frac=1, random_state=0, ignore_index=True)
    served = features.transform(shuffled)
    assert served.index.tolist() == shuffled["id"].unique().tolist()
    pd.testing.assert_frame_equal(served.loc[IDS], rows, check_exact=True)


def test_without_a_sort_column_rows_stay_in_the_order_they_came():
    frame = series().drop(columns="t")
    features, rows = fitted(frame, {"linear_trend": [{"attr": "slope"}]}, column_sort=None)
    backwards = pd.concat([frame[frame["id"] == name][::-1] for name in IDS], ignore_index=True)
    np.testing.assert_allclose(features.transform(backwards), -rows, rtol=1e-9)


def test_the_efficient_set_of_short_series_survives_json():
    frame = series(length=12)
    features, rows = fitted(frame, "EfficientFCParameters()")
    assert len(features.columns) > 300
    assert np.isfinite(rows.to_numpy()).all()
    read = SeriesFeatures.from_json(json.loads(json.dumps(features.as_json())))
    assert read == features
    pd.testing.assert_frame_equal(read.transform(frame), rows, check_exact=True)
    pd.testing.assert_frame_equal(read.transform(frame[frame["id"] == 11]), rows.loc[[11]], check_exact=True)


def test_series_of_any_lengths_stand_side_by_side():
    frame = pd.concat([series([7], 12), series([3], 1), series([11], 60)], ignore_index=True)
    features, rows = fitted(frame)
    assert rows["x__length"].tolist() == [12, 1, 60]
    pd.testing.assert_frame_equal(features.transform(frame), rows, check_exact=True)


def test_dates_sort_a_series_and_are_known_to_trends_in_time():
    frame = series()
    dated = frame.assign(t=pd.Timestamp("2026-01-01") + pd.to_timedelta(frame["t"] ** 2, unit="h"))
    trend = {"linear_trend_timewise": [{"attr": "slope"}], "linear_trend": [{"attr": "slope"}]}
    features, rows = fitted(dated, trend)
    served = features.transform(dated.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(served.loc[IDS], rows, check_exact=True)
    of_7 = frame[frame["id"] == 7]
    slope = np.polyfit(of_7["t"] ** 2, of_7["x"], 1)[0]
    assert rows.loc[7, 'x__linear_trend_timewise__attr_"slope"'] == pytest.approx(slope)
    assert rows.loc[7, 'x__linear_trend__attr_"slope"'] == pytest.approx(np.polyfit(of_7["t"], of_7["x"], 1)[0])


def test_equal_times_keep_the_order_they_came_in():
    frame = series().assign(t=1.0)
    pd.testing.assert_frame_equal(fitted(frame, EXPLICIT)[1], fitted(series(), EXPLICIT)[1], check_exact=True)


def test_ids_may_be_of_several_types():
    frame = series([7, 3]).replace({"id": {3: "three"}}).astype({"id": "object"})
    features, rows = fitted(frame)
    assert rows.index.tolist() == [7, "three"]
    assert features.transform(frame[frame["id"] == "three"]).index.tolist() == ["three"]


def test_chunks_are_bounded_in_values_too(monkeypatch):
    _, whole = fitted(series(), EXPLICIT)
    monkeypatch.setattr("app.pipelines.tsfresh.extract._VALUES", 90)
    shares = []
    _, chunked = SeriesFeatures.fit(series(), wanted(EXPLICIT), lambda stage, share: shares.append(share))
    assert shares == [0, 2 / 6, 4 / 6]
    pd.testing.assert_frame_equal(chunked, whole, check_exact=True)


def test_a_signal_called_as_a_feature_of_another_is_refused():
    with pytest.raises(InvalidData) as refused:
        fitted(series(signals=("a", "a__mean")))
    assert [fault.pointer for fault in refused.value.faults] == ["/raw_data/a__mean"]


def test_values_that_a_calculator_refuses_are_bad_data_of_a_request_and_fail_a_training():
    bins = {"binned_entropy": [{"max_bins": 10}]}
    features, _ = fitted(series(), bins)
    huge = series().assign(x=np.tile([1e308, -1e308], len(series()) // 2))
    with pytest.raises(InvalidData, match="A feature could not be computed of these series: Too many bins"):
        features.transform(huge)
    with pytest.raises(TrainingFailed, match="Too many bins"):
        fitted(huge, bins)


def test_what_was_stored_before_missing_values_and_raw_signals_is_read():
    features, rows = fitted(series())
    stored = json.loads(json.dumps(features.as_json()))
    del stored["missing"], stored["raw"]
    read = SeriesFeatures.from_json(stored)
    assert read == features
    pd.testing.assert_frame_equal(read.transform(series()), rows, check_exact=True)


def test_a_calculator_that_needs_dates_and_has_none_ends_in_one_of_our_errors():
    with pytest.raises(TrainingFailed):
        fitted(series(), {"linear_trend_timewise": [{"attr": "slope"}]})


def test_progress_is_told_of_before_each_chunk_and_chunks_take_about_a_second(monkeypatch):
    monkeypatch.setattr("app.pipelines.tsfresh.extract._SECONDS", 1e-9)
    shares = []
    _, rows = SeriesFeatures.fit(series(range(1, 13)), wanted(EXPLICIT), lambda stage, share: shares.append(share))
    # The first chunk of five took longer than that, so the others are of one series.
    assert shares == [0, *(number / 12 for number in range(5, 12))]
    monkeypatch.setattr("app.pipelines.tsfresh.extract._SECONDS", 3600.0)
    pd.testing.assert_frame_equal(fitted(series(range(1, 13)), EXPLICIT)[1], rows, check_exact=True)
