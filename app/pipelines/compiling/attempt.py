"""What is done at a publication: compile, compare, and tell which form serves and why."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from app.payloads.parameters import Kind
from app.pipelines.compiled import stored
from app.pipelines.compiled.operation import OfColumns, columns_of
from app.pipelines.compiling.agreement import compare
from app.pipelines.compiling.compiler import compiled
from app.pipelines.compiling.uncompiled import Uncompiled

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

#: How reading a state fails, or computing with what was read.
_SURPRISES = (AttributeError, LookupError, TypeError, ValueError, ArithmeticError, MemoryError)

#: Predictions of one row that are timed; the first is a warm-up.
_TIMED = 4


def attempt(
    fitted: Any, rows: pd.DataFrame, kinds: Mapping[str, Kind], classes: int, seconds: float
) -> tuple[OfColumns | None, dict[str, Any]]:
    """Compile a fitted pipeline, unless its compiled form would answer otherwise, or no faster.

    Parameters
    ----------
    rows
        All that it was trained on, shape (n_samples, n_columns), with the columns that it reads.
    kinds
        Of the columns.
    classes
        How many classes there are; 0 for numbers.
    seconds
        Wall time after which no further rows are compared.

    Returns
    -------
    The compiled form or None; and for the record `serves` (compiled or original), `why`, how many `rows` were compared,
    and the milliseconds that either takes for one row.
    """
    try:
        # As it will be read.
        program = stored.loads(stored.dumps(compiled(fitted, [str(name) for name in rows.columns])))
        assert program is not None
        compared = compare(program, fitted, rows, kinds, classes, seconds)
        one, columns = rows.iloc[:1], columns_of(rows.iloc[:1])
        ours = _milliseconds(lambda: program(columns))
        theirs = _milliseconds(lambda: fitted.predict_proba(one) if classes else fitted.predict(one))
        if ours > theirs:
            raise Uncompiled("its compiled form is no faster")
    except Uncompiled as error:
        return None, {"serves": "original", "why": str(error)}
    except _SURPRISES as error:
        # Whatever state a fitted step may have that nobody thought of: what was trained is there, and serves.
        logger.warning("a pipeline could not be compiled", exc_info=error)
        return None, {"serves": "original", "why": f"it could not be compiled ({type(error).__name__})"}
    return program, {
        "serves": "compiled",
        "why": None,
        "rows": compared,
        "one_row_ms": {"compiled": ours, "original": theirs},
    }


def _milliseconds(predict: Callable[[], Any]) -> float:
    taken = []
    for _ in range(_TIMED):
        begun = time.perf_counter()
        predict()
        taken.append(1e3 * (time.perf_counter() - begun))
    return round(statistics.median(taken[1:]), 3)
