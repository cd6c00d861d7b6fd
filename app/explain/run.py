"""The door of the explanations: the rows to explain, the class to explain, one method, one answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidData, InvalidParameters, listed
from app.explain import registry
from app.explain.base import Asked, Local, Subject
from app.explain.encoding import check_columns
from app.explain.structure import final_step
from app.payloads import frames
from app.payloads.parameters import MOST_EXPLAINED, ExplainParameters
from app.payloads.uploads import Upload
from app.pipelines import run
from app.pipelines.cache import PipelineCache
from app.pipelines.trained import TrainedPipeline
from app.store.redis import ModelStore

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from app.settings import Settings


def explain(
    parameters: ExplainParameters, upload: Upload, store: ModelStore, cache: PipelineCache, settings: Settings
) -> dict[str, Any]:
    """Explain rows or series of an upload.

    Returns
    -------
    The answer of POST /explain. Contributions are in the caller's own columns (of a series: in tsfresh's features),
    the largest first.

    Raises
    ------
    ModelNotFound, VersionNotFound, Unreadable, InvalidData, InvalidParameters, EngineMissing and what `run.load` raises
    """
    started = time.monotonic()
    explainer = registry.resolve(parameters.method, "/params/method")
    pipeline, version = run.load(store, cache, parameters.pipeline_id, parameters.version)
    frame = frames.read(upload, settings, pipeline.signature.text_columns, pipeline.signature.id_column)
    rows = _chosen(pipeline.rows(frame, upload.part), parameters.ids)
    subject = _subject(pipeline)
    predicted = subject.predict(rows)
    explanations, locals_ = [], []
    for position in range(len(rows)):
        row = rows.iloc[[position]]
        output = _output(pipeline, predicted[position], parameters)
        asked = Asked(output, parameters.num_features, parameters.num_samples, parameters.seed)
        local = explainer(subject, row, asked)
        locals_.append(local)
        explanations.append(_described(pipeline, row, float(predicted[position, output]), output, local, asked))
    # Of the first row; one that the exact method could not read has its own in its explanation.
    local = locals_[0]
    return {
        "modelId": parameters.pipeline_id,
        "version": version,
        "method": parameters.method,
        "algorithm": local.algorithm,
        "task": pipeline.task.value,
        "scale": local.scale,
        "seed": parameters.seed,
        "num_samples": local.num_samples,
        "background": local.background,
        "seconds": round(time.monotonic() - started, 3),
        "explanations": explanations,
    }


def _chosen(rows: pd.DataFrame, ids: list[str | int] | None) -> pd.DataFrame:
    """Return the rows with the ids asked for, in the order asked; ids match as they are written."""
    if ids is None:
        if len(rows) > MOST_EXPLAINED:
            raise InvalidParameters(
                f"The data has {len(rows)} rows; at most {MOST_EXPLAINED} are explained at once.",
                [Fault("/params/ids", f"name up to {MOST_EXPLAINED} ids")],
            )
        return rows
    # Of a forecast the id is that of the series, and its first step is explained.
    written = [str(value) for value in rows.index.get_level_values(0).tolist()]
    places = {name: place for place, name in reversed(list(enumerate(written)))}
    missing = [value for value in ids if str(value) not in places]
    if missing:
        raise InvalidData(
            f"{len(missing)} id(s) are not in the data: {listed(missing)}.",
            [Fault("/params/ids", f"{value} is not in the data") for value in missing[:20]],
        )
    return rows.iloc[[places[str(value)] for value in ids]]


def _subject(pipeline: TrainedPipeline) -> Subject:
    check_columns(pipeline.background)

    def predict(rows: pd.DataFrame) -> np.ndarray[Any, Any]:
        answers = pipeline.predict(rows)
        return answers if answers.ndim == 2 else answers.reshape(-1, 1)

    final = final_step(pipeline.fitted, pipeline.background)
    return Subject(pipeline.task, predict, pipeline.background, final)


def _output(pipeline: TrainedPipeline, predicted: np.ndarray[Any, Any], parameters: ExplainParameters) -> int:
    """Return the column of the prediction to explain: the class asked for, the positive one, or the likeliest."""
    target, classes = parameters.target, pipeline.classes
    if target is None:
        return classes.index(pipeline.positive_class) if len(classes) == 2 else int(predicted.argmax())
    same = [code for code, name in enumerate(classes) if str(name) == str(target)]
    if not same:
        known = f"known classes are {listed(classes)}" if classes else "a regression has no classes; leave it out"
        raise InvalidParameters("The target is not a class of this model.", [Fault("/params/target", known)])
    return same[0]


def _described(
    pipeline: TrainedPipeline, row: pd.DataFrame, prediction: float, output: int, local: Local, asked: Asked
) -> dict[str, Any]:
    kinds = {column.name: column.kind for column in pipeline.signature.columns if column.role == "feature"}
    ordered = sorted(local.contributions.items(), key=lambda item: -abs(item[1]))[: asked.num_features]
    contributions = []
    for name, share in ordered:
        entry = {"feature": name, "value": _value(row[name].iloc[0], kinds.get(name)), "contribution": share}
        if name in local.conditions:
            entry["condition"] = local.conditions[name]
        contributions.append(entry)
    return {
        **_named(row),
        "algorithm": local.algorithm,
        "scale": local.scale,
        "target": pipeline.classes[output] if pipeline.classes else None,
        "prediction": prediction,
        "base_value": local.base_value,
        "local_prediction": local.local_prediction,
        "contributions": contributions,
        **local.trust,
    }


def _named(row: pd.DataFrame) -> dict[str, Any]:
    """Return the id of a row; of a forecast the step too."""
    if row.index.nlevels == 1:
        return {"id": row.index.tolist()[0]}
    return {name: row.index.get_level_values(name).tolist()[0] for name in ("id", "step")}


def _value(value: Any, kind: str | None) -> Any:
    """Return a value as the caller sent it; a missing one is None."""
    if value is None or value != value:
        return None
    if kind == "date":
        return value.isoformat()
    return bool(value) if kind == "boolean" else value
