"""The Prefer header (RFC 7240): whether a caller wants to wait for a training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from app.errors import Unreadable

if TYPE_CHECKING:
    from flask import Request

#: What asks for a job instead of a wait.
AT_ONCE = "respond-async"


@dataclass(frozen=True, slots=True)
class Preference:
    """How many seconds to wait, and which preference asked for it."""

    wait_seconds: float = math.inf
    applied: str | None = None

    @classmethod
    def of(cls, request: Request) -> Self:
        """Read the header; a preference that is not known is ignored, as the RFC has it.

        Raises
        ------
        Unreadable
            `wait` without a number of seconds.
        """
        words = [
            word.strip() for line in request.headers.getlist("Prefer") for word in line.replace(";", ",").split(",")
        ]
        for word in words:
            name, _, value = word.partition("=")
            if name.strip().lower() == "wait":
                seconds = value.strip().strip('"')
                if not seconds.isdecimal() or len(seconds) > 6:
                    raise Unreadable("Prefer: wait= needs a whole number of seconds.")
                return cls(float(seconds), f"wait={seconds}")
        if AT_ONCE in (word.lower() for word in words):
            return cls(0, AT_ONCE)
        return cls()
