"""One training between its upload and its record: features, the engine's problem, scores, the fitted pipeline."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.payloads.parameters import Task
from app.payloads.training import Training
from app.pipelines import evaluate, preprocess, registry
from app.pipelines.base import Found, Problem, Progress
from app.pipelines.trained import TrainedPipeline, installed_versions
from app.store.artifact import Artifact
from app.store.record import Record

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline

    from app.pipelines.tsfresh import SeriesFeatures

#: Training rows that a version keeps for explainers to compare with.
BACKGROUND = 500

#: Share of the time left that a search may take; fitting and scoring what it found need the rest.
SEARCH_SHARE = 0.75


@dataclass
class Clock:
    """Seconds by stage, and how many are left."""

    seconds: float
    started: float = field(default_factory=time.monotonic)
    times: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.monotonic)

    def lap(self, stage: str) -> None:
        """Book the time since the last lap under a stage."""
        now = time.monotonic()
        self.times[stage] = round(now - self._last, 3)
        self._last = now

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds until the limit, at least one."""
        return max(1.0, self.seconds - self.elapsed)


def _rows(training: Training, progress: Progress) -> tuple[SeriesFeatures | None, pd.DataFrame]:
    """Return the rows that an estimator learns from, shape (n_samples, n_features), and how they were computed."""
    wanted = training.parameters.extract_features
    if wanted is None:
        rows = training.frame[training.signature.names("feature")]
        return None, rows.set_axis(training.labels.index, axis=0)
    from app.pipelines.tsfresh import SeriesFeatures

    return SeriesFeatures.fit(training.frame, wanted, progress)


def _in_words(model: BaseEstimator) -> str:
    """Return an estimator as scikit-learn prints it, whole, on one line."""
    return " ".join(model.__repr__(N_CHAR_MAX=100_000).split())


class Build:
    """One training, from its rows to its record.

    Attributes
    ----------
    X, y
        What is learned from: DataFrame of shape (n_samples, n_features), and class codes or targets, (n_samples,).
    seen, unseen
        Positions of the rows that a search may see, and of those held out.
    """

    def __init__(
        self,
        training: Training,
        job_id: str,
        seconds: float,
        progress: Progress,
        stop_reason: Callable[[], str | None],
    ) -> None:
        """Compute the features.

        Raises
        ------
        InvalidData, InvalidParameters, TrainingFailed
        """
        import numpy as np

        self.training, self.job_id, self.stop_reason = training, job_id, stop_reason
        self.clock = Clock(seconds)
        progress("features", 0.0)
        self.features, self.X = _rows(training, progress)
        self.clock.lap("features")
        self.parameters = training.parameters
        self.classes: tuple[Any, ...] = ()
        labels = training.labels.to_numpy()
        if training.task is Task.CLASSIFICATION:
            names, self.y = np.unique(labels.astype("object"), return_inverse=True)
            self.classes = tuple(names.tolist())
        else:
            self.y = labels.astype("float64")
        self.seen, self.unseen = evaluate.split(self.y, training.task, self.parameters.seed)

    def problem(self) -> Problem:
        """Return what the engine may see: the rows that are not held out."""
        X, y = self.X.iloc[self.seen], self.y[self.seen]
        if self._selects:
            X = self._selector().fit(X, y).transform(X)
        return Problem(
            X=X,
            y=y,
            task=self.training.task,
            classes=self.classes,
            training=self.parameters.model_training,
            seed=self.parameters.seed,
            seconds=self.clock.left * SEARCH_SHARE,
        )

    def finish(self, found: Found, progress: Progress) -> tuple[Record, Artifact]:
        """Score what was found on the rows held out and on folds, fit it on all rows, and describe it."""
        task, seed = self.training.task, self.parameters.seed
        candidate = self._candidate(found)
        self.clock.lap("search")
        progress("hold-out")
        fitted = evaluate.fit(candidate, self.X.iloc[self.seen], self.y[self.seen])
        holdout = evaluate.held_out(fitted, self.X.iloc[self.unseen], self.y[self.unseen], task, self.classes)
        metrics = evaluate.cross_validated(candidate, self.X, self.y, task, seed, progress)
        self.clock.lap("evaluation")
        progress("final fit")
        pipeline = self._trained(evaluate.fit(candidate, self.X, self.y))
        self.clock.lap("fit")
        artifact = pipeline.to_artifact()
        return self._record(found, pipeline, metrics, holdout), artifact

    @property
    def _selects(self) -> bool:
        return self.parameters.extract_features is not None and self.parameters.extract_features.select

    def _selector(self) -> Any:
        from app.pipelines.tsfresh.select import RelevantFeatures

        return RelevantFeatures(self.training.task.value)

    def _candidate(self, found: Found) -> Pipeline:
        """Return the unfitted pipeline, its selection of features included: each fold selects for itself."""
        model = self._with_probabilities(found.estimator)
        candidate = preprocess.assemble(self.X, model, found.scaled)
        if self._selects:
            candidate.steps.insert(0, ("select", self._selector()))
            # What is left after a selection is known only when it is fitted; series features are all numbers.
            candidate.set_params(preprocess=preprocess.numbers_only(found.scaled))
        return candidate

    def _with_probabilities(self, model: BaseEstimator) -> BaseEstimator:
        """Wrap a classifier that has no probabilities in one that calibrates its scores (Platt 1999)."""
        if self.training.task is Task.REGRESSION or hasattr(model, "predict_proba"):
            return model
        import numpy as np
        from sklearn.calibration import CalibratedClassifierCV

        # A fold of the evaluation leaves a class four fifths of its rows.
        rarest = int(np.bincount(self.y).min() * 4 // 5)
        return CalibratedClassifierCV(model, cv=max(2, min(5, rarest)), ensemble=False)

    def _trained(self, fitted: Pipeline) -> TrainedPipeline:
        features, columns = self.features, list(self.X.columns)
        if self._selects:
            columns = fitted.named_steps["select"].relevant_
            fitted = fitted[1:]
        if features is not None:
            features = features.only(columns)
        sample = self.X[columns].sample(min(BACKGROUND, len(self.X)), random_state=self.parameters.seed)
        return TrainedPipeline(
            task=self.training.task,
            signature=self.training.signature,
            features=features,
            classes=self.classes,
            positive_class=self.training.positive_class,
            columns=tuple(columns),
            fitted=fitted,
            background=sample,
            libraries=installed_versions(),
        )

    def _record(
        self, found: Found, pipeline: TrainedPipeline, metrics: dict[str, Any], holdout: dict[str, Any]
    ) -> Record:
        parameters = self.parameters
        engine = registry.engine_name(parameters.model_training.model)
        result = {
            "modelId": parameters.pipeline_id,
            "engine": engine,
            "task": self.training.task.value,
            "modelType": _in_words(pipeline.fitted[-1]),
            "trainShape": [len(self.X), len(pipeline.columns)],
            "trainTime": round(self.clock.elapsed, 3),
            "featureEngParams": self._feature_parameters(),
            **{f"mean_cv_{name}": metrics.get(name, {}).get("mean") for name in ("accuracy", "roc_auc")},
            "evaluated_models": found.evaluated,
            "metrics": metrics,
            "holdout": holdout,
            "classes": list(self.classes),
            "positive_class": self.training.positive_class,
            "seed": parameters.seed,
            "stopped": self.stop_reason() if found.interrupted else None,
            "note": found.note,
        }
        if self.training.task is Task.REGRESSION:
            result |= {f"mean_cv_{name}": metrics[name]["mean"] for name in ("r2", "rmse")}
        return Record(
            pipeline_id=parameters.pipeline_id,
            version=0,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            job_id=self.job_id,
            engine=engine,
            task=self.training.task.value,
            seed=parameters.seed,
            result=result,
            parameters=parameters.model_dump(mode="json"),
            signature=self.training.signature.as_json(),
            metrics=metrics,
            holdout=holdout,
            libraries=pipeline.libraries,
            times=dict(self.clock.times),
        )

    def _feature_parameters(self) -> dict[str, str] | None:
        wanted = self.parameters.extract_features
        if wanted is None:
            return None
        from app.pipelines.tsfresh.params import as_2017

        return as_2017(wanted)
