"""What tsfresh itself computes: the calculators that are no array operations, and the series that these leave."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.errors import TrainingFailed
from app.pipelines.refusals import words
from app.pipelines.tsfresh.params import FcParameters
from app.pipelines.tsfresh.series import Signal

if TYPE_CHECKING:
    import pandas as pd

    from app.pipelines.tsfresh.calculators.plan import Plan

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Rest:
    """Features of some series of a signal.

    Attributes
    ----------
    rows
        Numbers of the series.
    parameters
        What is computed of each of them.
    """

    signal: Signal
    rows: Array
    parameters: FcParameters


def fill(lefts: list[tuple[Signal, Plan, dict[str, Array], Array]], distributor: Any) -> None:
    """Compute what is left of signals.

    Parameters
    ----------
    lefts
        For each signal: what is computed of it, {calculator: the series, of bool, that it is left for}, and its
        features of shape (n_series, n_features), which are written to.
    distributor
        One of tsfresh's, or None for this process: a pool costs more than it gains, and would outlive a killed
        training.

    Raises
    ------
    TrainingFailed
    """
    rests, places = [], []
    for signal, plan, left, values in lefts:
        some = _rests(signal, plan.parameters, left)
        rests += some
        places += [(values, plan.names)] * len(some)
    for rest, frame, (values, names) in zip(rests, _compute(rests, distributor), places, strict=True):
        columns = np.array([names.index(name) for name in frame.columns], "int64")
        values[rest.rows[:, None], columns] = frame.to_numpy()


def _rests(signal: Signal, parameters: FcParameters, left: dict[str, Array]) -> list[Rest]:
    """Return the series of a signal by what is left of them."""
    names = [name for name in parameters if name in left]
    which, group = np.unique(np.column_stack([left[name] for name in names]), axis=0, return_inverse=True)
    return [
        Rest(signal, np.flatnonzero(group.ravel() == number), {name: parameters[name] for name in _where(names, some)})
        for number, some in enumerate(which)
        if some.any()
    ]


def _where(names: list[str], some: Array) -> list[str]:
    return [name for name, asked in zip(names, some, strict=True) if asked]


def _compute(rests: list[Rest], distributor: Any) -> list[pd.DataFrame]:
    """Return the features of each rest, indexed by the number of the series; columns are called `<calculator>…`."""
    import pandas as pd
    from tsfresh import extract_features

    # Rests are told apart as kinds of values: one call is one round trip to a cluster.
    frame = pd.concat([_long(str(number), rest) for number, rest in enumerate(rests)])
    with warnings.catch_warnings():
        # A calculator that a short series is too short for warns, and gives NaN, which is imputed.
        warnings.simplefilter("ignore")
        try:
            found = extract_features(
                frame,
                column_id="id",
                column_kind="kind",
                column_value="value",
                kind_to_fc_parameters={str(number): rest.parameters for number, rest in enumerate(rests)},
                default_fc_parameters={},
                disable_progressbar=True,
                n_jobs=0,
                distributor=distributor,
            )
        except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, AssertionError) as error:
            # What a calculator says of its arguments; of the series it knows numbers only.
            raise TrainingFailed(f"A feature could not be computed of these series: {words(error)}") from error
    return [_of(found, str(number), rest) for number, rest in enumerate(rests)]


def _long(kind: str, rest: Rest) -> pd.DataFrame:
    import pandas as pd

    starts, values, times = rest.signal.starts, rest.signal.values, rest.signal.times
    lengths = starts[rest.rows + 1] - starts[rest.rows]
    ids = np.repeat(rest.rows, lengths)
    places = np.arange(len(ids)) + np.repeat(starts[rest.rows] - (np.cumsum(lengths) - lengths), lengths)
    # A calculator of trends in time reads the index.
    index = None if times is None else pd.DatetimeIndex(times[places])
    columns = {"id": ids, "kind": np.full(len(ids), kind, dtype="object"), "value": values[places]}
    return pd.DataFrame(columns, index=index)


def _of(found: pd.DataFrame, kind: str, rest: Rest) -> pd.DataFrame:
    """Return the columns of a rest without its number, and its series."""
    columns = [name for name in found.columns if name.startswith(f"{kind}__")]
    return found.reindex(rest.rows)[columns].set_axis([name.partition("__")[2] for name in columns], axis=1)
