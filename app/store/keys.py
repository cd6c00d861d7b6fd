"""The keys of models in Redis.

automl:models                     set of pipeline ids
automl:latest                     hash id → last version number given; survives deletion, so none is given twice
automl:model:<id>                 hash: current; <version> → digest of its artefact
automl:records:<id>               hash version → record (JSON)
automl:scores:<id>                hash version → its metric and score (JSON), so that many can be drawn at once
automl:artifact:<id>:<version>    signed artefact
automl:report:<id>:<version>      what its training reported (JSON)
automl:explanations:<id>:<version>  explanations that were made at the end of its training (JSON)
automl:probe                      written now and then, to see whether writes are taken
automl:published:<job>            "<id> <version>" that a job has published, so that a repeated job does not again
"""

from __future__ import annotations

from typing import Any

MODELS = "automl:models"
LATEST = "automl:latest"
PROBE = "automl:probe"


def model(pipeline_id: str | int) -> str:
    """Return the key of a pipeline's current version and digests."""
    return f"automl:model:{pipeline_id}"


def records(pipeline_id: str | int) -> str:
    """Return the key of a pipeline's records."""
    return f"automl:records:{pipeline_id}"


def scores(pipeline_id: str | int) -> str:
    """Return the key of the scores of a pipeline's versions."""
    return f"automl:scores:{pipeline_id}"


def artifact(pipeline_id: str | int, version: int) -> str:
    """Return the key of a version's artefact."""
    return f"automl:artifact:{pipeline_id}:{version}"


def report(pipeline_id: str | int, version: int) -> str:
    """Return the key of a version's report."""
    return f"automl:report:{pipeline_id}:{version}"


def explanations(pipeline_id: str | int, version: int) -> str:
    """Return the key of a version's explanations."""
    return f"automl:explanations:{pipeline_id}:{version}"


def published(job_id: str) -> str:
    """Return the key of what a job has published."""
    return f"automl:published:{job_id}"


def remove_version(pipe: Any, pipeline_id: str | int, version: int) -> None:
    """Add the removal of all that is kept of a version to a transaction."""
    pipe.hdel(records(pipeline_id), str(version))
    pipe.hdel(model(pipeline_id), str(version))
    pipe.hdel(scores(pipeline_id), str(version))
    pipe.delete(*(of(pipeline_id, version) for of in (artifact, report, explanations)))
