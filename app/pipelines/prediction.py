"""The columns of a prediction's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from app.errors import Fault, InvalidParameters
from app.payloads.parameters import Output, Task
from app.pipelines.trained import TrainedPipeline

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


def columns(
    pipeline: TrainedPipeline, ids: pd.Index | Array, predicted: Array, output: Output | None
) -> dict[str, list[Any]]:
    """Name and order what was predicted, a list of n_samples values a column.

    Parameters
    ----------
    ids
        A row each; of a forecasting an index whose levels say more.

    A binary task gives `id` and `score`, the probability of the positive class, as the service of 2017 did; other
    tasks, and `output: all`, give `id`, `prediction` and for each class `score_<class>`.

    Raises
    ------
    InvalidParameters
        `output: score` where there is no one positive class.
    """
    import numpy as np

    if pipeline.task is Task.FORECASTING:
        # One row a series and step; the time of the step where the series' own times tell it.
        levels = cast("pd.Index", ids)
        named = {name: levels.get_level_values(name).tolist() for name in levels.names}
        return {**named, "prediction": predicted.tolist()}
    found: dict[str, list[Any]] = {"id": ids.tolist()}
    binary = len(pipeline.classes) == 2
    output = output or (Output.SCORE if binary else Output.ALL)
    if output is Output.SCORE:
        if not binary:
            raise InvalidParameters(
                "Only a model of two classes has one score.",
                [Fault("/params/output", f"ask for {Output.PREDICTION} or {Output.ALL}")],
            )
        return found | {"score": predicted[:, pipeline.classes.index(pipeline.positive_class)].tolist()}
    if pipeline.task is Task.REGRESSION:
        return found | {"prediction": predicted.tolist()}
    # An estimator may have no answer for a row far from all it knows; such a row has no class.
    known = ~np.isnan(predicted).any(axis=1)
    likeliest = np.where(known, np.nan_to_num(predicted).argmax(axis=1), -1)
    found["prediction"] = [pipeline.classes[code] if code >= 0 else None for code in likeliest]
    if output is Output.ALL:
        scores = {f"score_{name}": predicted[:, code].tolist() for code, name in enumerate(pipeline.classes)}
        found |= scores
    return found
