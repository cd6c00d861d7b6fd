"""Columns into numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.pipelines.compiled.operation import Columns, OfColumns
from app.pipelines.date_parts import parts_of

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Beside:
    """What several encoders make of the columns, side by side."""

    encoders: tuple[OfColumns, ...]

    def __call__(self, columns: Columns) -> Array:
        """Return the outputs of all, in their order."""
        import numpy as np

        found = [encoder(columns) for encoder in self.encoders]
        return found[0] if len(found) == 1 else np.hstack(found)


@dataclass(frozen=True)
class Numbers:
    """Columns of numbers as they are.

    Attributes
    ----------
    fill
        What stands in for a missing value of each, shape (n_columns,); None where missing values are left.
    """

    names: tuple[str, ...]
    fill: Array | None = None

    def __call__(self, columns: Columns) -> Array:
        """Return float64 of shape (n_samples, n_columns)."""
        import numpy as np

        # Of one row a third of the time that an array of arrays takes.
        each = [columns[name] for name in self.names]
        X = np.concatenate(each, dtype="float64", casting="unsafe").reshape(len(each), -1).T
        return X if self.fill is None else np.where(np.isnan(X), self.fill, X)


@dataclass(frozen=True)
class Zeros:
    """A column of which nothing could be learned keeps its place."""

    name: str
    width: int

    def __call__(self, columns: Columns) -> Array:
        """Return zeros of shape (n_samples, width)."""
        import numpy as np

        return np.zeros((len(columns[self.name]), self.width))


@dataclass(frozen=True)
class Categories:
    """One column of categories, an output each.

    Attributes
    ----------
    known
        The categories.
    places
        The output of each; -1 for none.
    other
        The output of a category that is not known; -1 for none.
    width
        Outputs of the column.
    """

    name: str
    known: tuple[str, ...]
    places: Array
    other: int
    width: int

    @cached_property
    def _place(self) -> dict[str, int]:
        return dict(zip(self.known, self.places.tolist(), strict=True))

    def __call__(self, columns: Columns) -> Array:
        """Return zeros and ones of shape (n_samples, width)."""
        import numpy as np

        place, other = self._place, self.other
        values = columns[self.name].tolist()
        # A missing value is the category "".
        found = np.array([place.get(value if isinstance(value, str) else "", other) for value in values], dtype="int64")
        encoded = np.zeros((len(values), self.width))
        rows = np.flatnonzero(found >= 0)
        encoded[rows, found[rows]] = 1.0
        return encoded


@dataclass(frozen=True)
class Dates:
    """One column of dates.

    Attributes
    ----------
    median
        Microseconds since 1970 that stand in for a missing date.
    count
        How many of the parts of a date are kept.
    """

    name: str
    median: int
    count: int

    def __call__(self, columns: Columns) -> Array:
        """Return float64 of shape (n_samples, count)."""
        return parts_of(columns[self.name].astype("M8[us]").view("int64"), self.median, self.count)


@dataclass(frozen=True)
class Pixels:
    """One column of images, brought to one size."""

    name: str
    height: int
    width: int
    channels: int

    def __call__(self, columns: Columns) -> Array:
        """Return float32 from 0 to 1, shape (n_samples, height * width * channels)."""
        from app.pipelines.pictures import pixels

        return pixels(columns[self.name], self.height, self.width, self.channels)


@dataclass(frozen=True)
class Convolutions:
    """Random convolutions of signals, see `app.pipelines.convolutions`.

    Attributes
    ----------
    lengths, levels
        Of each signal.
    dilations, biases
        Of each signal: the dilations, and for each of these an array of shape (84, n_biases).
    """

    names: tuple[str, ...]
    lengths: tuple[int, ...]
    levels: tuple[float, ...]
    dilations: tuple[tuple[int, ...], ...]
    biases: tuple[tuple[Array, ...], ...]

    def __call__(self, columns: Columns) -> Array:
        """Return shares from 0 to 1, float32, shape (n_samples, n_outputs)."""
        import numpy as np

        from app.pipelines.kernels import shares_of

        found = []
        for number, name in enumerate(self.names):
            pairs = list(zip(self.dilations[number], self.biases[number], strict=True))
            found.append(shares_of(columns[name], self.lengths[number], self.levels[number], pairs))
        return np.concatenate(found, axis=1)
