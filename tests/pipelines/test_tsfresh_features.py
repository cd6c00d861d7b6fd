"""Features of long time series: the same in serving as in training, one series at a time or many."""

import json

import numpy as np
import pandas as pd
import pytest

from app.payloads.parameters import ExtractFeatures
from app.pipelines.tsfresh import SeriesFeatures

#: Ids in an order that sorting would change.
IDS = [7, 3, 11, 5, 2, 9]

EXPLICIT = {"mean": None, "quantile": [{"q": 0.1}, {"q": 0.9}], "fft_coefficient": [{"coeff": 1, "attr": "abs"}]}


def silent(*args, **named):
    """Take a report and do nothing with it."""


def series(ids=IDS, length=40, signals=("x",)):
    """Return long series, a noisy wave an id."""
    parts = []
    for name in ids:
        generator = np.random.default_rng(name)
        time = np.arange(float(length))
        columns = {
            signal: np.sin(time / (number + name)) + generator.normal(size=length) / 5
            for number, signal in enumerate(signals)
        }
        parts.append(pd.DataFrame({"id": name, "t": time, **columns}))
    return pd.concat(parts, ignore_index=True)


def stacked(wide, signals):
    """Return wide series as a row a value."""
    return wide.melt(["id", "t"], list(signals), "signal", "v").sort_values("t", kind="stable", ignore_index=True)


def wanted(parameters="MinimalFCParameters()", **named):
    """Return the parameters of an extraction."""
    return ExtractFeatures(**{"column_id": "id", "column_sort": "t", "default_fc_parameters": parameters, **named})


def fitted(frame, parameters="MinimalFCParameters()", **named):
    """Return the features of training series and their rows."""
    return SeriesFeatures.fit(frame, wanted(parameters, **named), silent)


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
    assert [stage for stage, _ in reports] == ["features"] * 3
    assert [share for _, share in reports] == [0, 50 / 120, 100 / 120]
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
    kinds = {"column_kind": "signal", "column_value": "v"}
    of_stacks, stacked_rows = fitted(stacks, EXPLICIT, **kinds)
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
