"""The series behind rows: unchanged they are the rows that were predicted."""

import numpy as np
import pandas as pd
import pytest

from app.explain.signals import behind
from app.payloads.parameters import ExtractFeatures, Forecast
from app.payloads.training import SINGLE_SERIES
from app.pipelines.tsfresh import SeriesFeatures
from app.pipelines.tsfresh.windows import WindowFeatures
from tests.pipelines.series import IDS, STACKED, series, silent, stacked

#: Features that tell of level, order and length, and one that reads the time between samples.
FEATURES = {
    "mean": None,
    "length": None,
    "last_location_of_maximum": None,
    "abs_energy": None,
    "autocorrelation": [{"lag": 2}],
}
TIMED = {**FEATURES, "linear_trend_timewise": [{"attr": "slope"}]}


def uneven(signals=("x", "y")):
    """Return series of different lengths, in an order that is not that of their time."""
    frame = series(signals=signals)
    return frame[frame["t"] < 15 + 2 * frame["id"]].sample(frac=1, random_state=0).reset_index(drop=True)


def dated(frame):
    """Return a frame whose time is dates, not evenly spaced."""
    return frame.assign(
        t=(pd.Timestamp("2024-01-01") + pd.to_timedelta(frame["t"] ** 1.5, "h")).astype("datetime64[us]")
    )


def holed(frame, columns=("x", "y")):
    """Return a frame that lacks some values, at other places of each column, the ends among them."""
    found = frame.copy()
    for number, name in enumerate(columns):
        found.loc[np.arange(len(found)) % 7 == number, name] = np.nan
    return found


def of_features(frame, parameters=FEATURES, features=True, raw=False, **named):
    """Return how rows are computed of series."""
    wanted = ExtractFeatures(**{"column_id": "id", "column_sort": "t", "default_fc_parameters": parameters, **named})
    return SeriesFeatures.fit(frame, wanted, silent, raw=raw, features=features)[0]


def lacking():
    """Return stacked series of which one lacks a signal."""
    frame = stacked(uneven(), ("x", "y"))
    return frame[(frame["id"] != IDS[1]) | (frame["signal"] != "y")].reset_index(drop=True)


CASES = {
    "wide": lambda: (uneven(), {}),
    "as they were sent": lambda: (uneven(), {"column_sort": None, "column_value": "x"}),
    "by dates": lambda: (dated(uneven()), {"parameters": TIMED}),
    "by texts": lambda: (uneven().assign(t=lambda rows: rows["t"].map("step {:03.0f}".format)), {}),
    "text ids": lambda: (uneven().assign(id=lambda rows: "s" + rows["id"].astype("str")), {}),
    "stacked": lambda: (stacked(uneven(), ("x", "y")), STACKED),
    "stacked by dates": lambda: (dated(stacked(uneven(), ("x", "y"))), {**STACKED, "parameters": TIMED}),
    "stacked, a signal lacking": lambda: (lacking(), STACKED),
    "stacked by dates, a signal lacking": lambda: (dated(lacking()), {**STACKED, "parameters": TIMED}),
    "interpolated": lambda: (holed(uneven()), {"missing": "interpolate"}),
    "dropped": lambda: (holed(dated(uneven())), {"missing": "drop", "parameters": TIMED}),
    "with zeros": lambda: (holed(uneven()), {"missing": "zero"}),
    "whole": lambda: (uneven(), {"features": False, "raw": True}),
    "whole, dropped": lambda: (holed(uneven()), {"features": False, "raw": True, "missing": "drop"}),
    "whole, a signal lacking": lambda: (lacking(), {**STACKED, "features": False, "raw": True}),
    "whole beside features": lambda: (dated(uneven()), {"raw": True, "parameters": TIMED}),
}


def assert_same(found, expected):
    """Hold computed rows against others, samples of whole series among them."""
    assert list(found.columns) == list(expected.columns)
    for name in expected.columns:
        for one, other in zip(found[name], expected[name], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_series_that_are_not_changed_have_the_same_rows(case):
    frame, named = CASES[case]()
    features = of_features(frame, **named)
    rows = features.transform(frame)
    found = behind(features, frame, rows)
    assert len(found) == len(rows)
    for place, signals in enumerate(found):
        expected = rows.iloc[[place, place]]
        assert_same(signals.rows([signals.values, signals.values]), expected)
        assert signals.start == 0


@pytest.mark.parametrize("case", ["by dates", "stacked, a signal lacking", "dropped", "whole beside features"])
def test_some_of_the_rows_in_any_order_have_their_own_series(case):
    frame, named = CASES[case]()
    features = of_features(frame, **named)
    rows = features.transform(frame).iloc[[4, 1]]
    for place, signals in enumerate(behind(features, frame, rows)):
        assert_same(signals.rows([signals.values]), rows.iloc[[place]])


def test_samples_are_in_the_order_of_their_time():
    frame = dated(uneven())
    features = of_features(frame)
    rows = features.transform(frame)
    for identity, signals in zip(rows.index, behind(features, frame, rows), strict=True):
        here = frame[frame["id"] == identity].sort_values("t")
        assert list(signals.values) == ["x", "y"]
        assert signals.values["x"].tolist() == here["x"].tolist()


def test_other_samples_give_other_rows_each_by_itself():
    frame = uneven()
    features = of_features(frame)
    (signals,) = behind(features, frame, features.transform(frame).iloc[[0]])
    changed = [signals.values | {"x": np.full(len(signals.values["x"]), number)} for number in (1.0, 5.0)]
    rows = signals.rows([*changed, signals.values])
    assert rows["x__mean"].tolist()[:2] == [1, 5]
    assert rows["y__mean"].nunique() == 1
    assert (rows["x__length"] == len(signals.values["x"])).all()


def test_many_series_keep_their_order():
    frame = uneven()
    features = of_features(frame)
    (signals,) = behind(features, frame, features.transform(frame).iloc[[2]])
    numbers = np.random.default_rng(0).permutation(120).astype("float64")
    rows = signals.rows([signals.values | {"y": signals.values["y"] * 0 + number} for number in numbers])
    assert rows["y__mean"].tolist() == numbers.tolist()


def sales(lengths=(24, 31), **more):
    """Return daily sales of shops: a week and a level."""
    parts = [
        pd.DataFrame(
            {
                "shop": f"s{number}",
                "day": pd.date_range("2025-01-01", periods=length).astype("datetime64[us]"),
                "sold": 100.0 * number + np.arange(length) % 7 + 0.1 * np.arange(length),
            }
        )
        for number, length in enumerate(lengths, start=1)
    ]
    return pd.concat(parts, ignore_index=True).assign(**more)


def of_windows(frame, window=10, horizon=3, **named):
    """Return how rows of a forecast are computed."""
    wanted = ExtractFeatures(**{"column_id": "shop", "column_sort": "day", **named})
    return WindowFeatures.fit(frame, wanted, Forecast(window=window, horizon=horizon), "sold", silent)[0]


def with_holes():
    """Return sales of which some are missing, in the last window too."""
    frame = sales()
    frame.loc[frame.index % 5 == 2, "sold"] = np.nan
    return frame


def single():
    """Return one series, which has no id of its own."""
    return sales((40,)).assign(shop=0).rename(columns={"shop": SINGLE_SERIES})


FORECASTS = {
    "dates": lambda: (sales(), {}),
    "shuffled": lambda: (sales().sample(frac=1, random_state=0), {}),
    "what else is known": lambda: (sales(price=np.random.default_rng(0).normal(size=55)), {}),
    "nothing sorts them": lambda: (sales().drop(columns="day"), {"column_sort": None}),
    "numbers sort them": lambda: (sales().assign(day=lambda rows: rows.index), {}),
    "a single series": lambda: (single(), {"column_id": SINGLE_SERIES}),
    "interpolated": lambda: (with_holes(), {"missing": "interpolate"}),
    "dropped": lambda: (with_holes(), {"missing": "drop"}),
    "with zeros": lambda: (with_holes(), {"missing": "zero"}),
}


@pytest.mark.parametrize("case", FORECASTS)
def test_each_step_of_a_forecast_has_the_same_row(case):
    frame, named = FORECASTS[case]()
    features = of_windows(frame, **named)
    rows = features.transform(frame)
    found = behind(features, frame, rows)
    assert len(found) == len(rows) == 3 * len(rows.index.unique("id"))
    for place, signals in enumerate(found):
        again = signals.rows([signals.values, signals.values])
        assert_same(again, rows.iloc[[place, place]])
        assert again["step"].tolist() == [rows.index.get_level_values("step")[place]] * 2


def test_a_forecast_is_of_the_last_samples_by_their_numbers_in_the_whole_series():
    frame = sales()
    features = of_windows(frame)
    rows = features.transform(frame)
    found = behind(features, frame, rows)
    assert [signals.start for signals in found] == [14] * 3 + [21] * 3
    assert found[0].values["sold"].tolist() == frame["sold"][14:24].tolist()


def test_other_samples_give_another_row_of_the_same_step():
    frame = sales()
    features = of_windows(frame)
    rows = features.transform(frame)
    signals = behind(features, frame, rows)[1]
    found = signals.rows([{"sold": signals.values["sold"] + number} for number in (0.0, 5.0)])
    assert found["step"].tolist() == [2, 2]
    assert found["sold__last"].diff().iloc[1] == pytest.approx(5)
    assert found["sold__mean"].diff().iloc[1] == pytest.approx(5)
