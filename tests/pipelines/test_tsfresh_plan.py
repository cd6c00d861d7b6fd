"""What is computed by array operations and what is left to tsfresh, and what they are called."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tsfresh import extract_features
from tsfresh.feature_extraction import ComprehensiveFCParameters, MinimalFCParameters
from tsfresh.feature_extraction.settings import from_columns

from app.pipelines.tsfresh.calculators.names import parameters_of
from app.pipelines.tsfresh.calculators.plan import Plan
from app.pipelines.tsfresh.extract import compute
from tests.pipelines.series import fitted, series

ROOT = Path(__file__).parents[2]

EVERY = dict(ComprehensiveFCParameters())


def some():
    """Return series of different lengths: noise, too few samples, spikes, whole numbers, a wave, a walk."""
    draw = np.random.default_rng(0)
    noise = draw.normal(size=60)
    whole = draw.integers(-3, 4, 48).astype("float64")
    return [noise, noise[:5], np.where(noise > 1.2, 1e3, 0.1), whole, np.sin(np.arange(64) / 3), noise.cumsum()]


def run(plan, *values):
    """Run a plan on series."""
    return plan.run(np.concatenate(values), np.concatenate([[0], np.cumsum([len(one) for one in values])]))


def test_names_are_read_back_as_tsfresh_reads_them():
    names = [f"0__{name}" for name in Plan.of(EVERY).names]
    assert parameters_of(names) == from_columns(names)
    odd = ["a__quantile__q_inf", "b__range_count__max_1e12__min_-inf", 'a__linear_trend__attr_"slope"', "a__mean"]
    assert parameters_of(odd) == from_columns(odd)
    assert np.isnan(parameters_of(["a__value_count__value_nan"])["a"]["value_count"][0]["value"])


@pytest.mark.filterwarnings("ignore")  # of tsfresh's own calculators
def test_the_comprehensive_set_of_ragged_series_is_tsfreshs_in_its_order():
    lengths = [len(values) for values in some()]
    names, found = compute(some(), EVERY)
    frame = pd.DataFrame({"id": np.repeat(np.arange(len(lengths)), lengths), "x": np.concatenate(some())})
    expected = extract_features(frame, column_id="id", default_fc_parameters=EVERY, n_jobs=0, disable_progressbar=True)
    assert [f"x__{name}" for name in names if not name.startswith("linear_trend_timewise")] == list(expected.columns)
    kept = [number for number, name in enumerate(names) if not name.startswith("linear_trend_timewise")]
    np.testing.assert_allclose(found[:, kept], expected.to_numpy(), rtol=1e-9)


def test_a_series_has_the_same_features_bit_for_bit_alone_and_among_others():
    plan = Plan.of(EVERY)
    together, left = run(plan, *some())
    for number, values in enumerate(some()):
        alone, left_alone = run(plan, values)
        np.testing.assert_array_equal(alone[0], together[number])
        assert set(left_alone) == {name for name, series_left in left.items() if series_left[number]}


@pytest.mark.parametrize("odd", [[], [np.nan], [np.inf], [-np.inf], [np.inf, -np.inf], [1e200], [-1e200], [-0.0]])
@pytest.mark.parametrize("n_samples", [0, 1, 2, 7, 8, 300])
def test_of_the_minimal_set_a_series_alone_has_what_it_has_among_others(n_samples, odd):
    plan = Plan.of(dict(MinimalFCParameters()))
    values = np.concatenate([np.random.default_rng(n_samples).normal(size=n_samples), odd])
    alone, nothing = run(plan, values)
    # Beside one of the same length, and beside one of another.
    for other in (np.ones(len(values)), np.ones(len(values) + 1)):
        together, _ = run(plan, values, other)
        np.testing.assert_array_equal(alone[0], together[0])
    assert nothing == {}


def test_an_empty_series_among_others_has_no_features_and_nothing_left():
    with_an_empty_one = (np.array([1.0, 2.0, 3.0]), np.array([]), np.array([5.0]))
    found, left = run(
        Plan.of({"mean": None, "median": None, "c3": [{"lag": 1}], "matrix_profile": None}), *with_an_empty_one
    )
    np.testing.assert_array_equal(found[:, :3], [[2.0, 2.0, 6.0], [np.nan] * 3, [5.0, 5.0, 0.0]])
    assert left["matrix_profile"].tolist() == [True, False, True]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200, 1e-200])
def test_values_that_overflow_or_vanish_in_powers_are_left_but_by_the_minimal_set(value):
    values = np.full(20, value)
    found, left = run(Plan.of({"mean": None, "abs_energy": None, "sample_entropy": None}), np.ones(20), values)
    assert set(left) == {"abs_energy", "sample_entropy"}
    assert {tuple(series_left) for series_left in left.values()} == {(False, True)}
    np.testing.assert_allclose(found[:, 0], [1.0, np.mean(values)])


@pytest.mark.parametrize(
    ("calculator", "params"),
    [
        ("quantile", [{"q": 0.5}, {"q": 5}]),
        ("quantile", [{"q": "half"}]),
        ("autocorrelation", [{"lag": 1.5}]),
        ("autocorrelation", [{"lag": True}]),
        ("fft_coefficient", [{"coeff": -1, "attr": "abs"}]),
        ("energy_ratio_by_chunks", [{"num_segments": 3, "segment_focus": 3}]),
        ("cwt_coefficients", [{"widths": (2, 5), "coeff": 1, "w": 3}]),
        ("change_quantiles", [{"ql": 0.0, "qh": 0.5, "isabs": True, "f_agg": "median"}]),
        ("augmented_dickey_fuller", [{"attr": "pvalue", "autolag": "BIC"}]),
        ("linear_trend", [{"attr": "slope", "more": 1}]),
        ("linear_trend", None),
        ("mean", [{"of": 1}]),
        ("query_similarity_count", [{"query": [1, 2, 3], "threshold": 0.0}]),
        ("matrix_profile", [{"threshold": 0.98, "feature": "min"}]),
    ],
)
def test_arguments_that_no_array_operation_knows_are_left_to_tsfresh(calculator, params):
    plan = Plan.of({"median": None, calculator: params})
    assert plan.left == {calculator: params}


def test_what_is_left_has_the_names_of_tsfresh_beside_what_is_not():
    more = {"mean": None, "linear_trend": [{"attr": "slope", "more": 1}], "maximum": None}
    names, found = compute(some(), more)
    assert names == ("mean", 'linear_trend__attr_"slope"', "maximum")
    slopes = compute(some(), {"linear_trend": [{"attr": "slope"}]})[1]
    for values, row, slope in zip(some(), found, slopes, strict=True):
        assert row.tolist() == [values.mean(), *slope, values.max()]


#: Computes features of series from a manifest given on stdin, and prints which libraries that has loaded.
SERVE = """
import json, sys
import numpy as np, pandas as pd
from app.pipelines.tsfresh import SeriesFeatures
features = SeriesFeatures.from_json(json.load(sys.stdin))
values = np.random.default_rng(0).normal(size=120)
frame = pd.DataFrame({"id": np.repeat([1, 2], 60), "t": [*range(60)] * 2, "x": values})
assert np.isfinite(features.transform(frame).to_numpy()).all()
print(sorted({"tsfresh", "sklearn", "statsmodels", "stumpy", "scipy.stats", "scipy"} & set(sys.modules)))
"""


@pytest.mark.parametrize(("wanted", "loaded"), [("MinimalFCParameters()", []), ("EfficientFCParameters()", ["scipy"])])
def test_serving_loads_neither_tsfresh_nor_what_it_loads(wanted, loaded):
    described = fitted(series(length=60), wanted)[0].as_json()
    process = subprocess.run(
        [sys.executable, "-c", SERVE],
        input=json.dumps(described),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout == f"{loaded}\n"
