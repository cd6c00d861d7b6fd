"""Whether a compiled pipeline answers as the original does, on all rows of training and on rows at the edge."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from app.payloads.parameters import Kind
from app.pipelines.compiled.operation import Declined, OfColumns
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


def compare(program: OfColumns, fitted: Any, rows: pd.DataFrame, kinds: Mapping[str, Kind], classes: int) -> int:
    """Let both predict, and return how many rows were compared.

    Parameters
    ----------
    rows
        Of training, shape (n_samples, n_columns).
    classes
        How many classes there are; 0 for numbers.

    Raises
    ------
    Uncompiled
        They do not agree.
    """
    from app.pipelines.trained import columns_of

    compared, spread = 0, 0.0
    for frame in chain(_parts(rows), _edges(rows, kinds)):
        expected = _original(fitted, frame, classes)
        if expected is None:
            # Such rows the original refuses.
            continue
        try:
            found = program(columns_of(frame))
        except (Declined, ValueError):
            # Of such the original answers.
            if compared < len(rows):
                raise Uncompiled("its compiled form does not take the rows of its training") from None
            continue
        if not classes:
            spread = max(spread, float(expected.std()) if len(expected) else 0.0)
        _agree(found, expected, classes, spread)
        compared += len(frame)
    return compared


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
        part = rows.iloc[first : first + _AT_ONCE]
        yield part
        # One row alone takes other ways through some libraries than many do.
        yield part.iloc[:1]


def _edges(rows: pd.DataFrame, kinds: Mapping[str, Kind]) -> Iterator[pd.DataFrame]:
    """Yield rows with values that are missing, unseen or extreme: in one column after another, and in all.

    One at a time, as the original may refuse one of them.
    """
    base = rows.iloc[:1].reset_index(drop=True)
    every: list[dict[str, Any]] = [{}, {}, {}, {}]
    for name in rows.columns:
        values = _edge_values(rows[name], kinds.get(name))
        for value in values:
            yield _with(base, {name: value})
        for number, row in enumerate(every):
            if values:
                row[name] = values[number % len(values)]
    for row in every:
        if row:
            yield _with(base, row)


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


def _with(base: pd.DataFrame, values: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    row = base.copy()
    for name, value in values.items():
        row[name] = pd.Series([value], dtype=base[name].dtype)
    return row
