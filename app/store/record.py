"""What the store knows of one version of a pipeline. Plain JSON; the bytes that serve it are in its artefact."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self

import orjson

from app.errors import RecordDamaged, RecordTooNew
from app.store.artifact import Artifact
from app.store.signed import signed, to_json, verified

#: Form of a stored record. To change it: raise the number, read the old form in `Record.from_bytes`, and add a stored
#: example of the old form to tests/store/records/. 1 was not signed.
PROTOCOL = 2


@dataclass(frozen=True, slots=True)
class Record:
    """One version of a pipeline.

    Attributes
    ----------
    pipeline_id
        As the caller gave it, an integer as an integer.
    result
        The answer of its training: what POST /train_pipeline returned.
    parameters
        The parameters of the training, with defaults filled in.
    signature
        Columns that the pipeline accepts.
    metrics, holdout
        Scores over folds; scores, confusion matrix and report on rows that the training did not see.
    libraries
        {distribution: version} of what trained it.
    times
        Seconds by stage.
    artifact
        Format, size in bytes and SHA-256 of what serves it.
    compiled
        Which form `serves`, compiled or original, and `why`, see `app.pipelines.compiling.attempt`; empty for versions
        from before there were compiled ones.
    provisional
        Whether its training goes on, and may replace it by a better one or withdraw it.
    """

    pipeline_id: int | str
    version: int
    created_at: str
    job_id: str
    engine: str
    task: str
    seed: int
    result: dict[str, Any]
    parameters: dict[str, Any]
    signature: dict[str, Any]
    metrics: dict[str, Any]
    holdout: dict[str, Any]
    libraries: dict[str, str]
    times: dict[str, float]
    artifact: dict[str, Any] = field(default_factory=dict)
    compiled: dict[str, Any] = field(default_factory=dict)
    provisional: bool = False
    protocol: int = PROTOCOL

    @property
    def score(self) -> dict[str, Any]:
        """The metric of the training, and its mean and standard deviation over the folds; None where there is none."""
        name = self.result.get("metric")
        measured = self.metrics.get(name or "") or {}
        return {"metric": name, "mean": measured.get("mean"), "std": measured.get("std")}

    def to_bytes(self) -> bytes:
        """Return JSON."""
        return to_json(asdict(self))

    def signed(self, place: str, secret: str) -> bytes:
        """Return what is stored of it under a key."""
        return signed(place, self.to_bytes(), secret)

    @classmethod
    def stored(cls, place: str, data: bytes, secret: str) -> Self:
        """Read what is stored under a key.

        Raises
        ------
        RecordDamaged, RecordTooNew
        """
        told, trusted = verified(place, data, secret)
        record = cls.from_bytes(told)
        if record.protocol > 1 and not trusted:
            raise RecordDamaged
        return record

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a record of this protocol or an earlier one; names that a later minor change added are left out.

        Raises
        ------
        RecordDamaged, RecordTooNew
        """
        try:
            stored = orjson.loads(data)
            known = {name: value for name, value in stored.items() if name in cls.__dataclass_fields__}
            if known.get("protocol", 1) > PROTOCOL:
                raise RecordTooNew
            return cls(**known)
        except (ValueError, TypeError, AttributeError):
            raise RecordDamaged from None


@dataclass(frozen=True)
class Version:
    """All that is stored of one version.

    Attributes
    ----------
    report
        JSON that is read only when asked for: leaderboard, curves, importances, structure.
    """

    record: Record
    artifact: Artifact
    report: dict[str, Any]
