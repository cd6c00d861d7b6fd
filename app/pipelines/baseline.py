"""The model that is there first, and that is left when nothing better was found in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.payloads.parameters import Kind
from app.pipelines.base import Problem, Trial

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def pipeline(problem: Problem) -> Pipeline:
    """Return an unfitted linear model of whatever the columns hold."""
    from sklearn.linear_model import LogisticRegression, Ridge

    model = LogisticRegression(max_iter=300) if problem.classes else Ridge()
    if set(problem.kinds.values()) == {Kind.SIGNAL}:
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import StandardScaler

        from app.pipelines.convolutions import RandomConvolutions

        convolutions = RandomConvolutions(random_state=problem.seed)
        return Pipeline([("convolutions", convolutions), ("scale", StandardScaler()), ("model", model)])
    return problem.pipeline(model, scaled=True)


def untried(problem: Problem) -> Trial:
    """Return the baseline without a score, where there was no time to try even that."""
    import numpy as np

    shape = (len(problem.y), len(problem.classes)) if problem.classes else len(problem.y)
    return Trial("baseline", "baseline", pipeline(problem), out_of_fold=np.full(shape, np.nan))
