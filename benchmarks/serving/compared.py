"""Cases that are measured beside peers: one row of a table, series, and what HTTP costs over the model's own time."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pandas as pd
from werkzeug.test import EnvironBuilder

from app import create_app
from app.pipelines import run
from app.pipelines.cache import PipelineCache
from app.pipelines.compiled.operation import columns_of
from app.settings import Settings
from benchmarks.peers import serve_2017
from benchmarks.serving import beside, load, models
from benchmarks.serving.bench import MANY, Bench, Figures, Target, in_turns, pinned, ratio, summary
from benchmarks.serving.systems import SECRET, SERVERS

#: Peers of one row.
PEERS = ("MLServer", "BentoML", "MLflow")

#: Rounds and seconds of the bursts that time single requests.
TIMED, SHORT = 8, 0.4

#: Series of a large request.
SERIES = 400


def forest(bench: Bench) -> Figures:
    """One row of 30 numbers, a forest of 100 trees."""
    return _row(bench, "forest")


def linear(bench: Bench) -> Figures:
    """One row of 30 numbers, a logistic regression on scaled columns."""
    return _row(bench, "linear")


def _row(bench: Bench, model: str) -> Figures:
    models.ensure(bench.ours, model)
    row = models.rows(models.cancer(), 1)
    path = beside.fitted(bench.peers)[model]
    with ExitStack() as stack:
        web = stack.enter_context(bench.ours.web())
        targets = {"ours": Target.of(web.port, models.as_json(model, row.to_dict("records")))}
        in_v2 = beside.inference(model, row)
        if _answered(web.port, in_v2):
            targets["ours, V2"] = Target.of(web.port, in_v2)
        for peer in PEERS:
            if server := stack.enter_context(beside.serving(bench.work, peer, path)):
                targets[peer] = Target.of(server.port, beside.request(peer, row))
        many = in_turns(targets, MANY)
        one = in_turns(targets, 1, SHORT, TIMED)
    return {
        name: {
            **summary(many[name]),
            "one_client_ms": summary(one[name])["median_ms"],
            "times": ratio(many["ours"], many[name]),
        }
        for name in targets
    }


def _answered(port: int, request: bytes) -> bool:
    try:
        load.once(port, request)
    except load.WrongAnswer as error:
        print(f"  V2 is left out, as the answer is {str(error).partition(chr(13))[0]}", flush=True)
        return False
    return True


def series(bench: Bench) -> Figures:
    """One series and 400 of 128 samples, Minimal features, a forest of 100 trees, one client.

    Over HTTP, and the path of a prediction by itself: all that either application does from the bytes of a request to
    those of its answer, in this process, without a server and without sockets.
    """
    models.ensure(bench.ours, "series")
    table = models.long_series()
    old = beside.fitted_of_2017(bench.peers)
    found: Figures = {}
    apps = {"2017": serve_2017.create_app(str(old)), "ours": _app(bench)}
    with bench.ours.web() as web, beside.serving(bench.work, "2017", old) as path_of_2017:
        assert path_of_2017 is not None
        for count, least in ((1, 5), (SERIES, 3)):
            some = models.series(table, count)
            targets = {
                "2017": Target.of(path_of_2017.port, models.as_of_2017("1", some)),
                "JSON": Target.of(web.port, models.as_json("series", as_columns(some))),
                "Arrow": Target.of(web.port, models.as_arrow("series", some)),
                "form": Target.of(web.port, models.as_of_2017("series", some)),
            }
            bursts = in_turns(targets, 1, SHORT, TIMED, least)
            found[str(count)] = {
                name: {**summary(bursts[name]), "times": ratio(bursts[name], bursts["2017"], "median")}
                for name in targets
            }
            calls = {
                name: inside(apps["2017" if name == "2017" else "ours"], target.requests[0])
                for name, target in targets.items()
            }
            for name, alone in _by_themselves(calls).items():
                found[str(count)][name] |= alone
    return found


def _by_themselves(calls: dict[str, Callable[[], Any]]) -> dict[str, dict[str, float]]:
    """Measure calls in turns; {name: milliseconds, and how many times as fast as the first}."""
    rounds: list[dict[str, float]] = []
    with pinned(SERVERS):
        for number in range(TIMED):
            # Who comes first changes, as what one leaves behind falls on the next.
            turn = [*calls][:: 1 if number % 2 else -1]
            rounds.append({name: median_ms(calls[name]) for name in turn})
    first = next(iter(calls))
    return {
        name: {
            "inside_ms": statistics.median(one[name] for one in rounds),
            "inside_times": statistics.median(one[first] / one[name] for one in rounds),
        }
        for name in calls
    }


def overhead(bench: Bench) -> Figures:
    """What a request of one row takes beyond the model's own time, one client; and each stage inside the process."""
    models.ensure(bench.ours, "forest", "linear")
    row = models.rows(models.cancer(), 1)
    found: Figures = {}
    with bench.ours.web() as web:
        for model in ("forest", "linear"):
            request = models.as_json(model, row.to_dict("records"))
            targets = {"request": Target.of(web.port, request), "health": Target.of(web.port, load.get("/health/live"))}
            inside = stages(bench, model, row, request)
            rounds: list[dict[str, float]] = []
            for _ in range(TIMED):
                bursts = in_turns(targets, 1, SHORT, 1)
                with pinned(SERVERS):
                    alone = {name: median_ms(call) for name, call in inside.items()}
                rounds.append({name: summary(bursts[name])["median_ms"] for name in targets} | alone)
            found[model] = {f"{name}_ms": statistics.median(one[name] for one in rounds) for name in rounds[0]}
            found[model]["overhead_ms"] = statistics.median(one["request"] - one["model"] for one in rounds)
    return found


def stages(bench: Bench, model: str, row: pd.DataFrame, request: bytes) -> dict[str, Callable[[], Any]]:
    """Return what a prediction is made of, to be called in this process: {stage: call}.

    `inside` is all that the application does for a request, without a server and without sockets.
    """
    store, cache = bench.ours.store, PipelineCache(2**30)
    pipeline, _ = run.load(store, cache, model, None)
    columns = columns_of(pipeline.rows(row))
    return {
        "model": lambda: pipeline.predict_columns(columns),
        "store": lambda: run.load(store, cache, model, None),
        "inside": inside(_app(bench), request),
    }


def _app(bench: Bench) -> Any:
    """Return the application of this service, in this process."""
    return create_app(Settings(redis_url=bench.ours.redis.url, signing_secret=SECRET))


def inside(app: Any, request: bytes) -> Callable[[], None]:
    """Return what asks an application of WSGI as a server does that has read a request."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    path, _, query = first.split()[1].partition("?")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    content_type = headers["content-type"]
    builder = EnvironBuilder(path=path, query_string=query, method="POST", data=body, content_type=content_type)
    described = builder.get_environ()

    def ask() -> None:
        found: list[str] = []
        answer = b"".join(app({**described, "wsgi.input": io.BytesIO(body)}, lambda status, _: found.append(status)))
        assert found == ["200 OK"], answer

    return ask


def median_ms(call: Callable[[], Any], seconds: float = SHORT, most: int = 400) -> float:
    """Return the median milliseconds of a call, after one that warms up."""
    call()
    times: list[float] = []
    until = time.perf_counter() + seconds
    while len(times) < most and (not times or time.perf_counter() < until):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def as_columns(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return column-oriented JSON as `DataFrame.to_json()` writes it, parsed."""
    return {name: {str(row): value for row, value in enumerate(table[name].tolist())} for name in table}
