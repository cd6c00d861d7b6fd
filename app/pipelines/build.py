"""One training between its upload and its record: features, the engine's problem, scores, the fitted pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.payloads.doubts import doubts
from app.payloads.parameters import Task
from app.payloads.training import Training
from app.pipelines import evaluate, folds, leakage, metrics, registry, reports, samples, sizing
from app.pipelines.base import Problem, Progress, Trial
from app.pipelines.clock import Clock
from app.pipelines.columns import columns_read
from app.pipelines.samples import Chosen
from app.pipelines.trained import TrainedPipeline, installed_versions
from app.pipelines.tsfresh.params import as_2017, of_windows
from app.store.record import Record, Version

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

    from app.pipelines.folds import Fold

    Array = np.ndarray[Any, Any]

#: Training rows that a version keeps for explainers to compare with; of images fewer, as each is a whole one.
BACKGROUND, BACKGROUND_IMAGES = 500, 50

#: Rows of the model that is there first.
FIRST_ROWS = 2_000

#: Share of the time that a search may not take: fitting and scoring what it found need it.
RESERVE_SHARE = 0.05

#: Times that the fit to all rows and what else is left may take, of a fit without those held out.
FITS = 3.0

#: Seconds of that, whatever the share, and the most of them that importances may take.
RESERVE, IMPORTANCES = 2.0, 10.0


class Build:
    """One training, from its rows to its record.

    Attributes
    ----------
    data
        What is learned from: rows, kinds and labels.
    seen, unseen
        Positions of the rows that a search may see, and of those held out.
    chosen
        What is learned from that nobody has asked for.
    """

    def __init__(
        self,
        training: Training,
        job_id: str,
        clock: Clock,
        progress: Progress,
        scheduler: str | None = None,
        chosen: Chosen | None = None,
    ) -> None:
        """Compute the features.

        Parameters
        ----------
        clock
            Runs since the start of the training.
        chosen
            What an earlier attempt at this training has chosen, where the engine picks.

        Raises
        ------
        InvalidData, InvalidParameters, TrainingFailed
        """
        self.clock = clock
        training = samples.with_affordable_features(training, clock.left, progress, chosen.features if chosen else None)
        self.training, self.job_id, self._scheduler = training, job_id, scheduler
        # The record tells the folds that were made and the features that were computed, whoever named them.
        told: dict[str, Any] = {"folds": folds.wanted(training.parameters)}
        if training.task is Task.FORECASTING and training.parameters.extract_features is not None:
            told["extract_features"] = of_windows(training.parameters.extract_features)
        self.parameters = training.parameters.model_copy(update=told)
        progress("features", 0.0)
        self.data = samples.make(training, progress, scheduler)
        self.clock.lap("features")
        self.warnings = leakage.warnings(training, self.data) + doubts(training)
        self.metric = metrics.of(self.parameters.model_training, training.task, len(self.data.classes))
        self.seen, self.unseen, self._folds = self._split()
        if len(self._folds) < self.parameters.folds:
            few = "there are too few rows of a class, groups or times for more"
            self.warnings.append(f"{len(self._folds)} fold(s) were made, not {self.parameters.folds}: {few}.")
        self.chosen = chosen or self._choose(progress)
        self._make_less()

    def _choose(self, progress: Progress) -> Chosen:
        """Return what is learned from that nobody has asked for: of a table as much as there is the time for."""
        series = self.parameters.extract_features
        if series is not None:
            named = series.default_fc_parameters
            return Chosen(features=named if isinstance(named, str) else None)
        if not registry.picks(self.parameters):
            return Chosen()
        all_folds = "folds" in self.training.parameters.model_fields_set
        rows, n_folds = sizing.affordable(self.problem(), all_folds, progress)
        # The rows held out come to those that a search may see.
        of_all = None if rows is None else round(rows * len(self.data.y) / len(self.seen))
        return Chosen(rows=of_all, folds=n_folds)

    def _make_less(self) -> None:
        """Keep of the rows and folds those that were chosen, and say so."""
        data, rows, n_folds = self.data, self.chosen.rows, self.chosen.folds
        more = f"little could be tried within {self.clock.seconds:g} s. Raise limits.seconds for more"
        if rows is not None:
            beside = (data.groups, data.times)
            drawn = sizing.rows_drawn(data.y, rows, self.parameters.seed, bool(data.classes), beside, data.weights)
            self.data = data.at(drawn)
            self.seen, self.unseen, self._folds = self._split()
            few = f"It has learned from {len(drawn)} of {len(data.y)} rows, drawn at random"
            self.warnings.append(f"{few}: of all, {more}.")
        if n_folds is not None and n_folds < len(self._folds):
            few = f"Its scores are of {n_folds} of {len(self._folds)} folds"
            self._folds = self._folds[-n_folds:]
            self.warnings.append(f"{few}: on all, {more}, or name folds.")

    def _split(self) -> tuple[Array, Array, tuple[Fold, ...]]:
        """Return the rows to search on, those held out, and the folds as positions among the former."""
        data, parameters = self.data, self.parameters
        if data.order is not None and parameters.forecast is not None:
            from app.pipelines.tsfresh import backtest

            return backtest.split(data.order, parameters.folds, parameters.forecast.horizon)
        classified, seed = self.training.task is Task.CLASSIFICATION, parameters.seed
        seen, unseen = folds.hold_out(data.y, classified, seed, data.groups, data.times)
        groups, times = (None if values is None else values[seen] for values in (data.groups, data.times))
        return seen, unseen, folds.folds(data.y[seen], classified, parameters.folds, seed, groups, times)

    def problem(self, searches: bool = True) -> Problem:
        """Return what the engine may see: the rows that are not held out.

        Parameters
        ----------
        searches
            Whether the engine could go on for ever, so that some of the time must be kept from it.
        """
        data, seen = self.data, self.seen
        return Problem(
            X=data.X.iloc[seen],
            y=data.y[seen],
            kinds=data.kinds,
            task=self.training.task,
            classes=data.classes,
            parameters=self.parameters,
            metric=self.metric,
            folds=self._folds,
            weights=None if data.weights is None else data.weights[seen],
            seconds=max(1.0, self.clock.left * (1 - RESERVE_SHARE) - RESERVE) if searches else self.clock.left,
            select=data.selects,
            scheduler=self._scheduler,
        )

    def provisional(self, trial: Trial, rows: list[dict[str, Any]]) -> Iterator[Version]:
        """Fit a trial on all rows, to be published with the leaderboard so far until a better one comes.

        One that has not been tried yet is fitted on `FIRST_ROWS` rows at most, so that it is there within seconds.
        """
        pipeline = self._trained(self._fit(trial.pipeline, self._few() if trial.score is None else self._rows()))
        scored = trial.out_of_fold is not None and trial.score is not None
        scores = evaluate.over_folds(self.problem(), trial) if scored else {}
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
        report = {"leaderboard": rows, "code": reports.code(record, trial.pipeline)}
        return Version(replace(record, provisional=True), pipeline.to_artifact(), report)

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
        data, unseen = self.data, self.unseen
        self.clock.lap("search")
        yield "hold-out"
        weights = None if data.weights is None else data.weights[unseen]
        begun = self.clock.elapsed
        fitted = self._fit(trial.pipeline, self.seen)
        took = self.clock.elapsed - begun
        problem, X, y = self.problem(), data.X.iloc[unseen], data.y[unseen]
        holdout = evaluate.held_out(problem, fitted, X, y, weights)
        scores = evaluate.over_folds(problem, trial)
        self.warnings += evaluate.unmeasured(scores)
        if alone and FITS * took > self.clock.left:
            kept = self._provisional(trial, self._trained(fitted), rows, scores, holdout)
            only = "It has not learned from the rows held out; there was no time for a fit to all rows."
            kept.record.result["warnings"] = [*self.warnings, only]
            yield kept
        yield "report"
        seconds = min(IMPORTANCES, self.clock.left / 3)
        report = reports.describe(
            fitted, X, y, data.classes, self.training.task, self.metric, weights, self.parameters.seed, seconds
        )
        self.clock.lap("evaluation")
        yield "final fit"
        pipeline = self._trained(self._fit(trial.pipeline, self._rows()))
        self.clock.lap("fit")
        record = self._record(trial, pipeline, scores, holdout, note, stopped)
        if trial.engine == "tpot" or any(row["engine"] == "tpot" for row in rows):
            record.result["evaluated_models"] = {
                row["name"]: [row["details"].get("operators"), row["score"]]
                for row in rows
                if row["engine"] == "tpot" and row["score"] is not None
            }
        report |= {"leaderboard": rows, "code": reports.code(record, trial.pipeline)}
        if curves := reports.learning_curves(trial, pipeline.fitted):
            report["learning_curves"] = curves
        yield Version(record, pipeline.to_artifact(), report)

    def _few(self) -> Array:
        """Return the positions of some rows, each class among them."""
        import numpy as np

        rows = self._rows()
        chosen = np.arange(min(FIRST_ROWS, len(rows)))
        if self.data.classes:
            chosen = np.union1d(chosen, np.unique(self.data.y[rows], return_index=True)[1])
        few: Array = rows[chosen]
        return few

    def _rows(self) -> Array:
        """Return the positions of all rows, shuffled, as they may come sorted by class."""
        import numpy as np

        return np.random.default_rng(self.parameters.seed).permutation(len(self.data.y))

    def _fit(self, pipeline: Pipeline, rows: Array) -> Pipeline:
        weights = self.data.weights
        return evaluate.fit(
            pipeline, self.data.X.iloc[rows], self.data.y[rows], None if weights is None else weights[rows]
        )

    def _trained(self, fitted: Pipeline) -> TrainedPipeline:
        data, columns = self.data, list(self.data.X.columns)
        if data.selects and "select" in getattr(fitted, "named_steps", {}):
            columns = fitted.named_steps["select"].relevant_
            fitted = fitted[1:]
        columns = columns_read(fitted, columns)
        features = data.features.only(columns) if data.features is not None else None
        most = BACKGROUND_IMAGES if "image" in set(data.kinds.values()) else BACKGROUND
        sample = data.X[columns].sample(min(most, len(data.X)), random_state=self.parameters.seed)
        return TrainedPipeline(
            task=self.training.task,
            signature=self.training.signature,
            features=features,
            classes=data.classes,
            positive_class=self.training.positive_class,
            columns=tuple(columns),
            fitted=fitted,
            background=sample.reset_index(drop=True),
            libraries=installed_versions(),
        )

    def _record(
        self,
        trial: Trial,
        pipeline: TrainedPipeline,
        scores: dict[str, Any],
        holdout: dict[str, Any],
        note: str | None,
        stopped: str | None = None,
    ) -> Record:
        parameters = self.parameters
        result = {
            "modelId": parameters.pipeline_id,
            "engine": trial.engine,
            "task": self.training.task.value,
            "modelType": _in_words(pipeline.fitted[-1]),
            "trainShape": [len(self.data.X), len(pipeline.columns)],
            "trainTime": round(self.clock.elapsed, 3),
            "featureEngParams": self._feature_parameters(),
            **{f"mean_cv_{name}": scores.get(name, {}).get("mean") for name in ("accuracy", "roc_auc")},
            "evaluated_models": None,
            "metric": self.metric.name,
            "metrics": scores,
            "holdout": holdout,
            "classes": list(self.data.classes),
            "positive_class": self.training.positive_class,
            "seed": parameters.seed,
            "chosen": asdict(self.chosen),
            "device": getattr(evaluate.innermost(pipeline.fitted), "device_", "cpu"),
            "warnings": self.warnings,
            "stopped": stopped,
            "note": note,
        }
        if not self.data.classes:
            result |= {f"mean_cv_{name}": scores.get(name, {}).get("mean") for name in ("r2", "rmse")}
        return Record(
            pipeline_id=parameters.pipeline_id,
            version=0,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            job_id=self.job_id,
            engine=trial.engine,
            task=self.training.task.value,
            seed=parameters.seed,
            result=result,
            parameters=parameters.model_dump(mode="json"),
            signature=self.training.signature.as_json(),
            metrics=scores,
            holdout=holdout,
            libraries=pipeline.libraries,
            times=dict(self.clock.times),
        )

    def _feature_parameters(self) -> dict[str, str] | None:
        wanted = self.parameters.extract_features
        return None if wanted is None or "features" not in registry.reads(self.parameters) else as_2017(wanted)


def _in_words(model: Any) -> str:
    """Return an estimator as scikit-learn prints it, whole, on one line."""
    return " ".join(model.__repr__(N_CHAR_MAX=100_000).split())
