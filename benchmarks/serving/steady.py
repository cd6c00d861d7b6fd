"""What the service answers within at a steady rate, and beyond what it can do: keys and validation on, model loaded."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pandas as pd

from benchmarks.serving import load, models
from benchmarks.serving.bench import MANY, Figures
from benchmarks.serving.open_loop import Answers, at_rate
from benchmarks.serving.systems import ALL, Ours, Server

#: The key that clients send; a service beyond loopback has some.
KEY = "a key of the benchmarks"
SETTINGS = {"API_KEYS": f"admin:{hashlib.sha256(KEY.encode()).hexdigest()}"}

#: {model: requests a second that it is asked at}: what is required of it.
RATES = {"linear": 400, "forest": 100, "series": 100}

#: Seconds in which the capacity is measured, by clients that wait for their answers.
CAPACITY = 5.0

#: Connections of an open loop: more than may be answered or wait for a thread of either web process, so that it is the
#: service that refuses, and not the client that holds back.
CONNECTIONS = 512

#: Seconds after an overload in which the service may still be recovering, and in which it is then looked at.
RECOVERY, AFTERWARDS = 5.0, 15.0

#: What is asked in an overload: it takes long for its few bytes, so that the client can send four times as many.
HEAVY = {"pipeline_id": "linear", "method": "lime", "num_samples": 2_000}


def request_of(model: str) -> bytes:
    """Return the request: a row, or twenty series of fifty samples."""
    if model != "series":
        return _posted(model, models.rows(models.cancer(), 1))
    table = models.series(models.long_series(), 20)
    return _posted(model, table.groupby("example_id", sort=False).head(50))


def _heavy() -> bytes:
    rows = models.rows(models.cancer(), 1).to_dict("records")
    return load.post("/explain", json.dumps({**HEAVY, "data": rows}).encode(), Authorization=f"Bearer {KEY}")


def _posted(model: str, table: pd.DataFrame) -> bytes:
    # Many rows are sent by columns, as clients with frames do.
    data = table.to_json(orient="records" if len(table) == 1 else "columns")
    body = f'{{"pipeline_id": "{model}", "data": {data}}}'.encode()
    return load.post("/serve_prediction", body, Authorization=f"Bearer {KEY}")


def steady(ours: Ours, seconds: float = 20.0) -> Figures:
    """Each model at the rate that is required of it, then at four fifths of what it can do."""
    models.ensure(ours, *RATES)
    found: Figures = {}
    for model, rate in RATES.items():
        request = request_of(model)
        with ours.web(workers=2, cores=ALL, **SETTINGS) as web:
            _warm(web, request)
            can = load.burst(web.port, [request], MANY, CAPACITY).rate
            required = at_rate(web.port, request, rate, seconds, CONNECTIONS)
            much = at_rate(web.port, request, 0.8 * can, seconds, CONNECTIONS)
        found[model] = {"capacity": can, "required": _told(required), "much": _told(much)}
    return found


def _warm(web: Server, request: bytes) -> None:
    """Let each web process load the model."""
    load.burst(web.port, [request], 4 * MANY, 1.0, 10)


def _told(answers: Answers) -> Figures:
    return {
        "offered": answers.offered,
        "statuses": {str(status): count for status, count in sorted(answers.statuses().items())},
        "unsent": answers.unsent,
        "p50_ms": answers.within(0.5, 200),
        "p99_ms": answers.within(0.99, 200),
        "client_late_ms": answers.late,
    }


def overload(ours: Ours, seconds: float = 60.0) -> Figures:
    """Four times what it can do for a minute, then half of it: what is answered, how soon, and what of health."""
    models.ensure(ours, "linear")
    request = _heavy()
    with ours.web(workers=2, cores=ALL, **SETTINGS) as web:
        _warm(web, request)
        can = load.burst(web.port, [request], MANY, CAPACITY).rate
        with _probed(web.port) as probe:
            over = at_rate(web.port, request, 4 * can, seconds, CONNECTIONS)
        after = at_rate(web.port, request, can / 2, AFTERWARDS, CONNECTIONS)
    normal = [status for second, status, _ in after.answers if second >= RECOVERY]
    return {
        "capacity": can,
        "over": _told(over),
        "rejected_p99_ms": over.within(0.99, 429, 503),
        "live_p99_ms": probe.within(0.99, 200),
        "live_statuses": {str(status): count for status, count in probe.statuses().items()},
        "after": {"refused": sum(status != 200 for status in normal), "answered": len(normal)}
        | {"p99_ms": after.within(0.99, 200, since=RECOVERY)},
    }


@contextmanager
def _probed(port: int) -> Iterator[Answers]:
    """Ask four times a second whether the service lives, as a platform does, until the block ends."""
    found, over = Answers(4), threading.Event()

    def ask() -> None:
        begun = time.perf_counter()
        while not over.wait(0.25):
            since = time.perf_counter()
            status = _status(lambda: load.once(port, load.get("/health/live")))
            found.answers.append((since - begun, status, (time.perf_counter() - since) * 1000))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def _status(ask: Callable[[], object]) -> int:
    try:
        ask()
    except load.WrongAnswer as error:
        return int(str(error)[9:12])
    except OSError:
        return 0
    return 200
