"""How the networks of a pipeline learned, epoch by epoch."""

from __future__ import annotations

import math
from typing import Any

from app.pipelines.base import Trial
from app.pipelines.evaluate import innermost

#: {what scikit-learn's networks keep: what it is}. They score the rows held back, and have no loss of them.
_KEPT = {"loss_curve_": "loss", "validation_scores_": "score of the rows held back"}


def learning_curves(trial: Trial, fitted: Any) -> dict[str, list[float | None]]:
    """Return {name: [one an epoch]}, `val_` before the names of those that rows held back have; none of other models.

    Parameters
    ----------
    trial
        Whose search may have held rows back and kept what it saw; its last fit learns from all rows.
    fitted
        The pipeline. Of an ensemble the names begin with the member's.
    """
    if (found := trial.details.get("history")) is not None:
        return dict(found)
    model = innermost(fitted)
    if hasattr(model, "members"):
        return {
            f"{member}: {name}": values
            for (member, _, _), one in zip(model.members, model.fitted_, strict=True)
            for name, values in _of(innermost(one)).items()
        }
    return _of(model)


def _of(model: Any) -> dict[str, list[float | None]]:
    found = dict(getattr(model, "history_", {}))
    found |= {name: kept for attribute, name in _KEPT.items() if (kept := getattr(model, attribute, None)) is not None}
    return {name: [float(value) if math.isfinite(value) else None for value in kept] for name, kept in found.items()}
