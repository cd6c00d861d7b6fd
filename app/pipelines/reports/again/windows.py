"""Long tables of time series into samples of a forecasting: windows of the past, and the values that came after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.pipelines.reports.again.series import features, imputed, interpolate
from app.pipelines.reports.again.tables import dates
from app.pipelines.tsfresh.cut import PLAIN, drawn, most_windows
from app.pipelines.tsfresh.seasons import last_seasons, tell_seasons

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from app.pipelines.reports.again.series import Signal

    Array = np.ndarray[Any, Any]


def samples(
    frame: pd.DataFrame,
    id_column: str | None,
    sort: str | None,
    values: list[str],
    missing: str,
    dated: bool,
    window: int,
    horizon: int,
    parameters: dict[str, Any],
    zero: bool = False,
    seed: int = 0,
) -> tuple[pd.DataFrame, Array, Array, Array]:
    """Return X, a row a window and step; the value at that step; and the positions in time of both their ends.

    Parameters
    ----------
    id_column
        None for a single series.
    values
        Columns of values, the one to forecast first.
    missing
        What becomes of missing values: refuse, interpolate, zero or drop.
    dated
        Whether the column that sorts has dates.
    parameters
        tsfresh's, of what is computed of a window.
    zero
        Whether features that are missing become 0.
    seed
        By which samples are drawn, of more than are learned from.
    """
    import numpy as np
    import pandas as pd

    # Words for a missing value are missing.
    frame = frame.assign(**{name: pd.to_numeric(frame[name], errors="coerce") for name in values})
    frame = frame.dropna(subset=values) if missing == "drop" else frame
    codes = np.zeros(len(frame), "int64") if id_column is None else pd.factorize(frame[id_column])[0]
    keys = np.zeros(len(frame)) if sort is None else frame[sort].to_numpy()
    if dated:
        keys = dates(frame[sort]).to_numpy()
    order = np.lexsort((keys, codes))
    codes, table = codes[order], frame[values].to_numpy(dtype="float64")[order]
    table = np.nan_to_num(table, nan=0.0) if missing == "zero" else table
    starts = np.searchsorted(codes, np.arange(codes.max() + 2))
    row, stops = np.arange(len(codes)), starts[codes + 1]
    # Rows that nothing sorts are counted from the newest of each series.
    positions = row - stops + np.diff(starts).max() if sort is None else np.unique(keys[order], return_inverse=True)[1]

    ends = row[(row - starts[codes] >= window - 1) & (row < stops - 1)]
    known = np.concatenate([np.zeros((1, len(values)), "int64"), (~np.isnan(table)).cumsum(axis=0)])
    whole = (known[ends + 1] > known[ends + 1 - window]).all(axis=1)
    followed = known[np.minimum(ends + 1 + horizon, stops[ends]), 0] > known[ends + 1, 0]
    ends = ends[whole & followed]
    ends = ends[np.lexsort((ends, positions[ends]))]
    most = most_windows(window, horizon, len(values))
    if len(ends) > most:
        ends = ends[np.sort(np.random.default_rng(seed).choice(len(ends), most, replace=False))]

    cut = table[ends[:, None] + np.arange(1 - window, 1)]
    for number, column in zip(*np.nonzero(np.isnan(cut).any(axis=1)), strict=True):
        interpolate(cut[number, :, column], np.arange(window))
    plain = {}
    for number, name in enumerate(values):
        plain[f"{name}__last"] = cut[:, -1, number]
        plain |= {f"{name}__lag_{lag}": cut[:, -1 - lag, number] for lag in range(1, min(window, PLAIN))}
    numbers = np.repeat(np.arange(len(ends)), window)
    found: list[Signal] = [(name, numbers, cut[:, :, number].ravel(), None) for number, name in enumerate(values)]
    computed = imputed(features(pd.RangeIndex(len(ends)), found, parameters), zero)
    every = pd.concat([pd.DataFrame(plain), computed], axis=1)

    steps = ends[:, None] + np.arange(1, horizon + 1)
    there = steps < stops[ends][:, None]
    there[there] = ~np.isnan(table[steps[there], 0])
    there = drawn(there, seed)
    place, ahead = np.nonzero(there)
    targets = steps[there]
    longest = np.argsort(-np.diff(starts), kind="stable")[:100]
    seasons = tell_seasons([table[starts[number] : starts[number + 1], 0] for number in longest], window)
    before = last_seasons(cut[:, :, 0], place, ahead + 1, seasons, values[0])
    X = every.iloc[place].assign(step=ahead + 1.0, **before).reset_index(drop=True)
    return X, table[targets, 0].copy(), positions[ends[place]], positions[targets]
