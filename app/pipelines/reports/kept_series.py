"""A few series of a training as they are, so that one can see what the classes look like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.payloads.outline import outline
from app.payloads.parameters import Task
from app.pipelines.reports.curves import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from app.payloads.training import Training

    Array = np.ndarray[Any, Any]

#: Series of a class, classes, and signals of a series that are shown.
EACH, CLASSES, SIGNALS = 3, 12, 6

#: Samples of a signal at most, and of all signals of all series together.
SAMPLES, TOGETHER = 500, 40_000


def examples(training: Training) -> list[dict[str, Any]]:
    """Return some series of a training; none of a table.

    Of each class the first ones; of numbers those with the least, a middle and the greatest; of a forecast the first.

    Returns
    -------
    [{"id", "label", "signals": [{"name", "place", "value"}]}]. `label` is None of a forecasting. `value` are a signal's
    values in their order, and `place` their numbers in it: of long ones what is least and greatest in each stretch.
    """
    from app.pipelines.tsfresh.series import raw_signals

    wanted = training.parameters.extract_features
    if wanted is None or wanted.column_id is None:
        return []
    labels = dict(_chosen(training))
    raw = raw_signals(training.frame[training.frame[wanted.column_id].isin(list(labels))], wanted)
    names = list(raw.columns)[:SIGNALS]
    most = max(20, min(SAMPLES, TOGETHER // max(1, len(labels) * len(names))))
    return [
        {
            "id": name if isinstance(name, str | int | float) else str(name),
            "label": label,
            "signals": [{"name": str(signal), **_thinned(raw.at[name, signal], most)} for signal in names],
        }
        for name, label in labels.items()
    ]


def _chosen(training: Training) -> Iterator[tuple[Any, Any]]:
    """Yield ids and their labels, class after class."""
    wanted = training.parameters.extract_features
    assert wanted is not None
    if training.task is Task.FORECASTING:
        for name in training.frame[wanted.column_id].unique().tolist()[:EACH]:
            yield name, None
        return
    labels: pd.Series = training.labels
    if training.task is Task.REGRESSION:
        ranked = labels.sort_values(kind="stable")
        places = dict.fromkeys([0, len(ranked) // 2, len(ranked) - 1])
        yield from ((ranked.index.tolist()[place], float(ranked.iloc[place])) for place in places)
        return
    for label in sorted(labels.unique().tolist())[:CLASSES]:
        for name in labels.index[labels == label].tolist()[:EACH]:
            yield name, label


def _thinned(values: Array, most: int) -> dict[str, Any]:
    import numpy as np

    values = np.asarray(values, dtype="float64")
    places = outline(values, most)
    return {"place": places, "value": numbers(values[places])}
