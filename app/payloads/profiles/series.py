"""Whether a long table is one of series, which of its columns have which role, and a few of the series to look at."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from app.payloads import kinds
from app.payloads.outline import outline
from app.payloads.parameters import ExtractFeatures, Kind
from app.payloads.profiles.advice import named_as_id

if TYPE_CHECKING:
    import pandas as pd

#: Rows that are looked at, columns of a table that may be series, and rows that a series typically has at least.
_LOOKED_AT, _COLUMNS, _LENGTH = 100_000, 60, 5

#: Signals that may be stacked in one column.
_SIGNALS = 30

#: Signals and series that are shown, and points of each.
_SHOWN, _LINES, _POINTS = 3, 6, 300


@dataclass(frozen=True, slots=True)
class Roles:
    """Columns of a long table, by the role that each seems to have. `target` is the same throughout a series."""

    column_id: str
    column_sort: str | None
    column_kind: str | None
    column_value: str | None
    target: str | None
    series: int
    length: int
    """Rows that a series has in the middle."""

    def as_json(self) -> dict[str, Any]:
        """Return what JSON has of it."""
        return asdict(self)


@dataclass(frozen=True)
class _Read:
    """A table whose columns have been read as what they hold; numbers and dates as numbers that can be ordered."""

    frame: pd.DataFrame
    kinds: dict[str, Kind]
    values: dict[str, pd.Series]

    def of(self, names: list[str], kind: Kind) -> list[str]:
        """Return those of some columns that hold one kind."""
        return [name for name in names if self.kinds[name] is kind]


def guess(frame: pd.DataFrame) -> Roles | None:
    """Tell which columns of a table make series of it; None where it is one of rows."""
    looked = frame.head(_LOOKED_AT)
    if not 2 <= len(looked.columns) <= _COLUMNS or len(looked) < 4 * _LENGTH:
        return None
    candidates = [name for name in looked.columns if _repeats(looked[name])]
    if not candidates:
        return None
    read = _read(looked)
    candidates = [name for name in candidates if read.kinds[name] in (Kind.NUMBER, Kind.CATEGORY)]
    # What is named as an id is asked first, and what is text last: its values are more often classes.
    for name in sorted(candidates, key=lambda one: (not named_as_id(one), read.kinds[one] is Kind.CATEGORY)):
        found = _with_id(read, name)
        if found is not None:
            return found
    return None


def _repeats(column: pd.Series) -> bool:
    source = kinds.source_of(column)
    if source in (Kind.BOOLEAN, Kind.IMAGE) or column.isna().any():
        return False
    if source is Kind.NUMBER and column.dtype.kind == "f" and (column % 1 != 0).any():
        return False
    return 2 <= int(column.nunique()) <= len(column) / _LENGTH


def _read(frame: pd.DataFrame) -> _Read:
    readings = {name: kinds.tell(frame[name]) for name in frame.columns}
    values = {
        name: kinds.read(frame[name], reading)
        for name, reading in readings.items()
        if reading.kind in (Kind.NUMBER, Kind.DATE)
    }
    return _Read(frame, {name: reading.kind for name, reading in readings.items()}, values)


def _with_id(read: _Read, column_id: str) -> Roles | None:
    frame = read.frame
    sizes = frame.groupby(column_id, sort=False).size()
    if sizes.median() < _LENGTH:
        return None
    others = [name for name in frame.columns if name != column_id]
    varied = frame.groupby(column_id, sort=False)[others].nunique(dropna=False).max()
    still = [name for name in others if varied[name] == 1]
    moving = [name for name in others if name not in still]
    stacked = _stacked(read, moving)
    keys = [column_id] if stacked is None else [column_id, stacked[0]]
    sort = next((name for name in moving if name not in (stacked or ()) and _orders(read, keys, name)), None)
    values = [name for name in moving if name not in (sort, *(stacked or ())[:1])]
    if not values or read.of(values, Kind.NUMBER) != values or (stacked is not None and len(values) != 1):
        return None
    # What merely counts the rows grows within whatever they are grouped by: times begin anew in each series.
    anew = sort is not None and bool(frame[sort].duplicated().any())
    if not anew and not (named_as_id(column_id) and _is_contiguous(frame[column_id])):
        return None
    # A table of kinds of things that somebody has sorted by a number is none of series.
    named = named_as_id(column_id) or read.kinds[column_id] is not Kind.CATEGORY
    if not named and sort is not None and read.kinds[sort] is not Kind.DATE and frame[sort].nunique() > len(frame) / 2:
        return None
    kind, value = stacked if stacked is not None else (None, None)
    return Roles(column_id, sort, kind, value, still[-1] if still else None, len(sizes), int(sizes.median()))


def _stacked(read: _Read, moving: list[str]) -> tuple[str, str] | None:
    """Return the column of the names of signals and that of their values, where a table has just these."""
    names, numbers = read.of(moving, Kind.CATEGORY), read.of(moving, Kind.NUMBER)
    if len(names) != 1 or not numbers or not 2 <= read.frame[names[0]].nunique() <= _SIGNALS:
        return None
    return names[0], numbers[-1]


def _orders(read: _Read, keys: list[str], name: str) -> bool:
    """Tell whether a column grows with each row of a series."""
    values = read.values.get(name)
    if values is None or values.isna().any():
        return False
    plain = values.astype("float64" if values.dtype.kind == "f" else "int64")
    return bool((plain.groupby([read.frame[key] for key in keys], sort=False).diff().dropna() > 0).all())


def _is_contiguous(ids: pd.Series) -> bool:
    return int((ids != ids.shift()).sum()) == int(ids.nunique())


@dataclass(frozen=True, slots=True)
class Trace:
    """One signal of one series, thinned: `x` is what orders it, else the place of the row; `label` its class."""

    series: str
    signal: str
    x: tuple[float | str | None, ...]
    y: tuple[float | None, ...]
    label: str | None


def traces(frame: pd.DataFrame, wanted: ExtractFeatures, labels: pd.Series | None) -> list[Trace]:
    """Return a few series, of each class some where labels are known.

    Parameters
    ----------
    labels
        Indexed by id.
    """
    identity = wanted.column_id if wanted.column_id in frame.columns else None
    ids = _chosen(frame[identity], labels) if identity is not None else [None]
    found = []
    for one in ids:
        rows = frame if identity is None else frame[frame[identity] == one]
        label = None if labels is None or one not in labels.index else str(labels[one])
        for signal, part, column in _signals(rows, wanted, None if labels is None else str(labels.name)):
            found.append(_trace("" if one is None else str(one), signal, part, column, wanted.column_sort, label))
    return found


def _chosen(ids: pd.Series, labels: pd.Series | None) -> list[Any]:
    known = list(dict.fromkeys(ids.dropna().head(_LOOKED_AT)))
    if labels is None or labels.nunique() > _LINES:
        return known[:_LINES]
    classes = labels[labels.index.isin(known)]
    each = max(1, _LINES // max(1, classes.nunique()))
    return [one for _, some in classes.groupby(classes, sort=True) for one in some.index[:each]]


def _signals(rows: pd.DataFrame, wanted: ExtractFeatures, target: str | None) -> list[tuple[str, pd.DataFrame, str]]:
    if wanted.column_kind in rows.columns and wanted.column_value in rows.columns:
        names = list(dict.fromkeys(rows[wanted.column_kind].dropna()))[:_SHOWN]
        return [(str(name), rows[rows[wanted.column_kind] == name], str(wanted.column_value)) for name in names]
    others = {wanted.column_id, wanted.column_sort, wanted.column_kind, target}
    values = [wanted.column_value] if wanted.column_value in rows.columns else list(rows.columns)
    shown = [name for name in values if name not in others and kinds.source_of(rows[name]) is Kind.NUMBER]
    return [(str(name), rows, str(name)) for name in shown[:_SHOWN]]


def _trace(series: str, signal: str, rows: pd.DataFrame, column: str, sort: str | None, label: str | None) -> Trace:
    import pandas as pd

    order = None
    if sort in rows.columns:
        reading = kinds.tell(rows[sort])
        if reading.kind in (Kind.NUMBER, Kind.DATE):
            order = kinds.read(rows[sort], reading)
            rows = rows.loc[order.sort_values(kind="stable").index]
    # What is named as values may be text so far.
    numbers = pd.to_numeric(rows[column], errors="coerce").astype("float64")
    values = [value if math.isfinite(value) else None for value in numbers.tolist()]
    x: list[Any] = outline(values, _POINTS)
    y = [values[place] for place in x]
    if order is not None:
        times = order.loc[rows.index[x]]
        x = [None if time != time else time.isoformat() if hasattr(time, "isoformat") else time for time in times]
    return Trace(series, signal, tuple(x), tuple(y), label)
