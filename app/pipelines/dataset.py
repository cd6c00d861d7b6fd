"""What one training learns from: its features and labels, the rows held out, the folds, and what is left out of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.payloads.doubts import doubts
from app.payloads.parameters import Task
from app.payloads.training import Training
from app.pipelines import folds, leakage, metrics, registry, samples, sizing
from app.pipelines.base import Problem, Progress
from app.pipelines.clock import Clock
from app.pipelines.samples import Chosen
from app.pipelines.tsfresh.params import of_windows

if TYPE_CHECKING:
    import numpy as np

    from app.pipelines.folds import Fold

    Array = np.ndarray[Any, Any]

#: Rows of the model that is there first.
FIRST_ROWS = 2_000

#: Share of the time that a search may not take, and seconds whatever the share: for what follows with what it found.
RESERVE_SHARE, RESERVE = 0.05, 2.0


class Dataset:
    """What one training learns from.

    Attributes
    ----------
    training
        As it was sent, with the features that were chosen for it.
    parameters
        With the folds that were made and the features that were computed, whoever named them.
    samples
        Rows, kinds and labels.
    seen, unseen
        Positions of the rows that a search may see, and of those held out.
    chosen
        What is learned from that nobody has asked for.
    warnings
        What to know of it, in sentences.
    """

    def __init__(
        self,
        training: Training,
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
        self.training, self._scheduler = training, scheduler
        told: dict[str, Any] = {"folds": folds.wanted(training.parameters)}
        if training.task is Task.FORECASTING and training.parameters.extract_features is not None:
            told["extract_features"] = of_windows(training.parameters.extract_features)
        self.parameters = training.parameters.model_copy(update=told)
        progress("features", 0.0)
        self.samples = samples.make(training, progress, scheduler)
        self.clock.lap("features")
        self.warnings = leakage.warnings(training, self.samples) + doubts(training)
        self.metric = metrics.of(self.parameters.model_training, training.task, len(self.samples.classes))
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
        of_all = None if rows is None else round(rows * len(self.samples.y) / len(self.seen))
        return Chosen(rows=of_all, folds=n_folds)

    def _make_less(self) -> None:
        """Keep of the rows and folds those that were chosen, and say so."""
        data, rows, n_folds = self.samples, self.chosen.rows, self.chosen.folds
        more = f"little could be tried within {self.clock.seconds:g} s. Raise limits.seconds for more"
        if rows is not None:
            beside = (data.groups, data.times)
            drawn = sizing.rows_drawn(data.y, rows, self.parameters.seed, bool(data.classes), beside, data.weights)
            self.samples = data.at(drawn)
            self.seen, self.unseen, self._folds = self._split()
            few = f"It has learned from {len(drawn)} of {len(data.y)} rows, drawn at random"
            self.warnings.append(f"{few}: of all, {more}.")
        if n_folds is not None and n_folds < len(self._folds):
            few = f"Its scores are of {n_folds} of {len(self._folds)} folds"
            self._folds = self._folds[-n_folds:]
            self.warnings.append(f"{few}: on all, {more}, or name folds.")

    def _split(self) -> tuple[Array, Array, tuple[Fold, ...]]:
        """Return the rows to search on, those held out, and the folds as positions among the former."""
        data, parameters = self.samples, self.parameters
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
        data, seen = self.samples, self.seen
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

    def held_out(self, most: int) -> list[Any]:
        """Return the ids of some of the rows or series that were held out, drawn at random; of forecasts of all series.

        At random, as they may come sorted by class.
        """
        import numpy as np

        if self.training.task is Task.FORECASTING:
            ids = self.training.frame[self.training.signature.id_column].unique()
        else:
            ids = self.samples.X.index[self.unseen]
        drawn: list[Any] = ids[np.random.default_rng(self.parameters.seed).permutation(len(ids))[:most]].tolist()
        return drawn

    def few(self) -> Array:
        """Return the positions of some rows, each class among them."""
        import numpy as np

        rows = self.rows()
        chosen = np.arange(min(FIRST_ROWS, len(rows)))
        if self.samples.classes:
            chosen = np.union1d(chosen, np.unique(self.samples.y[rows], return_index=True)[1])
        some: Array = rows[chosen]
        return some

    def rows(self) -> Array:
        """Return the positions of all rows, shuffled, as they may come sorted by class."""
        import numpy as np

        return np.random.default_rng(self.parameters.seed).permutation(len(self.samples.y))
