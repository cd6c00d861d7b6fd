"""Which trial is published in the end: the best, a smaller one that is as good, or a mix."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.pipelines.base import Board, Problem, Trial
from app.pipelines.portfolio import ensemble, members

#: Trials that an ensemble is chosen from.
MOST = 20

#: A trial is as good as the best within this share of the best score, and of what the best lacks of a perfect one: of
#: an area under the curve of 0.9998 another 0.0001 is a great deal.
AS_GOOD, OF_ERROR = 2e-4, 1e-2

#: Fits of a fold's size that follow the search, for each member: without the hold-out and on all rows they come to two
#: and a half, and the rest is for a machine that is busy.
FITS = 3.5

#: Members that the time for their fits is kept free for, and the share of the time that is kept for more than one.
EXPECTED, MIXED = 4, 0.4


def kinds(board: Board) -> list[str]:
    """Return the kinds of models that have been scored, the best first."""
    scored = sorted(_whole(board), key=board.rank, reverse=True)
    return list(dict.fromkeys(members.kind_of(trial.name) for trial in scored))


def finish_seconds(problem: Problem, board: Board) -> float:
    """Estimate the seconds that fitting what will be chosen takes: a mix of the best so far, or the best alone.

    Of many rows a mix would leave no time for what it is made of.
    """
    seconds = [trial.fit_seconds for trial in sorted(_whole(board), key=board.rank, reverse=True)[:EXPECTED]]
    return max(FITS * sum(seconds[:1]), min(FITS * sum(seconds), MIXED * problem.seconds))


def choose(problem: Problem, board: Board) -> Trial:
    """Return the trial to publish; a mix that is better than all is added to the board.

    A smaller one is taken when it is as good as the best, and no worse than any of the baselines.
    """
    candidates = _different(sorted(_whole(board), key=board.rank, reverse=True))[:MOST]
    if not candidates:
        best = board.best
        assert best is not None
        return best
    mixed = _mix(problem, board, candidates)
    if mixed is not None:
        board.add(mixed, "ensemble")
        candidates = [mixed, *candidates]
    best = max(candidates, key=board.rank)
    baselines = [board.rank(trial) for trial in candidates if members.is_baseline(trial.name)]
    least = max([board.rank(best) - _margin(problem, board.rank(best)), *baselines])
    return min((trial for trial in candidates if board.rank(trial) >= least), key=_cost)


def _margin(problem: Problem, best: float) -> float:
    """Return by how much a score may be below the best and be as good; 1 is perfect where greater is better."""
    share = AS_GOOD * abs(best)
    return share if problem.metric.sign < 0 else min(share, OF_ERROR * abs(1.0 - best))


def _mix(problem: Problem, board: Board, candidates: list[Trial]) -> Trial | None:
    """Return the ensemble, or None when the best by itself is no worse, or there is no time to fit more."""
    affordable: list[Trial] = []
    seconds = 0.0
    for trial in candidates:
        if not affordable or seconds + FITS * trial.fit_seconds <= board.remaining:
            affordable.append(trial)
            seconds += FITS * trial.fit_seconds
    shares = ensemble.weights(problem, affordable)
    if len(shares) < 2:
        return None
    chosen = [(affordable[position], share) for position, share in shares.items()]
    predicted: Any = sum(np.asarray(trial.out_of_fold) * share for trial, share in chosen)
    scores = ensemble.fold_scores(problem, predicted)
    known = [score for score in scores if score == score]
    return Trial(
        name="ensemble",
        engine="portfolio",
        pipeline=_pipeline(problem, chosen),
        score=sum(known) / len(known),
        fold_scores=tuple(scores),
        out_of_fold=predicted,
        fit_seconds=round(sum(trial.fit_seconds for trial, _ in chosen), 4),
        predict_seconds=round(sum(trial.predict_seconds for trial, _ in chosen), 6),
        size=sum(trial.size for trial, _ in chosen),
        threads=min((trial.threads for trial, _ in chosen if trial.threads is not None), default=None),
        details={"members": {trial.name: round(share, 4) for trial, share in chosen}},
    )


def _pipeline(problem: Problem, chosen: list[tuple[Trial, float]]) -> Any:
    from sklearn.pipeline import Pipeline

    named = [(trial.name, trial.pipeline, share) for trial, share in chosen]
    kind = ensemble.EnsembleClassifier if problem.classes else ensemble.EnsembleRegressor
    return Pipeline([("model", kind(named))])


def _different(candidates: list[Trial]) -> list[Trial]:
    """Leave out what scores on every fold as another one does: a search comes upon one model in several pipelines.

    Of those a baseline stays, or the cheapest, at the place of the first.
    """
    alike: dict[tuple[float, ...], list[Trial]] = {}
    for trial in candidates:
        alike.setdefault(tuple(round(score, 9) for score in trial.fold_scores), []).append(trial)
    return [min(same, key=lambda trial: (not members.is_baseline(trial.name), _cost(trial))) for same in alike.values()]


def _whole(board: Board) -> list[Trial]:
    """Return the trials over all folds whose predictions are known, so that they can be compared and mixed."""
    return [trial for trial in board.trials if trial.whole and trial.out_of_fold is not None]


def _cost(trial: Trial) -> float:
    """Return what a trial costs in use: the time of a prediction, and a little for its size."""
    return trial.predict_seconds + trial.size * 1e-9
