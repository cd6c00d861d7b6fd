"""The top of the page: what the model is, and what its scores mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.pages.model.meaning import meaning
from app.pages.words import kind_of_model
from app.pipelines.reports.page import scores
from app.pipelines.reports.plots import span, strip

if TYPE_CHECKING:
    from app.store.record import Record


def told(record: Record, report: dict[str, Any]) -> dict[str, Any]:
    """Return what the head of the page says."""
    result = record.result
    shape = result.get("trainShape") or [None, None]
    return {
        "target": target(record),
        "kind": kind_of_model(result.get("modelType") or record.engine),
        "rows": shape[0],
        "row": _row(record),
        "columns": shape[1],
        # What is learned from series are numbers that tell of them, or the series as they are.
        "column": "column" if not _of_series(record) else "feature" if result.get("featureEngParams") else "signal",
        "took": result.get("trainTime"),
        "metric": result.get("metric"),
        "cards": [_card(one, record) for one in scores(record)],
        "folds": record.metrics.get("folds"),
        "notes": _notes(record),
        "whole": bool(report.get("curves")),
    }


def _of_series(record: Record) -> bool:
    return bool(record.parameters.get("extract_features"))


def _row(record: Record) -> tuple[str, str]:
    """Return what a row of the training stands for, one and many: a series, unless it is a stretch of one."""
    return ("series", "series") if _of_series(record) and record.task != "forecasting" else ("row", "rows")


def target(record: Record) -> str:
    """Return what a model predicts, as people would call it."""
    named = record.parameters.get("target")
    return str(named) if named else "the label" if record.task == "classification" else "the value"


def _card(score: dict[str, Any], record: Record) -> dict[str, Any]:
    folds = [value for value in score.get("folds") or [] if value is not None]
    mean = score.get("mean") if score.get("mean") is not None else score.get("holdout")
    return {
        "name": score["name"],
        "mean": mean,
        "std": score.get("std") if len(folds) > 1 else None,
        "folds": score.get("folds") or [],
        "holdout": score.get("holdout"),
        "strip": strip(folds, *span(folds)) if len(folds) > 1 else None,
        "least": min(folds, default=None),
        "greatest": max(folds, default=None),
        "meaning": meaning(score["name"], mean, record),
    }


def _notes(record: Record) -> list[str]:
    """Return in sentences what there is to know of a training that is not as usual."""
    result, found = record.result, []
    if record.provisional:
        found.append("The training goes on: this version may still be replaced by a better one, and has no report yet.")
    if result.get("stopped"):
        found.append(f"The training was stopped before its end: {result['stopped']}.")
    return [*found, *filter(None, [result.get("note")]), *(result.get("warnings") or [])]
