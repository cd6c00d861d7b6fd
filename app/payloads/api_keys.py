"""What is sent to make a key, or to replace it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from app.payloads.parameters import ID_PATTERN, Strict

#: Seconds for which the former text of a key can stay good at most.
MOST_GRACE = 24 * 3600

#: Days for which a key can be good.
MOST_DAYS = 3650


class KeyParameters(Strict):
    """The body of POST /keys."""

    name: Annotated[str, StringConstraints(max_length=100)] = ""
    """What it is for."""
    role: Literal["read", "predict", "train", "admin"]
    """What it may do; each role includes those before it."""
    namespace: Annotated[str, StringConstraints(strict=True, pattern=ID_PATTERN)] | None = None
    """Whose models and jobs it sees; those of the caller when left out. Only an admin of `default` names another."""
    days: Annotated[int, Field(strict=True, ge=1, le=MOST_DAYS)] | None = None
    """After which it opens nothing any more; good until it is revoked when left out."""
    requests_per_minute: Annotated[int, Field(strict=True, ge=1, le=10**6)] | None = None
    """Limit of its own; that of the service when left out."""
    rows_per_day: Annotated[int, Field(strict=True, ge=1, le=10**12)] | None = None
    """Rows predicted or explained a day (UTC); that of the service when left out."""

    @field_validator("name")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("must be printable characters")
        return name


class RotateParameters(Strict):
    """The body of POST /keys/<id>/rotate."""

    grace_seconds: Annotated[int, Field(strict=True, ge=0, le=MOST_GRACE)] = 0
    """For which the former text stays good."""
