"""Cases of this service alone: its start, a cold model, more web processes, and a training beside it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import requests

from app.pipelines import run
from app.pipelines.cache import PipelineCache
from benchmarks.serving import load, models
from benchmarks.serving.bench import BURST, MANY, Bench, Figures, summary
from benchmarks.serving.systems import ALL, Server, cpu_of

#: How often a start is timed.
STARTS = 5

#: Clients of the case of more web processes, and seconds of a burst.
CLIENT_COUNTS, TURN = (1, 2, 4, 8, 16), 0.7

#: Seconds at once, and bursts, of what is measured beside a training.
BESIDE, BURSTS = 2.0, 5


def start(bench: Bench) -> Figures:
    """The start of a web process that has no model, and the memory of four workers together."""
    seconds = []
    for _ in range(STARTS):
        started = time.perf_counter()
        with bench.ours.web(workers=1, cores=ALL):
            seconds.append(time.perf_counter() - started)
    with bench.ours.web(workers=4, cores=ALL) as web:
        load.burst(web.port, [load.get("/health/live")], 4 * MANY, BURST)
        memory = web.memory()
        processes = len(web.processes())
    return {"first_answer_s": statistics.median(seconds), "memory_mb": memory, "processes": processes}


def cold(bench: Bench) -> Figures:
    """The first answer of a web process that has not loaded its model: one of 50 MB, and a small one."""
    models.ensure(bench.ours, "large", "forest")
    found: Figures = {}
    tables = {"large": models.noise(100, 10), "forest": models.cancer()}
    for name, table in tables.items():
        request = models.as_json(name, models.rows(table, 1).to_dict("records"))
        seconds, again = [], []
        for _ in range(STARTS):
            with bench.ours.web(cores=ALL) as web:
                for kept in (seconds, again):
                    started = time.perf_counter()
                    load.once(web.port, request)
                    kept.append(time.perf_counter() - started)
        loading = [_loading(bench, name) for _ in range(STARTS)]
        found[name] = {
            "bytes": bench.ours.store.record(name).artifact["bytes"],
            "first_answer_s": statistics.median(seconds),
            "slowest_s": max(seconds),
            "second_answer_s": statistics.median(again),
            # Here the libraries are imported already.
            "load_s": statistics.median(one[0] for one in loading),
            "redis_s": statistics.median(one[1] for one in loading),
        }
    return found


def _loading(bench: Bench, name: str) -> tuple[float, float]:
    """Return the seconds of reading, verifying and loading an artefact, and those in which Redis worked for it."""
    before, started = cpu_of(bench.ours.redis_process), time.perf_counter()
    run.load(bench.ours.store, PipelineCache(2**30), name, None)
    return time.perf_counter() - started, cpu_of(bench.ours.redis_process) - before


def workers(bench: Bench) -> Figures:
    """One web process and two, each held to one core, with Redis and the clients on both, by number of clients."""
    return _one_and_two(bench, CLIENT_COUNTS, held=True)


def started(bench: Bench) -> Figures:
    """One web process and two as they are started, either on both cores, which Redis and the clients share.

    The threads of a process then hand the interpreter's lock from core to core, which takes longer than their work.
    """
    return _one_and_two(bench, CLIENT_COUNTS[-2:], held=False)


def _one_and_two(bench: Bench, clients: Sequence[int], held: bool) -> Figures:
    """Return {model: what is measured for each number of clients}."""
    found: Figures = {}
    for model in ("forest", "linear"):
        models.ensure(bench.ours, model)
        request = models.as_json(model, models.rows(models.cancer(), 1).to_dict("records"))
        with ExitStack() as stack:
            webs = {number: stack.enter_context(bench.ours.web(number, ALL)) for number in (1, 2)}
            if held:
                for web in webs.values():
                    web.spread()
            named = {str(number): web for number, web in webs.items()}
            found[model] = [_with_clients(bench, named, request, one) for one in clients]
    return found


def _with_clients(bench: Bench, webs: dict[str, Server], request: bytes, clients: int, rounds: int = 8) -> Figures:
    """Measure servers in turns from clients that share their cores, and what each process takes for a request.

    Each process of a server gets as many of the clients.
    """
    bursts: dict[str, list[load.Burst]] = {name: [] for name in webs}
    taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in webs}
    for number in range(rounds + 1):
        for name in [*webs][:: 1 if number % 2 else -1]:
            web = webs[name]
            before = web.cpu(), cpu_of(bench.ours.redis_process)
            found = load.burst(web.port, [request], clients, TURN, processes=web.children())
            after = web.cpu(), cpu_of(bench.ours.redis_process)
            # The first of each warms up.
            if number:
                bursts[name].append(found)
                share = [(late - early) / len(found.latencies) for early, late in zip(before, after, strict=True)]
                taken[name].append((share[0], share[1], found.client_share / found.rate))
    rates = zip(*([one.rate for one in bursts[name]] for name in webs), strict=True)
    return {
        "clients": clients,
        "times": statistics.median(two / one for one, two in rates),
        **{
            name: summary(bursts[name])
            | {
                f"{part}_us": 1e6 * statistics.median(one[place] for one in taken[name])
                for place, part in enumerate(("web", "redis", "client"))
            }
            for name in webs
        },
    }


def training(bench: Bench) -> Figures:
    """The rate of one row, alone and with a training of the portfolio beside it on the same two cores."""
    models.ensure(bench.ours, "forest")
    request = models.as_json("forest", models.rows(models.cancer(), 1).to_dict("records"))
    with bench.ours.web(workers=2, cores=ALL) as web, bench.ours.workers():

        def bursts(number: int) -> list[load.Burst]:
            return [load.burst(web.port, [request], MANY, BESIDE) for _ in range(number)]

        bursts(1)
        before = bursts(BURSTS)
        job = _long_training(web.port)
        during = bursts(2 * BURSTS)
        state = requests.get(job, timeout=60).json()["state"]
        requests.delete(job, timeout=60).raise_for_status()
        _wait_for(job, {"cancelled", "finished", "failed"})
        after = bursts(BURSTS)
    alone = before + after
    return {
        "alone": summary(alone),
        "beside": summary(during),
        "share": summary(during)["rate"] / summary(alone)["rate"],
        "worst_p99_ms": max(one.late() for one in during),
        "state_at_the_end": state,
    }


def _long_training(port: int) -> str:
    """Begin a search that takes longer than is measured; return the URL of its job once it runs."""
    table = models.noise(4_000, 20)
    params: dict[str, Any] = {"target": "target", "limits": {"seconds": 120}, "prefer": "respond-async"}
    answered = models.train(port, "beside", table, **params)
    answered.raise_for_status()
    job = f"http://127.0.0.1:{port}{answered.headers['Location']}"
    _wait_for(job, {"running"})
    # The child of the job imports its libraries first.
    time.sleep(5)
    return job


def _wait_for(job: str, states: set[str]) -> None:
    deadline = time.monotonic() + 120
    while (state := requests.get(job, timeout=60).json()["state"]) not in states:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the training is {state}, not {' or '.join(states)}")
        time.sleep(0.2)
