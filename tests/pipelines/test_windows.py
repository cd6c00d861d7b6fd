"""Windows of the past and the values that came after: in training, in serving, and in folds that do not leak."""

import json
import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidData
from app.payloads.parameters import ExtractFeatures, Forecast
from app.payloads.training import SINGLE_SERIES
from app.pipelines.reports.again import windows as written
from app.pipelines.tsfresh import cut
from app.pipelines.tsfresh.backtest import Order, backtest, split
from app.pipelines.tsfresh.cut import Cut
from app.pipelines.tsfresh.spacing import ahead, tell
from app.pipelines.tsfresh.windows import WindowFeatures
from tests.pipelines.series import silent

WANTED = {"column_id": "shop", "column_sort": "day"}


def sales(lengths=(12, 9), **covariates):
    """Return a series a shop whose value says where it is: 100 times its shop, plus its day."""
    parts = [
        pd.DataFrame({"shop": f"s{number}", "day": np.arange(length), "x": 100.0 * number + np.arange(length)})
        for number, length in enumerate(lengths, start=1)
    ]
    return pd.concat(parts, ignore_index=True).assign(**covariates)


def days(first, periods, frequency):
    """Return evenly spaced dates."""
    return pd.date_range(first, periods=periods, freq=frequency)


def as_dates(frame):
    """Return a frame with the days as a signature reads them."""
    return frame.assign(day=frame["day"].astype("datetime64[us]"))


def fitted(frame, window=4, horizon=2, target="x", **named):
    """Return the description, X, y and order of a forecasting."""
    wanted = ExtractFeatures(**{**WANTED, **named})
    return WindowFeatures.fit(frame, wanted, Forecast(window=window, horizon=horizon), target, silent)


def test_a_row_is_a_window_and_a_step_and_its_target_comes_that_many_rows_later():
    _, X, y, order = fitted(sales())
    np.testing.assert_array_equal(y, X["x__last"] + X["step"])
    # The last two windows of a shop have one target, or none.
    assert len(X) == (8 * 2 - 1) + (5 * 2 - 1)
    np.testing.assert_array_equal(X["x__lag_1"], X["x__last"] - 1)
    np.testing.assert_array_equal(X["x__lag_3"], X["x__last"] - 3)
    assert "x__lag_4" not in X
    np.testing.assert_allclose(X["x__mean"], X["x__last"] - 1.5)
    assert (X["x__length"] == 4).all()
    np.testing.assert_array_equal(order.ends, X["x__last"] % 100)
    np.testing.assert_array_equal(order.targets, y % 100)
    assert (np.diff(order.ends) >= 0).all()
    assert order.notes == ()


def test_windows_are_those_that_tsfresh_rolls():
    from tsfresh.utilities.dataframe_functions import roll_time_series

    frame = sales((7, 6))
    rolled = roll_time_series(
        frame, "shop", "day", max_timeshift=3, min_timeshift=3, n_jobs=0, disable_progressbar=True
    )
    expected = {shop_and_end: part["x"].tolist() for shop_and_end, part in rolled.groupby("id")}
    _, X, _, _ = fitted(frame, horizon=1)
    lags = X[["x__lag_3", "x__lag_2", "x__lag_1", "x__last"]].to_numpy().tolist()
    found = {(f"s{int(row[-1] // 100)}", int(row[-1] % 100)): row for row in lags}
    # tsfresh rolls the newest windows too, which no value follows yet.
    assert found == {key: value for key, value in expected.items() if key not in (("s1", 6), ("s2", 5))}


def test_serving_gives_each_series_its_newest_window_and_every_step():
    features, X, _, _ = fitted(sales())
    read = WindowFeatures.from_json(json.loads(json.dumps(features.as_json())))
    assert read == features == pickle.loads(pickle.dumps(features))  # noqa: S301  our own
    served = read.transform(sales().sample(frac=1, random_state=0).astype({"day": "float64"}))
    assert list(served.columns) == list(X.columns) == list(features.columns)
    assert served.index.names == ["id", "step", "time"]
    assert sorted(served.index) == [("s1", 1, 12.0), ("s1", 2, 13.0), ("s2", 1, 9.0), ("s2", 2, 10.0)]
    assert served.loc["s2"]["x__last"].tolist() == [208.0] * 2
    assert served["step"].tolist() == [1.0, 2.0] * 2


def test_serving_a_window_of_training_gives_its_row_of_training():
    features, X, _, _ = fitted(sales(z=np.random.default_rng(0).normal(size=21)))
    assert features.values == ("x", "z")
    frame = sales(z=np.random.default_rng(0).normal(size=21))
    for end in (4, 9):
        served = features.transform(frame[(frame["shop"] == "s1") & (frame["day"] < end)])
        trained = X[X["x__last"] == 100 + end - 1]
        np.testing.assert_array_equal(served.to_numpy(), trained.to_numpy())


def test_the_forecast_column_comes_first_whatever_the_order_of_columns():
    frame = sales(a__b=1.0)[["a__b", "shop", "x", "day"]]
    features, X, _, _ = fitted(frame, target="x")
    assert X.columns[0] == "x__last"
    assert "a__b__maximum" in X
    pd.testing.assert_frame_equal(
        features.transform(frame), features.transform(frame[["day", "x", "a__b", "shop"]]), check_exact=True
    )


def test_a_selection_computes_just_its_columns():
    features, _, _, _ = fitted(sales())
    chosen = features.only(["step", "x__mean", "x__last"])
    assert chosen.features.columns == ("x__mean",)
    served = chosen.transform(sales())
    pd.testing.assert_frame_equal(served, features.transform(sales())[["step", "x__mean", "x__last"]], check_exact=True)
    assert list(features.only(["step"]).transform(sales()).columns) == ["step"]


@pytest.mark.parametrize("named", [{}, {"default_fc_parameters": "MinimalFCParameters()"}], ids=["none", "minimal"])
def test_the_minimal_set_is_computed_when_none_is_named(named):
    assert "x__root_mean_square" in fitted(sales(), **named)[1]
    assert "x__quantile__q_0.1" not in fitted(sales(), **named)[1]


def test_another_set_is_computed_when_it_is_named():
    _, X, _, _ = fitted(sales(), default_fc_parameters={"quantile": [{"q": 0.5}]})
    assert list(X.columns) == ["x__last", "x__lag_1", "x__lag_2", "x__lag_3", "x__quantile__q_0.5", "step"]


def test_of_too_many_windows_some_of_all_times_are_kept_and_every_step_is_learned(monkeypatch):
    monkeypatch.setattr(cut, "ROWS", 60)
    monkeypatch.setattr(cut, "WINDOWS", 1)
    _, X, _, order = fitted(sales((40, 40, 40)))
    assert order.notes == ("The forecasting learns from 30 of 108 windows, drawn from all times.",)
    assert (np.diff(order.ends) >= 0).all()
    assert order.ends.min() < 10
    assert order.ends.max() > 31
    assert set(X["step"]) == {1.0, 2.0}
    monkeypatch.setattr(cut, "VALUES", 4)
    assert len(set(fitted(sales())[3].ends)) == 1


def test_of_a_long_horizon_many_windows_are_kept_each_with_some_of_the_steps(monkeypatch):
    monkeypatch.setattr(cut, "ROWS", 60)
    monkeypatch.setattr(cut, "WINDOWS", 50)
    _, X, _, order = fitted(sales((40, 40)), horizon=12)
    # Each window has its own last value here.
    assert len(set(X["x__last"])) > 30
    assert X["step"].value_counts().to_dict() == dict.fromkeys(np.arange(1.0, 13.0), 5)
    assert (order.targets - order.ends == X["step"]).all()


@pytest.mark.parametrize("most", [1, 50])
def test_the_windows_that_are_drawn_are_the_seeds_and_those_of_the_written_code(monkeypatch, most):
    monkeypatch.setattr(cut, "ROWS", 60)
    monkeypatch.setattr(cut, "WINDOWS", most)
    frame, forecast = sales((40, 40, 40)), Forecast(window=4, horizon=2)
    wanted = ExtractFeatures(**WANTED, default_fc_parameters={"mean": None})
    found = []
    for seed in (0, 1):
        _, X, y, order = WindowFeatures.fit(frame, wanted, forecast, "x", silent, seed=seed)
        np.testing.assert_array_equal(Cut.of(frame, wanted, forecast, "x", seed).order.ends, order.ends)
        again = written.samples(frame, "shop", "day", ["x"], "refuse", False, 4, 2, {"mean": None}, seed=seed)
        pd.testing.assert_frame_equal(again[0], X)
        for one, other in zip(again[1:], (y, order.ends, order.targets), strict=True):
            np.testing.assert_array_equal(one, other)
        found.append(y.tolist())
    assert found[0] != found[1]


def test_series_too_short_to_learn_from_are_left_out_and_counted():
    _, X, _, order = fitted(sales((12, 4, 2)))
    assert (X["x__last"] < 200).all()
    assert order.notes == ("2 series have no more than 4 values and are not learned from.",)
    with pytest.raises(InvalidData) as refused:
        fitted(sales((5, 2)))
    assert refused.value.faults[0].pointer == "/params/forecast/window"
    assert "at least 6" in refused.value.detail
    assert "longest series has 5" in refused.value.faults[0].detail


def test_each_step_is_known_after_some_window():
    _, X, _, _ = fitted(sales((6, 2)))
    assert set(X["step"]) == {1.0, 2.0}
    frame = sales((6, 2))
    frame.loc[5, "x"] = np.nan
    with pytest.raises(InvalidData, match="at least 6"):
        fitted(frame, missing="interpolate")


def test_samples_are_cut_before_features_are_computed():
    wanted, forecast = ExtractFeatures(**WANTED), Forecast(window=4, horizon=2)
    cut = Cut.of(sales(), wanted, forecast, "x", 0)
    _, X, y, order = fitted(sales())
    np.testing.assert_array_equal(cut.y, y)
    np.testing.assert_array_equal(cut.steps, X["step"])
    np.testing.assert_array_equal(cut.order.ends, order.ends)
    np.testing.assert_array_equal(cut.order.targets, order.targets)


def test_a_series_too_short_to_serve_is_refused_with_what_it_needs():
    features, _, _, _ = fitted(sales())
    with pytest.raises(InvalidData) as refused:
        features.transform(sales((3, 4, 2)))
    assert "last 4 values" in refused.value.detail
    assert [(fault.pointer, fault.detail) for fault in refused.value.faults] == [
        ("/raw_data/shop", "fewer in series s1, s3")
    ]


def test_two_rows_for_one_time_are_refused():
    features, _, _, _ = fitted(sales())
    twice = pd.concat([sales(), sales().iloc[[3, 15]]], ignore_index=True)
    for use in (lambda: fitted(twice), lambda: features.transform(twice)):
        with pytest.raises(InvalidData) as refused:
            use()
        assert [(fault.pointer, fault.detail) for fault in refused.value.faults] == [
            ("/raw_data/day", "2 row(s) come again in series s1, s2")
        ]


@pytest.mark.parametrize(
    ("values", "missing", "pointer", "detail"),
    [
        pytest.param([1.0] * 3, "refuse", "/data", "fewer", id="too short"),
        pytest.param([1.0] + [np.nan] * 4, "interpolate", "/data", "all are missing", id="an empty window"),
        pytest.param([np.nan] * 5, "interpolate", "/data/x", "no value at all", id="empty"),
        pytest.param([np.nan] * 5, "drop", "/data/x", "no value at all", id="dropped"),
        pytest.param([1.0] * 5, "refuse", "/data/day", "1 row(s) come again", id="twice"),
    ],
)
def test_what_is_wrong_with_a_single_series_does_not_name_the_column_that_it_lacks(values, missing, pointer, detail):
    def single(values, days):
        return pd.DataFrame({"day": days, "x": values, SINGLE_SERIES: 0})

    features, _, _, _ = fitted(single(np.arange(12.0), range(12)), column_id=SINGLE_SERIES, missing=missing)
    times = [0, 1, 2, 3, 3 if "again" in detail else 4][: len(values)]
    with pytest.raises(InvalidData) as refused:
        features.transform(single(values, times), "data")
    assert [(fault.pointer, fault.detail) for fault in refused.value.faults] == [(pointer, detail)]


def test_two_rows_for_one_time_may_be_of_two_series():
    one = sales().drop(columns="shop").assign(one=0)
    with pytest.raises(InvalidData, match="name the column that tells series apart as column_id"):
        Cut.of(one, ExtractFeatures(column_id="one", column_sort="day"), Forecast(window=4), "x", 0)


def test_rows_without_a_sort_column_are_steps_that_end_now():
    frame = sales((12, 9)).drop(columns="day")
    features, _, y, order = fitted(frame, column_sort=None)
    # The newest target of both shops is the newest position.
    assert set(order.targets[(y == 111) | (y == 208)]) == {11}
    assert features.transform(frame).index.names == ["id", "step"]


def test_a_gap_is_filled_from_its_own_window_only():
    frame = sales((12,))
    frame.loc[[3, 4, 8], "x"] = np.nan
    features, X, y, order = fitted(frame, missing="interpolate", default_fc_parameters={"mean": None})
    # At day 3 the latest known value is that of day 2: what came later must not be seen in it.
    assert X.loc[order.ends == 3, "x__last"].tolist() == [102.0]
    assert X.loc[order.ends == 5, "x__lag_1"].tolist() == [104.0] * 2
    # A value that is missing is no target.
    assert not {3, 4, 8} & set(order.targets)
    assert not np.isnan(y).any()
    served = features.transform(frame[frame["day"] < 9])
    assert served["x__last"].tolist() == [107.0] * 2


@pytest.mark.parametrize(("missing", "latest"), [("zero", [0.0, 102.0]), ("drop", [102.0, 101.0])])
def test_missing_values_become_what_was_asked_for(missing, latest):
    frame = sales((12,))
    frame.loc[3, "x"] = np.nan
    features, _, _, _ = fitted(frame, missing=missing)
    before = pd.DataFrame({"shop": "s1", "day": [-1], "x": [99.0]})
    served = features.transform(pd.concat([before, frame[frame["day"] < 4]]))
    assert served.iloc[0][["x__last", "x__lag_1"]].tolist() == latest


def test_missing_values_are_refused_by_default():
    frame = sales(z=np.nan)
    with pytest.raises(InvalidData) as refused:
        fitted(frame)
    assert refused.value.faults[0].pointer == "/raw_data/z"


@pytest.mark.parametrize("missing", ["interpolate", "drop"])
def test_a_window_of_nothing_cannot_be_served(missing):
    features, _, _, _ = fitted(sales(), missing=missing)
    frame = sales((12, 9))
    frame.loc[(frame["shop"] == "s2") & ((frame["day"] > 4) | (missing == "drop")), "x"] = np.nan
    with pytest.raises(InvalidData) as refused:
        features.transform(frame)
    assert "s2" in refused.value.faults[0].detail


def test_rows_dropped_for_one_column_each_leave_no_series():
    frame = sales((12, 4), z=1.0)
    frame.loc[[12, 13], "x"] = np.nan
    frame.loc[[14, 15], "z"] = np.nan
    with pytest.raises(InvalidData) as refused:
        fitted(frame, missing="drop")
    assert refused.value.faults[0].detail == "every row is dropped in series s2"


def test_uneven_times_are_noted_and_give_no_times_ahead():
    frame = sales((12,)).assign(day=lambda rows: rows["day"] ** 2)
    features, X, y, order = fitted(frame)
    np.testing.assert_array_equal(y, X["x__last"] + X["step"])
    assert order.notes == ("The times of the series are not evenly spaced; steps are counted in rows.",)
    assert features.transform(frame).index.names == ["id", "step"]


@pytest.mark.parametrize(
    ("times", "spacing", "expected"),
    [
        pytest.param([0.0, 0.1, 0.2], 0.1, [0.3, 0.4], id="numbers"),
        pytest.param([1.0, 2.0, 4.0], None, None, id="uneven numbers"),
        pytest.param(["a", "b", "c"], None, None, id="texts"),
        pytest.param([5.0], None, None, id="one"),
        pytest.param(days("2026-01-01", 2, "D"), "86400000000us", ["2026-01-03", "2026-01-04"], id="two days"),
        pytest.param(days("2026-01-31", 4, "ME"), "ME", ["2026-05-31", "2026-06-30"], id="months"),
        pytest.param(days("2026-07-01", 3, "MS"), "MS", ["2026-10-01", "2026-11-01"], id="months of 31 days"),
        pytest.param(days("2021-01-01", 3, "YS"), "YS-JAN", ["2024-01-01", "2025-01-01"], id="years of 365 days"),
        pytest.param(days("2026-01-05", 10, "B"), "B", ["2026-01-19", "2026-01-20"], id="working days"),
        pytest.param(days("2026-01-05", 3, "15min"), "15min", ["2026-01-05T00:45", "2026-01-05T01:00"], id="minutes"),
        pytest.param(pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-09"]), None, None, id="uneven dates"),
    ],
)
def test_even_times_are_told_and_go_on(times, spacing, expected):
    times = np.asarray(times)
    assert tell(times) == (pytest.approx(spacing) if isinstance(spacing, float) else spacing)
    found = ahead(times, [] if spacing is None else [spacing], 2)
    if expected is None:
        assert found is None
    elif isinstance(spacing, float):
        assert found.tolist() == pytest.approx(expected)
    else:
        assert [pd.Timestamp(time) for time in found] == [pd.Timestamp(time) for time in expected]


@pytest.mark.parametrize("window", range(1, 7))
@pytest.mark.parametrize("frequency", ["MS", "ME", "QS", "YS", "B", "BMS", "D", "W", "h"])
def test_a_few_times_go_on_as_the_whole_series_did(frequency, window):
    times = days("2020-01-01", 60, frequency).to_numpy()
    spacing = tell(times)
    for first in range(60 - window):
        (found,) = ahead(times[first : first + window], [spacing], 1)
        assert pd.Timestamp(found) == times[first + window]


def test_a_week_of_working_days_is_followed_by_a_monday():
    features, *_ = fitted(sales((40,)).assign(day=days("2026-01-05", 40, "B").strftime("%Y-%m-%d")).pipe(as_dates))
    week = sales((5,)).assign(day=days("2026-01-26", 5, "B").strftime("%Y-%m-%d")).pipe(as_dates)
    times = features.transform(week).index.get_level_values("time")
    assert times.tolist() == ["2026-02-02T00:00:00", "2026-02-03T00:00:00"]
    assert WindowFeatures.from_json(features.as_json()) == features


def test_a_series_that_is_spaced_otherwise_has_no_times_and_the_others_have():
    features, *_ = fitted(sales((40, 40)))
    frame = sales((10, 10))
    frame.loc[frame["shop"] == frame["shop"].iloc[-1], "day"] **= 2
    found = features.transform(frame).index.to_frame()
    assert found["time"].isna().tolist() == [False, False, True, True]
    assert found["time"].tolist()[:2] == [10, 11]


def test_folds_are_tested_on_what_came_later_and_learn_nothing_of_it():
    _, _, _, order = fitted(sales((60, 45)), horizon=3)
    folds = backtest(order, 5, 3)
    assert len(folds) == 5
    for train, test in folds:
        assert order.targets[train].max() < order.ends[test].min()
        # No more is left out than must be.
        assert order.targets[train].max() == order.ends[test].min() - 1
    ends = [set(order.ends[test]) for _, test in folds]
    assert sorted(set.union(*ends)) == list(range(min(map(min, ends)), order.ends.max() + 1))
    assert sum(map(len, ends)) == len(set.union(*ends))
    for (earlier, before), (later, _) in pairwise(folds):
        assert set(earlier) < set(later)
        assert order.ends[before].max() >= order.ends[later].max()


def test_of_few_times_there_are_fewer_folds_and_at_last_none():
    ends = np.arange(9)
    for horizon, expected in ((1, 5), (3, 5), (5, 3), (6, 2)):
        folds = backtest(Order(ends, ends + horizon), 5, horizon)
        assert len(folds) == expected
        assert all(len(train) and len(test) for train, test in folds)
    with pytest.raises(InvalidData) as refused:
        backtest(Order(ends[:3], ends[:3] + 1), 5, 1)
    assert refused.value.faults[0].pointer == "/params/forecast"


@pytest.mark.parametrize("horizon", [1, 3])
def test_the_last_stretch_is_held_out_and_no_fold_knows_of_it(horizon):
    _, _, _, order = fitted(sales((60, 45)), horizon=horizon)
    seen, unseen, inside = split(order, 4, horizon)
    assert len(inside) == 4
    begin = order.ends[unseen].min()
    assert order.targets[seen].max() < begin
    for train, test in inside:
        assert order.targets[seen][train].max() < order.ends[seen][test].min()
        assert not set(train) & set(test)


@pytest.mark.parametrize("times", range(1, 12))
def test_a_split_has_a_fold_or_is_refused(times):
    order = Order(np.arange(times), np.arange(times) + 1)
    if times < 5:
        with pytest.raises(InvalidData, match="too short") as refused:
            split(order, 5, 1)
        assert refused.value.faults[0].pointer == "/params/forecast"
        return
    _, _, inside = split(order, 5, 1)
    assert inside
    assert all(len(train) and len(test) for train, test in inside)
