"""Stages of a request: reading, loading, features, prediction, explanation. Each is timed, traced and begun in time."""

from __future__ import annotations

import time
from types import TracebackType

from prometheus_client import Histogram

from app import deadline
from app.telemetry.traces import TRACES


class Stage:
    """Time a stage and make a span of it, once; refuse to begin it when the request's time has passed.

    Raises
    ------
    DeadlinePassed
        At its start.
    """

    def __init__(self, name: str, histogram: Histogram) -> None:
        self._histogram = histogram
        self._span = TRACES.span(name)

    def __enter__(self) -> None:
        deadline.check()
        self._span.__enter__()
        self._started = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._histogram.observe(time.perf_counter() - self._started)
        self._span.__exit__(kind, error, traceback)
