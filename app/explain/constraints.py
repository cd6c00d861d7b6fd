"""What a counterfactual may change: columns that stay, ranges of numbers, categories that are allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from app.errors import Fault, InvalidParameters, at, listed
from app.explain.base import Subject
from app.payloads.explaining import Counterfactual
from app.payloads.parameters import Kind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Constraints:
    """The constraints of one search.

    Attributes
    ----------
    mutable
        Of each column whether it may change, shape (n_columns,).
    allowed
        {column: its values as rows have them}.
    """

    subject: Subject
    row: pd.DataFrame
    mutable: Array
    ranges: dict[str, tuple[float, float]]
    allowed: dict[str, list[Any]]

    @classmethod
    def of(cls, subject: Subject, row: pd.DataFrame, wanted: Counterfactual) -> Self:
        """Read the constraints.

        Raises
        ------
        InvalidParameters
            They name columns that they cannot hold for.
        """
        import numpy as np

        _check(subject, wanted)
        varied = subject.of_kind(Kind.NUMBER, Kind.BOOLEAN, Kind.CATEGORY, Kind.DATE)
        mutable = np.array([name in varied and name not in wanted.immutable for name in subject.columns])
        allowed = {
            name: [_boolean(name, value) if subject.kinds[name] is Kind.BOOLEAN else str(value) for value in values]
            for name, values in wanted.allowed.items()
        }
        return cls(subject, row, mutable, {name: (low, high) for name, (low, high) in wanted.ranges.items()}, allowed)

    def donors(self) -> pd.DataFrame:
        """Return training rows whose numbers are brought into the ranges, and categories to those allowed.

        Half of the numbers of a range are spread over all of it: what is asked may be beyond what training had.
        """
        import numpy as np
        import pandas as pd

        rows = self.subject.background.copy()
        for name, (low, high) in self.ranges.items():
            whole = bool((self.subject.background[name].dropna() % 1 == 0).all()) and np.ceil(low) <= np.floor(high)
            least, most = (np.ceil(low), np.floor(high)) if whole else (low, high)
            values = rows[name].clip(least, most).to_numpy("float64", copy=True)
            spread = np.linspace(least, most, len(values))[::2]
            values[::2] = np.round(spread) if whole else spread
            rows[name] = values
        for name, known in self.allowed.items():
            lent = pd.Series(np.resize(np.array(known, dtype="object"), len(rows)), index=rows.index)
            rows[name] = rows[name].where(rows[name].isin(known), lent.astype(rows[name].dtype))
        return rows

    def each_holds(self, rows: pd.DataFrame) -> Array:
        """Tell of each row whether it keeps them; a value that did not change always does. Shape (n_rows,)."""
        import numpy as np

        kept = np.ones(len(rows), dtype=bool)
        for name in rows.columns:
            values, own = rows[name], self.row[name]
            stays = values.isna() if own.isna().iloc[0] else values == own.iloc[0]
            if name in self.ranges:
                kept &= (values.between(*self.ranges[name]) | stays).to_numpy(dtype=bool)
            elif name in self.allowed:
                kept &= (values.isin(self.allowed[name]) | stays).to_numpy(dtype=bool, na_value=False)
        return kept


def _boolean(name: str, value: Any) -> float:
    if value not in (True, False):
        raise InvalidParameters(
            "A column of yes and no has these two values.",
            [Fault(at("params", "allowed", name), "known are true and false")],
        )
    return float(value)


def _check(subject: Subject, wanted: Counterfactual) -> None:
    known = listed(subject.columns)
    faults = [
        Fault(at("params", "immutable"), f"{name} is not a column of the model; known are {known}")
        for name in wanted.immutable
        if name not in subject.columns
    ]
    for parameter, kinds, what in (
        ("ranges", (Kind.NUMBER,), "numbers"),
        ("allowed", (Kind.CATEGORY, Kind.BOOLEAN), "categories"),
    ):
        fitting = subject.of_kind(*kinds)
        faults += [
            Fault(at("params", parameter, name), f"is no column of {what}; those are {listed(fitting)}")
            for name in getattr(wanted, parameter)
            if name not in fitting
        ]
    if faults:
        raise InvalidParameters("The constraints name columns that they cannot hold for.", faults)
