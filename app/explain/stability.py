"""How far the largest contributions agree when a method is repeated with other seeds."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from app.explain.base import Asked, Case, LocalExplainer, Subject
from app.explain.found import Local, Part

#: Other seeds with which it is repeated, and contributions that are compared at most.
REPEATS, TOP = 4, 5


def of(explainer: LocalExplainer, subject: Subject, case: Case, asked: Asked, local: Local) -> float:
    """Return the mean Jaccard similarity of the largest contributions between any two runs: 1 when all name the same.

    The largest are five, or half of them where there are fewer than ten.
    """
    if local.ended == "exact":
        return 1.0
    others = [
        explainer(subject, case, replace(asked, seed=(asked.seed + number) % 2**32)) for number in range(1, REPEATS + 1)
    ]
    tops = [_top(one) for one in (local, *others)]
    agreements = [len(a & b) / len(a | b) if a | b else 1.0 for a, b in combinations(tops, 2)]
    return sum(agreements) / len(agreements)


def _top(local: Local) -> set[Part]:
    ordered = sorted(local.contributions, key=lambda one: -abs(one.value))
    # Its value is what it is, and may be no key: the place of a part says which it is.
    return {replace(one.part, value=None) for one in ordered[: min(TOP, max(1, len(ordered) // 2))]}
