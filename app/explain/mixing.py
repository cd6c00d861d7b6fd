"""Rows made of values of other rows, each column of the type that it has: what most methods ask the model about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Place of the row itself, after all others.
OWN = -1


@dataclass(frozen=True)
class Mixture:
    """One row and others, between which values are exchanged.

    Attributes
    ----------
    values
        {column: its values in the other rows, and at the end the row's own}. Numbers alone are one array, so that
        thousands of rows are made at once.
    """

    columns: tuple[str, ...]
    values: dict[str, Any]
    numbers: Array | None

    @classmethod
    def of(cls, row: pd.DataFrame, others: pd.DataFrame) -> Self:
        """Take a row, shape (1, n_columns), and others with the same columns."""
        import pandas as pd

        both = pd.concat([others, row], ignore_index=True)
        if all(dtype == "float64" for dtype in both.dtypes):
            return cls(tuple(both.columns), {}, both.to_numpy())
        return cls(tuple(both.columns), {name: both[name].array for name in both.columns}, None)

    def rows(self, places: Array) -> pd.DataFrame:
        """Return rows, each value from the row whose number is in `places`, shape (n_rows, n_columns)."""
        import numpy as np
        import pandas as pd

        if self.numbers is not None:
            mixed = self.numbers[places, np.arange(places.shape[1])]
            return pd.DataFrame(mixed, columns=list(self.columns), copy=False)
        # Counted from the end, the row itself is the last one.
        return pd.DataFrame(
            {
                name: values.take(places[:, column] % len(values))
                for column, (name, values) in enumerate(self.values.items())
            }
        )
