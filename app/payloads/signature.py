"""What a pipeline accepts: its columns and their kinds, inferred at training and checked at every request."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from app.errors import Fault, InvalidData, InvalidParameters, at, listed
from app.payloads import images, kinds
from app.payloads.kinds import Misfit, Reading
from app.payloads.parameters import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from app.payloads.parameters import TrainParameters

Role = Literal["feature", "id", "sort", "signal", "value"]

#: Different values of a column of categories that its record lists.
MAX_LISTED = 50

#: From here on a float stands for more than one whole number.
_ALIKE = 2**53

#: Parameters that name a column which is not learned from.
_BESIDE = ("target", "id_column", "groups", "time", "sample_weight")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the caller's data.

    `role` is `feature` in a plain table. In a series it is `id`, `sort` (orders the rows), `signal` (names the
    signal of a stacked row) or `value`. `summary` describes the training data: range and median, categories, or size.
    `source`, `form` and `marks` say how values are read, see `Reading`.
    """

    name: str
    kind: Kind
    role: Role
    summary: dict[str, Any]
    source: Kind
    form: str | None = None
    marks: tuple[str, ...] = ()

    @property
    def reading(self) -> Reading:
        """How the values are read."""
        return Reading(self.kind, self.source, self.form, self.marks)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read a column back from a record."""
        kind = Kind(value["kind"])
        if "source" not in value:
            # Records from before there was free text have no source, and what they call text are categories.
            kind = Kind.CATEGORY if kind is Kind.TEXT else kind
            source = Kind.TEXT if kind is Kind.CATEGORY else kind
            return cls(value["name"], kind, value["role"], value["summary"], source)
        known = {"kind": kind, "source": Kind(value["source"]), "marks": tuple(value["marks"])}
        return cls(**{**value, **known})


@dataclass(frozen=True, slots=True)
class Signature:
    """The columns that a pipeline reads, in its order. `ignored` may be sent too: the target, a table's id, groups."""

    columns: tuple[Column, ...]
    id_column: str | None
    ignored: tuple[str, ...]

    @property
    def text_columns(self) -> list[str]:
        """Names of the columns whose values are text, and are not to be read as numbers where they look like some."""
        return [column.name for column in self.columns if column.kind in (Kind.CATEGORY, Kind.TEXT, Kind.DATE)]

    def names(self, *roles: Role) -> list[str]:
        """Names of the columns with one of the roles."""
        return [column.name for column in self.columns if column.role in roles]

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read a signature back from a record."""
        columns = tuple(Column.from_json(column) for column in value["columns"])
        return cls(columns, value["id_column"], tuple(value["ignored"]))

    def conform(self, frame: pd.DataFrame, part: str = "raw_data") -> pd.DataFrame:
        """Bring a request's frame to the columns, order and kinds of training.

        Returns
        -------
        DataFrame of shape (n_rows, n_columns): float64 for numbers and booleans, str for categories and text,
        datetime64[us] in UTC for dates, object (bytes) for images.

        Raises
        ------
        InvalidData
            Naming each column that is missing, not known, or of another kind. Values that training did not see are
            not an error.
        """
        import pandas as pd

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
        conformed = {}
        for column in self.columns:
            if column.name in frame.columns:
                try:
                    conformed[column.name] = _read(frame[column.name], column)
                except Misfit as misfit:
                    faults.append(Fault(at(part, column.name), str(misfit)))
        if faults:
            raise InvalidData(f"The columns of {part} are not those that the model was trained with.", faults)
        if self.id_column in frame.columns:
            check_ids(frame[self.id_column], part)
        return pd.DataFrame(conformed, index=frame.index, copy=False)


def check_ids(ids: pd.Series, part: str) -> None:
    """Check that ids can be told apart: integers beyond 64 bits, or beside a missing one, are floats.

    Raises
    ------
    InvalidData
    """
    if ids.dtype.kind == "f" and (ids.abs() >= _ALIKE).any():
        detail = "too large to be told apart; send them as text"
        raise InvalidData(f"{part} has ids that are too large.", [Fault(at(part, ids.name), detail)])


def _read(values: pd.Series, column: Column) -> pd.Series:
    # An id keeps the type it came with, to be given back, and so does what names a signal.
    return values if column.role in ("id", "signal") else kinds.read(values, column.reading)


def infer(frame: pd.DataFrame, parameters: TrainParameters) -> Signature:
    """Describe the columns of training data.

    Raises
    ------
    InvalidData, InvalidParameters
        A column that the parameters name is missing, or cannot be read as the kind they say; nothing is left to learn
        from; a series has values that are no numbers, or an order that is none.
    """
    series = parameters.extract_features
    _refuse_images(frame, parameters)
    left_out = tuple(name for role in _BESIDE if (name := getattr(parameters, role)))
    if series is None:
        _require(frame, [parameters.id_column] if parameters.id_column else [], "id_column")
        if images.is_images(frame):
            left_out = tuple(dict.fromkeys((*left_out, *images.BESIDE)))
        roles: dict[str, Role] = {name: "feature" for name in frame.columns if name not in left_out}
        id_column = parameters.id_column
    else:
        roles = _series_roles(frame, parameters, left_out)
        id_column = series.column_id
        # Where the column of the values is named, others are none of them.
        left_out = tuple(dict.fromkeys(name for name in (*left_out, *frame.columns) if name not in roles))
    if id_column is not None:
        check_ids(frame[id_column], "raw_data")
    if not {"feature", "value"} & set(roles.values()):
        raise InvalidData("raw_data has no column to learn from.", [Fault("/raw_data", "only ids and labels")])
    _check_overrides(parameters, roles)
    columns = tuple(_columns(frame, roles, parameters))
    _check_series(columns)
    return Signature(columns, id_column, left_out)


def _columns(frame: pd.DataFrame, roles: dict[str, Role], parameters: TrainParameters) -> Iterator[Column]:
    faults = []
    for name, role in roles.items():
        values, wanted = frame[name], parameters.columns.get(name)
        if role in ("id", "signal"):
            source = kinds.source_of(values)
            reading = Reading(Kind.CATEGORY if source is Kind.TEXT else source, source)
        else:
            try:
                reading = kinds.tell(values) if wanted is None else kinds.wanted(values, wanted)
            except Misfit as misfit:
                faults.append(Fault(at("raw_data", name), f"params say {wanted}: {misfit}"))
                continue
        column = Column(name, reading.kind, role, {}, reading.source, reading.form, reading.marks)
        yield replace(column, summary=_summary(_read(values, column), column))
    if faults:
        raise InvalidData("Columns cannot be read as the kinds that the parameters say.", faults)


def _check_overrides(parameters: TrainParameters, roles: dict[str, Role]) -> None:
    others = [name for name in parameters.columns if roles.get(name) != "feature"]
    if others:
        features = [name for name, role in roles.items() if role == "feature"]
        known = f"known are {listed(features)}" if features else "a series has no other columns than numbers"
        raise InvalidParameters(
            f"columns names {len(others)} that are not features of a plain table.",
            [Fault(at("params", "columns", name), f"is not a feature; {known}") for name in others],
        )


def _check_series(columns: tuple[Column, ...]) -> None:
    plain = (Kind.NUMBER, Kind.BOOLEAN)
    faults = [
        Fault(at("raw_data", column.name), f"has {'images' if column.kind is Kind.IMAGE else 'text'}")
        for column in columns
        if column.role == "value" and column.kind not in plain
    ]
    if faults:
        raise InvalidData("A time series must be numbers.", faults)
    for column in columns:
        if column.role == "sort" and (column.kind not in (*plain, Kind.DATE) or column.marks):
            detail = "has values that are neither numbers nor dates of one form; dates are read as 2020-12-31T23:59:59Z"
            raise InvalidData("The rows of the series cannot be ordered.", [Fault(at("raw_data", column.name), detail)])


def _refuse_images(frame: pd.DataFrame, parameters: TrainParameters) -> None:
    """Refuse images as labels, ids or whatever stands beside: they can only be learned from."""
    named = [(role, name) for role in _BESIDE if (name := getattr(parameters, role)) in frame.columns]
    faults = [
        Fault(at("params", role), f"{name} has images")
        for role, name in named
        if kinds.source_of(frame[name]) is Kind.IMAGE
    ]
    if faults:
        raise InvalidParameters("A column of images can only be learned from.", faults)


def _series_roles(frame: pd.DataFrame, parameters: TrainParameters, left_out: tuple[str, ...]) -> dict[str, Role]:
    series = parameters.extract_features
    assert series is not None
    named: dict[str, Role] = {}
    if series.column_id:
        named[series.column_id] = "id"
    if series.column_sort:
        named[series.column_sort] = "sort"
    if series.column_kind:
        named[series.column_kind] = "signal"
    if series.column_value:
        named[series.column_value] = "value"
    _require(frame, list(named), "extract_features")
    if not series.column_value:
        rest = [name for name in frame.columns if name not in named and name not in left_out]
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


def _summary(values: pd.Series, column: Column) -> dict[str, Any]:
    """Describe what training saw in a column. Ids are not described: they say nothing of new data."""
    if column.role == "id":
        return {}
    summary: dict[str, Any] = {"missing": int(values.isna().sum())}
    if column.kind is Kind.IMAGE:
        return summary | images.describe(values)
    if column.kind in (Kind.CATEGORY, Kind.TEXT):
        counts = values.value_counts()
        summary |= {"distinct": len(counts)}
        # Free text is as long as it likes, and says little by its first fifty.
        return summary if column.kind is Kind.TEXT else summary | {"categories": counts.index[:MAX_LISTED].tolist()}
    if values.notna().any():
        described = {"min": values.min(), "max": values.max(), "median": values.median()}
        dated = column.kind is Kind.DATE
        summary |= {name: value.isoformat() if dated else float(value) for name, value in described.items()}
    return summary
