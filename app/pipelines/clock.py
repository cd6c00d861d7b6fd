"""What a training has taken, and how long it may still take."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class Clock:
    """Seconds by stage, and how many are left."""

    seconds: float
    started: float = field(default_factory=time.monotonic)
    times: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.monotonic)

    def lap(self, stage: str) -> None:
        """Book the time since the last lap under a stage."""
        now = time.monotonic()
        self.times[stage] = round(now - self._last, 3)
        self._last = now

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds until the limit, at least one."""
        return max(1.0, self.seconds - self.elapsed)
