"""What more processes than this machine has cores for would do: a simulation with the costs that serve.py measured.

    python benchmarks/simulate.py            compare with what was measured, then hundreds of processes: two minutes
    python benchmarks/simulate.py --write    puts the tables into docs/scaling.md too

It reads benchmarks/serve.json (cases `workers`, `cold` and `growth`). The costs of a prediction are those of one web
process; what two do is simulated from them and compared with what two did. What the clients take is no cost of the
service, so each comparison has what they took in it: of a process that answers sooner they wake up oftener. One figure
is fitted: how much longer a process takes with another beside it, by what two did for eight clients. The rest goes
beyond what was measured: the kernel, the network and load balancers are taken to be no bottleneck.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.serving.report import Kept, table, write  # noqa: E402  once the path is known
from benchmarks.serving.simulation import Costs, Outcome, Setup, simulate  # noqa: E402

#: Cases of serve.py whose figures are read.
NEEDED = {"workers", "cold", "growth"}

#: Share by which a simulated rate may be off the measured one.
OFF = 0.15

#: Share of its time that a process is planned to work; beyond it waits grow fast.
PLANNED = 0.6

#: Predictions a second that are planned for.
PLANS = (10, 1_000, 100_000)

#: Web processes of the scenarios, and requests that each simulates at least.
PROCESSES, REQUESTS = (1, 10, 50, 100, 200, 400), 20_000

#: Web processes that read a model anew, servers they read it from, and requests a second of each process then.
HERDS, READABLE, QUIET = (10, 50, 200), (1, 4), 20

#: Web processes whose requests two cores can show, and the share of a simulated second that is not counted.
MEASURED, WARM_UP = (1, 2), 0.2

#: Clients that keep a process busy, and by whose rates the one figure is fitted that no process tells by itself.
FITTED = 8

#: Whose time of cores a prediction takes.
PARTS = ("web", "redis", "client")


def main() -> None:
    """Print the comparison and the scenarios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--figures", type=Path, default=Path(__file__).with_name("serve.json"))
    parser.add_argument("--write", action="store_true", help="put the tables into the documents")
    options = parser.parse_args()
    kept = json.loads(options.figures.read_text()) if options.figures.exists() else {}
    if missing := NEEDED - kept.keys():
        parser.error(f"measure first: python benchmarks/serve.py --cases {' '.join(sorted(missing))}")
    made = {}
    for name, markdown in sections(kept):
        print(f"{markdown}\n", flush=True)
        made[name] = markdown
    if options.write:
        write(made)


def sections(kept: Kept) -> Iterator[tuple[str, str]]:
    """Yield (name, table)."""
    factor = beside(kept)
    costs = {model: replace(costs_of(kept, model), beside=factor) for model in kept["workers"]["figures"]}
    yield "costs", costs_table(costs)
    yield "simulated", comparison(kept, factor)
    yield "processes", more_processes(costs["linear"])
    yield "herds", herds(large_of(kept))
    yield "plan", plan(costs, memory_of(kept))


def costs_of(kept: Kept, model: str, clients: int = FITTED) -> Costs:
    """Return what one web process was measured to take for a prediction, with so many clients of its own.

    With few of them a request takes longer: its thread has to be woken for it alone. What one client alone waited
    beyond the time of cores is pause.
    """
    points = {one["clients"]: one["1"] for one in kept["workers"]["figures"][model]}
    one, alone = points[clients], points[1]
    pause = max(0.0, alone["median_ms"] / 1e3 - sum(alone[f"{part}_us"] for part in PARTS) / 1e6)
    small = kept["cold"]["figures"]["forest"]
    web, redis, client = (one[f"{part}_us"] / 1e6 for part in PARTS)
    return Costs(web, redis, client, pause, read=small["redis_s"], load=small["load_s"] - small["redis_s"])


def beside(kept: Kept) -> float:
    """Return how much longer a prediction takes beside another process, fitted to two with `FITTED` clients."""
    off = []
    for model, points in kept["workers"]["figures"].items():
        measured = next(one["2"]["rate"] for one in points if one["clients"] == FITTED)
        off.append(simulated(kept, model, 2, FITTED, measured) / measured)
    return max(1.0, statistics.geometric_mean(off))


def simulated(kept: Kept, model: str, processes: int, clients: int, expected: float, factor: float = 1.0) -> float:
    """Return the rate of web processes that share two cores with clients, who are dealt out evenly."""
    seconds = max(1.0, 200 / expected)
    setup = Setup(processes, clients, cores=2, seconds=seconds, unseen=WARM_UP * seconds)
    costs = costs_of(kept, model, max(1, clients // processes))
    points = kept["workers"]["figures"][model]
    client = next(one[str(processes)]["client_us"] for one in points if one["clients"] == clients) / 1e6
    return simulate(setup, replace(costs, client=client, beside=factor)).rate


def large_of(kept: Kept) -> Costs:
    """Return the costs of a small prediction by a model of 50 MB."""
    large = kept["cold"]["figures"]["large"]
    return replace(costs_of(kept, "forest"), read=large["redis_s"], load=large["load_s"] - large["redis_s"])


def memory_of(kept: Kept) -> float:
    """Return the megabytes of a web process that has loaded a model."""
    points = kept["growth"]["figures"]["models: linear, loaded in one process"]
    return float(points[0]["MB"])


def costs_table(costs: Mapping[str, Costs]) -> str:
    """Return the measured costs that everything else is computed from."""
    head = ["a prediction takes", "web process, µs", "Redis, µs", "client, µs", "waking up, µs", "at most, a second"]
    return table(
        head,
        (
            [model, *(f"{1e6 * one:.0f}" for one in (of.web, of.redis, of.client, of.pause)), f"{1 / of.web:.0f}"]
            for model, of in costs.items()
        ),
    )


def comparison(kept: Kept, factor: float) -> str:
    """Compare simulated rates with measured ones, by model, web processes and clients."""
    rows, off = [], []
    for model, points in kept["workers"]["figures"].items():
        for number in MEASURED:
            for one in points:
                measured = one[str(number)]["rate"]
                # A process without a client is not beside anything.
                share = factor if one["clients"] > 1 else 1.0
                rate = simulated(kept, model, number, one["clients"], measured, share)
                off.append(rate / measured - 1)
                cells = [f"{number}", f"{one['clients']}", f"{measured:.0f}", f"{rate:.0f}", f"{100 * off[-1]:+.0f} %"]
                rows.append([model, *cells])
    within = sum(abs(one) <= OFF for one in off)
    head = ["model", "web processes", "clients", "measured, a second", "simulated, a second", "off"]
    return (
        table(head, rows)
        + f"\n\n{within} of {len(off)} are within {OFF:.0%}; the farthest is {max(off, key=abs):+.0%}. "
        + f"A process with another beside it takes {factor:.2f} times as long: fitted to two with {FITTED} clients."
    )


def more_processes(costs: Costs) -> str:
    """Return what more web processes answer, asked for as much as they are planned for."""
    rows = []
    for processes in PROCESSES:
        asked = PLANNED * processes / (costs.web * (costs.beside if processes > 1 else 1))
        for readable in sorted({1, servers(asked, costs)}):
            found = crowd(processes, readable, asked, costs)
            cells = [f"{asked:,.0f}", f"{found.rate:,.0f}", f"{1e3 * found.late():.1f}"]
            rows.append([f"{processes}", f"{readable}", *cells, *(f"{found.busy[part]:.0%}" for part in found.busy)])
    head = ["web processes", "Redis to read from", "asked, a second", "answered", "p99, ms", "web busy", "Redis busy"]
    return table(head, rows, "r" * len(head))


def crowd(processes: int, readable: int, asked: float, costs: Costs) -> Outcome:
    """Simulate clients that come by chance, for as many requests as tell something."""
    seconds = REQUESTS / asked / (1 - WARM_UP)
    return simulate(
        Setup(processes, arrivals=asked, readable=readable, seconds=seconds, unseen=WARM_UP * seconds), costs
    )


def servers(rate: float, costs: Costs) -> int:
    """Return how many servers of Redis a rate of predictions needs to read from."""
    return max(1, math.ceil(rate * costs.redis / PLANNED))


def herds(costs: Costs) -> str:
    """Return how long a model of 50 MB takes to reach every process: after a publication, and after a cold start."""
    rows = []
    for processes in HERDS:
        for readable in READABLE:
            expected = processes * costs.read / readable + 4 * costs.load
            setup = Setup(
                processes, arrivals=QUIET * processes, readable=readable, seconds=2 * expected, publications=[0.1],
            )  # fmt: skip
            published = simulate(setup, costs)
            cold = simulate(replace(setup, publications=(), warm=False), costs)
            cells = [f"{published.last_load - 0.1:.1f}", f"{max(published.latencies):.1f}"]
            cells += [f"{cold.last_load:.1f}", f"{max(cold.latencies):.1f}"]
            rows.append([f"{processes}", f"{readable}", *cells])
    head = [
        "web processes", "Redis to read from", "published: all have it after, s", "longest wait, s",
        "cold: all have it after, s", "longest wait, s",
    ]  # fmt: skip
    return table(head, rows, "r" * len(head))


def plan(models: Mapping[str, Costs], memory: float) -> str:
    """Return what each rate needs, computed from the costs, and what it would wait, simulated."""
    rows = []
    for model, costs in models.items():
        for rate in PLANS:
            processes = math.ceil(rate * costs.web / PLANNED)
            if processes > 1:
                processes = math.ceil(rate * costs.web * costs.beside / PLANNED)
            readable = servers(rate, costs)
            found = crowd(processes, readable, rate, costs)
            cells = [f"{processes:,}", f"{processes * memory / 1000:.1f}", f"{rate * costs.redis:.2f}", f"{readable}"]
            rows.append([model, f"{rate:,}", *cells, f"{1e3 * found.late():.1f}"])
    head = [
        "model", "predictions a second", "web processes, a core each", "their memory, GB", "cores that Redis works",
        "Redis to read from", "p99, ms",
    ]  # fmt: skip
    return table(head, rows)


if __name__ == "__main__":
    main()
