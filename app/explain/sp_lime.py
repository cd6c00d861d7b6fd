"""SP-LIME (Ribeiro, Singh & Guestrin 2016, algorithm 2): few rows whose explanations together show the most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.explain import lime, many
from app.explain.base import Asked, Case, Subject
from app.explain.found import Contribution, Local, Overall, Part
from app.payloads.explaining import Lime

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def explain(subject: Subject, cases: Sequence[Case], asked: Asked) -> Overall:
    """Explain rows by LIME, pick the most telling, and tell of each column how it weighs over all."""
    import numpy as np

    wanted = asked.parameters
    samples = {"num_samples": wanted.num_samples, "max_error": wanted.max_error}
    asked = replace(asked, parameters=Lime(pipeline_id=wanted.pipeline_id, method="lime", **samples))
    places, each = many.explained(lime.explain, subject, cases, asked)
    parts, weights = matrix(each, wanted.num_features)
    picked = pick(weights, wanted.num_explanations)
    sizes = np.abs(weights)
    shown = sizes > 0
    table = [
        {
            "feature": part.feature,
            "value": part.value,
            "importance": float(np.sqrt(sizes[:, column].sum())),
            "mean": float(weights[:, column].mean()),
            "mean_absolute": float(sizes[:, column].mean()),
            "rows": int(shown[:, column].sum()),
            "raising": int((weights[:, column] > 0).sum()),
            "lowering": int((weights[:, column] < 0).sum()),
        }
        for column, part in enumerate(parts)
    ]
    table.sort(key=lambda one: -float(str(one["importance"])))
    covered = shown[picked].any(axis=0)
    total = np.sqrt(sizes.sum(axis=0))
    fidelity = [one.trust["fidelity"] for one in each]
    return Overall(
        contributions=[
            Contribution(part, float(sizes[:, column].mean()), _error(sizes[:, column]), degrees=len(each) - 1)
            for column, part in enumerate(parts)
        ],
        trust={
            "fidelity": float(np.mean([value for value in fidelity if value is not None])),
            "coverage": float(total[covered].sum() / total.sum()) if total.sum() else 1.0,
        },
        algorithm="sp_lime",
        scale=each[0].scale,
        num_samples=max((one.num_samples for one in each if one.num_samples is not None), default=None),
        background=each[0].background,
        rows=len(each),
        ended=many.ended(each, late=asked.late and len(each) < len(cases)),
        details={"table": table[: wanted.num_features], "picked": len(picked)},
        examples=[(places[place], each[place]) for place in picked],
    )


def matrix(each: Sequence[Local], num_features: int) -> tuple[list[Part], Array]:
    """Return the parts, and the weights of each row's largest, shape (n_rows, n_parts); 0 for all others.

    A word is one part by what it is, wherever it stands.
    """
    import numpy as np

    known: dict[Part, int] = {}
    cells = []
    for row, one in enumerate(each):
        for found in sorted(one.contributions, key=lambda found: -abs(found.value))[:num_features]:
            part = Part(found.part.feature, None if found.part.start is None else found.part.value)
            cells.append((row, known.setdefault(part, len(known)), found.value))
    weights = np.zeros((len(each), len(known)))
    for row, column, value in cells:
        weights[row, column] += value
    return list(known), weights


def pick(weights: Array, count: int) -> list[int]:
    """Return the rows to show, the most telling first.

    A column counts by the root of what it weighs over all rows, once, as soon as a row that is picked has it.

    Parameters
    ----------
    weights
        Shape (n_rows, n_columns): of each row's local model, 0 for columns that it does not show.
    """
    import numpy as np

    present = np.abs(weights) > 0
    importance = np.sqrt(np.abs(weights).sum(axis=0))
    chosen: list[int] = []
    covered = np.zeros(weights.shape[1], dtype=bool)
    while len(chosen) < min(count, len(weights)):
        gains = np.where(present & ~covered, importance, 0.0).sum(axis=1)
        gains[chosen] = -1.0
        best = int(gains.argmax())
        chosen.append(best)
        covered |= present[best]
    return chosen


def _error(values: Array) -> float | None:
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else None
