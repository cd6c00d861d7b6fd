"""The values of series row by row, in the order of their time, as windows are cut of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from app.errors import Fault, InvalidData, at
from app.payloads.parameters import ExtractFeatures, Missing
from app.payloads.training import SINGLE_SERIES
from app.pipelines.tsfresh.series import fill, in_order, in_series, signals_of, sort_keys, value_columns
from app.pipelines.tsfresh.spacing import Spacing, tell

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Series whose spacing and seasons are looked at.
_LOOKED_AT = 100


@dataclass(frozen=True)
class Table:
    """Series of n_rows rows in all, sorted by series and then by time.

    Attributes
    ----------
    names
        Columns of the values, the one to forecast first.
    values
        Array of shape (n_rows, n_values). NaN only where missing values are interpolated, which a window does with
        what is inside it: what comes later must not be seen in it.
    starts
        Array of shape (n_series + 1,): where each series begins, and the end.
    times
        Array of shape (n_rows,): numbers, dates or texts; row numbers where nothing sorts the rows.
    positions
        Array of shape (n_rows,): rank of the times over all series. Rows that nothing sorts count from the newest.
    dated
        Whether a column sorts the rows.
    """

    id_name: str
    ids: pd.Index
    names: list[str]
    values: Array
    starts: Array
    times: Array
    positions: Array
    dated: bool

    @classmethod
    def read(cls, frame: pd.DataFrame, wanted: ExtractFeatures, target: str | None, part: str = "raw_data") -> Self:
        """Sort a frame.

        Raises
        ------
        InvalidData
            Missing values, or two rows of a series for one time.
        """
        import numpy as np

        assert wanted.column_id is not None
        signals_of(frame, wanted, part)
        names = value_columns(frame, wanted)
        names = [target, *(name for name in names if name != target)] if target is not None else names
        if wanted.missing is Missing.DROP:
            frame = _complete(frame, wanted.column_id, names, part)
        codes, ids, order = in_order(frame, wanted)
        values = frame[names].to_numpy(dtype="float64")[order]
        if wanted.missing is Missing.ZERO:
            values = np.nan_to_num(values, nan=0.0)
        codes = codes[order]
        starts = np.searchsorted(codes, np.arange(len(ids) + 1))
        if wanted.column_sort is None:
            times = np.arange(len(codes)) - starts[codes]
            positions = np.arange(len(codes)) - starts[codes + 1] + np.diff(starts).max(initial=0)
            return cls(wanted.column_id, ids, names, values, starts, times, positions, False)
        keys = sort_keys(frame[wanted.column_sort])[order]
        _refuse_twice(codes, keys, ids, wanted, part)
        times = frame[wanted.column_sort].to_numpy()[order]
        return cls(wanted.column_id, ids, names, values, starts, times, np.unique(keys, return_inverse=True)[1], True)

    @property
    def lengths(self) -> Array:
        """Rows of each series, shape (n_series,)."""
        import numpy as np

        return np.diff(self.starts)

    @cached_property
    def first(self) -> Array:
        """The first row of each row's series, shape (n_rows,)."""
        return self.starts[:-1].repeat(self.lengths)

    @cached_property
    def stops(self) -> Array:
        """The row after the last one of each row's series, shape (n_rows,)."""
        return self.starts[1:].repeat(self.lengths)

    @cached_property
    def spacings(self) -> tuple[Spacing, ...]:
        """How the longest series are spaced in time, what most rows have first; none where nothing sorts the rows."""
        counts: Counter[Spacing] = Counter()
        for spacing, length in self._spaced:
            if spacing is not None:
                counts[spacing] += length
        return tuple(spacing for spacing, _ in counts.most_common())

    @property
    def longest(self) -> list[Array]:
        """The values to forecast of the longest series."""
        import numpy as np

        numbers = np.argsort(-self.lengths, kind="stable")[:_LOOKED_AT]
        return [self.values[self.starts[number] : self.starts[number + 1], 0] for number in numbers]

    @property
    def irregular(self) -> bool:
        """Whether one of the longest series is not evenly spaced in time."""
        return any(spacing is None for spacing, _ in self._spaced)

    @cached_property
    def _spaced(self) -> list[tuple[Spacing | None, int]]:
        """Spacing and length of the longest series."""
        import numpy as np

        if not self.dated:
            return []
        longest = np.argsort(-self.lengths, kind="stable")[:_LOOKED_AT]
        spans = [self.times[self.starts[number] : self.starts[number + 1]] for number in longest]
        return [(tell(times), len(times)) for times in spans if len(times) > 1]

    def empty(self, ends: Array, window: int) -> Array:
        """Tell which windows have no value at all of some column, shape (len(ends),)."""
        empty: Array = (self._known[ends + 1] == self._known[ends + 1 - window]).any(axis=1)
        return empty

    def followed(self, ends: Array, horizon: int) -> Array:
        """Tell after which rows a value to forecast is known within the horizon, shape (len(ends),)."""
        import numpy as np

        known = self._known[:, 0]
        followed: Array = known[np.minimum(ends + 1 + horizon, self.stops[ends])] > known[ends + 1]
        return followed

    @cached_property
    def _known(self) -> Array:
        """Values known of each column before each row, and in all, shape (n_rows + 1, n_values)."""
        import numpy as np

        none = np.zeros((1, len(self.names)), "int64")
        return np.concatenate([none, (~np.isnan(self.values)).cumsum(axis=0)])

    def windows(self, ends: Array, window: int) -> Array:
        """Return the last rows up to some, missing values interpolated, shape (len(ends), window, n_values)."""
        import numpy as np

        found = self.values[ends[:, None] + np.arange(1 - window, 1)]
        for number, column in zip(*np.nonzero(np.isnan(found).any(axis=1)), strict=True):
            fill(found[number, :, column])
        return found


def of_series(part: str, id_name: str, ids: Iterable[Any], detail: str) -> Fault:
    """Return what is wrong in some series; of a single one, which has no column of ids, with the whole part."""
    pointer = at(part) if id_name == SINGLE_SERIES else at(part, id_name)
    return Fault(pointer, detail + in_series(id_name, ids))


def _complete(frame: pd.DataFrame, id_name: str, names: list[str], part: str) -> pd.DataFrame:
    """Drop the rows that lack a value of some column; a series must not vanish by it."""
    complete = frame[frame[names].notna().all(axis=1)]
    lost = set(frame[id_name].unique()) - set(complete[id_name].unique())
    if lost:
        raise InvalidData(
            "A time series needs a row without missing values.",
            [of_series(part, id_name, sorted(lost, key=str), "every row is dropped")],
        )
    return complete


def _refuse_twice(codes: Array, keys: Array, ids: pd.Index, wanted: ExtractFeatures, part: str) -> None:
    import numpy as np

    again = (codes[1:] == codes[:-1]) & (keys[1:] == keys[:-1])
    if again.any():
        series = in_series(wanted.column_id, ids[np.unique(codes[1:][again])])
        raise InvalidData(
            "A series has two rows for one time. Leave one of them, or name the column that tells series apart as "
            "column_id.",
            [Fault(at(part, wanted.column_sort), f"{int(again.sum())} row(s) come again{series}")],
        )
