"""Rows as numbers and back, for methods that can only mix numbers.

Text becomes the number of its category, free text too: it is explained as a whole. A date becomes its seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from app.errors import Fault, InvalidParameters, listed

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

#: Microseconds of a second: dates have no finer steps.
_SECOND = 1_000_000


@dataclass(frozen=True)
class Encoding:
    """How each column is encoded.

    Attributes
    ----------
    categories
        {position of a text column: its values, the missing one as None}.
    medians
        {position of a column of numbers or dates: what stands in for a missing value}. The pipelines fill with the
        median of training too, so a filled row is predicted as the row itself is.
    dates
        Positions of the columns of dates.
    """

    columns: tuple[str, ...]
    categories: dict[int, list[Any]]
    medians: dict[int, float]
    dates: frozenset[int] = frozenset()

    @classmethod
    def fit(cls, background: pd.DataFrame, row: pd.DataFrame) -> Self:
        """Take the categories of the background and of the row that is explained.

        Raises
        ------
        InvalidParameters
            A column has images or whole series, which cannot be mixed as numbers.
        """
        import pandas as pd

        check_columns(background)
        categories: dict[int, list[Any]] = {}
        medians: dict[int, float] = {}
        dates = set()
        for position, name in enumerate(background.columns):
            column = background[name]
            if column.dtype.kind in "ifM":
                if column.dtype.kind == "M":
                    dates.add(position)
                    column = _seconds(column)
                median = float(column.median())
                medians[position] = median if median == median else 0.0
            else:
                both = pd.concat([column, row[name]])
                categories[position] = [*sorted(both.dropna().unique()), *([None] if both.isna().any() else [])]
        return cls(tuple(background.columns), categories, medians, frozenset(dates))

    def encode(self, rows: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return an array of shape (n_rows, n_columns)."""
        import numpy as np

        encoded = np.empty(rows.shape)
        for position, name in enumerate(self.columns):
            values = rows[name]
            if position in self.categories:
                codes = {category: code for code, category in enumerate(self.categories[position])}
                encoded[:, position] = [codes[None if value != value else value] for value in values]
            else:
                numbers = _seconds(values) if position in self.dates else values
                encoded[:, position] = numbers.fillna(self.medians[position])
        return encoded

    def decode(self, encoded: np.ndarray[Any, Any]) -> pd.DataFrame:
        """Return the rows of an array of shape (n_rows, n_columns)."""
        import numpy as np
        import pandas as pd

        decoded: dict[str, Any] = {}
        for position, name in enumerate(self.columns):
            values = encoded[:, position]
            if position in self.categories:
                names = np.array(self.categories[position], dtype="object")
                decoded[name] = pd.array(names[values.astype("int64")], dtype="str")
            elif position in self.dates:
                decoded[name] = np.rint(values * _SECOND).astype("int64").view("M8[us]")
            else:
                decoded[name] = values
        return pd.DataFrame(decoded)


def _seconds(dates: pd.Series) -> pd.Series:
    """Return float64 seconds since 1970, NaN where a date is missing."""
    moments = dates.astype("datetime64[us]")
    return (moments.astype("int64") / _SECOND).where(moments.notna())


def check_columns(background: pd.DataFrame) -> None:
    """Raise InvalidParameters when a column has images or whole series, which cannot be mixed as numbers."""
    whole = [name for name in background.columns if background[name].dtype == "object"]
    if whole:
        raise InvalidParameters(
            f"This method explains tables and the features of series, not images or raw signals: {listed(whole)}.",
            [Fault("/params/method", "does not explain this model yet")],
        )
