"""Records and artefacts as small as they can be."""

from __future__ import annotations

import pytest

from app.store.artifact import Artifact
from app.store.record import Version
from tests.store.making import a_record


@pytest.fixture
def artifact():
    """Return an artefact of a few bytes."""
    return Artifact({"format": "none"}, {"estimator": b"\x00estimator", "background": b"rows"})


@pytest.fixture
def make_record():
    """Return a function that makes a record that is not published yet."""
    return a_record


@pytest.fixture
def publish(publications, make_record, artifact):
    """Return a function that publishes the next version of a pipeline."""
    jobs = iter(range(1000))

    def next_version(pipeline_id="penguins", **changes):
        return publications.publish(
            Version(make_record(pipeline_id, job_id=f"job{next(jobs)}", **changes), artifact, {})
        )

    return next_version
