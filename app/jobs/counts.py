"""Jobs as numbers, kept in Redis: whoever asks is told of all of them, whichever process or machine they ran on.

automl:jobs:ended   hash "<kind> <state> <bound>" → jobs that took no more seconds than the bound, and more than the one
                    before it; "<kind> <state> sum" → their seconds
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from prometheus_client.metrics_core import GaugeMetricFamily, HistogramMetricFamily, Metric

from app.errors import JobRefused

if TYPE_CHECKING:
    from rq import Queue

    from app.jobs.records import JobRecords

_ENDED = "automl:jobs:ended"

#: Seconds, and what stands for all beyond: from an explanation of a row to the longest training.
_BOUNDS = ("0.1", "0.5", "1", "2.5", "5", "10", "30", "60", "120", "300", "900", "3600", "14400", "+Inf")


def count(pipe: Any, kind: str, state: str, seconds: float) -> None:
    """Add the count of a job's end to the transaction that ends it, so that each is counted once."""
    bound = _BOUNDS[bisect_left([float(bound) for bound in _BOUNDS], seconds)]
    pipe.hincrby(_ENDED, f"{kind} {state} {bound}", 1)
    pipe.hincrbyfloat(_ENDED, f"{kind} {state} sum", seconds)


def ended(client: Any) -> Metric:
    """Return how many jobs of each kind have ended in each state, and how long they ran."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for field, value in client.hgetall(_ENDED).items():
        kind, state, bound = field.decode().split(" ")
        found.setdefault((kind, state), {})[bound] = float(value)
    family = HistogramMetricFamily(
        "automl_job_seconds", "Time of jobs from their last start to their end.", labels=["kind", "state"]
    )
    for labels, counted in sorted(found.items()):
        sums = accumulate(counted.get(bound, 0) for bound in _BOUNDS)
        family.add_metric(labels, list(zip(_BOUNDS, sums, strict=True)), counted.get("sum", 0))
    return family


def waiting(client: Any, queue: Queue, records: JobRecords) -> Iterator[Metric]:
    """Yield what a queue holds."""
    with client.pipeline(transaction=False) as pipe:
        pipe.llen(queue.key)
        pipe.zcard(queue.started_job_registry.key)
        # New ones are put at the end.
        pipe.lindex(queue.key, 0)
        queued, running, oldest = pipe.execute()
    job = None
    with suppress(JobRefused):
        job = None if oldest is None else records.find(oldest.decode())
    oldest_seconds = 0.0 if job is None else max(0.0, time.time() - job.created)
    yield GaugeMetricFamily("automl_queue_length", "Jobs that wait for a worker.", queued)
    yield GaugeMetricFamily("automl_queue_oldest_seconds", "Time that the next of them has waited.", oldest_seconds)
    yield GaugeMetricFamily("automl_jobs_running", "Jobs that workers have begun.", running)
