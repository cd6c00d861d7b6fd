"""Where in a series the features that matter are read.

Each stretch of a signal is replaced, by the straight line between its ends and by the mean of the signal, and the
features are computed again: one that reads the stretch changes. A feature's contribution is spread over the stretches
by how much each changes it; what none changes (a length) is left over. That holds for any calculator, without knowing
what it does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.explain import lime, shap
from app.explain.base import Asked, Case, Subject
from app.explain.found import Contribution, Local
from app.explain.parts.segments import Segments
from app.payloads.explaining import Lime, Shap

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Share of a feature's size by which it must change: less is rounding.
_ROUNDING = 1e-9


def explain(subject: Subject, case: Case, asked: Asked) -> Local:
    """Spread the contributions of features over the stretches that they are read from.

    `placed` in its trust is the share of all contributions, by size, that could be.
    """
    import numpy as np

    assert case.signals is not None
    wanted = asked.parameters
    common = {name: getattr(wanted, name) for name in ("pipeline_id", "num_samples", "max_error")}
    common["method"] = wanted.algorithm
    method, parameters = (lime, Lime(**common)) if wanted.algorithm == "lime" else (shap, Shap(**common))
    by_feature = method.explain(subject, case, replace(asked, parameters=parameters))
    shares = {one.part.feature: one.value for one in by_feature.contributions}
    columns = [name for name in subject.computed if name in shares]
    values = np.array([shares[name] for name in columns])

    # Where a signal runs straight, or at its mean, one of the two changes nothing.
    fills = [Segments.of(subject, case.signals, wanted.num_segments, fill) for fill in ("line", "mean")]
    masked = fills[0]
    masks = np.vstack([np.ones(len(masked.parts)), 1 - np.eye(len(masked.parts))]).astype(bool)
    computed = [filled.rows(masks)[columns].to_numpy("float64") for filled in fills]
    changed = sum(np.abs(one[1:] - one[0]) for one in computed)
    stretches, unplaced = spread(values, computed[0][0], changed)
    left, size = float(values[unplaced].sum()), float(np.abs(values).sum())
    placed = 1.0 if size == 0 else 1.0 - float(np.abs(values[unplaced]).sum()) / size
    return Local(
        [Contribution(part, float(share)) for part, share in zip(masked.parts, stretches, strict=True)],
        base_value=None if by_feature.base_value is None else by_feature.base_value + left,
        local_prediction=by_feature.local_prediction,
        # How sure the contributions of features are says little of those of stretches.
        trust={name: value for name, value in by_feature.trust.items() if name != "standard_error"}
        | {"placed": placed},
        algorithm=f"features_{by_feature.algorithm}",
        scale=by_feature.scale,
        num_samples=by_feature.num_samples,
        background=by_feature.background,
        ended=by_feature.ended,
        details=masked.details,
    )


def spread(contributions: Array, features: Array, changed: Array) -> tuple[Array, Array]:
    """Return each stretch's share, shape (n_segments,), and which contributions could not be placed, (n_features,).

    Parameters
    ----------
    contributions, features
        Shape (n_features,): of the row.
    changed
        Shape (n_segments, n_features): by how much each stretch changes each feature.
    """
    import numpy as np

    unplaced: Array = changed.max(axis=0) <= _ROUNDING * np.maximum(1.0, np.abs(features))
    shares = np.where(unplaced, 0.0, changed / np.where(unplaced, 1.0, changed.sum(axis=0)))
    return shares @ contributions, unplaced
