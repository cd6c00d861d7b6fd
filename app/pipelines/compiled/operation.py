"""What a compiled pipeline is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: {name: values of shape (n_samples,)}. Numbers and booleans are float64, text is str or missing (None, NaN), dates are
#: datetime64[us], images are bytes, and signals arrays. All of one request have the same length.
Columns = Mapping[str, "Array"]


def columns_of(rows: pd.DataFrame) -> dict[str, Array]:
    """Return {name: values of shape (n_samples,)} of rows."""
    return {str(name): rows[name].to_numpy() for name in rows.columns}


class OfColumns(Protocol):
    """An operation that reads columns: an encoder of some of them, or a whole pipeline.

    Operations are frozen dataclasses whose fields `stored` can write: numbers, texts, arrays, bytes, other operations,
    and tuples of these.
    """

    def __call__(self, columns: Columns) -> Array:
        """Return numbers of shape (n_samples, n_outputs)."""


class OfNumbers(Protocol):
    """An operation on numbers: a transformer, or a model."""

    def __call__(self, X: Array) -> Array:
        """Return numbers of shape (n_samples, n_outputs) for X of shape (n_samples, n_inputs)."""


class Declined(Exception):
    """A compiled pipeline leaves these rows to the original, which may refuse them."""
