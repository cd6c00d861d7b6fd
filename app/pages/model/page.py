"""All that the page of a model shows, from its record, its report and its other versions."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from app.errors import NotFound
from app.pages.model import board, calling, classes, heading, numbers, settings, versions, weights
from app.pages.model.learning import by_rows, histories
from app.pages.model.series import drawn as series_drawn
from app.pages.model.tree import tree
from app.pipelines.reports.boxes import boxes

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.services import Services
    from app.store.record import Record

logger = logging.getLogger(__name__)

Made = TypeVar("Made")


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
    figures = [figure for make in classes.FIGURES if (figure := _whole(make, curves))]
    return {
        "record": record,
        "result": record.result,
        "current": current,
        "head": heading.told(record, report),
        "confusion": _whole(classes.confusion, record.holdout),
        "classified": _whole(classes.by_class, record.holdout, curves) or [],
        "plots": [*figures, *(_whole(numbers.figures, curves.get("residuals")) or [])],
        "residuals": curves.get("residuals"),
        "histories": [
            *(_whole(by_rows, report.get("rows_curve")) or []),
            *(_whole(histories, report.get("learning_curves") or {}) or []),
        ],
        "weights": _whole(weights.told, report.get("importances") or {}, record) or {},
        "structure": structure,
        "graph": _whole(boxes, structure["graph"]) if structure.get("graph") else None,
        "tree": _whole(tree, report.get("tree"), record),
        "series": _whole(series_drawn, report.get("examples") or []) or [],
        "board": _whole(board.told, report.get("leaderboard") or [], record, _remembered(held, record)) or {},
        "versions": versions.table(every, current),
        "pair": versions.pair(every, record.version, current, beside),
        "settings": settings.told(record),
        "calls": _whole(calling.calls, record, report, root, bool(held.settings.api_keys)) or [],
        "network": bool(report.get("learning_curves")) and record.engine == "autokeras",
        "code": "code" in report,
        "explained": held.store.explanations(pipeline_id, record.version) is not None,
    }


def _whole(make: Callable[..., Made], *told: Any) -> Made | None:
    """Make a part of the page; None of one whose report lacks what it is made of, as one of another release may."""
    try:
        return make(*told)
    except (LookupError, TypeError, ValueError, AttributeError):
        # The rest of the page is there all the same; what is lacking is for whoever reads the log.
        logger.warning("A report lacks what a part of its page is made of.", exc_info=True)
        return None


def _remembered(held: Services, record: Record) -> bool:
    """Tell whether the job of a version is, as the rows of its leaderboard are then."""
    with suppress(NotFound):
        return bool(held.queue.get(record.job_id))
    return False
