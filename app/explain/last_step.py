"""Mixtures of rows, asked of a model's last step.

Where each input of that step comes from one column, the inputs of a mixture are a mixture of inputs: what is before the
step is computed once for the rows that lend values, and not for the thousands that are made of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.explain.base import FinalStep, Subject
from app.explain.drawn import Drawn
from app.explain.mixing import Mixture, taken

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Difference, in absolute and relative terms, that is rounding.
_ROUNDING = 1e-12


def asking(subject: Subject, row: pd.DataFrame, drawn: Drawn | None = None) -> Callable[[Array], Array]:
    """Return what gives the model's answers to mixtures, shape (n_rows, n_columns) to (n_rows, n_outputs).

    A mixture names the row of each value by its place in `drawn`, or else the background; `mixing.OWN` is `row`, shape
    (1, n_columns).
    """
    import numpy as np

    final, known = subject.final, _background(subject)
    if final is None or known is None:
        mixture = Mixture.of(row, subject.background if drawn is None else drawn.rows)
        return lambda places: subject.predict(mixture.rows(places))
    if drawn is not None:
        known = subject.once("inputs of what is drawn", lambda: final.transform(drawn.rows))
    inputs = np.asfortranarray(np.vstack([known, final.transform(row)]))
    behind = _behind(subject, final)
    return lambda places: final.answers(taken(inputs, places, behind))


def _behind(subject: Subject, final: FinalStep) -> list[int]:
    """Return the place of the column behind each input."""
    columns = {name: place for place, name in enumerate(subject.columns)}
    return [columns[name] for name in final.origins]


def _background(subject: Subject) -> Array | None:
    """Return the inputs of the background, computed at their first use; None where mixtures must be asked as rows."""

    def computed() -> Array | None:
        inputs = None if subject.final is None else subject.final.transform(subject.background)
        return inputs if _proven(subject, inputs) else None

    found: Array | None = subject.once("inputs", computed)
    return found


def _proven(subject: Subject, inputs: Array | None) -> bool:
    """Tell whether inputs can be mixed, and the last step answers as the model: seen on the background itself."""
    import numpy as np

    final, rows = subject.final, subject.background
    if final is None or inputs is None:
        return False
    # In each row every column is of another row.
    places = (np.arange(len(rows))[:, None] + np.arange(len(rows.columns))) % len(rows)
    rotated = final.transform(Mixture.of(rows.head(1), rows).rows(places))
    if not np.array_equal(rotated, taken(inputs, places, _behind(subject, final)), equal_nan=True):
        return False
    return np.allclose(final.answers(inputs), subject.predict(rows), rtol=_ROUNDING, atol=_ROUNDING)
