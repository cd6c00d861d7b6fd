"""Which stretches of a series moved its prediction: LIME or SHAP over stretches that are masked."""

from __future__ import annotations

from dataclasses import replace

from app.explain import lime, shap
from app.explain.base import Asked, Case, Subject
from app.explain.found import Local
from app.explain.parts.segments import Segments


def explain(subject: Subject, case: Case, asked: Asked) -> Local:
    """Explain one series by its stretches."""
    assert case.signals is not None
    wanted = asked.parameters
    masked = Segments.of(subject, case.signals, wanted.num_segments, wanted.fill)
    of_parts = lime.of_parts if wanted.algorithm == "lime" else shap.of_parts
    found = of_parts(subject, masked, asked, wanted.num_samples)
    return replace(found, algorithm=f"segments_{found.algorithm}")
