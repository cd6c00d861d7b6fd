"""The door of the pipelines: train one and store it, load one and predict with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.payloads import frames
from app.payloads.parameters import PredictParameters
from app.payloads.training import Tables, assemble
from app.payloads.uploads import Upload
from app.pipelines import prediction, registry
from app.pipelines.base import Progress
from app.pipelines.build import Build
from app.pipelines.cache import PipelineCache
from app.pipelines.trained import TrainedPipeline, installed_versions
from app.store.artifact import Artifact
from app.store.record import Record
from app.store.redis import ModelStore

if TYPE_CHECKING:
    from app.settings import Settings


def train(
    tables: Tables,
    job_id: str,
    seconds: float,
    store: ModelStore,
    progress: Progress,
    keep: Callable[[Record, Artifact], None],
    stop_reason: Callable[[], str | None],
) -> Record:
    """Train a pipeline and publish it as the next version of its id.

    Parameters
    ----------
    seconds
        Wall time that all of it may take.
    keep
        Is given a model that may be published should the training be stopped before its end.
    stop_reason
        Tells why a search was interrupted, for the record.

    Returns
    -------
    The published record; its `result` is the answer of POST /train_pipeline.

    Raises
    ------
    InvalidData, InvalidParameters, TrainingFailed, EngineMissing, StoreUnavailable
    """
    build = Build(assemble(tables), job_id, seconds, progress, stop_reason)
    engine = registry.resolve(tables.parameters.model_training.model)
    found = engine.search(build.problem(), progress, lambda candidate: keep(*build.finish(candidate, _silent)))
    record, artifact = build.finish(found, progress)
    progress("publishing", 1.0)
    return store.publish(record, artifact)


def _silent(
    stage: str, fraction: float | None = None, candidates: int | None = None, best_score: float | None = None
) -> None:
    """Report nothing: what is kept on the way is a part of the search that reports."""


def load(
    store: ModelStore, cache: PipelineCache, pipeline_id: int | str, version: int | None
) -> tuple[TrainedPipeline, int]:
    """Return a pipeline ready to predict and its version, the current one when none is asked for.

    Raises
    ------
    ModelNotFound, VersionNotFound, ArtifactRejected, NeedsRetraining, StoreUnavailable
    """
    # One small read a request, also for a version that is in the cache: what was deleted is gone at once.
    wanted = store.current(pipeline_id) if version is None else version
    if version is not None:
        store.check(pipeline_id, version)

    def read() -> tuple[TrainedPipeline, int]:
        artifact = store.artifact(pipeline_id, wanted)
        size = sum(map(len, artifact.parts.values()))
        return TrainedPipeline.from_artifact(artifact, installed_versions()), size

    return cache.get((str(pipeline_id), wanted), read), wanted


def predict(
    parameters: PredictParameters, upload: Upload, store: ModelStore, cache: PipelineCache, settings: Settings
) -> dict[str, list[Any]]:
    """Predict the rows or series of an upload.

    Returns
    -------
    {column: list of n_samples values}; `prediction.columns` says which.

    Raises
    ------
    ModelNotFound, VersionNotFound, Unreadable, InvalidData, InvalidParameters and what `load` raises
    """
    pipeline, _ = load(store, cache, parameters.pipeline_id, parameters.version)
    frame = frames.read(upload, settings, text=pipeline.signature.text_columns)
    rows = pipeline.rows(frame, upload.part)
    return prediction.columns(pipeline, rows.index, pipeline.predict(rows), parameters.output)
