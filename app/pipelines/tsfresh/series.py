"""Long tables of time series: which signals they hold, whether these are whole, and their values in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from app.errors import Fault, InvalidData, at, listed
from app.payloads.parameters import ExtractFeatures, Missing
from app.payloads.straight import Straight
from app.payloads.training import SINGLE_SERIES

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from app.pipelines.tsfresh.features import SeriesFeatures

    Array = np.ndarray[Any, Any]
    Columns: TypeAlias = ExtractFeatures | SeriesFeatures


@dataclass(frozen=True)
class Signal:
    """One signal of n_series series.

    Attributes
    ----------
    values
        Array of shape (n_rows,), float64: the first series in its order, then the second, …
    starts
        Array of shape (n_series + 1,): where each series begins in `values`, and the end. A series may be empty.
    times
        Array of shape (n_rows,), datetime64; None when the series are not sorted by dates.
    """

    values: Array
    starts: Array
    times: Array | None

    def cells(self) -> Array:
        """Return an array of shape (n_series,) of arrays, one a series.

        A series that lacks this signal is the single value 0: no model of raw series takes an empty one.
        """
        import numpy as np

        cells = np.empty(len(self.starts) - 1, dtype="object")
        for number, (start, stop) in enumerate(zip(self.starts[:-1], self.starts[1:], strict=True)):
            cells[number] = self.values[start:stop].copy() if stop > start else np.zeros(1)
        return cells


@dataclass(frozen=True)
class Series:
    """Series in the order in which their ids first occur, a value in every place."""

    ids: pd.Index
    signals: dict[str, Signal]

    def raw(self, names: list[str]) -> pd.DataFrame:
        """Return a DataFrame of shape (n_series, len(names)), indexed by id, of arrays of shape (n_samples,)."""
        import pandas as pd

        return pd.DataFrame({name: self.signals[name].cells() for name in names}, index=self.ids)

    def lacking(self, name: str) -> pd.Index:
        """Return the ids of the series that do not have a signal."""
        import numpy as np

        return self.ids[np.diff(self.signals[name].starts) == 0]


def raw_signals(frame: pd.DataFrame, settings: Columns, part: str = "raw_data") -> pd.DataFrame:
    """Return the series themselves, for models that read them.

    Returns
    -------
    DataFrame of shape (n_series, n_signals), indexed by id in the order in which the ids first occur. A cell is a
    float64 array of shape (n_samples,) in the order of `column_sort`; that of a series without the signal is [0.0].

    Raises
    ------
    InvalidData
    """
    names = signals_of(frame, settings, part)
    return tidy(frame, settings, names).raw(names)


def signals_of(frame: pd.DataFrame, settings: Columns, part: str = "raw_data") -> list[str]:
    """Name the signals of a frame, whose values must be there, or be such that `missing` can fill or drop them.

    Raises
    ------
    InvalidData
    """
    values = value_columns(frame, settings)
    named = [name for name in (settings.column_id, settings.column_sort, settings.column_kind) if name]
    whole = [*values, *named] if settings.missing == Missing.REFUSE else named
    empty = [name for name in whole if frame[name].isna().any()]
    if empty:
        raise InvalidData(
            "A time series must have a value in every row.",
            [Fault(at(part, name), f"{int(frame[name].isna().sum())} row(s) are empty") for name in empty],
        )
    if settings.missing in (Missing.INTERPOLATE, Missing.DROP):
        _refuse_empty_series(frame, settings, values, part)
    if settings.column_kind:
        return list(kind_names(frame[settings.column_kind]).unique())
    return [str(name) for name in values]


def kind_names(kinds: pd.Series) -> pd.Series:
    """Return the names of signals as text; a whole number without a point, however it came."""
    whole = kinds.dtype.kind == "f" and bool((kinds == kinds.round()).all())
    return (kinds.astype("int64") if whole else kinds).astype("str")


def value_columns(frame: pd.DataFrame, settings: Columns) -> list[str]:
    """Name the columns that hold values."""
    if settings.column_value:
        return [settings.column_value]
    named = (settings.column_id, settings.column_sort, settings.column_kind)
    return [name for name in frame.columns if name not in named]


def _refuse_empty_series(frame: pd.DataFrame, settings: Columns, values: list[str], part: str) -> None:
    keys = [frame[name] for name in (settings.column_id, settings.column_kind) if name]
    faults = []
    for name in values:
        known = frame[name].notna()
        if known.all():
            continue
        any_known = known.groupby(keys, sort=False).any()
        lost = any_known.index[~any_known].get_level_values(0).unique()
        if len(lost):
            faults.append(Fault(at(part, name), f"no value at all{in_series(settings.column_id, lost)}"))
    if faults:
        raise InvalidData(f"A time series needs at least one value for {settings.missing}.", faults)


def in_series(id_name: str | None, ids: Iterable[Any]) -> str:
    """Return the end of a detail that says in which series; nothing of a single one, which has no ids."""
    return "" if id_name == SINGLE_SERIES else f" in series {listed(ids)}"


def in_order(frame: pd.DataFrame, settings: Columns) -> tuple[Array, pd.Index, Array]:
    """Return the number of each row's series, the ids by number, and the positions of the rows in their order.

    The order is by series, then by `column_sort`; equal ones stay as sent.
    """
    import numpy as np
    import pandas as pd

    codes, ids = pd.factorize(frame[settings.column_id])
    if settings.column_sort is None:
        return codes, pd.Index(ids, name=None), np.argsort(codes, kind="stable")
    return codes, pd.Index(ids, name=None), np.lexsort((sort_keys(frame[settings.column_sort]), codes))


def sort_keys(column: pd.Series) -> Array:
    """Return what a sort column is sorted by: its numbers or dates, or the rank of its texts."""
    import pandas as pd

    keys: Array = column.to_numpy() if column.dtype.kind in "biufM" else pd.factorize(column, sort=True)[0]
    return keys


def tidy(frame: pd.DataFrame, settings: Columns, names: list[str]) -> Series:
    """Sort a frame that `signals_of` accepts, and fill or drop its missing values."""
    codes, ids, order = in_order(frame, settings)
    dates = settings.column_sort is not None and frame[settings.column_sort].dtype.kind == "M"
    times = frame[settings.column_sort].to_numpy()[order] if dates else None
    sorted_codes = codes[order]
    columns = value_columns(frame, settings)
    kinds = kind_names(frame[settings.column_kind]).to_numpy()[order] if settings.column_kind else None
    signals = {}
    for name in names:
        values = frame[columns[0] if kinds is not None else name].to_numpy(dtype="float64")[order]
        found = (sorted_codes, values, times)
        if kinds is not None:
            here = kinds == name
            found = (sorted_codes[here], values[here], None if times is None else times[here])
        signals[name] = _whole(*found, len(ids), Missing(settings.missing))
    return Series(ids, signals)


def in_groups(table: Straight, sort: str | None, signals: tuple[str, ...]) -> tuple[Array, dict[str, Signal]] | None:
    """Return the ids and signals of a table whose series are whole, in order, and one after another; else None.

    Parameters
    ----------
    sort
        The column that orders the rows of a series, of numbers.
    """
    import numpy as np

    if set(table.columns) != {*signals, *([sort] if sort else [])}:
        return None
    ids = table.ids
    changes = np.flatnonzero(ids[1:] != ids[:-1]) + 1
    starts = np.concatenate(([0], changes, [len(ids)]))
    found = ids[starts[:-1]]
    if len(set(found.tolist())) < len(found):
        return None
    if sort is not None:
        steps = np.diff(table.columns[sort])
        steps[changes - 1] = 0.0
        # Also of what is missing it is not true.
        if not (steps >= 0).all() or not np.isfinite(table.columns[sort]).all():
            return None
    if not all(np.isfinite(table.columns[name]).all() for name in signals):
        return None
    return found, {name: Signal(table.columns[name], starts, None) for name in signals}


def _whole(codes: Array, values: Array, times: Array | None, n_series: int, missing: Missing) -> Signal:
    import numpy as np

    empty = np.isnan(values)
    if missing is Missing.DROP and empty.any():
        codes, values, times = codes[~empty], values[~empty], None if times is None else times[~empty]
    if missing is Missing.ZERO:
        values = np.where(empty, 0.0, values)
    starts = np.searchsorted(codes, np.arange(n_series + 1))
    if missing is Missing.INTERPOLATE:
        for number in np.unique(codes[empty]):
            fill(values[starts[number] : starts[number + 1]])
    return Signal(values, starts, times)


def fill(values: Array) -> None:
    """Interpolate the missing values of one series in place, linearly in the order of its rows.

    The ends take the nearest value.
    """
    import numpy as np

    empty = np.isnan(values)
    values[empty] = np.interp(np.flatnonzero(empty), np.flatnonzero(~empty), values[~empty])
