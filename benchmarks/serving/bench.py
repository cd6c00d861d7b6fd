"""What every case is given, and how systems are measured side by side: in turns, so that noise falls on all."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving import load
from benchmarks.serving.systems import CLIENTS, Ours

#: Rounds in which each system has one burst.
ROUNDS = 8

#: Seconds of a burst.
BURST = 1.0

#: Clients that ask at once, where a rate is measured.
MANY = 8


#: What a case has measured, as JSON keeps it.
Figures = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """Where it is measured.

    Attributes
    ----------
    work
        Folder of environments, fitted models and the benchmark's Redis.
    ours
        This service, on its Redis.
    """

    work: Path
    ours: Ours

    @property
    def peers(self) -> Path:
        """Folder of what peers serve."""
        return self.work / "serving" / "peers"


@dataclass(frozen=True)
class Target:
    """A system that listens, and what it is asked in turn."""

    port: int
    requests: Sequence[bytes]

    @classmethod
    def of(cls, port: int, *requests: bytes) -> Target:
        """Name what one server is asked."""
        return cls(port, requests)


def in_turns(
    targets: Mapping[str, Target], clients: int, seconds: float = BURST, rounds: int = ROUNDS, least: int = 1
) -> dict[str, list[load.Burst]]:
    """Give each system a burst a round, after one of warm-up; {system: a burst a round}."""
    found: dict[str, list[load.Burst]] = {name: [] for name in targets}
    with pinned(CLIENTS):
        for target in targets.values():
            load.burst(target.port, target.requests, clients, min(0.5, seconds))
        for number in range(rounds):
            # Who comes first changes, as what a system leaves behind falls on the next.
            for name in [*targets][:: 1 if number % 2 else -1]:
                target = targets[name]
                found[name].append(load.burst(target.port, target.requests, clients, seconds, least))
    return found


@contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """Hold this process to some cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def summary(bursts: Sequence[load.Burst]) -> dict[str, float]:
    """Return the medians over rounds: answers a second, milliseconds at the median and of 99 in 100."""
    return {
        "rate": statistics.median(one.rate for one in bursts),
        "median_ms": statistics.median(one.median for one in bursts),
        "p99_ms": statistics.median(one.late() for one in bursts),
        "client_share": statistics.median(one.client_share for one in bursts),
    }


def ratio(ours: Sequence[load.Burst], other: Sequence[load.Burst], by: str = "rate") -> float:
    """Return how many times as fast ours is: the median of the rounds' own ratios."""
    pairs = [(getattr(mine, by), getattr(theirs, by)) for mine, theirs in zip(ours, other, strict=True)]
    return statistics.median(mine / theirs if by == "rate" else theirs / mine for mine, theirs in pairs)
