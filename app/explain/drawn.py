"""Values that LIME draws: numbers from normal distributions cut to quartiles, all else from what rows have.

LIME 0.2.0.1 draws numbers so too, hence the same columns weigh most. It does of whole numbers what it does of others
(1.5 rooms), and gives the number 0 where all values of a quartile are the same; these are drawn from the rows here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from app.explain.base import Subject
from app.payloads.parameters import Kind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Rows that lend values, and cells of what is kept as long as a version is loaded, at most.
ROWS, CELLS = 2_500, 1_000_000

#: Groups of values near each other into which a column is cut.
STRATA = 16

#: Column kinds whose values are cut into quartiles.
_ORDERED = (Kind.NUMBER, Kind.DATE)


@dataclass(frozen=True)
class Drawn:
    """Values of each column, as often as they are drawn; which ones stand in one row means nothing.

    Attributes
    ----------
    rows
        Shape (n_drawn, n_columns), columns as `Subject.background` has them.
    edges
        {column: between the quartiles of its values}, of numbers and dates.
    quartiles
        {column: in which quartile each row's value is, shape (n_drawn,)}; -1 is missing.
    strata
        Of each value the group of values near it, below STRATA, shape (n_drawn, n_columns).
    """

    rows: pd.DataFrame
    edges: dict[str, Any]
    quartiles: dict[str, Array]
    strata: Array

    @classmethod
    def of(cls, subject: Subject) -> Self:
        """Draw from the background; made once for a version."""
        found: Self = subject.once("drawn", lambda: cls._made(subject))
        return found

    @classmethod
    def _made(cls, subject: Subject) -> Self:
        import numpy as np
        import pandas as pd

        background = subject.background
        n_rows = max(len(background), min(ROWS, CELLS // max(1, len(background.columns))))
        # Each row as often as another, or once more.
        places = np.resize(np.arange(len(background)), n_rows)
        columns, edges, quartiles, strata = {}, {}, {}, []
        for name in background.columns:
            values, kind = background[name], subject.kinds[name]
            if kind in _ORDERED:
                known = values.dropna()
                cuts = known.quantile([0.25, 0.5, 0.75], interpolation="lower").unique() if len(known) else known
                edges[name] = cuts
                if kind is Kind.NUMBER and not _whole(known):
                    values = pd.Series(_normal(values.to_numpy("float64"), np.asarray(cuts), n_rows))
                else:
                    values = values.take(places)
                quartiles[name] = np.where(values.isna(), -1, edges[name].searchsorted(values.to_numpy()))
                order = values.rank(method="dense", na_option="top").to_numpy()
                strata.append(np.minimum((order - 1) * STRATA // order.max(), STRATA - 1).astype("int16"))
            else:
                values = values.take(places)
                # Objects, such as a signal, are themselves and nothing else.
                codes = values.map(id) if kind is Kind.SIGNAL else values
                strata.append(pd.factorize(codes, use_na_sentinel=False)[0].clip(max=STRATA - 1).astype("int16"))
            columns[name] = values.array
        return cls(pd.DataFrame(columns), edges, quartiles, np.column_stack(strata))


def _whole(known: pd.Series) -> bool:
    """Tell whether all numbers are whole ones, or there is none."""
    return bool((known == known.round()).all())


def _normal(values: Array, edges: Array, n_rows: int) -> Array:
    """Return `n_rows` numbers, each quartile and what is missing having the share that it has of the values.

    Within a quartile they are the quantiles of the normal distribution of its mean and deviation, cut to its range.
    """
    import numpy as np
    from scipy.special import ndtr, ndtri

    quartiles = np.where(np.isnan(values), len(edges) + 1, edges.searchsorted(values))
    ends = np.rint(np.bincount(quartiles, minlength=len(edges) + 2).cumsum() * (n_rows / len(values))).astype(int)
    found = np.full(n_rows, np.nan)
    for quartile, (begin, end) in enumerate(zip([0, *ends[:-2]], ends[:-1], strict=True)):
        inside = values[quartiles == quartile]
        if begin == end:
            continue
        low, high, mean, deviation = inside.min(), inside.max(), inside.mean(), inside.std()
        if not deviation > 0:
            found[begin:end] = inside[0]
            continue
        shares = (np.arange(end - begin) + 0.5) / (end - begin)
        first, last = ndtr((low - mean) / deviation), ndtr((high - mean) / deviation)
        found[begin:end] = np.clip(mean + deviation * ndtri(first + shares * (last - first)), low, high)
    return found
