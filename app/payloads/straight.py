"""Tables whose values need no conversion, straight into arrays: most requests, in a tenth of the time of a frame.

What is told here of a table is what `frames.read` and `Signature.conform` would make of it. Whatever is not plain (a
number in quotes, a date, a column that is missing) is left to these, and so are all messages about it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from app.payloads import frames, long_columns, strict_json
from app.payloads.arrow_tables import read_arrow
from app.payloads.parameters import Kind
from app.payloads.signature import Column, Signature
from app.payloads.training import SINGLE_SERIES
from app.payloads.uploads import Upload

if TYPE_CHECKING:
    import numpy as np

    from app.settings import Settings

    Array = np.ndarray[Any, Any]

    #: Values of a column, as JSON has them or as an array of numbers; and all columns by name.
    Values: TypeAlias = list[Any] | Array
    Lists: TypeAlias = dict[str, Values]

_NOTHING = type(None)

#: {kind: types of the values that are read as they are}.
_PLAIN: dict[Kind, set[type]] = {
    Kind.NUMBER: {int, float, _NOTHING},
    Kind.BOOLEAN: {bool, _NOTHING},
    Kind.CATEGORY: {str, _NOTHING},
    Kind.TEXT: {str, _NOTHING},
}


@dataclass(frozen=True)
class Straight:
    """A table as arrays.

    Attributes
    ----------
    ids
        Shape (n_rows,): the values of the id column, int64 or text, else the row's position.
    columns
        {name: values of shape (n_rows,)} of those that the pipeline reads, but the ids: float64 for numbers and
        booleans, objects (str or None) for text.
    """

    ids: Array
    columns: dict[str, Array]


@dataclass(frozen=True)
class Wanted:
    """What a signature asks for, as it is looked at for each request.

    Attributes
    ----------
    known
        Names of all columns that may be there.
    columns, numbers
        Those that a pipeline reads, but the ids, and of these the names of those that are numbers.
    """

    known: frozenset[str]
    id_column: str | None
    columns: tuple[Column, ...]
    numbers: tuple[str, ...]

    @classmethod
    def of(cls, signature: Signature) -> Self:
        """Look at a signature."""
        columns = tuple(column for column in signature.columns if column.role != "id")
        return cls(
            known=frozenset({column.name for column in signature.columns} | set(signature.ignored)),
            id_column=signature.id_column,
            columns=columns,
            numbers=tuple(one.name for one in columns if one.kind is Kind.NUMBER and one.role != "signal"),
        )


def read(upload: Upload, wanted: Wanted, settings: Settings) -> Straight | None:
    """Return the columns of a plain table; None where anything of it has to be looked at closer.

    Raises
    ------
    Unreadable
        What should be JSON is none.
    """
    if upload.format not in _READERS or wanted.id_column == SINGLE_SERIES:
        return None
    lists = _READERS[upload.format](upload, settings)
    if not lists or not lists.keys() <= wanted.known:
        return None
    n_rows = len(next(iter(lists.values())))
    if not 0 < n_rows <= settings.max_rows:
        return None
    if len(lists) > settings.max_columns or n_rows * len(lists) > settings.max_cells:
        return None
    found = _straight(lists, n_rows, wanted)
    return None if found is None or _has_longer(found, settings.max_cell_kb * 1024) else found


def _has_longer(table: Straight, most: int) -> bool:
    """Tell whether a text has more characters than one is read of."""
    texts = (values for values in table.columns.values() if values.dtype == "object")
    return any(value is not None and len(value) > most for values in texts for value in values)


def _of_json(upload: Upload, settings: Settings) -> Lists | None:
    if upload.value is not None:
        return _lists(upload.value)
    arrays = long_columns.of_table(upload.data)
    return _lists(strict_json.loads(upload.data, upload.part)) if arrays is None else dict(arrays)


def _of_arrow(upload: Upload, settings: Settings) -> Lists | None:
    """Return the columns of an Arrow table; None where one is neither numbers, booleans nor text."""
    import pyarrow as pa

    table = read_arrow(upload.data, upload.part, frames.most_bytes(settings))
    if len(set(table.column_names)) < table.num_columns:
        return None
    found: Lists = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            found[name] = column.to_pylist()
        elif pa.types.is_floating(kind) or (pa.types.is_integer(kind) and not column.null_count):
            found[name] = column.to_numpy()
        elif pa.types.is_boolean(kind):
            found[name] = column.to_pylist()
        else:
            return None
    return found


#: {format: what reads it}. Of the others a frame is made.
_READERS: dict[str, Callable[[Upload, Settings], Lists | None]] = {"json": _of_json, "arrow": _of_arrow}


def _straight(lists: Lists, n_rows: int, wanted: Wanted) -> Straight | None:
    import numpy as np

    ids: Array | None = np.arange(n_rows)
    if wanted.id_column in lists:
        ids = _ids(lists.pop(wanted.id_column))
    if any(column.name not in lists for column in wanted.columns):
        return None
    values = {column.name: lists.pop(column.name) for column in wanted.columns}
    columns = _numbers({name: values[name] for name in wanted.numbers})
    if len(columns) < len(values):
        for column in wanted.columns:
            if column.name not in columns:
                array = _array(values[column.name], column)
                if array is None:
                    return None
                columns[column.name] = array
    if ids is None or any(map(_mixed, lists.values())):
        return None
    return Straight(ids, columns)


def _lists(value: Any) -> Lists | None:
    """Return {name: values} of a table, all of one length; None where it is not well-formed."""
    if isinstance(value, list):
        return _of_records(value)
    if not isinstance(value, dict):
        return None
    if {"columns", "data"} <= value.keys() <= {"columns", "data", "index"}:
        return _of_split(value["columns"], value["data"])
    return _of_columns(value)


def _of_records(records: list[Any]) -> Lists | None:
    if not records or set(map(type, records)) != {dict}:
        return None
    names = records[0].keys()
    if any(record.keys() != names for record in records):
        return None
    return {name: [record[name] for record in records] for name in names}


def _of_split(names: Any, rows: Any) -> Lists | None:
    if not isinstance(names, list) or not isinstance(rows, list) or set(map(type, names)) != {str}:
        return None
    if set(map(type, rows)) != {list} or set(map(len, rows)) != {len(names)} or len(set(names)) < len(names):
        return None
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _of_columns(columns: dict[str, Any]) -> Lists | None:
    kinds = set(map(type, columns.values()))
    if kinds == {list}:
        found: Lists = dict(columns)
    elif kinds == {dict}:
        order = list(next(iter(columns.values())))
        if any(list(column) != order for column in columns.values()):
            return None
        found = {name: list(column.values()) for name, column in columns.items()}
    elif long_columns.are(columns):
        found = dict(columns)
    else:
        return None
    return found if len(set(map(len, found.values()))) == 1 else None


def _numbers(lists: Lists) -> dict[str, Array]:
    """Return columns of plain numbers, made in one piece as that takes a fifth of the time; none where one is not."""
    import numpy as np

    each = list(lists.values())
    kinds = set(map(type, each))
    if kinds != {list} or not set(map(type, chain.from_iterable(each))) <= _PLAIN[Kind.NUMBER]:
        return {}
    try:
        return dict(zip(lists, np.array(each, dtype="float64"), strict=True))
    except OverflowError:
        return {}


def _array(values: Values, column: Column) -> Array | None:
    import numpy as np

    if isinstance(values, np.ndarray):
        # Infinity, which JSON does not have, is refused.
        plain_numbers = column.kind is Kind.NUMBER and column.role != "signal" and not np.isinf(values).any()
        return values.astype("float64") if plain_numbers else None
    plain = _PLAIN.get(column.kind)
    kinds: set[type] = set(map(type, values))
    if plain is None or not kinds <= plain or column.role == "signal":
        return None
    if column.kind in (Kind.CATEGORY, Kind.TEXT):
        array = np.empty(len(values), dtype="object")
        array[:] = values
        return array
    try:
        return np.array(values, dtype="float64")
    except OverflowError:
        return None


def _ids(values: Values) -> Array | None:
    import numpy as np

    if isinstance(values, np.ndarray):
        return values.astype("int64") if values.dtype.kind == "i" else None
    kinds = set(map(type, values))
    try:
        return np.array(values, dtype={int: "int64", str: "object"}[kinds.pop()]) if len(kinds) == 1 else None
    except (KeyError, OverflowError):
        return None


def _mixed(values: Values) -> bool:
    """Tell whether a column that is not read may be one that would be refused."""
    if not isinstance(values, list):
        import numpy as np

        return bool(np.isinf(values).any())
    kinds = set(map(type, values)) - {_NOTHING}
    return len(kinds) > 1 or not kinds <= {int, float, str, bool}
