"""A training's reports, thinned out on their way to Redis."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from app.errors import Unavailable
from app.jobs.records import JobRecords

#: Seconds between two writes of one stage.
_INTERVAL = 0.25


class JobProgress:
    """A `Progress` that writes to the job's record: every change of stage, and otherwise a few times a second."""

    def __init__(self, records: JobRecords, job_id: str) -> None:
        self._records = records
        self._job_id = job_id
        self._written = 0.0
        self._stage: str | None = None
        self._told: dict[str, Any] = {}

    def __call__(
        self,
        stage: str,
        fraction: float | None = None,
        candidates: int | None = None,
        failed: int | None = None,
        best_score: float | None = None,
        metric: str | None = None,
        rows: int | None = None,
    ) -> None:
        """Write the report, or leave it for the next one. Counts and score stand as they were said last."""
        numbers = {"candidates": candidates, "failed": failed, "best_score": best_score, "rows": rows}
        told: dict[str, Any] = {**numbers, "metric": metric}
        self._told |= {name: value for name, value in told.items() if value is not None}
        now = time.monotonic()
        if stage == self._stage and now - self._written < _INTERVAL:
            return
        begins = stage != self._stage
        self._stage, self._written = stage, now
        where = {"stage": stage} if fraction is None else {"stage": stage, "fraction": fraction}
        # It is a hint: a Redis that is gone for a while costs no training.
        with suppress(Unavailable):
            if begins:
                self._records.note(self._job_id, {"stage": stage})
            self._records.report(self._job_id, where | self._told)
