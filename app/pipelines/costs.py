"""What work costs, estimated before it is begun: what is more than there is time for is refused, and not tried.

A thread cannot be ended, and a calculator of one series does not look at the time: a series of a million samples would
hold its thread for hours. Seconds are those of one core as the benchmarks have it, measured; they are meant to tell
seconds from hours, and are within a few times of what is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from app import deadline
from app.errors import TooCostly
from app.payloads.parameters import Task

if TYPE_CHECKING:
    import numpy as np

    from app.payloads.training import Training
    from app.pipelines.tsfresh.params import FcParameters

    Array = np.ndarray[Any, Any]

#: Seconds a sample and feature, of calculators that are in no row below.
_USUAL = 1e-8

#: Seconds a sample and feature of those that look at each sample often.
_LINEAR = {
    "agg_autocorrelation": 6e-8,
    "ar_coefficient": 3e-7,
    "augmented_dickey_fuller": 6e-6,
    "friedrich_coefficients": 1e-7,
    "lempel_ziv_complexity": 2e-7,
    "linear_trend_timewise": 1e-7,
    "max_langevin_fixed_point": 6e-7,
    "number_peaks": 5e-8,
    "permutation_entropy": 1e-7,
}

#: Seconds a feature and pair of samples, of those that compare each with each.
_PAIRS = {
    "approximate_entropy": 2.5e-9,
    "matrix_profile": 1e-8,
    "number_cwt_peaks": 2.5e-10,
    "query_similarity_count": 1e-9,
    "sample_entropy": 6.5e-9,
}


def of_features(wanted: FcParameters, lengths: Array) -> float:
    """Return the seconds that the features of a signal take.

    Parameters
    ----------
    wanted
        {calculator: None, or a list of its arguments}.
    lengths
        Samples of each series, shape (n_series,).
    """
    samples, pairs = float(lengths.sum()), float((lengths.astype("float64") ** 2).sum())
    return sum(
        max(1, len(arguments or ())) * (_LINEAR.get(name, _USUAL) * samples + _PAIRS.get(name, 0.0) * pairs)
        for name, arguments in wanted.items()
    )


def require(seconds: float, budget: float, what: str, instead: str) -> None:
    """Refuse work that takes longer than there is time for.

    Parameters
    ----------
    what
        Takes the time, as the begin of a sentence.
    instead
        What to ask for instead.

    Raises
    ------
    TooCostly
    """
    if seconds > budget:
        raise TooCostly(what, seconds, budget, instead)


def require_features(signals: Iterable[tuple[FcParameters, Array]]) -> None:
    """Refuse features that take longer than a request has; a job may take what its own limit says.

    Parameters
    ----------
    signals
        For each what is computed of it, and the samples of each of its series.

    Raises
    ------
    TooCostly
    """
    left = deadline.left()
    if math.isinf(left):
        return
    seconds = sum(of_features(wanted, lengths) for wanted, lengths in signals)
    require(seconds, left, "The features of these series", "Send shorter or fewer series, or ask for a job.")


def require_training(training: Training, seconds: float, y: Array) -> None:
    """Refuse features of a training that alone take longer than all of it may.

    Parameters
    ----------
    seconds
        Wall time that the training may take.
    y
        What is learned; of a forecast a value for each window that is cut of the series.

    Raises
    ------
    TooCostly
    """
    import numpy as np

    from app.pipelines.tsfresh import params
    from app.pipelines.tsfresh.series import signals_of

    wanted, forecast = training.parameters.extract_features, training.parameters.forecast
    if wanted is None:
        return
    n_signals = len(signals_of(training.frame, wanted))
    if training.task is Task.FORECASTING:
        assert forecast is not None
        wanted = params.of_windows(wanted)
        lengths = np.full(len(y), forecast.window)
    else:
        lengths = training.frame.groupby(wanted.column_id).size().to_numpy()
        # Where a column names the signal of a row, the rows of a series are those of all of them.
        lengths = lengths // n_signals if wanted.column_kind is not None else lengths
    needed = n_signals * of_features(params.fc_parameters(wanted.default_fc_parameters), lengths)
    instead = "Raise limits.seconds, send shorter or fewer series, or name fewer default_fc_parameters."
    require(needed, seconds, "The features of these series", instead)
