"""Whether a running job has to end: its limits, and what was asked for meanwhile."""

from __future__ import annotations

import time

import psutil

from app.jobs.confinement import pss
from app.jobs.job import Job, Stop

#: Seconds beyond its limit that a training has to come to its own end: it plans for less than the limit.
_GRACE = 8


class Watch:
    """What a worker knows of the job that it runs.

    Attributes
    ----------
    record
        As it was signed, read before the job began; None of one that is not going to be run.
    stop
        Why the job is to end, if it is.
    lost
        Whether it is another worker's by now.
    """

    def __init__(self, record: Job | None) -> None:
        self.record = record
        self.stop: Stop | None = None
        self.lost = False
        self._began = time.monotonic()
        self._before = pss(psutil.Process())

    @property
    def seconds(self) -> float:
        """How long the job runs, by a clock that does not jump."""
        return time.monotonic() - self._began

    def must_end(self) -> bool:
        """Tell whether the job has to end now; `stop` then says why, unless it is lost."""
        if self.lost or self.record is None:
            return self.lost
        if self.stop is None and self.seconds > self.record.seconds + _GRACE:
            self.stop = Stop.TIME
        if self.stop is None and self._memory_mb() > self.record.memory_mb:
            self.stop = Stop.MEMORY
        return self.stop is not None

    def _memory_mb(self) -> float:
        """Return what the job's processes take together, beyond what the worker took before it."""
        # Also what its children have left behind, which is the worker's by now.
        processes = (psutil.Process(), *psutil.Process().children(recursive=True))
        return (sum(map(pss, processes)) - self._before) / 2**20
