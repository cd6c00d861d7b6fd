"""Predictions a portion of rows at a time, so that a request whose time has passed comes to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app import deadline
from app.payloads.parameters import Task
from app.pipelines.pace import Paced

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from app.pipelines.compiled.operation import Columns
    from app.pipelines.trained import TrainedPipeline

    Array = np.ndarray[Any, Any]

#: Rows that are predicted together. More at once are no faster: each takes microseconds.
_TOGETHER = 10_000


def predict(pipeline: TrainedPipeline, rows: pd.DataFrame) -> Array:
    """Return what `pipeline.predict` does.

    Raises
    ------
    DeadlinePassed
        Also when the last portion was late: whoever asked has gone.
    TooCostly
        A model is too slow for the rows, and nothing is compiled.
    InvalidData
    """
    import numpy as np

    asked = pipeline.predict
    if pipeline.compiled is None and pipeline.task is not Task.FORECASTING:
        asked = pipeline.beside.setdefault("paced", Paced(pipeline.predict))
    if len(rows) <= _TOGETHER or pipeline.task is Task.FORECASTING:
        # The steps of a forecast follow from each other.
        answers = asked(rows)
    else:
        found = []
        for first in range(0, len(rows), _TOGETHER):
            deadline.check()
            found.append(asked(rows.iloc[first : first + _TOGETHER]))
        answers = np.concatenate(found)
    deadline.check()
    return answers


def predict_columns(pipeline: TrainedPipeline, columns: Columns) -> Array | None:
    """Return what `pipeline.predict_columns` does.

    Raises
    ------
    DeadlinePassed
    """
    import numpy as np

    n_rows = len(next(iter(columns.values())))
    found: list[Array] = []
    for first in range(0, n_rows, _TOGETHER):
        deadline.check()
        part = columns
        if n_rows > _TOGETHER:
            part = {name: values[first : first + _TOGETHER] for name, values in columns.items()}
        if (answers := pipeline.predict_columns(part)) is None:
            return None
        found.append(answers)
    deadline.check()
    return found[0] if len(found) == 1 else np.concatenate(found)
