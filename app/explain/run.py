"""The door of the explanations: the rows to explain, the class to explain, one method, one answer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidData, InvalidParameters, listed
from app.explain import answer, registry, stability, subject
from app.explain.base import Asked, Case, Local, Overall, Subject
from app.explain.registry import Scope
from app.payloads import frames
from app.payloads.explaining import METHODS, MOST_EXPLAINED, ExplainParameters, check_explaining
from app.payloads.parameters import PredictParameters, Task
from app.payloads.training import SINGLE_SERIES, Tables, as_single
from app.payloads.uploads import Upload
from app.pipelines import run
from app.pipelines.base import Progress
from app.pipelines.cache import PipelineCache
from app.pipelines.trained import TrainedPipeline
from app.store.record import Record
from app.store.redis import ModelStore

if TYPE_CHECKING:
    import pandas as pd

    from app.settings import Settings


#: What is explained at the end of a training that names no method: the first that fits.
_USUAL = ("grad_cam", "lime", "segments")


def _silent(*_: Any, **__: Any) -> None:
    """Tell nobody."""


def explain(
    parameters: ExplainParameters,
    upload: Upload | None,
    store: ModelStore,
    cache: PipelineCache,
    settings: Settings,
    progress: Progress = _silent,
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
        frame = frames.read(upload, settings, pipeline.signature.text_columns, pipeline.signature.id_column)
    part, reported = upload.part if upload else "raw_data", partial(store.report, parameters.pipeline_id, version)
    return Explanation(parameters, version, pipeline, frame, part, reported, progress, seconds).answer()


@dataclass(frozen=True)
class Explanation:
    """One explanation of a loaded pipeline.

    Attributes
    ----------
    frame
        What was sent, as it was read; None for a method that takes the rows kept with the version.
    part
        What to call the frame in an error.
    reported
        Returns what the version's training reported.
    """

    parameters: ExplainParameters
    version: int
    pipeline: TrainedPipeline
    frame: pd.DataFrame | None
    part: str = "raw_data"
    reported: Callable[[], dict[str, Any]] = dict
    progress: Progress = _silent
    seconds: float = math.inf

    def answer(self) -> dict[str, Any]:
        """Explain, and return the answer as JSON has it."""
        started = time.monotonic()
        seen = replace(subject.of(self.pipeline), reported=self.reported)
        registry.check(self.parameters.method, seen)
        local = registry.METHODS[self.parameters.method].scope is Scope.LOCAL
        deadline = started + self.seconds
        found = self._each(seen, deadline) if local else self._overall(seen, deadline)
        return {
            "modelId": self.parameters.pipeline_id,
            "version": self.version,
            "method": self.parameters.method,
            "task": self.pipeline.task.value,
            "seed": self.parameters.seed,
            **found,
            "seconds": round(time.monotonic() - started, 3),
        }

    def _each(self, seen: Subject, deadline: float) -> dict[str, Any]:
        assert self.frame is not None
        explainer = registry.resolve(self.parameters.method)
        rows = chosen(self.pipeline.rows(self.frame, self.part), self.parameters.ids)  # type: ignore[attr-defined]
        predicted = seen.predict(rows)
        entries: list[dict[str, Any]] = []
        found: list[Local] = []
        for place, case in enumerate(subject.cases(self.pipeline, self.frame, rows)):
            self.progress("explaining", place / len(rows))
            asked = Asked.of(self.parameters, self._output(seen, predicted[place]), deadline)
            if found and asked.late:
                break
            local = explainer(seen, case, asked)
            if getattr(self.parameters, "stability", False):
                told = stability.of(explainer, seen, case, asked, local)
                local = replace(local, trust=local.trust | {"stability": told})
            found.append(local)
            entries.append(answer.local(seen, case, float(predicted[place, asked.output]), asked, local))
        # Of the first row; one that the exact method could not read has its own in its explanation.
        left_out = rows.index[len(found) :].tolist()
        return answer.header(found[0]) | {"explanations": entries, "overall": [], "left_out": left_out}

    def _overall(self, seen: Subject, deadline: float) -> dict[str, Any]:
        explainer = registry.resolve(self.parameters.method)
        cases = self._many(seen)
        entries, examples = [], []
        found = Overall()
        for output in self._outputs(seen):
            asked = Asked.of(self.parameters, output, deadline)
            found = explainer(seen, cases, asked)
            entries.append(answer.overall(seen, asked, found, registry.METHODS[self.parameters.method].by_class))
            for place, local in found.examples:
                prediction = float(seen.predict(cases[place].row)[0, output])
                examples.append(answer.local(seen, cases[place], prediction, asked, local))
        return answer.header(found) | {"explanations": examples, "overall": entries, "left_out": []}

    def _many(self, seen: Subject) -> list[Case]:
        """Return the cases of a method over many rows, as many as it takes, drawn from those there are."""
        wanted = getattr(self.parameters, "num_rows", None) or getattr(self.parameters, "sample_size", None)
        if self.frame is None:
            rows = _drawn(seen.background, wanted, self.parameters.seed)
            return [Case(rows.iloc[[place]], sent=False) for place in range(len(rows))]
        frame, named = self.frame, getattr(self.parameters, "labels", None)
        if named is not None and named not in frame.columns:
            raise InvalidParameters("There is no column of labels.", [Fault("/params/labels", "not in the data")])
        if named is not None:
            # It may be one that the pipeline does not know.
            frame = frame.drop(columns=named)
        rows = self.pipeline.rows(frame, self.part)
        drawn = subject.cases(self.pipeline, frame, _drawn(rows, wanted, self.parameters.seed))
        if named is None:
            return drawn
        return [replace(case, label=label) for case, label in zip(drawn, self._observed(named), strict=True)]

    def _observed(self, named: str) -> list[Any]:
        """Return the labels of the rows, or of the series in the order of their ids.

        Raises
        ------
        InvalidParameters
            The rows are forecasts.
        """
        assert self.frame is not None
        if self.pipeline.task is Task.FORECASTING:
            raise InvalidParameters(
                "What comes after a series cannot stand beside it.",
                [Fault("/params/labels", "not with a forecast; leave it out, and send no data")],
            )
        features = self.pipeline.features
        frame = self.frame if features is None else self.frame.drop_duplicates(features.column_id)
        labels: list[Any] = frame[named].tolist()
        return labels

    def _outputs(self, seen: Subject) -> list[int]:
        """Return the columns of the prediction that a model is explained for: the one asked for, or each class."""
        if not registry.METHODS[self.parameters.method].by_class:
            return [0]
        if self.parameters.target is not None:
            return [self._named()]
        positive = subject.positive(seen, self.pipeline)
        return list(range(len(seen.classes))) if positive is None else [positive]

    def _output(self, seen: Subject, predicted: Any) -> int:
        """Return the column of the prediction to explain: the class asked for, the positive one, or the likeliest."""
        if self.parameters.target is not None:
            return self._named()
        positive = subject.positive(seen, self.pipeline)
        return int(predicted.argmax()) if positive is None else positive

    def _named(self) -> int:
        return of_class(self.pipeline.classes, self.parameters.target, "target")


def beside_prediction(
    parameters: PredictParameters, upload: Upload, store: ModelStore, cache: PipelineCache, settings: Settings
) -> dict[int, Any]:
    """Explain the rows that are predicted, as the prediction's `explain` asks.

    Returns
    -------
    {number of the row: its explanation}, as the columns of a prediction are.

    Raises
    ------
    What `explain` raises; InvalidParameters too for a method that explains no single rows.
    """
    asked = {"method": parameters.explain} if isinstance(parameters.explain, str) else dict(parameters.explain or {})
    values = {**asked, "pipeline_id": parameters.pipeline_id, "version": parameters.version}
    checked = check_explaining(values, "params/explain")
    if registry.METHODS[checked.method].scope is not Scope.LOCAL:
        local = [name for name, method in registry.METHODS.items() if method.scope is Scope.LOCAL]
        raise InvalidParameters(
            f"{checked.method} does not explain single rows.",
            [Fault("/params/explain", f"ask POST /explain, or for one of {listed(local)}")],
        )
    found = explain(checked, upload, store, cache, settings, seconds=settings.explain_seconds)
    return dict(enumerate(found["explanations"]))


def of_training(
    record: Record, tables: Tables, store: ModelStore, cache: PipelineCache, progress: Progress, seconds: float
) -> dict[str, Any] | None:
    """Explain rows that a training held out, as its parameters ask; None when they ask for none, or nothing fits.

    Parameters
    ----------
    seconds
        Wall time after which no further row is begun.
    """
    wanted = tables.parameters.explain
    pipeline, version = run.load(store, cache, record.pipeline_id, record.version)
    fitting = registry.fitting(subject.of(pipeline))
    method = wanted.method or next(name for name in _USUAL if name in fitting)
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
    work = Explanation(check_explaining(values), version, pipeline, frame, "raw_data", reported, progress, seconds)
    return work.answer()


def of_class(classes: tuple[Any, ...], named: Any, parameter: str) -> int:
    """Return the place of a class that a parameter names, as it is written.

    Raises
    ------
    InvalidParameters
        With the classes that are known.
    """
    same = [code for code, name in enumerate(classes) if str(name) == str(named)]
    if not same:
        known = f"known classes are {listed(classes)}" if classes else "a regression has no classes; leave it out"
        raise InvalidParameters(
            f"The {parameter} is not a class of this model.", [Fault(f"/params/{parameter}", known)]
        )
    return same[0]


def chosen(rows: pd.DataFrame, ids: list[str | int] | None) -> pd.DataFrame:
    """Return the rows with the ids asked for, in the order asked; ids match as they are written.

    Raises
    ------
    InvalidParameters
        More than one request may have.
    InvalidData
        Ids that are not there.
    """
    wanted = len(rows) if ids is None else len(ids)
    if wanted > MOST_EXPLAINED:
        raise InvalidParameters(
            f"{wanted} rows are asked for; at most {MOST_EXPLAINED} are explained at once.",
            [Fault("/params/ids", f"name up to {MOST_EXPLAINED} ids")],
        )
    if ids is None:
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


def _drawn(rows: pd.DataFrame, wanted: int | None, seed: int) -> pd.DataFrame:
    return rows if wanted is None or len(rows) <= wanted else rows.sample(wanted, random_state=seed)


def explainers(store: ModelStore, cache: PipelineCache, pipeline_id: int | str, version: int | None) -> dict[str, Any]:
    """Return the answer of GET /models/<id>/explainers: the methods that fit, and why the others do not.

    Raises
    ------
    What `run.load` raises
    """
    pipeline, number = run.load(store, cache, pipeline_id, version)
    seen = subject.of(pipeline)
    fitting = registry.fitting(seen)
    return {
        "modelId": pipeline_id,
        "version": number,
        "explainers": [answer.explainer(name, METHODS[name], registry.METHODS[name].scope.value) for name in fitting],
        "others": {name: method.fits(seen) for name, method in registry.METHODS.items() if name not in fitting},
    }
