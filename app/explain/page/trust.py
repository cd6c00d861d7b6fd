"""How far an explanation can be trusted, in words: each figure with what it means, and whether it is good."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.explain.page.labels import scaled
from app.pipelines.reports.writing import amount

#: R² of a local model from where on it is close, and below which it is not to be relied on.
_CLOSE, _LOOSE = 0.8, 0.5

#: Divergence of probabilities, in nats, up to which they hardly differ, and from where on clearly.
_ALIKE, _APART = 0.02, 0.2

#: Agreement of repeated runs, as a Jaccard similarity.
_SAME, _PARTLY = 0.8, 0.5

#: Errors as shares of what they are errors of.
_SMALL, _LARGE = 0.1, 0.5
_ADDS_UP, _MISSES = 0.01, 0.1

#: Errors below that are of the last digits of doubles.
_ROUNDING = 1e-9

#: Share of the contributions that could be placed, or of what is to be seen that is shown.
_ALL, _MOST, _HALF = 0.9995, 0.8, 0.5

#: Share of a prediction by which it falls where hiding something tells.
_FALLS = 0.1


@dataclass(frozen=True)
class Remark:
    """A sentence about an explanation.

    Attributes
    ----------
    kind
        good, fair, poor (not to be relied on), or plain.
    """

    kind: str
    text: str


def remarks(entry: dict[str, Any]) -> list[Remark]:
    """Return a remark on each figure that an explanation has."""
    return [told(float(entry[name]), entry) for name, told in _TOLD.items() if entry.get(name) is not None]


def worst(entry: dict[str, Any]) -> str:
    """Return the least good kind of the remarks on an explanation; plain where there are none."""
    kinds = [remark.kind for remark in remarks(entry)]
    return next((kind for kind in ("poor", "fair", "good") if kind in kinds), "plain")


def _graded(good: bool, poor: bool) -> str:
    return "good" if good else "poor" if poor else "fair"


def _fidelity(value: float, entry: dict[str, Any]) -> Remark:
    kind = _graded(value >= _CLOSE, value < _LOOSE)
    many, figure = "id" not in entry, f"R² {_short(value)}"
    who = "The local models follow" if many else "The local model follows"
    where = "around the rows, on average" if many else "around this row"
    if kind == "poor":
        who = who.replace("follows", "does not follow").replace("models follow", "models do not follow")
        text = f"{who} the pipeline {where} ({figure}): do not rely on {'them' if many else 'it'}."
    else:
        text = f"{who} the pipeline {'closely' if kind == 'good' else 'only roughly'} {where} ({figure})."
    local, own = entry.get("local_prediction"), entry.get("prediction")
    if local is not None and own is not None:
        text += f" At the row itself it gives {scaled(local, entry, 3)}, the pipeline {scaled(own, entry, 3)}."
    return Remark(kind, text)


def _divergence(value: float, _: dict[str, Any]) -> Remark:
    kind = _graded(value <= _ALIKE, value > _APART)
    how = {"good": "hardly differ", "fair": "differ somewhat", "poor": "differ clearly"}[kind]
    # R² is what tells a local model that is wrong; probabilities near 0 or 1 make a divergence large by themselves.
    told = f"Over all classes its probabilities {how} from the pipeline's (divergence {amount(value, 2)}; 0 is none)."
    return Remark("fair" if kind == "poor" else kind, told)


def _stability(value: float, _: dict[str, Any]) -> Remark:
    kind = _graded(value >= _SAME, value < _PARTLY)
    text = {
        "good": "Other seeds name the same largest contributions",
        "fair": "Other seeds name some of the same largest contributions, and some others",
        "poor": "Other seeds name other contributions as the largest",
    }[kind]
    more = " Ask for more samples." if kind != "good" else ""
    return Remark(kind, f"{text} (agreement {_short(value)}, at best 1).{more}")


def _additivity(value: float, entry: dict[str, Any]) -> Remark:
    exact = value < _ROUNDING
    if not entry["contributions"]:
        missed = f"miss what the model gives by {amount(value, 2)} at most"
        return Remark("plain", f"Contributions {'add up exactly to what the model gives' if exact else missed}.")
    if exact:
        return Remark("good", "Base value and contributions add up exactly to what the model gives.")
    size = _size(entry)
    share = value / size if size else math.inf
    kind = _graded(share <= _ADDS_UP, share > _MISSES)
    text = {
        "good": "Base value and contributions add up to what the model gives",
        "fair": "Base value and contributions nearly add up to what the model gives",
        "poor": "Base value and contributions do not add up to what the model gives: do not rely on them",
    }[kind]
    return Remark(kind, f"{text} (they miss it by {amount(value, 2)}).")


def _sampling(value: float, entry: dict[str, Any]) -> Remark:
    if not entry["contributions"]:
        return Remark("plain", f"The standard error of the contributions is at most {amount(value, 2)}.")
    largest = max(abs(one["contribution"] or 0.0) for one in entry["contributions"])
    share = value / largest if largest else (math.inf if value else 0.0)
    kind = _graded(share <= _SMALL, share > _LARGE)
    figure = f"standard error at most {amount(value, 2)}"
    text = {
        "good": f"Sampling leaves little doubt beside the largest contribution ({figure}).",
        "fair": f"Sampling leaves the smaller contributions in doubt ({figure}): see their intervals.",
        "poor": f"Contributions are hardly larger than the error of sampling ({figure}): ask for more samples.",
    }[kind]
    return Remark(kind, text)


def _placed(value: float, _: dict[str, Any]) -> Remark:
    rest = " The rest is of features that no stretch changes, such as the length, and is in the base value."
    rest = rest if value < _ALL else ""
    share = f"{amount(100 * value, 3)} %"
    kind = _graded(value >= _MOST, value < _HALF)
    warning = " Most of what matters is not shown: do not rely on it." if kind == "poor" else ""
    return Remark(kind, f"{share} of the contributions, by size, have a place in the series.{rest}{warning}")


def _drop(value: float, entry: dict[str, Any]) -> Remark:
    own = entry.get("prediction")
    least = _FALLS * abs(own) if own is not None else _FALLS
    kind = _graded(value >= least, value <= 0)
    where = "what the maps mark is hidden" if own is None else "what the map marks is hidden"
    text = {
        "good": f"The prediction falls by {amount(value, 3)} when {where}: the model looks there.",
        "fair": f"The prediction falls by no more than {amount(value, 3)} when {where}.",
        "poor": f"The prediction does not fall when {where} (it changes by {amount(-value, 3)}): do not rely on it.",
    }[kind]
    return Remark(kind, text)


def _coverage(value: float, _: dict[str, Any]) -> Remark:
    share = f"{amount(100 * value, 3)} %"
    told = f"The rows that are shown have {share} of what all explanations name, by importance."
    return Remark(_graded(value >= _MOST, False), told)


def _short(value: float) -> str:
    """Write what is at most 1, and may be far below 0."""
    return f"{value:.2f}" if value > -100 else amount(value, 3)


def _size(entry: dict[str, Any]) -> float:
    rest = (entry.get("rest") or {}).get("contribution") or 0.0
    size: float = abs(rest) + sum(abs(one["contribution"] or 0.0) for one in entry["contributions"])
    return size


_TOLD: dict[str, Callable[[float, dict[str, Any]], Remark]] = {
    "fidelity": _fidelity,
    "divergence": _divergence,
    "stability": _stability,
    "additivity_error": _additivity,
    "standard_error": _sampling,
    "placed": _placed,
    "drop": _drop,
    "coverage": _coverage,
}
