"""Seasons are told of series that have some, and of no others; what was there a season before is a feature."""

import numpy as np
import pandas as pd
import pytest

from app.payloads.parameters import ExtractFeatures, Forecast
from app.pipelines.tsfresh.seasons import last_seasons, tell_seasons
from app.pipelines.tsfresh.windows import WindowFeatures
from tests.pipelines.series import silent

ROWS = np.arange(600)


def noise(seed=0, scale=1.0):
    return np.random.default_rng(seed).normal(0, scale, len(ROWS))


@pytest.mark.parametrize("season", [2, 3, 7, 12, 24, 52])
@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_a_season_is_told_whatever_the_slope(season, slope):
    pattern = np.random.default_rng(season).permutation(season)
    values = pattern[ROWS % season] * 3.0 + slope * ROWS + noise()
    assert tell_seasons([values], 60) == (season,)
    # It is not looked for beyond what a window holds.
    assert season not in tell_seasons([values], season - 1)


def test_a_smooth_season_is_told():
    assert tell_seasons([10 + 5 * np.sin(ROWS * 2 * np.pi / 24) + noise(scale=0.3)], 72) == (24,)


def test_a_longer_season_that_tells_more_is_told_too():
    days, weeks = np.random.default_rng(1).normal(size=24), np.random.default_rng(2).normal(size=7)
    hours = np.arange(24 * 7 * 12)
    values = days[hours % 24] + 3 * weeks[hours // 24 % 7] + np.random.default_rng(0).normal(0, 0.1, len(hours))
    assert tell_seasons([values], 200) == (168,) or tell_seasons([values], 200) == (24, 168)


@pytest.mark.parametrize(
    "values",
    [noise(), noise().cumsum(), ROWS * 1.0, np.zeros(600), np.full(600, np.nan), np.array([]), np.array([1.0, 2.0])],
    ids=["noise", "a walk", "a line", "a constant", "nothing known", "nothing", "two"],
)
def test_series_without_a_season_have_none(values):
    assert tell_seasons([values], 30) == ()


def test_many_series_are_told_together_and_holes_do_no_harm():
    series = [np.where(noise(seed) > 1.5, np.nan, ROWS % 7 + noise(seed + 50)) for seed in range(8)]
    assert tell_seasons(series, 28) == (7,)


def test_the_value_a_season_before_is_that_of_the_nearest_season_in_the_window():
    windows = np.arange(20.0).reshape(2, 10)
    found = last_seasons(windows, np.array([0, 0, 0, 1, 1]), np.array([1, 4, 5, 1, 9]), (4,), "x")
    # Rows are numbered on, and the target of step 1 after the first window would be 10.
    assert found == {"x__season_4": pytest.approx([6, 9, 6, 16, 16])}


def test_a_forecast_of_a_day_ahead_knows_what_was_a_day_before():
    frame = pd.DataFrame({"shop": "a", "hour": ROWS, "x": np.sin(ROWS * 2 * np.pi / 24)})
    wanted = ExtractFeatures(column_id="shop", column_sort="hour", default_fc_parameters={"mean": None})
    features, X, y, _ = WindowFeatures.fit(frame, wanted, Forecast(window=48, horizon=24), "x", silent)
    assert features.seasons == (24,)
    np.testing.assert_allclose(X["x__season_24"], y, atol=1e-9)
    served = features.transform(frame)
    np.testing.assert_allclose(served["x__season_24"], np.sin(np.arange(600, 624) * 2 * np.pi / 24), atol=1e-9)
    assert WindowFeatures.from_json(features.as_json()) == features
