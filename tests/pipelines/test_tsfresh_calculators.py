"""tsfresh's calculators as array operations: the same names and the same values as tsfresh's own."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tsfresh.feature_extraction import ComprehensiveFCParameters, feature_calculators
from tsfresh.utilities.string_manipulation import convert_to_output_format

from app.pipelines.tsfresh.calculators.plan import Plan
from app.pipelines.tsfresh.calculators.table import CALCULATORS, LEFT

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.filterwarnings("ignore")  # of tsfresh's own calculators, about short and constant series

EVERY = dict(ComprehensiveFCParameters())

#: Relative differences: none, where a value is a sum, a count or one of the values; a tolerance where a logarithm, a
#: transform or linear algebra is in it, which another processor may round otherwise.
EXACT, CLOSE = 0.0, 1e-9


@cache
def kinds():
    """Return {kind: series}: what calculators are tried on."""
    draw = np.random.default_rng(0)
    noise = draw.normal(size=60)
    waves = json.loads((ROOT / "data" / "data_test.json").read_text())
    return {
        "random": noise,
        "walk": noise.cumsum(),
        "longer than a segment of Welch's": draw.normal(size=270).cumsum(),
        "one sample": np.array([2.5]),
        "two samples": np.array([1.0, -2.0]),
        "three samples": np.array([0.5, 0.5, 3.0]),
        "five samples": noise[:5],
        "zeros": np.zeros(30),
        "constant": np.full(50, 0.1),
        "constant but for last digits": 0.1 + np.where(noise > 0.5, 1.4e-17, 0),
        "whole numbers": draw.integers(-3, 4, 48).astype("float64"),
        "ties": np.round(noise, 1),
        "spikes": np.where(noise > 1.2, 1e3 * noise, 0.1),
        "far from zero": 1e9 + noise,
        "tiny": 1e-10 * noise,
        "negative": -np.abs(noise) - 5,
        "straight": 1 + 0.3 * np.arange(40),
        "to and fro": np.tile([1.0, -1.0], 25),
        "a sine": np.sin(np.arange(64) / 3),
        "heavy tails": np.exp(3 * noise),
        "of a smartwatch": real(waves),
    }


def real(waves):
    """Return the first series of the tests of the service."""
    frame = pd.DataFrame(waves)
    value = next(name for name in frame.columns if name not in ("example_id", "time"))
    first = frame[frame["example_id"] == frame["example_id"].iloc[0]]
    return first[value].to_numpy("float64")


@dataclass(frozen=True)
class Row:
    """How a calculator agrees with tsfresh's.

    Attributes
    ----------
    rtol
        Greatest relative difference.
    left
        Kinds of series that are left to tsfresh: it refuses one sample, or bins that are too narrow.
    params
        Its arguments, where they are not those of tsfresh's comprehensive set.
    """

    calculator: str
    rtol: float
    left: tuple[str, ...] = ()
    params: list[dict] | None = None

    @property
    def asked(self):
        return EVERY[self.calculator] if self.params is None else self.params


TABLE = [
    Row("sum_values", EXACT),
    Row("median", EXACT),
    Row("mean", EXACT),
    Row("length", EXACT),
    Row("standard_deviation", EXACT),
    Row("variance", EXACT),
    Row("root_mean_square", EXACT),
    Row("maximum", EXACT),
    Row("absolute_maximum", EXACT),
    Row("minimum", EXACT),
    Row("abs_energy", CLOSE),
    Row("variance_larger_than_standard_deviation", EXACT),
    Row("variation_coefficient", EXACT),
    Row("large_standard_deviation", EXACT),
    Row("symmetry_looking", EXACT),
    Row("first_location_of_maximum", EXACT),
    Row("first_location_of_minimum", EXACT),
    Row("last_location_of_maximum", EXACT),
    Row("last_location_of_minimum", EXACT),
    Row("mean_n_absolute_max", EXACT),
    Row("quantile", EXACT),
    Row("index_mass_quantile", EXACT),
    Row("energy_ratio_by_chunks", EXACT),
    Row("skewness", CLOSE),
    Row("kurtosis", CLOSE),
    Row("count_above_mean", EXACT),
    Row("count_below_mean", EXACT),
    Row("longest_strike_above_mean", EXACT),
    Row("longest_strike_below_mean", EXACT),
    Row("count_above", EXACT),
    Row("count_below", EXACT),
    Row("value_count", EXACT),
    Row("range_count", EXACT),
    Row("ratio_beyond_r_sigma", EXACT),
    Row("number_crossing_m", EXACT),
    Row("has_duplicate", EXACT),
    Row("has_duplicate_max", EXACT),
    Row("has_duplicate_min", EXACT),
    Row("ratio_value_number_to_time_series_length", EXACT),
    Row("percentage_of_reoccurring_values_to_all_values", EXACT),
    Row("percentage_of_reoccurring_datapoints_to_all_datapoints", EXACT),
    Row("sum_of_reoccurring_values", EXACT),
    Row("sum_of_reoccurring_data_points", EXACT),
    Row("benford_correlation", CLOSE),
    Row("absolute_sum_of_changes", EXACT),
    Row("mean_abs_change", EXACT),
    Row("mean_change", EXACT),
    Row("mean_second_derivative_central", EXACT),
    Row("cid_ce", CLOSE),
    Row("time_reversal_asymmetry_statistic", EXACT),
    Row("c3", EXACT),
    Row("change_quantiles", EXACT),
    Row("linear_trend", CLOSE, left=("one sample",)),
    Row("linear_trend_timewise", CLOSE, left=("one sample",)),
    Row("agg_linear_trend", CLOSE),
    Row("fft_coefficient", CLOSE),
    Row("fft_aggregated", CLOSE),
    Row("spkt_welch_density", CLOSE),
    Row("cwt_coefficients", CLOSE),
    Row("binned_entropy", CLOSE, left=("constant but for last digits",)),
    Row("fourier_entropy", CLOSE),
    Row("permutation_entropy", CLOSE),
    Row("lempel_ziv_complexity", EXACT),
    Row("sample_entropy", CLOSE),
    Row("approximate_entropy", CLOSE),
    Row("autocorrelation", CLOSE),
    Row("agg_autocorrelation", CLOSE),
    Row("partial_autocorrelation", CLOSE),
    Row("ar_coefficient", CLOSE),
    Row("augmented_dickey_fuller", CLOSE),
    Row("friedrich_coefficients", CLOSE, left=("one sample",)),
    Row("max_langevin_fixed_point", CLOSE, left=("one sample",)),
    Row("number_peaks", EXACT),
    Row("number_cwt_peaks", EXACT),
    Row("query_similarity_count", EXACT),
    # Other arguments than those of tsfresh's own sets.
    Row("quantile", EXACT, params=[{"q": 0.0}, {"q": 0.55}, {"q": 1}]),
    Row(
        "change_quantiles",
        EXACT,
        params=[
            {"ql": 0.3, "qh": 0.3, "isabs": True, "f_agg": "var"},
            {"ql": 0.05, "qh": 0.95, "isabs": False, "f_agg": "mean"},
        ],
    ),
    Row(
        "agg_linear_trend",
        CLOSE,
        params=[
            {"attr": "pvalue", "chunk_len": 1, "f_agg": "mean"},
            {"attr": "intercept_stderr", "chunk_len": 7, "f_agg": "max"},
        ],
    ),
    Row("ar_coefficient", CLOSE, params=[{"coeff": coefficient, "k": 2} for coefficient in range(4)]),
    Row("cwt_coefficients", CLOSE, params=[{"widths": (3, 7), "coeff": 20, "w": 7}]),
    Row(
        "friedrich_coefficients",
        CLOSE,
        left=("one sample",),
        params=[{"coeff": 2, "m": 1, "r": 5}, {"coeff": 0, "m": 1, "r": 5}],
    ),
    Row("energy_ratio_by_chunks", EXACT, params=[{"num_segments": 7, "segment_focus": 6}]),
    Row("permutation_entropy", CLOSE, params=[{"tau": 3, "dimension": 4}]),
    Row("approximate_entropy", CLOSE, params=[{"m": 1, "r": 0.2}, {"m": 3, "r": 0}]),
    Row("agg_autocorrelation", CLOSE, params=[{"f_agg": "mean", "maxlag": 3}, {"f_agg": "var", "maxlag": 9}]),
    Row("number_cwt_peaks", EXACT, params=[{"n": 2}, {"n": 13}]),
    Row("augmented_dickey_fuller", CLOSE, params=[{"attr": "usedlag", "autolag": "AIC"}]),
]


def of_tsfresh(calculator, params, values):
    """Return {name: value} of tsfresh's own calculator, or the error that it ends in."""
    function = getattr(feature_calculators, calculator)
    x = pd.Series(values) if getattr(function, "input", None) == "pd.Series" else values.copy()
    if hasattr(function, "index_type"):
        x.index = dates(len(x))
    if function.fctype == "combiner":
        return {f"{calculator}__{name}": float(value) for name, value in function(x, param=params)}
    if params is None:
        return {calculator: float(function(x))}
    return {f"{calculator}__{convert_to_output_format(entry)}": float(function(x, **entry)) for entry in params}


def dates(n):
    """Return times that are not evenly spaced."""
    return pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(n) ** 2, unit="min")


def run(plan, *values):
    """Run a plan on series."""
    starts = np.concatenate([[0], np.cumsum([len(one) for one in values])])
    times = np.concatenate([dates(len(one)).to_numpy() for one in values])
    return plan.run(np.concatenate(values), starts, times)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.calculator)
def test_an_array_operation_has_the_values_of_tsfresh(row):
    plan = Plan.of({row.calculator: row.asked})
    assert plan.left == {}
    for kind, values in kinds().items():
        found, left = run(plan, values)
        assert (row.calculator in left) == (kind in row.left), kind
        if kind in row.left:
            continue
        expected = of_tsfresh(row.calculator, row.asked, values)
        assert list(plan.names) == list(expected)
        np.testing.assert_allclose(found[0], list(expected.values()), rtol=row.rtol, atol=0, err_msg=kind)


def test_autocovariances_of_a_long_series_are_those_of_fourier_transforms():
    values = np.random.default_rng(1).normal(size=1300).cumsum()
    for calculator in ("agg_autocorrelation", "partial_autocorrelation"):
        found, _ = run(Plan.of({calculator: EVERY[calculator]}), values)
        expected = of_tsfresh(calculator, EVERY[calculator], values)
        np.testing.assert_allclose(found[0], list(expected.values()), rtol=CLOSE)


def test_every_calculator_of_tsfresh_is_an_array_operation_or_left_with_a_reason():
    known = {name for name, member in vars(feature_calculators).items() if hasattr(member, "fctype")}
    assert set(CALCULATORS) | set(LEFT) == known
    assert not set(CALCULATORS) & set(LEFT)
    assert {row.calculator for row in TABLE} == set(CALCULATORS)
    assert Plan.of(EVERY).left == {}
