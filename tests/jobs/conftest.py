"""Trainings to queue, and the records of their jobs."""

from __future__ import annotations

import pytest

from app.jobs.queue import JobQueue
from app.jobs.records import JobRecords
from tests import house


@pytest.fixture(scope="session")
def training():
    """Return a function that makes the input of a training."""
    return house.training


@pytest.fixture
def records(client_of_redis, settings):
    """The records of jobs, none yet."""
    return JobRecords(client_of_redis, settings.signing_secret, settings.job_days)


@pytest.fixture
def queue(client_of_redis, records, store, publications, settings):
    """A queue that nobody works."""
    return JobQueue(client_of_redis, records, store, publications, settings)
