"""Candidates of one search, each in a process of its own that is ended at its limit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import wait
from typing import Any

from app.errors import ServiceError
from app.payloads.parameters import Kind
from app.pipelines import evaluate
from app.pipelines.base import Candidate, Problem, Trial
from app.pipelines.processes import Child, ChildDied, ChildFailed, cores

#: Seconds between two looks at the running candidates.
_TICK = 0.5

#: Why a candidate that came to no end has no score.
STOPPED = "stopped at its time limit"

#: Cells of numbers, categories and dates below which a fit has one thread. Boosting 1,500 rows of 6 columns took 0.09 s
#: with one and 0.3 s with two, and beside other work on the same cores up to 6 s.
_CELLS = 100_000


class Running:
    """Candidates that are being tried, each in its child.

    Parameters
    ----------
    n_candidates
        That there are to try: of more than one each has fewer threads.

    Attributes
    ----------
    cut
        Whether the end of the search, not a limit of its own, has ended one.
    """

    def __init__(self, problem: Problem, n_candidates: int) -> None:
        self._problem = problem
        self._threads = 1 if _is_small(problem) else max(1, cores() // max(1, n_candidates))
        self._children: dict[Child, Trial] = {}
        self._limit = problem.parameters.limits.candidate_seconds
        self._until_the_end: set[Child] = set()
        self._hurried: set[Child] = set()
        self.cut = False

    def __len__(self) -> int:
        return len(self._children)

    def start(self, candidate: Candidate, left: float) -> None:
        """Begin with a candidate, which has what is left of the search, or its own limit."""
        seconds = min(float(limit) for limit in (left, self._limit, candidate.seconds) if limit is not None)
        child = Child(evaluate.trials, self._problem, candidate, seconds=seconds, threads=self._threads)
        self._children[child] = Trial(candidate.name, candidate.engine, candidate.pipeline)
        if seconds == left:
            self._until_the_end.add(child)
        if candidate.seconds is not None:
            self._hurried.add(child)

    def finished(self, also: list[Any]) -> Iterator[Trial]:
        """Wait a moment, and yield the trials of the candidates that have ended.

        One that was ended by its limit counts with the folds that it had, marked as partial.
        """
        if self._children or also:
            wait([*also, *(child.connection for child in self._children)], timeout=_TICK)
        for child in list(self._children):
            why = None
            try:
                for trial in child.receive():
                    self._children[child] = replace(trial, threads=self._threads)
            except TimeoutError:
                why = STOPPED
                self.cut = self.cut or child in self._until_the_end
            except (ServiceError, ChildFailed, ChildDied) as error:
                why = str(error)
            if not child.ended and self._takes_too_long(child):
                child.kill()
                why = STOPPED
            if child.ended:
                trial = self._children.pop(child)
                yield trial if why is None else self._cut(trial, why)

    def _takes_too_long(self, child: Child) -> bool:
        """Tell whether the folds so far say that all of them take longer than the candidate may."""
        trial = self._children[child]
        if child not in self._hurried or not trial.fold_scores:
            return False
        to_go = len(self._problem.folds) - len(trial.fold_scores)
        return time.monotonic() + to_go * trial.fit_seconds > child.deadline

    def _cut(self, trial: Trial, why: str) -> Trial:
        known = len(trial.fold_scores)
        if trial.score is None:
            return replace(trial, error=why)
        if known == len(self._problem.folds):
            # It had ended, and its last word came with the limit.
            return trial
        note = f"{why} after {known} of {len(self._problem.folds)} folds"
        return replace(trial, details={**trial.details, "partial": True, "note": note})


def _is_small(problem: Problem) -> bool:
    """Tell whether threads would wait for each other longer than they save."""
    large = {Kind.IMAGE, Kind.SIGNAL, Kind.TEXT} & set(problem.kinds.values())
    return not large and problem.X.size < _CELLS
