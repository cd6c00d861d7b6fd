"""The rows of a leaderboard: as JSON for people, and as signed bytes to go on from or to promote."""

from __future__ import annotations

import io
import pickle
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from app.pipelines import metrics
from app.pipelines.base import Trial
from app.pipelines.samples import Chosen
from app.store.artifact import Artifact

if TYPE_CHECKING:
    from app.pipelines.board import TrialBoard

#: What of a trial is plain JSON.
_PLAIN = ("name", "engine", "score", "fit_seconds", "predict_seconds", "size", "error", "threads", "details")


def rows(board: TrialBoard) -> list[dict[str, Any]]:
    """Return the trials as JSON, the best first; `row` is a trial's number in the order in which they ended."""
    numbered = list(enumerate(board.trials, start=1))
    ranked = sorted(numbered, key=lambda pair: _place(board, pair[1]), reverse=True)
    return [
        {
            "rank": rank,
            "row": number,
            **{name: getattr(trial, name) for name in _PLAIN},
            "fold_scores": [score if score == score else None for score in trial.fold_scores],
        }
        for rank, (number, trial) in enumerate(ranked, start=1)
    ]


def _place(board: TrialBoard, trial: Trial) -> tuple[bool, bool, float]:
    """Order trials: scores over some of the folds come after those over all of them, and no score at all comes last."""
    return trial.score is not None, trial.whole, board.rank(trial)


def completed(known: list[dict[str, Any]], kept: list[dict[str, Any]], metric: str) -> list[dict[str, Any]]:
    """Return a leaderboard as `rows` does, with what was tried since it was made.

    Parameters
    ----------
    known
        Its rows, which keep their numbers.
    kept
        What `told` returns of all trials, in the order in which they ended.
    metric
        That it is ranked by.
    """
    named, last = {row["name"] for row in known}, max((row["row"] for row in known), default=0)
    late = [manifest for manifest in kept if manifest["name"] not in named]
    every = known + [
        {"rank": 0, "row": number, **{name: manifest[name] for name in (*_PLAIN, "fold_scores")}, "served": False}
        for number, manifest in enumerate(late, start=last + 1)
    ]
    sign = metrics.sign(metric)

    def place(row: dict[str, Any]) -> tuple[bool, bool, float]:
        scored = row["score"] is not None
        return scored, scored and not row["details"].get("partial"), row["score"] * sign if scored else 0.0

    ranked = sorted(every, key=place, reverse=True)
    return [{**row, "rank": rank} for rank, row in enumerate(ranked, start=1)]


def told(trial: Trial) -> dict[str, Any]:
    """Return what of a trial is plain JSON."""
    return {name: getattr(trial, name) for name in _PLAIN} | {"fold_scores": list(trial.fold_scores)}


def to_artifact(trial: Trial, chosen: Chosen | None = None) -> Artifact:
    """Return what `from_artifact` reads: JSON, the unfitted pipeline, and the out-of-fold predictions.

    Parameters
    ----------
    chosen
        What the trial was scored on, as `chosen_of` returns it.
    """
    import numpy as np

    manifest = told(trial) | {"chosen": asdict(chosen or Chosen())}
    parts = {"pipeline": pickle.dumps(trial.pipeline, protocol=5)}
    if trial.out_of_fold is not None:
        sink = io.BytesIO()
        np.save(sink, trial.out_of_fold, allow_pickle=False)
        parts["out_of_fold"] = sink.getvalue()
    return Artifact(manifest, parts)


def chosen_of(artifact: Artifact) -> Chosen:
    """Return what a trial was scored on."""
    return Chosen(**artifact.manifest["chosen"])


def from_artifact(artifact: Artifact) -> Trial:
    """Read a trial back. Only for artefacts whose signature was verified."""
    import numpy as np

    manifest, parts = artifact.manifest, artifact.parts
    kept = np.load(io.BytesIO(parts["out_of_fold"]), allow_pickle=False) if "out_of_fold" in parts else None
    return Trial(
        pipeline=pickle.loads(parts["pipeline"]),  # noqa: S301  signed by this service, and verified by the store
        fold_scores=tuple(float("nan") if score is None else score for score in manifest["fold_scores"]),
        out_of_fold=kept,
        **{name: manifest[name] for name in _PLAIN},
    )
