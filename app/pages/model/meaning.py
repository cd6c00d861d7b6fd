"""What a score says, in one plain sentence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from app.pages.words import number

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.store.record import Record


def meaning(name: str, value: float | None, record: Record) -> str:
    """Return a sentence about a score; empty where there is none to say."""
    if value is None or not math.isfinite(value) or name not in _SENTENCES:
        return ""
    return _SENTENCES[name](value, record)


def _auc(value: float, record: Record) -> str:
    times = f"{100 * value:.0f} times in 100"
    if len(record.result.get("classes") or []) > 2:
        return f"Of a random pair, one row of a class and one of another, it ranks them rightly {times}; guessing 50."
    return f"Of a random pair of one row of each class, it ranks them rightly {times}; guessing 50."


def _accuracy(value: float, record: Record) -> str:
    matrix = record.holdout.get("confusion_matrix") or []
    rows, most = sum(map(sum, matrix)), max(map(sum, matrix), default=0)
    beside = f"; always the most frequent class would get {100 * most / rows:.0f}" if rows else ""
    return f"It gets {100 * value:.0f} of 100 rows right{beside}."


def _balanced(value: float, record: Record) -> str:
    return f"Of each class it finds {100 * value:.0f} of 100 rows, on average over the classes."


def _log_loss(value: float, record: Record) -> str:
    return f"To what was true it gave a probability of {number(math.exp(-value))} (geometric mean); 1 would be certain."


def _brier(value: float, record: Record) -> str:
    return f"Its probabilities are off by {number(math.sqrt(max(value, 0)))} (root mean square); 0 is best."


def _r2(value: float, record: Record) -> str:
    if value < 0:
        return "It is worse than always saying the mean."
    return (
        f"It explains {100 * value:.0f} % of how much {_target(record)} varies; always saying the mean explains none."
    )


def _rmse(value: float, record: Record) -> str:
    return f"Its errors are about {number(value)} in the unit of {_target(record)}; large ones count for more."


def _mae(value: float, record: Record) -> str:
    return f"On average it is off by {number(value)} in the unit of {_target(record)}."


def _median(value: float, record: Record) -> str:
    return f"Half of its errors are smaller than {number(value)}."


def _mape(value: float, record: Record) -> str:
    return f"On average it is off by {100 * value:.3g} % of the true value."


def _f1(value: float, record: Record) -> str:
    return f"Precision and recall together (harmonic mean) are {number(value)}; 1 is best."


def _precision(value: float, record: Record) -> str:
    return f"Of 100 rows that it calls positive, {100 * value:.0f} are."


def _recall(value: float, record: Record) -> str:
    return f"Of 100 rows that are positive, it finds {100 * value:.0f}."


def _target(record: Record) -> str:
    return str(record.parameters.get("target") or "the target")


#: {metric: what says it}.
_SENTENCES: dict[str, Callable[[float, Record], str]] = {
    "roc_auc": _auc,
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced,
    "log_loss": _log_loss,
    "brier": _brier,
    "r2": _r2,
    "rmse": _rmse,
    "mae": _mae,
    "median_absolute_error": _median,
    "mape": _mape,
    "f1": _f1,
    "f1_macro": _f1,
    "f1_weighted": _f1,
    "precision": _precision,
    "recall": _recall,
}
