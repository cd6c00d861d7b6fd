"""What a training makes of what was found: the fitted pipeline, its scores, its report and its record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from app.payloads.parameters import MOST_STORED
from app.pipelines import evaluate, registry, reports
from app.pipelines.base import Trial
from app.pipelines.columns import columns_read
from app.pipelines.compiling.attempt import attempt
from app.pipelines.dataset import Dataset
from app.pipelines.original import Original
from app.pipelines.trained import TrainedPipeline, installed_versions
from app.pipelines.tsfresh.params import as_2017
from app.store.record import Record, Version

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

    Array = np.ndarray[Any, Any]

#: Training rows that a version keeps for explainers to compare with; of images fewer, as each is a whole one.
BACKGROUND, BACKGROUND_IMAGES = 500, 50

#: Times that the fit to all rows and what else is left may take, of a fit without those held out.
FITS = 3.0

#: Seconds that importances may take at most, fits to parts of the rows, and the comparison of a compiled pipeline with
#: the original.
IMPORTANCES, LEARNING, COMPARING = 10.0, 10.0, 30.0


#: Returns {method of explanation: None where it fits a pipeline, or why it does not}.
Fits = Callable[[TrainedPipeline], dict[str, str | None]]


class Build:
    """One training, from what it learns from to its record.

    Parameters
    ----------
    dataset
        Its clock runs since the start of the training.
    fits
        Tells of the finished pipeline which methods of explanation fit it, for its report.
    """

    def __init__(self, dataset: Dataset, job_id: str, fits: Fits = lambda _: {}) -> None:
        self.job_id, self.clock, self._dataset = job_id, dataset.clock, dataset
        self._warnings, self._fits = list(dataset.warnings), fits

    def provisional(self, trial: Trial, rows: list[dict[str, Any]]) -> Iterator[Version]:
        """Fit a trial on all rows, to be published with the leaderboard so far until a better one comes.

        One that has not been tried yet is fitted on few rows, so that it is there within seconds.
        """
        pipeline = self._trained(
            self._fit(trial.pipeline, self._dataset.few() if trial.score is None else self._dataset.rows())
        )
        scored = trial.out_of_fold is not None and trial.score is not None
        scores = evaluate.over_folds(self._dataset.problem(), trial) if scored else {}
        yield self._provisional(trial, pipeline, rows, scores)

    def _provisional(
        self,
        trial: Trial,
        pipeline: TrainedPipeline,
        rows: list[dict[str, Any]],
        scores: dict[str, Any],
        holdout: dict[str, Any] | None = None,
    ) -> Version:
        note = "The training goes on; this is its best so far."
        record = self._record(trial, pipeline, scores, holdout or {}, note)
        report = {"leaderboard": _marked(rows, trial), "code": reports.code(record, trial.pipeline)}
        told = {"serves": "original", "why": "its training had not come to its end"}
        return Version(replace(record, provisional=True, compiled=told), pipeline.to_artifact(), report)

    def finish(
        self, trial: Trial, rows: list[dict[str, Any]], note: str | None, stopped: str | None, alone: bool
    ) -> Iterator[Any]:
        """Score a trial on the rows held out, fit it on all rows, and describe it.

        Parameters
        ----------
        alone
            Whether nothing of this training has been published yet.

        Yields
        ------
        The name of each stage; where time may be short, a provisional Version that has not learned from the rows held
        out; and at last the Version.
        """
        dataset = self._dataset
        data, unseen = dataset.samples, dataset.unseen
        self.clock.lap("search")
        yield "hold-out"
        weights = None if data.weights is None else data.weights[unseen]
        begun = self.clock.elapsed
        fitted = self._fit(trial.pipeline, dataset.seen)
        took = self.clock.elapsed - begun
        problem, X, y = dataset.problem(), data.X.iloc[unseen], data.y[unseen]
        holdout = evaluate.held_out(problem, fitted, X, y, weights)
        scores = evaluate.over_folds(problem, trial)
        self._warnings += evaluate.unmeasured(scores)
        if alone and FITS * took > self.clock.left:
            kept = self._provisional(trial, self._trained(fitted), rows, scores, holdout)
            only = "It has not learned from the rows held out; there was no time for a fit to all rows."
            kept.record.result["warnings"] = [*self._warnings, only]
            yield kept
        yield "report"
        seconds = min(IMPORTANCES, self.clock.left / 3)
        report = reports.describe(
            fitted, X, y, data.classes, problem.task, problem.metric, weights, problem.seed, seconds
        )
        left = min(LEARNING, self.clock.left / 4)
        if (curve := reports.rows_curve(dataset, partial(self._fit, trial.pipeline), fitted, took, left)) is not None:
            report["rows_curve"] = curve
        self.clock.lap("evaluation")
        yield "final fit"
        pipeline = self._trained(self._fit(trial.pipeline, self._dataset.rows()))
        self.clock.lap("fit")
        yield "compiling"
        pipeline, told = self._compiled(pipeline)
        self.clock.lap("compiling")
        record = replace(self._record(trial, pipeline, scores, holdout, note, stopped), compiled=told)
        if trial.engine == "tpot" or any(row["engine"] == "tpot" for row in rows):
            record.result["evaluated_models"] = {
                row["name"]: [row["details"].get("operators"), row["score"]]
                for row in rows
                if row["engine"] == "tpot" and row["score"] is not None
            }
        report |= {
            "leaderboard": _marked(rows, trial),
            "code": reports.code(record, trial.pipeline),
        }
        report["held_out"] = dataset.held_out(MOST_STORED)
        if curves := reports.learning_curves(trial, pipeline.fitted):
            report["learning_curves"] = curves
        labels = [data.classes[code] for code in y[: reports.ROWS].tolist()] if data.classes else y.tolist()
        if grown := reports.tree(pipeline.fitted, X[list(pipeline.columns)], labels, data.classes):
            report["tree"] = grown
        if series := reports.examples(dataset.training):
            report["examples"] = series
        if fits := self._fits(pipeline):
            report["explainers"] = fits
        yield Version(record, pipeline.to_artifact(), report)

    def _fit(self, pipeline: Pipeline, rows: Array) -> Pipeline:
        data = self._dataset.samples
        weights = None if data.weights is None else data.weights[rows]
        return evaluate.fit(pipeline, data.X.iloc[rows], data.y[rows], weights)

    def _trained(self, fitted: Pipeline) -> TrainedPipeline:
        training, data = self._dataset.training, self._dataset.samples
        columns = list(data.X.columns)
        if data.selects and "select" in getattr(fitted, "named_steps", {}):
            columns = fitted.named_steps["select"].relevant_
            fitted = fitted[1:]
        columns = columns_read(fitted, columns)
        features = data.features.only(columns) if data.features is not None else None
        most = BACKGROUND_IMAGES if "image" in set(data.kinds.values()) else BACKGROUND
        sample = data.X[columns].sample(min(most, len(data.X)), random_state=training.parameters.seed)
        return TrainedPipeline(
            task=training.task,
            signature=training.signature,
            features=features,
            classes=data.classes,
            positive_class=training.positive_class,
            columns=tuple(columns),
            original=Original.of(fitted, sample.reset_index(drop=True)),
            libraries=installed_versions(),
        )

    def _compiled(self, pipeline: TrainedPipeline) -> tuple[TrainedPipeline, dict[str, Any]]:
        """Compile a pipeline, and tell for its record whether that serves."""
        data = self._dataset.samples
        rows = data.X[list(pipeline.columns)]
        seconds = min(COMPARING, self.clock.left / 3)
        compiled, told = attempt(pipeline.fitted, rows, data.kinds, len(data.classes), seconds)
        return replace(pipeline, compiled=compiled), told

    def _record(
        self,
        trial: Trial,
        pipeline: TrainedPipeline,
        scores: dict[str, Any],
        holdout: dict[str, Any],
        note: str | None,
        stopped: str | None = None,
    ) -> Record:
        dataset, parameters = self._dataset, self._dataset.parameters
        training, data = dataset.training, dataset.samples
        result = {
            "modelId": parameters.pipeline_id,
            "engine": trial.engine,
            "task": training.task.value,
            "modelType": _in_words(pipeline.fitted[-1]),
            "trainShape": [len(data.X), len(pipeline.columns)],
            "trainTime": round(self.clock.elapsed, 3),
            "featureEngParams": self._feature_parameters(),
            **{f"mean_cv_{name}": scores.get(name, {}).get("mean") for name in ("accuracy", "roc_auc")},
            "evaluated_models": None,
            "metric": dataset.metric.name,
            "metrics": scores,
            "holdout": holdout,
            "classes": list(data.classes),
            "positive_class": training.positive_class,
            "seed": parameters.seed,
            "chosen": asdict(dataset.chosen),
            "device": getattr(evaluate.innermost(pipeline.fitted), "device_", "cpu"),
            "warnings": self._warnings,
            "stopped": stopped,
            "note": note,
        }
        if not data.classes:
            result |= {f"mean_cv_{name}": scores.get(name, {}).get("mean") for name in ("r2", "rmse")}
        return Record(
            pipeline_id=parameters.pipeline_id,
            version=0,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            job_id=self.job_id,
            engine=trial.engine,
            task=training.task.value,
            seed=parameters.seed,
            result=result,
            parameters=parameters.model_dump(mode="json"),
            signature=training.signature.as_json(),
            metrics=scores,
            holdout=holdout,
            libraries=pipeline.libraries,
            times=dict(self.clock.times),
        )

    def _feature_parameters(self) -> dict[str, str] | None:
        parameters = self._dataset.parameters
        wanted = parameters.extract_features
        return None if wanted is None or "features" not in registry.reads(parameters) else as_2017(wanted)


def _marked(rows: list[dict[str, Any]], trial: Trial) -> list[dict[str, Any]]:
    """Mark the row of a leaderboard that a version is made of."""
    return [row | {"served": row["name"] == trial.name} for row in rows]


def _in_words(model: Any) -> str:
    """Return an estimator as scikit-learn prints it, whole, on one line."""
    return " ".join(model.__repr__(N_CHAR_MAX=100_000).split())
