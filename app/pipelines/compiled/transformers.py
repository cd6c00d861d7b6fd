"""Numbers into numbers, between the columns and the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.pipelines.compiled.operation import Columns, Declined, OfColumns, OfNumbers

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


#: The largest number of single precision. Estimators refuse numbers beyond it, or missing ones, or have ways of their
#: own with them.
FARTHEST = 3.4028234663852886e38


@dataclass(frozen=True)
class Pipeline:
    """An encoder of columns and the operations behind it, one after another."""

    encoder: OfColumns
    steps: tuple[OfNumbers, ...]

    def __call__(self, columns: Columns) -> Array:
        """Return what the last step does."""
        import numpy as np

        X = self.encoder(columns)
        if X.dtype.kind == "f" and not (np.abs(X) <= FARTHEST).all():
            raise Declined
        for step in self.steps:
            X = step(X)
        return X


@dataclass(frozen=True)
class Chain:
    """Operations on numbers, one after another; none of them changes nothing."""

    steps: tuple[OfNumbers, ...]

    def __call__(self, X: Array) -> Array:
        """Return what the last step does."""
        for step in self.steps:
            X = step(X)
        return X


@dataclass(frozen=True)
class Union:
    """What several operations make of the same numbers, side by side."""

    parts: tuple[OfNumbers, ...]

    def __call__(self, X: Array) -> Array:
        """Return the outputs of all, in their order."""
        import numpy as np

        return np.hstack([part(X) for part in self.parts])


@dataclass(frozen=True)
class Scaled:
    """Numbers less their centre, divided by their spread; shapes (n_inputs,)."""

    centre: Array
    spread: Array

    def __call__(self, X: Array) -> Array:
        """Return (X - centre) / spread."""
        found: Array = (X - self.centre) / self.spread
        return found


@dataclass(frozen=True)
class Stretched:
    """Numbers times a factor, and moved; shapes (n_inputs,). Cut at `least` and `most` where these are given."""

    factor: Array
    shift: Array
    least: float | None = None
    most: float | None = None

    def __call__(self, X: Array) -> Array:
        """Return X * factor + shift."""
        found: Array = X * self.factor + self.shift
        return found if self.least is None or self.most is None else found.clip(self.least, self.most)


@dataclass(frozen=True)
class Filled:
    """Missing numbers replaced; `fill` has shape (n_inputs,)."""

    fill: Array

    def __call__(self, X: Array) -> Array:
        """Return X without missing numbers."""
        import numpy as np

        return np.where(np.isnan(X), self.fill, X)


@dataclass(frozen=True)
class Kept:
    """Some of the inputs, by their places."""

    places: Array

    def __call__(self, X: Array) -> Array:
        """Return X of shape (n_samples, len(places))."""
        found: Array = X[:, self.places]
        return found


@dataclass(frozen=True)
class Unit:
    """Rows of norm 1; a row of zeros stays one."""

    norm: str

    def __call__(self, X: Array) -> Array:
        """Return X divided by the norms of its rows: l1, l2 or max."""
        import numpy as np

        size = {
            "l1": lambda: np.abs(X).sum(axis=1),
            "l2": lambda: np.sqrt((X**2).sum(axis=1)),
            "max": lambda: np.abs(X).max(axis=1),
        }[self.norm]()
        found: Array = X / np.where(size == 0, 1.0, size)[:, None]
        return found


@dataclass(frozen=True)
class Above:
    """Whether numbers are above a threshold."""

    threshold: float

    def __call__(self, X: Array) -> Array:
        """Return zeros and ones."""
        return (self.threshold < X).astype("float64")


@dataclass(frozen=True)
class Product:
    """Numbers, less a centre, in other directions.

    Attributes
    ----------
    centre
        Shape (n_inputs,).
    directions
        Shape (n_inputs, n_outputs).
    """

    centre: Array
    directions: Array

    def __call__(self, X: Array) -> Array:
        """Return (X - centre) @ directions."""
        found: Array = (X - self.centre) @ self.directions
        return found


@dataclass(frozen=True)
class Powers:
    """Products of the inputs; `exponents` has shape (n_outputs, n_inputs)."""

    exponents: Array

    def __call__(self, X: Array) -> Array:
        """Return X of shape (n_samples, n_outputs)."""
        import numpy as np

        found = np.ones((len(X), len(self.exponents)))
        for output, exponents in enumerate(self.exponents):
            for place in np.flatnonzero(exponents):
                found[:, output] *= X[:, place] ** exponents[place]
        return found


@dataclass(frozen=True)
class Ranks:
    """Shares of the training rows below a number, between quantiles.

    Attributes
    ----------
    quantiles
        Shape (n_quantiles, n_inputs).
    references
        The shares, shape (n_quantiles,).
    """

    quantiles: Array
    references: Array

    def __call__(self, X: Array) -> Array:
        """Return shares from 0 to 1."""
        import numpy as np

        found = np.empty(X.shape)
        for place, quantiles in enumerate(self.quantiles.T):
            values = X[:, place]
            # From both sides, as of a value that many rows have the middle of its shares counts.
            rising = np.interp(values, quantiles, self.references)
            falling = np.interp(-values, -quantiles[::-1], -self.references[::-1])
            share = 0.5 * (rising - falling)
            share[values == quantiles[-1]] = 1.0
            share[values == quantiles[0]] = 0.0
            found[:, place] = share
        return found


@dataclass(frozen=True)
class Splines:
    """B-splines of each input, constant beyond the knots of training.

    Attributes
    ----------
    knots
        Shape (n_inputs, n_knots), those of both ends included.
    degree
        Of the polynomials.

    References
    ----------
    de Boor (1972), On calculating with B-splines. Journal of Approximation Theory 6(1).
    """

    knots: Array
    degree: int

    def __call__(self, X: Array) -> Array:
        """Return the values of all splines, shape (n_samples, n_inputs * n_splines)."""
        import numpy as np

        return np.hstack([self._of(X[:, place], knots) for place, knots in enumerate(self.knots)])

    def _of(self, values: Array, knots: Array) -> Array:
        import numpy as np

        degree, last = self.degree, len(knots) - self.degree - 2
        x = values.clip(knots[degree], knots[last + 1])
        span = np.clip(np.searchsorted(knots, x, side="right") - 1, degree, last)
        found = np.zeros((len(x), last + 1))
        basis = np.zeros((len(x), degree + 1))
        basis[:, 0] = 1.0
        for order in range(1, degree + 1):
            saved = np.zeros(len(x))
            for number in range(order):
                right, left = knots[span + number + 1], knots[span + 1 - order + number]
                share = basis[:, number] / (right - left)
                basis[:, number] = saved + (right - x) * share
                saved = (x - left) * share
            basis[:, order] = saved
        found[np.arange(len(x))[:, None], span[:, None] + np.arange(-degree, 1)] = basis
        return found


@dataclass(frozen=True)
class Likenesses:
    """Likenesses to points, as a Gaussian kernel has them, weighed.

    Attributes
    ----------
    points
        Shape (n_points, n_inputs).
    gamma
        Of the kernel.
    weights
        Shape (n_points, n_outputs).
    shift
        Shape (n_outputs,).
    """

    points: Array
    gamma: float
    weights: Array
    shift: Array

    def __call__(self, X: Array) -> Array:
        """Return exp(-gamma * squared distance) @ weights + shift."""
        import numpy as np

        squares = (X**2).sum(axis=1)[:, None] + (self.points**2).sum(axis=1) - 2 * X @ self.points.T
        likeness = np.exp(-self.gamma * np.maximum(squares, 0.0))
        found: Array = likeness @ self.weights + self.shift
        return found
