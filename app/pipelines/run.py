"""The door of the pipelines: train one and store it, load one and predict with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from app import limits
from app.errors import InvalidData, NoNetwork, NoTree, ServiceError, TrainingFailed
from app.payloads import frames, straight
from app.payloads.parameters import PredictParameters, Task
from app.payloads.training import Tables, Training, assemble
from app.payloads.uploads import Upload
from app.pipelines import (
    baseline,
    evaluate,
    kept,
    leaderboard,
    portions,
    prediction,
    registry,
    reports,
    samples,
    sizing,
)
from app.pipelines.base import Progress, Trial
from app.pipelines.board import TrialBoard
from app.pipelines.build import Build, Fits
from app.pipelines.cache import FRESH, PipelineCache
from app.pipelines.clock import Clock
from app.pipelines.compiled.entering import entering
from app.pipelines.compiled.operation import Declined, columns_of
from app.pipelines.dataset import Dataset
from app.pipelines.processes import ChildDied, ChildFailed, stream
from app.pipelines.trained import TrainedPipeline, installed_versions
from app.store.artifact import Artifact
from app.store.publications import Publications
from app.store.record import Record, Version
from app.store.redis import ModelStore
from app.telemetry import context, metrics
from app.telemetry.stages import Stage

if TYPE_CHECKING:
    import numpy as np

    from app.settings import Settings

    Array = np.ndarray[Any, Any]


#: Files of Keras that a network can be exported as.
NETWORK_FORMATS = ("keras", "h5")


#: Seconds that a first model of few rows or series may take.
_AT_ONCE = 8.0

#: Seconds that the end of a training has at least; its worker keeps the limit.
_FINISH = 30.0


class Rows(Protocol):
    """Where the rows of a leaderboard are kept, for another attempt at the training and for their promotion."""

    def add_row(self, name: str, row: Artifact) -> None:
        """Keep a row."""

    def rows(self) -> list[Artifact]:
        """Return the rows that were kept."""


def train(
    tables: Tables,
    job_id: str,
    seconds: float,
    publications: Publications,
    progress: Progress,
    rows: Rows,
    promoted: Artifact | None = None,
    scheduler: str | None = None,
    fits: Fits = lambda _: {},
) -> Record:
    """Train a pipeline and publish it as the next version of its id.

    Parameters
    ----------
    seconds
        Wall time that all of it may take.
    promoted
        A scored row of an earlier training's leaderboard on the same data, which is fitted instead of a search; as
        `rows` has kept it.
    scheduler
        Address of a Dask scheduler to work on; None for this machine.
    fits
        Tells which methods of explanation fit what was trained, so that nobody has to load it to know.

    Returns
    -------
    The published record; its `result` is the answer of POST /train_pipeline.

    Raises
    ------
    InvalidData, InvalidParameters, TrainingFailed, EngineMissing, StoreUnavailable
    """
    if promoted is not None:
        # Whoever asks for it wants it served, whatever its search was to do with its own.
        tables = replace(tables, parameters=tables.parameters.model_copy(update={"promote": True}))
    training, engine = assemble(tables), registry.resolve(tables.parameters)
    searches = engine.searches and promoted is None
    kept = [promoted] if promoted is not None else rows.rows() if searches else []
    # An attempt before this one may have left a better model than the first.
    first = searches and publications.published_by(job_id) is None
    clock = Clock(seconds)
    if first and _takes_long(training):
        _publish_at_once(training, job_id, publications, progress)
        clock.lap("first model")
    chosen = leaderboard.chosen_of(kept[0]) if kept else None
    dataset = Dataset(training, clock, progress, scheduler, chosen)
    build, problem = Build(dataset, job_id, fits), dataset.problem(searches)
    board = TrialBoard(
        problem,
        progress,
        build.provisional if searches else None,
        publications.publish,
        lambda trial: rows.add_row(trial.name, leaderboard.to_artifact(trial, dataset.chosen)),
        map(leaderboard.from_artifact, kept) if searches else (),
    )
    try:
        if promoted is not None:
            board.note = "A row of an earlier training's leaderboard, promoted."
            # The folds of the same data are the same, so it need not be tried again.
            found = leaderboard.from_artifact(promoted)
            board.add(found, "promotion")
        else:
            if first:
                board.offer(baseline.untried(problem))
            found = engine.search(problem, board)
    finally:
        board.close()
    try:
        version = _finished(build, board, found, progress, max(_FINISH, seconds), publications)
    except TrainingFailed:
        # What was published on the way is a model that works.
        tried, measure = [leaderboard.told(trial) for trial in board.trials], problem.metric.name
        complete = partial(leaderboard.completed, kept=tried, metric=measure)
        if (served := publications.conclude(job_id, "the final fit failed", complete)) is not None:
            return served
        raise
    progress("publishing", 1.0)
    published = publications.publish(version)
    if published.version > 1:
        # Web processes may go by the one before for as long: whoever hears of the end finds the new one.
        time.sleep(FRESH)
    return published


def _takes_long(training: Training) -> bool:
    """Tell whether what comes before a search may take more than a few seconds."""
    kinds = {column.kind for column in training.signature.columns if column.role == "feature"}
    return training.parameters.extract_features is not None or not sizing.is_small(len(training.labels), kinds)


def _publish_at_once(training: Training, job_id: str, publications: Publications, progress: Progress) -> None:
    """Publish a first model of some rows or series: what comes before a search of all may take most of the time."""
    since = time.monotonic()

    def told() -> bool:
        progress("first model", min(1.0, (time.monotonic() - since) / _AT_ONCE))
        return True

    with suppress(ServiceError, ChildFailed, ChildDied, TimeoutError):
        for version in stream(_first, training, job_id, seconds=_AT_ONCE, wanted=told):
            publications.publish(version)


def _first(training: Training, job_id: str) -> Iterator[Version]:
    dataset = Dataset(samples.few(training), Clock(_AT_ONCE), lambda *_, **__: None)
    yield from Build(dataset, job_id).provisional(baseline.untried(dataset.problem()), [])


def _finished(
    build: Build, board: TrialBoard, found: Trial, progress: Progress, seconds: float, publications: Publications
) -> Version:
    """Score, describe and fit what was found, in a child, as it is native code of many threads."""
    last: Any = "hold-out"
    since, left = build.clock.elapsed, build.clock.left

    def told() -> bool:
        if isinstance(last, str):
            progress(last, min(1.0, (build.clock.elapsed - since) / left))
        return True

    rows, alone = leaderboard.rows(board), publications.published_by(build.job_id) is None
    arguments = (found, rows, board.note, board.stopped, alone)
    try:
        for item in stream(build.finish, *arguments, seconds=seconds, threads=found.threads, wanted=told):
            if isinstance(item, Version) and item.record.provisional:
                publications.publish(item)
                continue
            last = item
            told()
    except (ChildFailed, ChildDied, TimeoutError) as error:
        raise TrainingFailed("The best pipeline could not be fitted to all rows.") from error
    assert isinstance(last, Version)
    return last


def load(
    store: ModelStore, cache: PipelineCache, pipeline_id: int | str, version: int | None
) -> tuple[TrainedPipeline, int]:
    """Return a pipeline ready to predict and its version, the current one when none is asked for.

    Raises
    ------
    ModelNotFound, VersionNotFound, ArtifactRejected, NeedsRetraining, StoreUnavailable
    """
    # A small read, also for a version that is in the cache: what was deleted or replaced is gone at once.
    name = store.whole(pipeline_id)
    wanted, digest = cache.place(name, version, lambda: store.place(pipeline_id, version, likely=cache.newest(name)))

    def read() -> tuple[TrainedPipeline, int]:
        with Stage("load", metrics.LOAD_SECONDS):
            artifact = store.artifact(pipeline_id, wanted)
            size = sum(map(len, artifact.parts.values()))
            return TrainedPipeline.from_artifact(artifact, installed_versions()), size

    context.note(pipeline_id=pipeline_id, version=wanted)
    return cache.get((name, wanted, digest), read), wanted


def rows_of_training(
    store: ModelStore, cache: PipelineCache, pipeline_id: str, version: int | None, first: int, count: int
) -> dict[str, Any]:
    """Return the answer of GET /models/<id>/rows: rows of the training that are kept with a version.

    Raises
    ------
    What `load` raises
    """
    pipeline, number = load(store, cache, pipeline_id, version)
    return {"modelId": pipeline_id, "version": number, **kept.rows(pipeline, first, count)}


def network(store: ModelStore, cache: PipelineCache, pipeline_id: str, version: int, form: str) -> bytes:
    """Return the neural network of a version as a file in one of `NETWORK_FORMATS`.

    Raises
    ------
    NoNetwork, and what `load` raises
    """
    model = evaluate.innermost(load(store, cache, pipeline_id, version)[0].fitted)
    if not hasattr(model, "export"):
        raise NoNetwork(pipeline_id, version)
    data: bytes = model.export(form)
    return data


def predict(
    parameters: PredictParameters, upload: Upload, store: ModelStore, cache: PipelineCache, settings: Settings
) -> dict[str, list[Any]]:
    """Predict the rows or series of an upload.

    Returns
    -------
    {column: list of n_samples values}; `prediction.columns` says which.

    Raises
    ------
    ModelNotFound, VersionNotFound, Unreadable, InvalidData, InvalidParameters, DeadlinePassed and what `load` raises
    """
    pipeline, _ = load(store, cache, parameters.pipeline_id, parameters.version)
    if (quick := _straight(pipeline, upload, settings)) is not None:
        ids, answers = quick
    else:
        with Stage("parse", metrics.PARSE_SECONDS):
            frame = frames.read(upload, settings, pipeline.signature.text_columns, pipeline.signature.id_column)
        rows = pipeline.rows(frame, upload.part)
        with Stage("predict", metrics.PREDICT_SECONDS):
            ids, answers = rows.index, portions.predict(pipeline, rows)
    limits.spend(len(ids))
    metrics.PREDICTED_ROWS.inc(len(ids))
    return prediction.columns(pipeline, ids, answers, parameters.output)


def paths(
    store: ModelStore, cache: PipelineCache, pipeline_id: str, version: int, upload: Upload, settings: Settings
) -> list[dict[str, Any]]:
    """Return which way each row of an upload takes through the tree of a version's report.

    Returns
    -------
    [{"id", "nodes": [number, …]}], see `reports.tree`.

    Raises
    ------
    NoTree
        The version has none, or one that only its original could be asked.
    ModelNotFound, VersionNotFound, Unreadable, InvalidData and what `load` raises
    """
    store.record(pipeline_id, version)
    tree = store.report(pipeline_id, version).get("tree")
    if tree is None:
        raise NoTree(pipeline_id, version, "has no single tree to draw, or was trained before trees were kept")
    pipeline, _ = load(store, cache, pipeline_id, version)
    frame = frames.read(upload, settings, pipeline.signature.text_columns, pipeline.signature.id_column)
    rows = pipeline.rows(frame, upload.part)
    try:
        entered = entering(pipeline.compiled, columns_of(rows))
    except Declined as error:
        raise InvalidData("Some of these numbers are too large for a tree.") from error
    if entered is None:
        raise NoTree(pipeline_id, version, "is served by its original, which is not asked for what enters its trees")
    limits.spend(len(rows))
    return [
        {"id": name, "nodes": reports.path(tree["nodes"], row)}
        for name, row in zip(rows.index.tolist(), entered.tolist(), strict=True)
    ]


def _straight(pipeline: TrainedPipeline, upload: Upload, settings: Settings) -> tuple[Any, Array] | None:
    """Return ids and predictions of a plain table without making a frame; None where there has to be one."""
    if pipeline.compiled is None or pipeline.task is Task.FORECASTING:
        # The windows of a forecast are cut with their times, which a frame has.
        return None
    with Stage("parse", metrics.PARSE_SECONDS):
        table = straight.read(upload, pipeline.wanted, settings)
    if table is None or (rows := pipeline.straight_rows(table)) is None:
        return None
    with Stage("predict", metrics.PREDICT_SECONDS):
        predicted = portions.predict_columns(pipeline, rows.columns)
    return None if predicted is None else (rows.ids, predicted)
