"""All that the page of a model shows, from its record, its report and its other versions."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from app.errors import NotFound
from app.pages.model import board, calling, classes, heading, numbers, settings, versions, weights
from app.pages.model.learning import by_rows, histories
from app.pages.model.series import drawn as series_drawn
from app.pages.model.tree import tree
from app.pipelines.reports.boxes import boxes

if TYPE_CHECKING:
    from app.services import Services
    from app.store.record import Record


def shown(held: Services, pipeline_id: str, number: int | None, beside: int | None, root: str) -> dict[str, Any]:
    """Return what the template shows of a version, the current one when none is named.

    Parameters
    ----------
    beside
        The version that it is compared with; None for one that the page chooses.
    root
        The service's own address.

    Raises
    ------
    ModelNotFound, VersionNotFound
    """
    record = held.store.record(pipeline_id, number)
    report = held.store.report(pipeline_id, record.version)
    current = held.store.current(pipeline_id)
    every = held.store.versions(pipeline_id)
    curves, structure = report.get("curves") or {}, report.get("structure") or {}
    return {
        "record": record,
        "result": record.result,
        "current": current,
        "head": heading.told(record, report),
        "confusion": classes.confusion(record.holdout),
        "classified": classes.by_class(record.holdout, curves),
        "plots": [*classes.figures(curves), *numbers.figures(curves.get("residuals"))],
        "residuals": curves.get("residuals"),
        "histories": by_rows(report.get("rows_curve")) + histories(report.get("learning_curves") or {}),
        "weights": weights.told(report.get("importances") or {}, record),
        "structure": structure,
        "graph": boxes(structure["graph"]) if structure.get("graph") else None,
        "tree": tree(report.get("tree"), record),
        "series": series_drawn(report.get("examples") or []),
        "board": board.told(report.get("leaderboard") or [], record, _remembered(held, record)),
        "versions": versions.table(every, current),
        "pair": versions.pair(every, record.version, current, beside),
        "settings": settings.told(record),
        "calls": calling.calls(record, report, root, bool(held.settings.api_keys)),
        "network": bool(report.get("learning_curves")) and record.engine == "autokeras",
        "code": "code" in report,
        "explained": held.store.explanations(pipeline_id, record.version) is not None,
    }


def _remembered(held: Services, record: Record) -> bool:
    """Tell whether the job of a version is, as the rows of its leaderboard are then."""
    with suppress(NotFound):
        return bool(held.queue.get(record.job_id))
    return False
