"""A loaded pipeline as explainers see it, and the rows of a request as the cases that they explain."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidData, listed
from app.explain.base import Case, Network, Signals, Subject
from app.explain.signals import behind
from app.explain.structure import final_step, members
from app.payloads.parameters import Kind, ModelTraining, Task
from app.pipelines import metrics
from app.pipelines.compiled import transformers
from app.pipelines.compiled.networks import NetworkInput
from app.pipelines.pace import Paced
from app.pipelines.reports import importances
from app.pipelines.trained import TrainedPipeline

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


#: One thread makes a subject; the others wait for it.
_MAKING = Lock()


def of(pipeline: TrainedPipeline) -> Subject:
    """Return the subject of a pipeline: made once, and kept with it as long as it is loaded."""
    with _MAKING:
        if "subject" not in pipeline.beside:
            pipeline.beside["subject"] = _made(pipeline)
    found: Subject = pipeline.beside["subject"]
    return found


def _made(pipeline: TrainedPipeline) -> Subject:
    kinds = _kinds(pipeline)
    whole = any(kind in (Kind.IMAGE, Kind.SIGNAL) for kind in kinds.values())
    network = _network(pipeline)
    answering = () if whole else tuple(replace(one, answers=Paced(one.answers)) for one in members(pipeline.fitted))
    # Of thousands of rows the original is as fast as what is compiled, or faster, but for networks of whole rows.
    predict = pipeline.predict if network is not None and not answering else pipeline.predict_original
    return Subject(
        task=pipeline.task,
        classes=pipeline.classes,
        kinds=kinds,
        predict=Paced(partial(_predict, predict)),
        background=pipeline.background,
        members=answering,
        final=final_step(answering, pipeline.background),
        network=network,
        of_series=pipeline.features is not None,
        computed=tuple(name for name in pipeline.columns if kinds[name] is not Kind.SIGNAL)
        if pipeline.features
        else (),
        images=_image_size(pipeline.fitted) if Kind.IMAGE in kinds.values() else None,
        measure=partial(_measure, pipeline),
    )


def cases(pipeline: TrainedPipeline, frame: pd.DataFrame, rows: pd.DataFrame) -> list[Case]:
    """Return a case a row.

    Parameters
    ----------
    frame, rows
        What was sent, and the rows that `pipeline.rows` makes of it, or some of them.
    """
    behind_rows: list[Signals | None] = [None] * len(rows)
    if pipeline.features is not None:
        behind_rows = [*behind(pipeline.features, pipeline.conformed(frame), rows)]
    return [Case(rows.iloc[[place]], signals) for place, signals in enumerate(behind_rows)]


def _predict(predict: Callable[[pd.DataFrame], Array], rows: pd.DataFrame) -> Array:
    answers = predict(rows)
    return answers if answers.ndim == 2 else answers.reshape(-1, 1)


def _measure(
    pipeline: TrainedPipeline, rows: pd.DataFrame, labels: Sequence[Any], seed: int, seconds: float
) -> dict[str, Any]:
    """Shuffle each column of rows, and tell what that costs.

    Raises
    ------
    InvalidData
        A label is not a class of the model, or no number.
    """
    import numpy as np

    codes = {str(name): code for code, name in enumerate(pipeline.classes)}
    wrong = [label for label in labels if (str(label) not in codes if codes else _number(label) is None)]
    if wrong:
        known = f"known classes are {listed(pipeline.classes)}" if codes else "must be numbers"
        raise InvalidData(
            f"{len(wrong)} of the labels cannot be compared with predictions.", [Fault("/params/labels", known)]
        )
    y = np.array([codes[str(label)] if codes else _number(label) for label in labels])
    metric = metrics.of(ModelTraining(), pipeline.task, len(pipeline.classes))
    return importances.importances(pipeline.fitted, rows, y, metric, seed, seconds)


def _number(label: Any) -> float | None:
    try:
        found = float(label)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def _kinds(pipeline: TrainedPipeline) -> dict[str, Kind]:
    """Return the kind of each column of the rows."""
    if pipeline.features is None:
        known = {column.name: column.kind for column in pipeline.signature.columns}
        return {name: known[name] for name in pipeline.columns}
    return {
        name: Kind.SIGNAL if pipeline.background[name].dtype == "object" else Kind.NUMBER for name in pipeline.columns
    }


def _network(pipeline: TrainedPipeline) -> Network | None:
    """Return the neural network that the last step of a pipeline is; None where it is none."""
    *before, (_, model) = pipeline.fitted.steps
    if not hasattr(model, "copied"):
        return None

    def inputs(rows: pd.DataFrame) -> Array:
        for _, step in before:
            rows = step.transform(rows)
        encoded: Array = model.encode(rows)
        return encoded

    compiled, answers = pipeline.compiled, None
    if isinstance(compiled, transformers.Pipeline) and isinstance(compiled.encoder, NetworkInput):
        answers = Paced(transformers.Chain(compiled.steps))
    return Network(model.kind, inputs, model.copied, answers)


def _image_size(fitted: Any) -> tuple[int, int, int] | None:
    """Return height, width and channels at which the first part that sees images sees them."""
    for part in _parts(fitted):
        if {"height", "width", "channels"} <= set(vars(part)):
            return part.height, part.width, part.channels
        if getattr(part, "kind", None) == "image" and hasattr(part, "size"):
            height, width, channels = part.size
            return height, width, channels
    return None


def _parts(value: Any) -> Iterator[Any]:
    if hasattr(value, "get_params"):
        yield value
        for inner in (*value.get_params(deep=False).values(), getattr(value, "fitted_", None)):
            yield from _parts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _parts(inner)


def positive(subject: Subject, pipeline: TrainedPipeline) -> int | None:
    """Return the output that is explained of two classes, or of numbers; None where there are more."""
    if subject.task is not Task.CLASSIFICATION:
        return 0
    return pipeline.classes.index(pipeline.positive_class) if len(pipeline.classes) == 2 else None
