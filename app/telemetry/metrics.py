"""The numbers of /metrics (Prometheus), all in one place. Their units are in their names.

The processes of one machine keep them in files of one folder (`PROMETHEUS_MULTIPROC_DIR`), and whichever is asked adds
them up. Without a folder a process knows its own only. Numbers of jobs are not among them: they are read from Redis
(`app/jobs/counts.py`), as the worker may be on another machine.

No number has a pipeline's id for a label: callers choose ids, and each would be a time series for good. The log has it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
    values,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

#: Seconds: from a look-up in memory to the limit of a request.
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

#: The label of a path that no route has, and of a method that HTTP does not know: callers could make up any number.
OTHER = "other"

_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}


class _Names:
    """Under which name a process keeps its numbers: its process id, or the name of what it stands in for."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def __call__(self) -> int | str:
        pid = os.getpid()
        # What is forked from a process with a name has none.
        return self._names.get(pid, pid)

    def take(self, name: str) -> None:
        self._names = {os.getpid(): name}


_NAMES = _Names()

if values.ValueClass is not values.MutexValue:
    # With a folder; its library looks for the variable when it is imported.
    values.ValueClass = values.MultiProcessValue(_NAMES)
# They would be times of this process beside sums of all.
disable_created_metrics()

_OWN = CollectorRegistry()

_REQUESTS = Counter("automl_requests", "Requests answered.", ["route", "method", "status"], registry=_OWN)
_REQUEST_SECONDS = Histogram(
    "automl_request_seconds",
    "Time from a request's arrival at its thread to the head of its answer.",
    ["route"],
    buckets=_SECONDS,
    registry=_OWN,
)
REQUEST_WAIT_SECONDS = Histogram(
    "automl_request_wait_seconds", "Time that requests waited for a thread.", buckets=_SECONDS, registry=_OWN
)
CACHE_HITS = Counter("automl_cache_hits", "Pipelines found loaded.", registry=_OWN)
CACHE_MISSES = Counter("automl_cache_misses", "Pipelines not found loaded.", registry=_OWN)
CACHE_EVICTIONS = Counter("automl_cache_evictions", "Loaded pipelines given up for others.", registry=_OWN)
CACHE_BYTES = Gauge(
    "automl_cache_bytes",
    "Artefacts whose pipelines are loaded, of all processes that live.",
    multiprocess_mode="livesum",
    registry=_OWN,
)
LOAD_SECONDS = Histogram(
    "automl_model_load_seconds", "Loading of a pipeline from the store.", buckets=_SECONDS, registry=_OWN
)
PARSE_SECONDS = Histogram("automl_parse_seconds", "Reading of an upload into a frame.", buckets=_SECONDS, registry=_OWN)
FEATURES_SECONDS = Histogram(
    "automl_features_seconds", "Features of the series of a request.", buckets=_SECONDS, registry=_OWN
)
PREDICT_SECONDS = Histogram(
    "automl_predict_seconds", "The model's own time for the rows of a request.", buckets=_SECONDS, registry=_OWN
)
PREDICTED_ROWS = Counter("automl_predicted_rows", "Rows or series predicted for callers.", registry=_OWN)
_EXPLANATIONS = Counter("automl_explanations", "Rows, series or models explained.", ["method"], registry=_OWN)
_EXPLANATION_SECONDS = Histogram(
    "automl_explanation_seconds",
    "Time of an explanation, of all its rows.",
    ["method"],
    buckets=_SECONDS,
    registry=_OWN,
)


@cache
def _of_request(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """Return what counts a kind of request. Kept, as finding it takes longer than counting."""
    return _REQUESTS.labels(route, method, status), _REQUEST_SECONDS.labels(route)


def answered(route: str, method: str, status: int, seconds: float) -> None:
    """Count a request.

    Parameters
    ----------
    route
        The rule of its URL (`/models/<pipeline_id>`), or `OTHER`.
    """
    # Before the cache, or each method that somebody makes up would stay in it.
    count, time = _of_request(route, method if method in _METHODS else OTHER, status)
    count.inc()
    time.observe(seconds)


def explanation(method: str) -> Histogram:
    """Return what measures an explanation."""
    return _EXPLANATION_SECONDS.labels(method)


def explained(method: str, count: int) -> None:
    """Count what an explanation has explained."""
    _EXPLANATIONS.labels(method).inc(count)


def stand_in(name: str) -> None:
    """Go on with the numbers that others have kept under a name: jobs have a process each, which ends with them.

    No two processes may have one name at one time.
    """
    _NAMES.take(name)


def ended(folder: Path | None, process: int | str) -> None:
    """Leave a process that has ended out of what is told of the living. What it has counted stays counted."""
    if folder is not None:
        multiprocess.mark_process_dead(process, str(folder))


class _All(Collector):
    """The numbers of all processes, and those that only one knows."""

    def __init__(self, folder: Path | None, further: Iterable[Metric]) -> None:
        self._folder, self._further = folder, further

    def collect(self) -> Iterable[Metric]:
        if self._folder is None:
            yield from _OWN.collect()
        else:
            yield from multiprocess.MultiProcessCollector(None, str(self._folder)).collect()
        yield from self._further


def exposition(folder: Path | None, further: Iterable[Metric]) -> bytes:
    """Return the text that Prometheus reads."""
    return generate_latest(_All(folder, further))
