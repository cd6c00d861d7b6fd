"""What the page of explanations shows: methods, and how far to trust a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.explain import page
from app.explain.page.labels import METHODS as NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


#: Which method a page begins with.
_BEGIN = ("grad_cam", "features_on_signal", "lime", "segments")


#: How far to rely on an explanation, by the least good of its figures; the remarks below it say why.
VERDICTS = {
    "good": ("good", "By its own checks this explanation can be relied on."),
    "fair": (
        "fair",
        "By its own checks this explanation is rough: take the order of the largest contributions, not their sizes.",
    ),
    "poor": (
        "poor",
        "By its own checks this explanation is not to be relied on. Another method, or more samples, may do better.",
    ),
}


#: What stands for the figures of methods that have none: what their answer is worth by itself.
_PLAIN = {
    "nearest": "These are real rows of the training, found by comparing with each: nothing was estimated.",
    "counterfactual": "Each was checked by asking the model. They say what changes the prediction, not what is "
    "possible, nor what causes what.",
    "ice": "The model itself was asked at each point: nothing was estimated. Points far from where such rows occur say "
    "little.",
    "partial_dependence": "The model itself was asked at each point. Where columns go together, some of the rows that "
    "are averaged over do not occur.",
    "permutation_importance": "Whiskers show how far repetitions differ: what reaches across 0 may be of no use to the "
    "model.",
    "interactions": "Computed from the trees themselves, without sampling.",
    "features_on_signal": "The share that could be placed says how much of the prediction the shaded stretches tell.",
}


def methods(explainers: Sequence[Mapping[str, Any]], scope: str) -> list[dict[str, Any]]:
    """Return the methods of a scope with what they are called."""
    return [
        {**one, "name": NAMES.get(one["method"], (one["method"], ""))[0]} for one in explainers if one["scope"] == scope
    ]


def first(known: Sequence[dict[str, Any]], wanted: str) -> dict[str, Any]:
    """Return the method that a page begins with: the one wanted, or else one that tells the most of what it fits."""
    order = (wanted, *_BEGIN)
    by_name = {one["method"]: one for one in known}
    return next((by_name[name] for name in order if name in by_name), known[0])


def shown(answer: dict[str, Any], step: str = "") -> dict[str, Any]:
    """Return what the template shows of an answer of POST /explain.

    Parameters
    ----------
    step
        Of a forecast the step that comes first; the verdict is of that.
    """
    wanted = [one for one in answer["explanations"] if step and str(one.get("step")) == step]
    others = [one for one in answer["explanations"] if one not in wanted] if wanted else answer["explanations"]
    found = page.shown({**answer, "explanations": [*wanted, *others]})
    views = found["views"] or found["rows"][: len(wanted) or None]
    kinds = {view.worst for view in views} | {example.worst for view in views for example in view.examples}
    worst = next((kind for kind in ("poor", "fair", "good") if kind in kinds), None)
    plain = _PLAIN.get(str(answer["method"]), "Exact: nothing was estimated, so that there is no error to tell of.")
    return {**found, "verdict": VERDICTS.get(worst or "", ("plain", plain)), "left_out": answer["left_out"]}
