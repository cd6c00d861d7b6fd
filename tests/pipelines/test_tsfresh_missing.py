"""Series with something missing or wrong: refused by name, or filled from training."""

import json

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidData, Unacceptable
from app.pipelines.tsfresh import SeriesFeatures
from app.pipelines.tsfresh.series import raw_signals
from tests.pipelines.series import STACKED, fitted, series, stacked, wanted


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
    wide = series(signals=("a", "b"))
    features, _ = fitted(stacked(wide, ("a", "b")), **STACKED)
    with pytest.raises(InvalidData) as refused:
        features.transform(stacked(wide.rename(columns={"b": "c"}), ("a", "c")))
    assert {(fault.pointer, fault.detail) for fault in refused.value.faults} == {
        ("/raw_data/signal/b", "this signal is missing in series 7, 3, 11, 5, 2, 9"),
        ("/raw_data/signal/c", "the model was not trained with this signal"),
    }


def test_a_signal_that_only_some_series_have_is_filled_from_the_others():
    wide = series(signals=("a", "b"))
    stacks = stacked(wide, ("a", "b"))
    lacking = stacks[(stacks["id"] != 7) | (stacks["signal"] != "b")].reset_index(drop=True)
    features, rows = fitted(lacking, {"mean": None}, **STACKED)
    assert rows.loc[7, "b__mean"] == rows.loc[rows.index != 7, "b__mean"].median()
    # So may any other, whatever else is in its request.
    alone = features.transform(lacking[lacking["id"] == 7])
    assert alone.loc[7].tolist() == rows.loc[7].tolist()
    without = lacking[(lacking["id"] == 3) & (lacking["signal"] == "a")]
    assert features.transform(without).loc[3, "b__mean"] == rows.loc[7, "b__mean"]
    with pytest.raises(InvalidData, match="signals"):
        features.transform(lacking[(lacking["id"] == 3) & (lacking["signal"] == "b")])


def test_signals_that_are_called_by_numbers_are_the_same_however_these_are_written():
    stacks = stacked(series(signals=("a", "b")), ("a", "b"))
    numbered = stacks.assign(signal=stacks["signal"].map({"a": 1, "b": 2}))
    features, rows = fitted(numbered, {"mean": None}, **STACKED)
    assert list(rows.columns) == ["1__mean", "2__mean"]
    pd.testing.assert_frame_equal(features.transform(numbered.assign(signal=numbered["signal"] * 1.0)), rows)


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
    np.testing.assert_array_equal(features._imputed(raw.to_numpy())[:, 0], [*expected, 1.5])


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


def gappy():
    """Return two series with gaps at both ends and inside, out of order."""
    frame = pd.DataFrame({"id": ["b"] * 6 + ["a"] * 3, "t": [*range(6), 0, 1, 2]})
    frame["x"] = [np.nan, 1.0, np.nan, np.nan, 4.0, np.nan, 5.0, np.nan, 9.0]
    return frame.iloc[[5, 0, 3, 8, 1, 4, 2, 7, 6]].reset_index(drop=True)


@pytest.mark.parametrize(
    ("missing", "b", "a"),
    [
        ("interpolate", [1, 1, 2, 3, 4, 4], [5, 7, 9]),
        ("zero", [0, 1, 0, 0, 4, 0], [5, 0, 9]),
        ("drop", [1, 4], [5, 9]),
    ],
)
def test_missing_values_become_what_was_asked_for(missing, b, a):
    features, rows = fitted(gappy(), {"mean": None, "length": None}, missing=missing)
    assert rows["x__length"].to_dict() == {"b": len(b), "a": len(a)}
    assert rows["x__mean"].to_dict() == pytest.approx({"b": np.mean(b), "a": np.mean(a)})
    signals = raw_signals(gappy(), wanted(missing=missing))
    assert [cell.tolist() for cell in signals["x"]] == [b, a]
    read = SeriesFeatures.from_json(json.loads(json.dumps(features.as_json())))
    pd.testing.assert_frame_equal(read.transform(gappy()), rows, check_exact=True)


@pytest.mark.parametrize("missing", ["interpolate", "zero", "drop"])
def test_missing_values_of_stacked_signals_become_the_same(missing):
    wide = series(signals=("a", "b"))
    wide.loc[[3, 4, 50], "a"] = np.nan
    wide.loc[[4, 39], "b"] = np.nan
    _, rows = fitted(wide, missing=missing)
    stacks, stacked_rows = fitted(stacked(wide, ("a", "b")), **STACKED, missing=missing)
    pd.testing.assert_frame_equal(stacked_rows.sort_index()[rows.columns], rows.sort_index(), check_exact=True)
    served = stacks.transform(stacked(wide, ("b", "a")))
    pd.testing.assert_frame_equal(served.sort_index(), stacked_rows.sort_index(), check_exact=True)


@pytest.mark.parametrize("missing", ["interpolate", "drop"])
def test_a_series_without_any_value_is_refused_by_its_id(missing):
    features, _ = fitted(series(), missing=missing)
    empty = series()
    empty.loc[empty["id"] == 11, "x"] = np.nan
    for use in (lambda: fitted(empty, missing=missing), lambda: features.transform(empty)):
        with pytest.raises(InvalidData) as refused:
            use()
        assert [(fault.pointer, fault.detail) for fault in refused.value.faults] == [
            ("/raw_data/x", "no value at all in series 11")
        ]


@pytest.mark.parametrize("missing", ["interpolate", "zero", "drop"])
@pytest.mark.parametrize("column", ["id", "t"])
def test_a_missing_id_or_time_is_always_refused(column, missing):
    spoilt = series().astype({"id": "float64"})
    spoilt.loc[3, column] = np.nan
    with pytest.raises(InvalidData) as refused:
        fitted(spoilt, missing=missing)
    assert refused.value.faults[0].pointer == f"/raw_data/{column}"
