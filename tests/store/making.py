"""Records as small as they can be."""

from __future__ import annotations

from typing import Any

from app.store.record import Record


def a_record(pipeline_id: int | str = "penguins", job_id: str = "job", **changes: Any) -> Record:
    """Return a record that is not published yet."""
    known = {
        "pipeline_id": pipeline_id,
        "version": 0,
        "created_at": "2026-01-01T00:00:00+00:00",
        "job_id": job_id,
        "engine": "sklearn",
        "task": "classification",
        "seed": 0,
        "result": {"modelId": pipeline_id},
        "parameters": {"pipeline_id": pipeline_id},
        "signature": {"columns": [], "id_column": None, "ignored": []},
        "metrics": {"folds": 5},
        "holdout": {"rows": 3},
        "libraries": {"numpy": "2.4.6"},
        "times": {"fit": 0.5},
    }
    return Record(**known | changes)
