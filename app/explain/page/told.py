"""What is said once of all explanations: in what unit they are, and what they took."""

from __future__ import annotations

import math
from typing import Any

#: Units of contributions; of a method without any its name comes first.
_SCALES = {
    "probability": "Contributions are parts of a probability: +0.1 raises it by ten points of a hundred.",
    "log_odds": "Contributions are log odds, in which this model adds up: at 0 either class is as likely, and each +1 "
    "multiplies the odds by 2.7.",
    "score": "Contributions are parts of the model's score of a class, before scores become probabilities: the higher "
    "beside those of other classes, the likelier.",
    "value": "Contributions are in the unit of what is predicted.",
    "share": "The map goes from 0, nothing that speaks for the class, to 1, the most.",
}

#: What ended the work.
_ENDS = {
    "exact": "Exact: nothing was sampled.",
    "max_error": "Sampling ended as soon as the largest standard error was as small as asked for (max_error).",
    "num_samples": "Sampling ended with the number of samples (num_samples).",
    "deadline": "The search ended when its time was up; with more there may be better.",
    "exhausted": "The search ended when nothing was left to try.",
}

#: Methods that give no contributions of the model's output.
_NONE = ("counterfactual", "nearest", "ice", "partial_dependence", "permutation_importance")

#: Methods that explain many rows.
_MANY = ("summary", "sp_lime")

#: Methods of which there is no other variant that samples.
_NO_CHOICE = (*_NONE, "grad_cam", "interactions")


def scale(entry: dict[str, Any], method: str) -> str:
    """Say in what unit contributions are."""
    return "" if method in _NONE else _SCALES.get(str(entry.get("scale")), "")


def ended(entry: dict[str, Any], method: str) -> str:
    """Say how much was asked of the model, and what ended that."""
    end = str(entry.get("ended"))
    told = ["" if end == "exact" and method in _NO_CHOICE else _ENDS.get(end, "")]
    if entry.get("num_samples"):
        unit = "points on the way" if method == "gradients" else "rows"
        each = " for each of the explanations" if method in _MANY else ""
        told.append(f"The model was asked for {entry['num_samples']:,} {unit}{each}.")
    if entry.get("background"):
        told.append(f"Compared with {entry['background']:,} rows of the training.")
    return " ".join(filter(None, told))


def probability(log_odds: float) -> float:
    """Return the probability of log odds."""
    # Beyond that it is 0 or 1 in doubles, and its exponential overflows.
    return 1 / (1 + math.exp(-max(-700.0, min(log_odds, 700.0))))
