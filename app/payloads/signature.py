"""What a pipeline accepts: its columns and their kinds, inferred at training and checked at every request."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from app.errors import Fault, InvalidData, at

if TYPE_CHECKING:
    import pandas as pd

    from app.payloads.parameters import TrainParameters

Kind = Literal["number", "boolean", "text"]
Role = Literal["feature", "id", "sort", "signal", "value"]

#: Distinct values of a text column that its record lists.
MAX_LISTED = 50


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the caller's data.

    `role` is `feature` in a plain table. In a series it is `id`, `sort` (orders the rows), `signal` (names the
    signal of a stacked row) or `value`. `summary` describes the training data: range and median, or categories.
    """

    name: str
    kind: Kind
    role: Role
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Signature:
    """The columns that a pipeline reads, in its order. `ignored` may be sent too: the target, a table's id."""

    columns: tuple[Column, ...]
    id_column: str | None
    ignored: tuple[str, ...]

    @property
    def text_columns(self) -> list[str]:
        """Names of the columns whose values are text."""
        return [column.name for column in self.columns if column.kind == "text"]

    def names(self, *roles: Role) -> list[str]:
        """Names of the columns with one of the roles."""
        return [column.name for column in self.columns if column.role in roles]

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read a signature back from a record."""
        columns = tuple(Column(**column) for column in value["columns"])
        return cls(columns, value["id_column"], tuple(value["ignored"]))

    def conform(self, frame: pd.DataFrame, part: str = "raw_data") -> pd.DataFrame:
        """Bring a request's frame to the columns, order and kinds of training.

        Returns
        -------
        DataFrame of shape (n_rows, n_columns): float64 for numbers and booleans, str for text.

        Raises
        ------
        InvalidData
            Naming each column that is missing, not known, or of another kind. Values that training did not see are
            not an error.
        """
        known = {column.name for column in self.columns}
        faults = [
            Fault(at(part, column.name), "this column is missing")
            for column in self.columns
            if column.name not in frame.columns
        ]
        faults += [
            Fault(at(part, name), "the model was not trained with this column")
            for name in frame.columns
            if name not in known and name not in self.ignored
        ]
        wrong = {
            column.name: found
            for column in self.columns
            if column.name in frame.columns and not _fits(found := kind_of(frame[column.name]), column, frame)
        }
        faults += [
            Fault(at(part, column.name), f"expects {_plural(column.kind)}, has {_plural(wrong[column.name])}")
            for column in self.columns
            if column.name in wrong
        ]
        if faults:
            raise InvalidData(f"The columns of {part} are not those that the model was trained with.", faults)
        # An id keeps the type it came with, to be given back, and so does what names a signal.
        return frame[[column.name for column in self.columns]].astype(
            {
                column.name: "str" if column.kind == "text" else "float64"
                for column in self.columns
                if column.role not in ("id", "signal")
            }
        )


def kind_of(column: pd.Series) -> Kind:
    """Tell the kind of a column as `frames.read` leaves it."""
    if column.dtype == "bool":
        return "boolean"
    return "number" if column.dtype.kind in "if" else "text"


def _fits(found: Kind, column: Column, frame: pd.DataFrame) -> bool:
    values = frame[column.name]
    if found == column.kind or column.role == "id" or values.isna().all():
        return True
    # A boolean with missing values arrives as 1, 0 and missing.
    return column.kind == "boolean" and found == "number" and bool(values.dropna().isin([0, 1]).all())


def _plural(kind: Kind) -> str:
    return kind if kind == "text" else f"{kind}s"


def infer(frame: pd.DataFrame, parameters: TrainParameters) -> Signature:
    """Describe the columns of training data.

    Raises
    ------
    InvalidData
        A column that the parameters name is missing, or nothing is left to learn from.
    """
    series = parameters.extract_features
    target = () if parameters.target is None else (parameters.target,)
    if series is None:
        _require(frame, [parameters.id_column] if parameters.id_column else [], "id_column")
        left_out = (*target, *([parameters.id_column] if parameters.id_column else []))
        roles: dict[str, Role] = {name: "feature" for name in frame.columns if name not in left_out}
        id_column = parameters.id_column
    else:
        roles = _series_roles(frame, parameters)
        left_out, id_column = target, series.column_id
    if not {"feature", "value"} & set(roles.values()):
        raise InvalidData("raw_data has no column to learn from.", [Fault("/raw_data", "only ids and labels")])
    columns = tuple(
        Column(name, kind_of(frame[name]), role, _summary(frame[name], role)) for name, role in roles.items()
    )
    signature = Signature(columns, id_column, left_out)
    text = [column.name for column in columns if column.role == "value" and column.kind == "text"]
    if text:
        raise InvalidData("A time series must be numbers.", [Fault(at("raw_data", name), "has text") for name in text])
    return signature


def _series_roles(frame: pd.DataFrame, parameters: TrainParameters) -> dict[str, Role]:
    series = parameters.extract_features
    assert series is not None
    named: dict[str, Role] = {series.column_id: "id"}
    if series.column_sort:
        named[series.column_sort] = "sort"
    if series.column_kind:
        named[series.column_kind] = "signal"
    if series.column_value:
        named[series.column_value] = "value"
    _require(frame, list(named), "extract_features")
    if not series.column_value:
        rest = [name for name in frame.columns if name not in named and name != parameters.target]
        if series.column_kind and len(rest) != 1:
            raise InvalidData(
                "With column_kind, column_value must name the column of the values.",
                [Fault("/params/extract_features/column_value", "missing")],
            )
        named |= dict.fromkeys(rest, "value")
    return named


def _require(frame: pd.DataFrame, names: list[str], parameter: str) -> None:
    faults = [
        Fault(at("raw_data", name), f"{parameter} names this column; it is missing")
        for name in names
        if name not in frame.columns
    ]
    if faults:
        raise InvalidData("raw_data lacks a column that the parameters name.", faults)


def _summary(column: pd.Series, role: Role) -> dict[str, Any]:
    """Describe what training saw in a column. Ids are not described: they say nothing of new data."""
    if role == "id":
        return {}
    summary: dict[str, Any] = {"missing": int(column.isna().sum())}
    if kind_of(column) == "text":
        counts = column.value_counts()
        return summary | {"distinct": len(counts), "categories": counts.index[:MAX_LISTED].tolist()}
    if column.notna().any():
        numbers = column.astype("float64")
        summary |= {"min": float(numbers.min()), "max": float(numbers.max()), "median": float(numbers.median())}
    return summary
