"""What the page of predictions shows: classes with their probabilities, numbers, or a table of many rows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from app.pages.words import number, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.store.record import Record

#: Rows of a table that are shown, and classes of one row.
ROWS, CLASSES = 50, 30

#: What stands before a class in the name of the column of its probabilities.
_SCORE = "score_"

Found = dict[str, list[Any]]


def classes(record: Record) -> list[str]:
    """Return the classes of a version as they are written; none of numbers."""
    return [str(name) for name in record.result.get("classes") or ()] if record.task == "classification" else []


def one(found: Found, place: int = 0) -> dict[str, Any]:
    """Return what is shown of one row's prediction: `prediction`, and `bars` of its classes, the likeliest first."""
    scores = {name.removeprefix(_SCORE): _known(found[name][place]) for name in found if name.startswith(_SCORE)}
    ranked = sorted(scores.items(), key=lambda item: -(item[1] or 0.0))
    return {
        "prediction": _known(found["prediction"][place]),
        "scores": scores,
        "bars": [{"name": name, "share": share or 0.0} for name, share in ranked[:CLASSES]],
        "more": max(0, len(ranked) - CLASSES),
    }


def _known(value: Any) -> Any:
    """Return a prediction; None for one that a model could not make."""
    return None if value != value else value


def many(found: Found, record: Record) -> dict[str, Any]:
    """Return what is shown of many predictions: the first as a table, and what all of them come to."""
    names = list(found)
    shown = [
        [_cell(name, found[name][place], record) for name in names] for place in range(min(ROWS, len(found["id"])))
    ]
    return {
        "heads": [_head(name) for name in names],
        "rows": shown,
        "total": len(found["id"]),
        "summary": _summary(found["prediction"], record),
        "kinds": ["figure" if _measured(name, record) else "" for name in names],
    }


def _cell(name: str, value: Any, record: Record) -> Any:
    """Return a value as it is, a class with its blanks."""
    named = name == "prediction" and record.task == "classification" and _known(value) is not None
    return visible(value) if named else value


def _measured(name: str, record: Record) -> bool:
    return name.startswith(_SCORE) or (name == "prediction" and record.task != "classification")


def _head(name: str) -> str:
    return f"P({visible(name.removeprefix(_SCORE))})" if name.startswith(_SCORE) else name


def _summary(predictions: Sequence[Any], record: Record) -> dict[str, Any]:
    """Return how often each class is predicted, or from where to where numbers go."""
    if record.task == "classification":
        counts = Counter(str(one) for one in predictions)
        ranked = counts.most_common(CLASSES)
        return {"bars": [{"name": name, "share": count / len(predictions), "count": count} for name, count in ranked]}
    known = [one for one in predictions if one is not None and one == one]
    if not known:
        return {"text": "No row has a prediction."}
    mean = sum(known) / len(known)
    return {"text": f"From {number(min(known))} to {number(max(known))}, {number(mean)} on average."}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the two predictions of each class side by side, with what changed, or of numbers the one there is."""
    if not before["scores"]:
        return [_change("prediction", before["prediction"], after["prediction"])]
    ranked = sorted(before["scores"], key=lambda name: -(before["scores"][name] or 0.0))
    return [_change(name, before["scores"][name], after["scores"].get(name)) for name in ranked[:CLASSES]]


def steps(before: Found, after: Found) -> list[dict[str, Any]]:
    """Return two forecasts of a series side by side, with what changed at each step."""
    pairs = zip(before["step"], before["prediction"], after["prediction"], strict=False)
    return [_change(f"step {step}", _known(old), _known(new)) for step, old, new in pairs][:ROWS]


def _change(name: str, old: float | None, new: float | None) -> dict[str, Any]:
    change = None if old is None or new is None else new - old
    return {"name": name, "before": old, "after": new, "change": change}
