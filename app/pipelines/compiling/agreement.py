"""Whether a compiled pipeline answers as the original does, on all rows of training and on rows at the edge."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from app.payloads.parameters import Kind
from app.pipelines.compiled.operation import Declined, OfColumns, columns_of
from app.pipelines.compiling.uncompiled import Uncompiled

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: The most by which probabilities may differ, and targets, in units of their own size or of the spread of all.
TOLERANCE = 1e-6

#: Rows that are compared at once.
_AT_ONCE = 5_000

#: A category that training did not see.
_UNSEEN = "never seen"

#: By how many ranges of a column a value at the edge lies beyond it.
_BEYOND = 10.0


def compare(
    program: OfColumns, fitted: Any, rows: pd.DataFrame, kinds: Mapping[str, Kind], classes: int, seconds: float
) -> int:
    """Let both predict, and return how many rows were compared.

    Parameters
    ----------
    rows
        Of training, shape (n_samples, n_columns).
    classes
        How many classes there are; 0 for numbers.
    seconds
        Wall time after which no further rows are compared. Those at the edge come first.

    Raises
    ------
    Uncompiled
        They do not agree.
    """
    compared, spread, until = 0, 0.0, time.monotonic() + seconds
    for number, frame in enumerate(
        chain(_parts(rows.iloc[:_AT_ONCE]), _edges(rows, kinds), _parts(rows.iloc[_AT_ONCE:]))
    ):
        for part, expected in _originals(fitted, frame, classes):
            if compared and time.monotonic() > until:
                return compared
            try:
                found = program(columns_of(part))
            except (Declined, ValueError):
                # Where it declines, the original answers. It must not be of what it will be asked for mostly.
                if not number:
                    raise Uncompiled("its compiled form does not take the rows of its training") from None
                continue
            if not classes:
                spread = max(spread, float(expected.std()))
            _agree(found, expected, classes, spread)
            compared += len(part)
    if not compared:
        raise Uncompiled("the original answers none of the rows that both were asked")
    return compared


def _originals(fitted: Any, rows: pd.DataFrame, classes: int) -> Iterator[tuple[pd.DataFrame, Array]]:
    """Yield rows and what the original predicts: all at once, or one by one where it refuses some of them."""
    together = _original(fitted, rows, classes)
    if together is not None:
        yield rows, together
        return
    for place in range(len(rows)):
        row = rows.iloc[[place]]
        if (alone := _original(fitted, row, classes)) is not None:
            yield row, alone


def _original(fitted: Any, rows: pd.DataFrame, classes: int) -> Array | None:
    import numpy as np

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answers = fitted.predict_proba(rows) if classes else fitted.predict(rows)
    except (ValueError, TypeError, ArithmeticError, LookupError):
        return None
    return np.asarray(answers, dtype="float64").reshape(len(rows), -1)


def _agree(found: Array, expected: Array, classes: int, spread: float) -> None:
    import numpy as np

    if found.shape != expected.shape:
        raise Uncompiled("its compiled form has another number of outputs")
    missing = np.isnan(expected)
    if (np.isnan(found) != missing).any():
        raise Uncompiled("its compiled form answers where the original does not")
    if classes and (np.nan_to_num(found).argmax(axis=1) != np.nan_to_num(expected).argmax(axis=1)).any():
        raise Uncompiled("its compiled form tells another class of some rows")
    size = 1.0 if classes else np.maximum(np.abs(expected), spread)
    off = np.abs(found - expected)[~missing & (found != expected)]
    allowed = np.broadcast_to(TOLERANCE * size, expected.shape)[~missing & (found != expected)]
    if (off > allowed).any():
        raise Uncompiled(f"its compiled form is off by up to {off.max():.1g}")


def _parts(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for first in range(0, len(rows), _AT_ONCE):
        yield rows.iloc[first : first + _AT_ONCE]


def _edges(rows: pd.DataFrame, kinds: Mapping[str, Kind]) -> Iterator[pd.DataFrame]:
    """Yield rows with values that are missing, unseen or extreme: in one column after another, and in all."""
    changes: list[dict[str, Any]] = []
    every: list[dict[str, Any]] = [{}, {}, {}, {}]
    for name in rows.columns:
        values = _edge_values(rows[name], kinds.get(name))
        changes += [{name: value} for value in values]
        for number, row in enumerate(every):
            if values:
                row[name] = values[number % len(values)]
    # One row alone takes other ways through some libraries than many do.
    yield rows.iloc[:1].reset_index(drop=True)
    if changes:
        yield _changed(rows.iloc[:1], [*changes, *every])


def _edge_values(column: pd.Series, kind: Kind | None) -> list[Any]:
    import pandas as pd

    match kind:
        case Kind.NUMBER | Kind.BOOLEAN:
            least, most = float(column.min()), float(column.max())
            reach = _BEYOND * (most - least or 1.0)
            edges = (
                [float("nan"), least - reach, most + reach, 0.0] if kind is Kind.NUMBER else [float("nan"), 0.0, 1.0]
            )
            return [value for value in edges if value != value or abs(value) < float("inf")]
        case Kind.CATEGORY | Kind.TEXT:
            return [None, "", _UNSEEN, "\N{GREEK SMALL LETTER ALPHA}  \N{GREEK SMALL LETTER BETA}!"]
        case Kind.DATE:
            return [pd.NaT, pd.Timestamp("1900-01-01"), pd.Timestamp("2100-12-31T23:59:59")]
    # Images and signals have no edges of one value.
    return []


def _changed(base: pd.DataFrame, changes: list[dict[str, Any]]) -> pd.DataFrame:
    """Return a row once for each of some changes of it."""
    import pandas as pd

    columns = {}
    for name in base.columns:
        there = base[name].iloc[0]
        columns[name] = pd.Series([change.get(name, there) for change in changes], dtype=base[name].dtype)
    return pd.DataFrame(columns)
