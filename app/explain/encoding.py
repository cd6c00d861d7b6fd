"""Rows as numbers and back, for methods that can only mix numbers: text becomes the number of its category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Encoding:
    """How each column is encoded.

    Attributes
    ----------
    categories
        {position of a text column: its values, the missing one as None}.
    medians
        {position of a number column: what stands in for a missing value}. The pipelines fill with the median of
        training too, so a filled row is predicted as the row itself is.
    """

    columns: tuple[str, ...]
    categories: dict[int, list[Any]]
    medians: dict[int, float]

    @classmethod
    def fit(cls, background: pd.DataFrame, row: pd.DataFrame) -> Self:
        """Take the categories of the background and of the row that is explained."""
        import pandas as pd

        categories: dict[int, list[Any]] = {}
        medians: dict[int, float] = {}
        for position, name in enumerate(background.columns):
            column = background[name]
            if column.dtype.kind in "if":
                median = float(column.median())
                medians[position] = median if median == median else 0.0
            else:
                both = pd.concat([column, row[name]])
                categories[position] = [*sorted(both.dropna().unique()), *([None] if both.isna().any() else [])]
        return cls(tuple(background.columns), categories, medians)

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
                encoded[:, position] = values.fillna(self.medians[position])
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
            else:
                decoded[name] = values
        return pd.DataFrame(decoded)
