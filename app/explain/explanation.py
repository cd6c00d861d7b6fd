"""One explanation of a loaded pipeline: which rows, which classes, one method, one answer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app.errors import DeadlinePassed, Fault, InvalidData, InvalidParameters, TooCostly, listed
from app.explain import answer, registry, stability, subject
from app.explain.base import Asked, Case, Subject
from app.explain.found import Local, Overall
from app.explain.registry import Scope
from app.payloads.explaining import MOST_EXPLAINED, ExplainParameters
from app.payloads.parameters import Task
from app.pipelines.base import Progress
from app.pipelines.trained import TrainedPipeline

if TYPE_CHECKING:
    import pandas as pd


def silent(*_: Any, **__: Any) -> None:
    """Tell nobody."""


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
    seconds
        Wall time after which no further row is begun.
    skips
        Whether a row that cannot be explained is left out, and no error.
    """

    parameters: ExplainParameters
    version: int
    pipeline: TrainedPipeline
    frame: pd.DataFrame | None
    part: str = "raw_data"
    reported: Callable[[], dict[str, Any]] = dict
    progress: Progress = silent
    seconds: float = math.inf
    skips: bool = False

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
        sent = self.pipeline.rows(self.frame, self.part)
        rows = chosen(sent, self.parameters.ids)  # type: ignore[attr-defined]
        if getattr(self.parameters, "among", None) == "sent":
            seen = replace(seen, background=sent, kept={})
        predicted = seen.predict(rows)
        entries: list[dict[str, Any]] = []
        found: list[Local] = []
        left_out: list[Any] = []
        for place, case in enumerate(subject.cases(self.pipeline, self.frame, rows)):
            self.progress("explaining", place / len(rows))
            asked = Asked.of(self.parameters, self._output(seen, predicted[place]), deadline)
            if found and asked.late:
                left_out += rows.index[place:].tolist()
                break
            try:
                local = explainer(seen, case, asked)
            except (DeadlinePassed, TooCostly):
                if not found:
                    raise
                left_out += rows.index[place:].tolist()
                break
            except InvalidData:
                if not self.skips:
                    raise
                left_out.append(rows.index[place])
                continue
            if getattr(self.parameters, "stability", False):
                told = stability.of(explainer, seen, case, asked, local)
                local = replace(local, trust=local.trust | {"stability": told})
            found.append(local)
            entries.append(answer.local(seen, case, float(predicted[place, asked.output]), asked, local))
        # Of the first row; one that the exact method could not read has its own in its explanation.
        return answer.header(found[0] if found else Local()) | {
            "explanations": entries,
            "overall": [],
            "left_out": left_out,
        }

    def _overall(self, seen: Subject, deadline: float) -> dict[str, Any]:
        explainer = registry.resolve(self.parameters.method)
        cases = self._many(seen)
        entries, examples = [], []
        found: list[Overall] = []
        for output in self._outputs(seen):
            asked = Asked.of(self.parameters, output, deadline)
            one = explainer(seen, cases, asked)
            found.append(one)
            entries.append(answer.overall(seen, asked, one, registry.METHODS[self.parameters.method].by_class))
            for place, local in one.examples:
                prediction = float(seen.predict(cases[place].row)[0, output])
                examples.append(answer.local(seen, cases[place], prediction, asked, local))
        return answer.header(found[0]) | {"explanations": examples, "overall": entries, "left_out": []}

    def _many(self, seen: Subject) -> list[Case]:
        """Return the cases of a method over many rows, as many as it takes, drawn from those there are."""
        wanted = getattr(self.parameters, "num_rows", None) or getattr(self.parameters, "sample_size", None)
        if self.frame is None:
            if getattr(self.parameters, "labels", None) is not None:
                raise InvalidParameters(
                    "No data was sent that the labels could be a column of.",
                    [Fault("/params/labels", "send raw_data with it, or leave it out")],
                )
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
            return [seen.class_of(self.parameters.target, "target")]
        positive = subject.positive(seen, self.pipeline)
        # Maps of images have no sign: each class has its own.
        of_images = seen.images is not None and bool(seen.classes)
        return list(range(len(seen.classes))) if positive is None or of_images else [positive]

    def _output(self, seen: Subject, predicted: Any) -> int:
        """Return the column of the prediction to explain: the class asked for, the positive one, or the likeliest."""
        if self.parameters.target is not None:
            return seen.class_of(self.parameters.target, "target")
        positive = subject.positive(seen, self.pipeline)
        return int(predicted.argmax()) if positive is None else positive


def chosen(rows: pd.DataFrame, ids: list[str | int] | None) -> pd.DataFrame:
    """Return the rows with the ids asked for, in the order asked; ids match as they are written.

    Of a forecast the id is that of a series, and all of its steps are returned.

    Raises
    ------
    InvalidParameters
        More than one request may have.
    InvalidData
        Ids that are not there.
    """
    if ids is not None:
        places: dict[str, list[int]] = {}
        for place, value in enumerate(rows.index.get_level_values(0).tolist()):
            places.setdefault(str(value), []).append(place)
        if missing := [value for value in ids if str(value) not in places]:
            raise InvalidData(
                f"{len(missing)} id(s) are not in the data: {listed(missing)}.",
                [Fault("/params/ids", f"{value} is not in the data") for value in missing[:20]],
            )
        rows = rows.iloc[[place for value in ids for place in places[str(value)]]]
    if len(rows) > MOST_EXPLAINED:
        raise InvalidParameters(
            f"{len(rows)} rows are asked for; at most {MOST_EXPLAINED} are explained at once.",
            [Fault("/params/ids", f"name ids of up to {MOST_EXPLAINED} rows")],
        )
    return rows


def _drawn(rows: pd.DataFrame, wanted: int | None, seed: int) -> pd.DataFrame:
    return rows if wanted is None or len(rows) <= wanted else rows.sample(wanted, random_state=seed)
