"""Records and artefacts as small as they can be."""

from __future__ import annotations

import pytest

from app.store.artifact import Artifact
from app.store.record import Record, Version


@pytest.fixture
def artifact():
    """Return an artefact of a few bytes."""
    return Artifact({"format": "none"}, {"estimator": b"\x00estimator", "background": b"rows"})


@pytest.fixture
def make_record():
    """Return a function that makes a record that is not published yet."""

    def make(pipeline_id="penguins", job_id="job", **changes):
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

    return make


@pytest.fixture
def publish(publications, make_record, artifact):
    """Return a function that publishes the next version of a pipeline."""
    jobs = iter(range(1000))

    def next_version(pipeline_id="penguins", **changes):
        return publications.publish(
            Version(make_record(pipeline_id, job_id=f"job{next(jobs)}", **changes), artifact, {})
        )

    return next_version
