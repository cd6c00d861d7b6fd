"""Predictions a portion of rows at a time, so that a request whose time has passed comes to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app import deadline
from app.payloads.parameters import Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from app.pipelines.trained import TrainedPipeline

#: Rows that are predicted together. More at once are no faster: each takes microseconds.
_TOGETHER = 10_000


def predict(pipeline: TrainedPipeline, rows: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Return what `pipeline.predict` does.

    Raises
    ------
    DeadlinePassed
        Also when the last portion was late: whoever asked has gone.
    InvalidData
    """
    import numpy as np

    if len(rows) <= _TOGETHER or pipeline.task is Task.FORECASTING:
        # The steps of a forecast follow from each other.
        answers = pipeline.predict(rows)
    else:
        found = []
        for first in range(0, len(rows), _TOGETHER):
            deadline.check()
            found.append(pipeline.predict(rows.iloc[first : first + _TOGETHER]))
        answers = np.concatenate(found)
    deadline.check()
    return answers
