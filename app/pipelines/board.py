"""The leaderboard of one training: runs candidates in processes of their own and keeps the best of them published."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from app.errors import ServiceError
from app.pipelines import leaderboard
from app.pipelines.base import Candidate, Problem, Progress, Trial
from app.pipelines.processes import Child, ChildDied, ChildFailed, cores
from app.pipelines.running import Running

logger = logging.getLogger(__name__)

#: A new best is published again only when that took no more than this share of the time since the last one.
_PUBLISH_SHARE = 0.25

#: Why a search ended that had more to try.
TIME_LIMIT, CANDIDATES_LIMIT = "time limit", "candidates limit"

#: Fits on a fold's rows that together take as long as the two that follow the search.
_FITS = 2.5

#: Trials whose out-of-fold predictions are kept: those that an ensemble may be made of.
_KEPT = 40


class TrialBoard:
    """What an engine sees as its `Board`.

    Parameters
    ----------
    problem
        Its `seconds` are what the search has; the rest of the limits are in its parameters.
    progress
        Is told of every change, and at least once a second.
    publish
        A generator function, run in a child, that yields one picklable model to publish for a trial and the rows of the
        leaderboard so far; None where nothing but the end counts.
    published
        Takes that model, in this process.
    save
        Takes each trial as it ends, for another attempt at this training.
    earlier
        Trials of an earlier attempt.
    """

    def __init__(
        self,
        problem: Problem,
        progress: Progress,
        publish: Callable[[Trial, list[dict[str, Any]]], Iterator[Any]] | None,
        published: Callable[[Any], Any],
        save: Callable[[Trial], None],
        earlier: Iterable[Trial] = (),
    ) -> None:
        self._problem, self._progress = problem, progress
        self._publish, self._published, self._save = publish, published, save
        self._earlier = {trial.name: trial for trial in earlier}
        self._trials: list[Trial] = []
        self._started = time.monotonic()
        self._publishing: Child | None = None
        self._publishing_since = 0.0
        self._published_score = float("-inf")
        self._pause_until = 0.0
        self.note: str | None = None
        self.reserve: Callable[[], float] = self._fits_of_the_best
        self._cut: str | None = None

    @property
    def trials(self) -> list[Trial]:
        """Every trial so far, failed ones too, in the order in which they ended."""
        return self._trials

    @property
    def best(self) -> Trial | None:
        """The trial with the best score: of those over all folds, as long as there is one."""
        scored = [trial for trial in self._trials if trial.score is not None]
        return max([trial for trial in scored if trial.whole] or scored, key=self.rank, default=None)

    def rank(self, trial: Trial) -> float:
        """Return a trial's score so that greater is better."""
        return float("-inf") if trial.score is None else trial.score * self._problem.metric.sign

    @property
    def stopped(self) -> str | None:
        """Why the search ended though it had more to try; None when it had not."""
        return self._cut

    def cut_short(self) -> None:
        """Note that the search ends though it has more to try: for its number of candidates, else for its time."""
        self._cut = self._cut or (CANDIDATES_LIMIT if self._full else TIME_LIMIT)

    @property
    def _full(self) -> bool:
        limit = self._problem.parameters.limits.candidates
        return limit is not None and len(self._trials) >= limit

    @property
    def left(self) -> float:
        """Seconds left for the search; 0 when it is to end, for its time or its number of candidates."""
        if self._full:
            return 0.0
        return max(0.0, self.remaining - self.reserve())

    @property
    def remaining(self) -> float:
        """Seconds left for the search and for fitting what it has found."""
        return max(0.0, self._problem.seconds - (time.monotonic() - self._started))

    def _fits_of_the_best(self) -> float:
        """Estimate the fits that follow the search: one without the rows held out, and one with all rows."""
        best = self.best
        return 0.0 if best is None else _FITS * best.fit_seconds

    def try_all(self, candidates: Sequence[Candidate], stage: str) -> list[Trial]:
        """Try candidates, as many at once as there are cores; return their trials in the order in which they ended."""
        waiting, running = deque(candidates), Running(self._problem, len(candidates))
        first = len(self._trials)
        while waiting or running:
            while waiting and len(running) < self._room():
                candidate = waiting.popleft()
                if candidate.name in self._earlier:
                    self._take(replace(self._earlier.pop(candidate.name), pipeline=candidate.pipeline), stage)
                else:
                    running.start(candidate, self.left)
            if waiting and self.left <= 0:
                waiting.clear()
                self.cut_short()
            for trial in running.finished(self._sources()):
                self.add(trial, stage)
            if running.cut:
                self.cut_short()
            self.look(stage)
        return self._trials[first:]

    def recall(self, engine: str, stage: str) -> list[Trial]:
        """Add and return what an earlier attempt has found with an engine that names its candidates itself."""
        found = [trial for trial in self._earlier.values() if trial.engine == engine]
        for trial in found:
            self._take(self._earlier.pop(trial.name), stage)
        return found

    def add(self, trial: Trial, stage: str) -> None:
        """Keep and add a trial; a new best is fitted and published beside the search."""
        self._save(trial)
        self._take(trial, stage)

    def _take(self, trial: Trial, stage: str) -> None:
        """Add a trial that is kept already."""
        self._trials.append(trial)
        worst = sorted(self._trials, key=self.rank, reverse=True)[_KEPT:]
        for number, known in enumerate(self._trials):
            if known.out_of_fold is not None and any(known is other for other in worst):
                self._trials[number] = replace(known, out_of_fold=None)
        self.look(stage)

    def look(self, stage: str) -> None:
        """Report, and take or begin a publication of the best."""
        scores = [trial for trial in self._trials if trial.score is not None]
        best = self.best
        self._progress(
            stage,
            min(1.0, (time.monotonic() - self._started) / self._problem.seconds),
            candidates=len(self._trials),
            failed=len(self._trials) - len(scores),
            best_score=best.score if best else None,
            metric=self._problem.metric.name,
        )
        self._take_publication()
        better = best is not None and self.rank(best) > self._published_score
        if best is not None and better and self._publishing is None and time.monotonic() > self._pause_until:
            self._published_score = self.rank(best)
            self.offer(best)

    def offer(self, trial: Trial) -> None:
        """Fit and publish a trial beside the search, until a better one comes."""
        if self._publish is not None:
            self._publishing_since = time.monotonic()
            rows, seconds = leaderboard.rows(self), max(10.0, self._problem.seconds)
            self._publishing = Child(self._publish, trial, rows, seconds=seconds, threads=1)

    def close(self) -> None:
        """End what still runs beside the search."""
        if self._publishing is not None and not self._publishing.ended:
            self._publishing.kill()
        self._publishing = None

    def _room(self) -> int:
        """Return how many candidates may run now."""
        if self.left <= 0:
            return 0
        limit = self._problem.parameters.limits.candidates
        return cores() if limit is None else min(cores(), limit - len(self._trials))

    def _sources(self) -> list[Any]:
        return [self._publishing.connection] if self._publishing and not self._publishing.ended else []

    def _take_publication(self) -> None:
        child = self._publishing
        if child is None:
            return
        try:
            for model in child.receive():
                self._published(model)
        except (ServiceError, ChildFailed, ChildDied, TimeoutError) as error:
            # The search goes on: a later candidate may be one that can be fitted on all rows.
            logger.warning("the best so far could not be published: %s", type(error).__name__)
        if child.ended:
            self._publishing = None
            took = time.monotonic() - self._publishing_since
            # The first one, which nothing has scored, is replaced as soon as there is a better one.
            scored = self._published_score > float("-inf")
            self._pause_until = time.monotonic() + (took / _PUBLISH_SHARE if scored else 0.0)
