"""Rows made of values of other rows, each column of the type that it has: what most methods ask the model about."""

from __future__ import annotations

from collections.abc import Iterable
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
        import pandas as pd

        if self.numbers is not None:
            return pd.DataFrame(taken(self.numbers, places), columns=list(self.columns), copy=False)
        # Counted from the end, the row itself is the last one.
        return pd.DataFrame(
            {
                name: values.take(places[:, column] % len(values))
                for column, (name, values) in enumerate(self.values.items())
            }
        )


def taken(values: Array, places: Array, columns: Iterable[int] | None = None) -> Array:
    """Return the values at some places, column by column.

    NumPy's own indexing by pairs takes three times as long.

    Parameters
    ----------
    values
        Shape (n_values, n_inputs); fastest in Fortran's order, as `places`.
    places
        Shape (n_rows, n_columns).
    columns
        The column of `places` for each input; the same one when left out.

    Returns
    -------
    Array of shape (n_rows, n_inputs).
    """
    import numpy as np

    found = np.empty((len(places), values.shape[1]), dtype=values.dtype)
    for place, column in enumerate(range(values.shape[1]) if columns is None else columns):
        found[:, place] = values[:, place].take(places[:, column])
    return found
