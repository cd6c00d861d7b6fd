"""The page of a job that has ended, without a browser."""

import time

import pytest

from app.jobs.job import Job, JobState
from app.jobs.records import JobRecords


@pytest.fixture
def ended(client_of_redis, settings):
    """A job whose result names the first version of `birds`."""
    records = JobRecords(client_of_redis, settings.signing_secret, 7)
    job = Job("ended", JobState.QUEUED, "birds", "portfolio", time.time(), 60.0, 4096)
    with client_of_redis.pipeline() as pipe:
        records.create(pipe, job, {"parameters": b"{}"})
        pipe.execute()
    records.end("ended", JobState.FINISHED, result={"modelId": "birds", "version": 1, "modelType": "Ridge()"})


def test_a_version_that_has_been_deleted_since_is_not_offered(client, ended):
    page = client.get("/ui/jobs/ended").text
    assert "has been deleted since" in page
    assert "/ui/models/birds" not in page
