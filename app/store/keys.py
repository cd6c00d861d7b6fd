"""The keys of models in Redis.

automl:models                     set of pipeline ids
automl:latest                     hash id → last version number given; survives deletion, so none is given twice
automl:model:<id>                 hash: current; <version> → digest of its artefact
automl:records:<id>               hash version → record (JSON)
automl:scores:<id>                hash version → its metric and score (JSON), so that many can be drawn at once
automl:artifact:<id>:<version>    signed artefact
automl:report:<id>:<version>      what its training reported (JSON)
automl:explanations:<id>:<version>  explanations that were made at the end of its training (JSON)
automl:published:<job>            "<id> <version>" that a job has published, so that a repeated job does not again

automl:job:<id>                   hash of a job; its attempts tell a process that it is not the latest to work on it

These are the keys of the default namespace, as they were before there were others. Those of another begin with
automl:~<namespace> instead of automl, but for jobs: neither an id nor a namespace has a ~ or a colon in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.caller import DEFAULT


def begin(namespace: str) -> str:
    """Return what the keys of a namespace begin with."""
    return "automl" if namespace == DEFAULT else f"automl:~{namespace}"


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of the models of one namespace."""

    namespace: str = DEFAULT

    @property
    def models(self) -> str:
        """The key of all ids."""
        return f"{begin(self.namespace)}:models"

    @property
    def latest(self) -> str:
        """The key of the numbers that were given last."""
        return f"{begin(self.namespace)}:latest"

    def model(self, pipeline_id: str | int) -> str:
        """Return the key of a pipeline's current version and digests."""
        return f"{begin(self.namespace)}:model:{pipeline_id}"

    def records(self, pipeline_id: str | int) -> str:
        """Return the key of a pipeline's records."""
        return f"{begin(self.namespace)}:records:{pipeline_id}"

    def record(self, pipeline_id: str | int, version: int | str) -> str:
        """Return the place of a version's record, which is a field of the hash: what it is signed for."""
        return f"{self.records(pipeline_id)} {version}"

    def scores(self, pipeline_id: str | int) -> str:
        """Return the key of the scores of a pipeline's versions."""
        return f"{begin(self.namespace)}:scores:{pipeline_id}"

    def artifact(self, pipeline_id: str | int, version: int | str) -> str:
        """Return the key of a version's artefact."""
        return f"{begin(self.namespace)}:artifact:{pipeline_id}:{version}"

    def report(self, pipeline_id: str | int, version: int) -> str:
        """Return the key of a version's report."""
        return f"{begin(self.namespace)}:report:{pipeline_id}:{version}"

    def explanations(self, pipeline_id: str | int, version: int) -> str:
        """Return the key of a version's explanations."""
        return f"{begin(self.namespace)}:explanations:{pipeline_id}:{version}"

    def published(self, job_id: str) -> str:
        """Return the key of what a job has published."""
        return f"{begin(self.namespace)}:published:{job_id}"

    def remove_version(self, pipe: Any, pipeline_id: str | int, version: int) -> None:
        """Add the removal of all that is kept of a version to a transaction."""
        pipe.hdel(self.records(pipeline_id), str(version))
        pipe.hdel(self.model(pipeline_id), str(version))
        pipe.hdel(self.scores(pipeline_id), str(version))
        pipe.delete(*(of(pipeline_id, version) for of in (self.artifact, self.report, self.explanations)))


def job(job_id: str) -> str:
    """Return the key of what is known of a job, of whatever namespace."""
    return f"automl:job:{job_id}"
