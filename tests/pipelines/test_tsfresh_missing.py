"""Series with something missing or wrong: refused by name, or filled from training."""

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidData, Unacceptable
from app.payloads.parameters import ExtractFeatures
from app.pipelines.tsfresh import SeriesFeatures

#: Ids in an order that sorting would change.
IDS = [7, 3, 11, 5, 2, 9]


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


@pytest.mark.parametrize("column", ["x", "t", "id"])
def test_a_missing_value_is_refused(column):
    features, _ = fitted(series())
    spoilt = series().astype({"id": "float64"})
    spoilt.loc[3, column] = np.nan
    for use in (lambda: fitted(spoilt), lambda: features.transform(spoilt)):
        with pytest.raises(InvalidData) as refused:
            use()
        assert [(fault.pointer, fault.detail) for fault in refused.value.faults] == [
            (f"/raw_data/{column}", "1 row(s) are empty")
        ]


def test_unknown_and_missing_signals_are_refused_by_name():
    wide, kinds = series(signals=("a", "b")), {"column_kind": "signal", "column_value": "v"}
    features, _ = fitted(stacked(wide, ("a", "b")), **kinds)
    with pytest.raises(InvalidData) as refused:
        features.transform(stacked(wide.rename(columns={"b": "c"}), ("a", "c")))
    assert {(fault.pointer, fault.detail) for fault in refused.value.faults} == {
        ("/raw_data/signal/b", "this signal is missing"),
        ("/raw_data/signal/c", "the model was not trained with this signal"),
    }


def test_a_signal_that_only_some_series_have_is_filled_from_the_others():
    wide, kinds = series(signals=("a", "b")), {"column_kind": "signal", "column_value": "v"}
    stacks = stacked(wide, ("a", "b"))
    lacking = stacks[(stacks["id"] != 7) | (stacks["signal"] != "b")].reset_index(drop=True)
    _, rows = fitted(lacking, {"mean": None}, **kinds)
    assert rows.loc[7, "b__mean"] == rows.loc[rows.index != 7, "b__mean"].median()


@pytest.mark.parametrize(
    ("imputation", "expected"),
    [
        pytest.param("tsfresh.utilities.dataframe_functions.impute", (2.0, 1.0, 5.0), id="ranges of training"),
        pytest.param("impute", (2.0, 1.0, 5.0), id="by its bare name"),
        pytest.param(None, (2.0, 1.0, 5.0), id="none named"),
        pytest.param("tsfresh.utilities.dataframe_functions.impute_dataframe_zero", (0.0, 0.0, 0.0), id="zero"),
    ],
)
def test_missing_and_infinite_features_are_filled_from_training(imputation, expected):
    frame = pd.DataFrame({"id": np.repeat([1, 2, 3], 4), "t": list(range(4)) * 3, "x": np.repeat([1.0, 2.0, 5.0], 4)})
    features, _ = fitted(frame, {"mean": None}, impute_function=imputation)
    raw = pd.DataFrame({"x__mean": [np.nan, -np.inf, np.inf, 1.5]})
    np.testing.assert_array_equal(features._imputed(raw)["x__mean"], [*expected, 1.5])


def test_a_feature_that_a_request_is_too_short_for_is_filled_from_training():
    features, rows = fitted(series(), {"autocorrelation": [{"lag": 5}], "mean": None})
    served = features.transform(series([7], length=3))
    assert served.loc[7, "x__autocorrelation__lag_5"] == rows["x__autocorrelation__lag_5"].median()


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"quantile": [{"q": "half"}]}, id="text for a number"),
        pytest.param({"quantile": [{"q": 5}]}, id="a share above 1"),
        pytest.param({"autocorrelation": [{"lag": 1.5}]}, id="half a lag"),
        pytest.param({"fft_coefficient": [{"coeff": -1, "attr": "abs"}]}, id="a negative coefficient"),
        pytest.param({"fft_coefficient": [{"coeff": 1, "attr": "beauty"}]}, id="an unknown attribute"),
        pytest.param({"agg_linear_trend": [{"slope": 1}]}, id="unknown arguments of a combiner"),
        pytest.param({"linear_trend": [{"attr": "os.system"}]}, id="an attribute that is a name of code"),
    ],
)
def test_arguments_that_only_a_calculator_can_refuse_end_in_one_of_our_errors(parameters):
    with pytest.raises(Unacceptable):
        fitted(series(), parameters)
