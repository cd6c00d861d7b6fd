"""The door of the explanations: where they meet the store, uploads, predictions and trainings."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from app import deadline, limits
from app.errors import Fault, InvalidParameters, listed, within
from app.explain import answer, registry, subject
from app.explain.explanation import Explanation, silent
from app.explain.registry import Scope
from app.payloads import frames
from app.payloads.explaining import METHODS, ExplainParameters, check_explaining
from app.payloads.parameters import PredictParameters
from app.payloads.training import SINGLE_SERIES, Tables, as_single
from app.payloads.uploads import Upload
from app.pipelines import run
from app.pipelines.base import Progress
from app.pipelines.cache import PipelineCache
from app.pipelines.trained import TrainedPipeline
from app.store.record import Record
from app.store.redis import ModelStore
from app.telemetry import metrics
from app.telemetry.stages import Stage

if TYPE_CHECKING:
    from app.settings import Settings


#: What explains when no method is named, at the end of a training too: the first that fits.
_USUAL = ("grad_cam", "lime", "segments")


def explain(
    parameters: ExplainParameters,
    upload: Upload | None,
    store: ModelStore,
    cache: PipelineCache,
    settings: Settings,
    progress: Progress = silent,
    seconds: float = math.inf,
) -> dict[str, Any]:
    """Explain rows or series of an upload, or a model.

    Parameters
    ----------
    upload
        None for a method over many rows that takes those kept with the version.
    progress
        Is told before each row.
    seconds
        Wall time after which no further row is begun; those that are not explained are `left_out`.

    Returns
    -------
    The answer of POST /explain. Contributions are in the caller's own columns (of a series: in tsfresh's features or
    stretches of its signals), the largest first.

    Raises
    ------
    ModelNotFound, VersionNotFound, Unreadable, InvalidData, InvalidParameters, EngineMissing and what `run.load` raises
    """
    pipeline, version = run.load(store, cache, parameters.pipeline_id, parameters.version)
    frame = None
    if upload is not None:
        with Stage("parse", metrics.PARSE_SECONDS):
            frame = frames.read(upload, settings, pipeline.signature.text_columns, pipeline.signature.id_column)
    part, reported = upload.part if upload else "raw_data", partial(store.report, parameters.pipeline_id, version)
    with Stage("explain", metrics.explanation(parameters.method)):
        # What is explained by the end of a request's time is answered.
        within = min(seconds, deadline.left())
        found = Explanation(parameters, version, pipeline, frame, part, reported, progress, within).answer()
    limits.spend(len(found["explanations"]) + len(found["overall"]))
    metrics.explained(parameters.method, len(found["explanations"]) + len(found["overall"]))
    return found


def beside_prediction(
    parameters: PredictParameters, upload: Upload, store: ModelStore, cache: PipelineCache, settings: Settings
) -> dict[int, Any]:
    """Explain the rows that are predicted, as the prediction's `explain` asks.

    Returns
    -------
    {number of the row: its explanation, None where there was no time for it}, as the columns of a prediction are.

    Raises
    ------
    What `explain` raises; InvalidParameters too for a method that explains no single rows.
    """
    asked = {"method": parameters.explain} if isinstance(parameters.explain, str) else dict(parameters.explain or {})
    values = {**asked, "pipeline_id": parameters.pipeline_id, "version": parameters.version}
    with within("params/explain"):
        checked = check_explaining(values)
        if registry.METHODS[checked.method].scope is not Scope.LOCAL:
            local = [name for name, method in registry.METHODS.items() if method.scope is Scope.LOCAL]
            raise InvalidParameters(
                f"{checked.method} does not explain single rows.",
                [Fault("/params/method", f"ask POST /explain, or for one of {listed(local)}")],
            )
        if getattr(checked, "ids", None) is not None:
            raise InvalidParameters(
                "Each row that is predicted is explained.",
                [Fault("/params/ids", "leave it out, or ask POST /explain")],
            )
        found = explain(checked, upload, store, cache, settings, seconds=settings.explain_seconds)
    # There may have been no time for the last ones.
    explained: dict[int, Any] = dict(enumerate([*found["explanations"], *(None for _ in found["left_out"])]))
    return explained


def of_training(
    record: Record, tables: Tables, store: ModelStore, cache: PipelineCache, seconds: float
) -> dict[str, Any] | None:
    """Explain rows that a training held out, as its parameters ask; None when none could be explained.

    Parameters
    ----------
    seconds
        Wall time after which no further row is begun.
    """
    wanted = tables.parameters.explain
    pipeline, version = run.load(store, cache, record.pipeline_id, record.version)
    method = wanted.method or usual(pipeline)
    ids = store.report(record.pipeline_id, version).get("held_out", [])[: wanted.rows]
    if not ids:
        return None
    frame = tables.frame
    if pipeline.signature.id_column == SINGLE_SERIES:
        frame = as_single(frame)
    named = pipeline.signature.id_column
    frame = frame.iloc[ids] if named is None else frame[frame[named].isin(ids)]
    values = {**(wanted.model_extra or {}), "method": method, "pipeline_id": record.pipeline_id, "version": version}
    reported = partial(store.report, record.pipeline_id, version)
    work = Explanation(check_explaining(values), version, pipeline, frame, "raw_data", reported, silent, seconds)
    found = replace(work, skips=True).answer()
    return found if found["explanations"] or found["overall"] else None


def usual(pipeline: TrainedPipeline) -> str:
    """Return the method that explains single rows of a pipeline when nobody names one."""
    fitting = registry.fitting(subject.of(pipeline))
    return next(name for name in _USUAL if name in fitting)


def explainers(store: ModelStore, cache: PipelineCache, pipeline_id: int | str, version: int | None) -> dict[str, Any]:
    """Return the answer of GET /models/<id>/explainers: the methods that fit, and why the others do not.

    Raises
    ------
    What `run.load` raises
    """
    pipeline, number = run.load(store, cache, pipeline_id, version)
    told = store.report(pipeline_id, number).get("explainers", {})
    if told.keys() == registry.METHODS.keys():
        # What none of them could be asked for says so, as it does where it is loaded to be told of.
        _ = pipeline.background
    else:
        # Its training was one of an earlier release, or has not come to its end.
        told = fits(pipeline)
    fitting = [name for name in registry.METHODS if told[name] is None]
    return {
        # As it was given; in a path an integer is text.
        "modelId": store.record(pipeline_id, number).pipeline_id,
        "version": number,
        "explainers": [answer.explainer(name, METHODS[name], registry.METHODS[name].scope.value) for name in fitting],
        "others": {name: why for name, why in told.items() if why is not None},
    }


def fits(pipeline: TrainedPipeline) -> dict[str, str | None]:
    """Return of each method None where it fits a pipeline, or why it does not."""
    seen = subject.of(pipeline)
    return {name: method.fits(seen) for name, method in registry.METHODS.items()}
