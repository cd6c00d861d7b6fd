"""The models as one list: what each predicts, how well, and how that changed with its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.pages.words import kind_of_model

if TYPE_CHECKING:
    from app.store.record import Record
    from app.store.redis import ModelStore

#: Versions that a spark line shows, and its size.
_VERSIONS, _WIDTH, _HEIGHT = 30, 100, 24

#: Room around the line.
_EDGE = 3


def models(store: ModelStore) -> list[dict[str, Any]]:
    """Return what the start page shows of each model, by id."""
    records = store.models()
    scores = store.scores([str(record.pipeline_id) for record in records])
    return [_row(record, scores[str(record.pipeline_id)]) for record in records]


def _row(record: Record, scores: list[dict[str, Any]]) -> dict[str, Any]:
    score = record.score
    # Scores of another metric are on another scale.
    alike = [one["mean"] for one in scores if one["metric"] == score["metric"] and one["mean"] is not None]
    return {
        "id": record.pipeline_id,
        "version": record.version,
        "provisional": record.provisional,
        "task": record.task,
        "target": record.parameters.get("target") or ("the label" if record.task == "classification" else "a number"),
        "engine": record.engine,
        "kind": kind_of_model(record.result.get("modelType", "")),
        "metric": score["metric"],
        "score": score["mean"],
        "created": record.created_at,
        "spark": spark(alike[-_VERSIONS:]),
    }


def spark(values: list[float]) -> list[tuple[float, float]]:
    """Return the points of a line of values, in a box of 100 by 24."""
    if not values:
        return []
    low, high = min(values), max(values)
    across, along = (high - low) or 1.0, max(1, len(values) - 1)
    return [
        (
            _EDGE + (_WIDTH - 2 * _EDGE) * number / along,
            _HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * ((value - low) / across if high > low else 0.5),
        )
        for number, value in enumerate(values)
    ]
