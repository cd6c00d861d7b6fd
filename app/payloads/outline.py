"""Which values of a long line are drawn: those that show its outline."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def outline(values: Sequence[float | None] | Array, most: int) -> list[int]:
    """Return the places of at most so many values, in their order: of each stretch the least and the greatest.

    Peaks stay, where every n-th value would lose them; and a gap stays one, as of a stretch in which all is missing the
    first value is there. Of no more values than that all stay.

    Parameters
    ----------
    values
        Numbers, None or NaN where one is missing, shape (n_values,).
    most
        At least 2.
    """
    import numpy as np

    if len(values) <= most:
        return [*range(len(values))]
    known = np.asarray(values, dtype="float64")
    missing = np.isnan(known)
    for_least, for_greatest = np.where(missing, np.inf, known), np.where(missing, -np.inf, known)
    edges = np.linspace(0, len(known), most // 2 + 1).astype("int64").tolist()
    kept = set()
    for begin, end in pairwise(edges):
        kept |= {begin + int(for_least[begin:end].argmin()), begin + int(for_greatest[begin:end].argmax())}
    return sorted(kept)
