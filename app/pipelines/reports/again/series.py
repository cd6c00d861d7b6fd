"""Long tables of time series into rows: tsfresh's features, and the series themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.pipelines.reports.again.tables import dates
from app.pipelines.tsfresh.series import kind_names

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]
    #: Name, the number of each value's series, the values, and their times where these are dates.
    Signal = tuple[str, Array, Array, Array | None]


def signals(
    frame: pd.DataFrame,
    id_column: str,
    sort: str | None,
    kind: str | None,
    values: list[str],
    missing: str,
    dated: bool = False,
) -> tuple[pd.Index, list[Signal]]:
    """Return the ids in the order in which they first occur, and the signals, sorted by series and time.

    Parameters
    ----------
    kind
        Column that names the signal of a row, where they are stacked in a single column of values.
    missing
        What becomes of missing values: refuse, interpolate, zero or drop.
    dated
        Whether the column that sorts has dates.
    """
    import numpy as np
    import pandas as pd

    codes, ids = pd.factorize(frame[id_column])
    keys = np.zeros(len(frame)) if sort is None else frame[sort].to_numpy()
    if dated:
        keys = dates(frame[sort]).to_numpy()
    order = np.lexsort((keys, codes))
    named = None if kind is None else kind_names(frame[kind])
    kinds = None if named is None else named.to_numpy()[order]
    found = []
    for name in values if named is None else named.unique():
        known = np.ones(len(frame), dtype="bool") if kinds is None else kinds == name
        # Words for a missing value are missing.
        column = pd.to_numeric(frame[name if kinds is None else values[0]], errors="coerce")
        numbers = column.to_numpy(dtype="float64")[order][known].copy()
        series, times = codes[order][known], keys[order][known] if dated else None
        empty = np.isnan(numbers)
        if missing == "zero":
            numbers[empty] = 0.0
        elif missing == "drop":
            series, numbers, times = series[~empty], numbers[~empty], None if times is None else times[~empty]
        elif missing == "interpolate":
            for number in np.unique(series[empty]):
                interpolate(numbers, np.flatnonzero(series == number))
        found.append((str(name), series, numbers, times))
    return pd.Index(ids), found


def interpolate(numbers: Array, places: Array) -> None:
    """Fill the missing values of one series in place; the ends take the nearest value."""
    import numpy as np

    empty = np.isnan(numbers[places])
    numbers[places[empty]] = np.interp(places[empty], places[~empty], numbers[places[~empty]])


def features(ids: pd.Index, found: list[Signal], parameters: dict[str, Any]) -> pd.DataFrame:
    """Compute tsfresh's features, a row a series; those that no series has are left out.

    Parameters
    ----------
    parameters
        {calculator: None or [its arguments, …]}.
    """
    import warnings

    import pandas as pd
    from tsfresh import extract_features

    # Signals are numbered, as a name may hold what tsfresh puts between names.
    long = pd.concat(
        [
            pd.DataFrame(
                {"id": series, "kind": str(number), "value": values},
                index=None if times is None else pd.DatetimeIndex(times),
            )
            for number, (_, series, values, times) in enumerate(found)
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        computed = extract_features(
            long,
            column_id="id",
            column_kind="kind",
            column_value="value",
            kind_to_fc_parameters={str(number): dict(parameters) for number in range(len(found))},
            default_fc_parameters={},
            disable_progressbar=True,
            n_jobs=0,
        )
    computed = computed.reindex(range(len(ids))).set_axis(ids)
    computed = computed.loc[:, computed.notna().any()]
    return computed.rename(columns=lambda name: f"{found[int(name.partition('__')[0])][0]}__{name.partition('__')[2]}")


def imputed(computed: pd.DataFrame, zero: bool = False) -> pd.DataFrame:
    """Fill missing and infinite features: with the column's median, least and greatest value, or with 0."""
    import numpy as np

    if zero:
        return computed.where(np.isfinite(computed), 0.0)
    finite = computed.replace([np.inf, -np.inf], np.nan)
    replaced = computed.replace(np.inf, finite.max().fillna(0.0)).replace(-np.inf, finite.min().fillna(0.0))
    return replaced.fillna(finite.median().fillna(0.0))


def raw(ids: pd.Index, found: list[Signal]) -> pd.DataFrame:
    """Return the series themselves, a column a signal, of arrays."""
    import numpy as np
    import pandas as pd

    def cells(series: Array, values: Array) -> Array:
        one = np.empty(len(ids), dtype="object")
        for number in range(len(ids)):
            one[number] = values[series == number] if (series == number).any() else np.zeros(1)
        return one

    return pd.DataFrame({name: cells(series, values) for name, series, values, _ in found}, index=ids)
