"""What grows with what: rows, series, columns, models, versions, clients, web processes and workers, one by one."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from benchmarks.serving import load, models
from benchmarks.serving.bench import MANY, Bench, Figures, Target, in_turns, summary
from benchmarks.serving.compared import as_columns
from benchmarks.serving.systems import ALL

ROWS = (1, 10, 100, 1_000, 10_000, 100_000)
SERIES = (1, 10, 100, 1_000, 4_000)
COLUMNS = (10, 100, 1_000)
MODELS = (1, 10, 50, 200)
VERSIONS = (1, 10, 100)
CLIENTS = (1, 2, 4, 8, 16, 32, 64)
WEB = (1, 2, 4)
WORKERS = (1, 2)

#: Rounds over all sizes, seconds of a burst, and answers that each has at least.
TURNS, SHORT, LEAST = 3, 0.3, 1

#: Trainings that workers share.
TRAININGS = 4

#: {what is counted: a point for each number of it}.
Curves = dict[str, list[Figures]]


def exponents(sizes: Sequence[float], costs: Sequence[float]) -> list[float | None]:
    """Return by which power of the size a cost has grown since the size before; None for the first.

    One that is above 1 grows faster than its size.
    """
    found: list[float | None] = [None]
    for place in range(1, len(sizes)):
        found.append(math.log(costs[place] / costs[place - 1]) / math.log(sizes[place] / sizes[place - 1]))
    return found


def growth(bench: Bench) -> Figures:
    """Measure every curve."""
    models.ensure(bench.ours, "forest", "linear", "series", *(f"wide-{count}" for count in COLUMNS))
    found: Curves = {}
    for name, measure in CURVES.items():
        found |= {f"{name}: {what}": points for what, points in measure(bench).items()}
    return found


def _rows(bench: Bench) -> Curves:
    table = models.cancer()
    requests = {
        f"{model}, {kind}": {size: make(model, size) for size in ROWS}
        for model in ("linear", "forest")
        for kind, make in (
            ("JSON", lambda model, size: _split(model, models.rows(table, size))),
            ("Arrow", lambda model, size: models.as_arrow(model, models.rows(table, size))),
        )
    }
    return _sized(bench, requests)


def _series(bench: Bench) -> Curves:
    table = models.long_series()
    kinds: dict[str, Callable[[int], bytes]] = {
        "JSON": lambda size: models.as_json("series", as_columns(models.series(table, size))),
        "Arrow": lambda size: models.as_arrow("series", models.series(table, size)),
    }
    return _sized(bench, {kind: {size: make(size) for size in SERIES} for kind, make in kinds.items()})


def _columns(bench: Bench) -> Curves:
    requests = {size: _split(f"wide-{size}", models.rows(models.wide(size), 1)) for size in COLUMNS}
    return _sized(bench, {"one row, linear, JSON": requests})


def _split(model: str, table: object) -> bytes:
    """Return a request whose columns are named once: the others would not fit into one of 64 MB."""
    frame = table.to_dict("split")  # type: ignore[attr-defined]
    data = {"columns": frame["columns"], "data": frame["data"]}
    return load.post("/serve_prediction", json.dumps({"pipeline_id": model, "data": data}).encode())


def _sized(bench: Bench, requests: Mapping[str, Mapping[int, bytes]]) -> Curves:
    """Measure requests of growing size, from one client."""
    found: Curves = {}
    with bench.ours.web() as web:
        for name, sizes in requests.items():
            targets = {str(size): Target.of(web.port, request) for size, request in sizes.items()}
            bursts = in_turns(targets, 1, SHORT, TURNS, LEAST)
            found[name] = _curve([*sizes], [summary(bursts[str(size)])["median_ms"] for size in sizes], "ms")
    return found


def _curve(sizes: Sequence[int], costs: Sequence[float], unit: str) -> list[Figures]:
    grown = exponents(sizes, costs)
    return [{"n": n, unit: cost, "power": power} for n, cost, power in zip(sizes, costs, grown, strict=True)]


def _models(bench: Bench) -> Curves:
    """Ask models in turn that are all loaded: what one more takes of time and memory."""
    row = models.rows(models.cancer(), 1).to_dict("records")
    ids = [f"copy-{number}" for number in range(max(MODELS))]
    models.copies(bench.ours, "linear", ids)
    points: list[Figures] = []
    for count in MODELS:
        with bench.ours.web() as web:
            requests = [models.as_json(id_, row) for id_ in ids[:count]]
            load.burst(web.port, requests, 1, 0, least=count)
            found = load.burst(web.port, requests, 1, SHORT, least=count)
            points.append({"n": count, "ms": found.median, "MB": web.memory()})
            load.once(web.port, load.get("/models"))
            listed = load.burst(web.port, [load.get("/models")], 1, SHORT, LEAST)
            points[-1]["list of all in the store, ms"] = listed.median
    return {"linear, loaded in one process": points}


def _versions(bench: Bench) -> Curves:
    row = models.rows(models.cancer(), 1).to_dict("records")
    points: list[Figures] = []
    for count in VERSIONS:
        id_ = f"versions-{count}"
        models.copies(bench.ours, "linear", [id_], versions=count)
    with bench.ours.web() as web:
        for count in VERSIONS:
            asked = Target.of(web.port, models.as_json(f"versions-{count}", row))
            listed = Target.of(web.port, load.get(f"/models/versions-{count}/versions"))
            bursts = in_turns({"asked": asked, "listed": listed}, 1, SHORT, TURNS, LEAST)
            medians = {name: summary(bursts[name])["median_ms"] for name in bursts}
            points.append({"n": count, "ms": medians["asked"], "list of them, ms": medians["listed"]})
    return {"of one model": points}


def _clients(bench: Bench) -> Curves:
    request = models.as_json("linear", models.rows(models.cancer(), 1).to_dict("records"))
    points: list[Figures] = []
    with bench.ours.web() as web:
        for count in CLIENTS:
            found = summary(in_turns({"ours": Target.of(web.port, request)}, count, 3 * SHORT, TURNS)["ours"])
            measured = {"rate": found["rate"], "ms": found["median_ms"], "p99 ms": found["p99_ms"]}
            points.append({"n": count, **measured})
    return {"linear, one web process": points}


def _web(bench: Bench) -> Curves:
    request = models.as_json("linear", models.rows(models.cancer(), 1).to_dict("records"))
    points: list[Figures] = []
    with ExitStack() as stack:
        webs = {count: stack.enter_context(bench.ours.web(count, ALL)) for count in WEB}
        targets = {str(count): Target.of(webs[count].port, request) for count in WEB}
        bursts = in_turns(targets, 2 * MANY, 3 * SHORT, TURNS)
        for count in WEB:
            found = summary(bursts[str(count)])
            points.append({"n": count, "rate": found["rate"], "p99 ms": found["p99_ms"], "MB": webs[count].memory()})
    return {f"linear, {2 * MANY} clients, two cores": points}


def _workers(bench: Bench) -> Curves:
    """Time small trainings that wait for workers."""
    table = models.cancer()
    points: list[Figures] = []
    for count in WORKERS:
        with (
            bench.ours.web(cores=ALL) as web,
            bench.ours.workers(count) as busy,
            ThreadPoolExecutor(TRAININGS) as threads,
        ):
            # The first training of each imports its libraries.
            for warm in (True, False):
                started = time.monotonic()
                asked = [
                    threads.submit(
                        models.train, web.port, f"training-{number}", table, target="target", folds=2,
                        model_training=models.LINEAR,
                    )
                    for number in range(count if warm else TRAININGS)
                ]  # fmt: skip
                for one in asked:
                    one.result().raise_for_status()
            points.append({"n": count, "s": time.monotonic() - started, "MB": sum(one.memory() for one in busy)})
    return {f"{TRAININGS} trainings of a linear model": points}


CURVES: dict[str, Callable[[Bench], Curves]] = {
    "rows": _rows,
    "series": _series,
    "columns": _columns,
    "models": _models,
    "versions": _versions,
    "clients": _clients,
    "web processes": _web,
    "workers": _workers,
}
