"""Half of what the service can do, for long, with trainings, promotions and deletions: what grows, and what fails."""

from __future__ import annotations

import json
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests

from benchmarks.serving import models
from benchmarks.serving.bench import MANY, Figures
from benchmarks.serving.beside import python_of
from benchmarks.serving.steady import KEY, SETTINGS
from benchmarks.serving.systems import ALL, ROOT, Ours, Server

#: Seconds in which the capacity is measured.
CAPACITY = 15

#: Seconds between two looks, and between two trainings.
LOOK, CHANGE = 10.0, 120.0

#: Share of the time, and seconds at most, before which growth is that of a start: models load, threads begin.
SETTLED, SETTLED_AT_MOST = 1 / 3, 300.0

#: The model that is trained again and again, and how many versions of it are left.
CHURN, VERSIONS = "churn", 2


def soak(ours: Ours, work: Path, minutes: float) -> Figures:
    """Ask as callers do for so many minutes; return rates, failures and how each part has grown."""
    models.ensure(ours, "wide-10")
    with ours.web(workers=2, cores=ALL, **SETTINGS) as web, ours.workers() as workers:
        can = _asked(work, web.port, CAPACITY)["rate"]
        parts = {"web": web.processes, "worker": lambda: [psutil.Process(workers[0].process.pid)]}
        parts["redis"] = lambda: [ours.redis_process]
        with _looking(parts) as looks, _changing(web) as changes:
            asked = _asked(work, web.port, 60 * minutes, can / 2 / MANY)
    return {
        "minutes": minutes,
        "capacity": can,
        **asked,
        "changes": {name: changes.count(name) for name in sorted(set(changes))},
        "parts": {name: grown(found, 60 * minutes) for name, found in looks.items()},
    }


def _asked(work: Path, port: int, seconds: float, throughput: float = 10_000.0) -> Figures:
    """Let Locust ask for so long; each of its users at most so often a second."""
    if (python := python_of(work, "locust")) is None:
        raise SystemExit("Locust is not there: its environment could not be made.")
    statuses = work / "statuses.json"
    command = [
        python, "-m", "locust", "-f", str(ROOT / "benchmarks" / "serving" / "locustfile.py"), "--headless", "--json",
        "--users", str(MANY), "--spawn-rate", str(MANY), "--run-time", f"{seconds:.0f}s", "--key", KEY,
        "--throughput", f"{throughput:.3f}", "--statuses", str(statuses), "--host", f"http://127.0.0.1:{port}",
        "--skip-log", "--exit-code-on-error", "0",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"Locust failed: {done.stderr[-2000:]}")
    entries = json.loads(done.stdout)
    times = [(float(ms), count) for one in entries for ms, count in one["response_times"].items()]
    total = sum(one["num_requests"] for one in entries)
    return {
        "rate": total / seconds,
        "requests": total,
        "statuses": json.loads(statuses.read_text()),
        "p99_ms": _late(sorted(times), 0.99 * total),
        "by_kind": {one["name"]: one["num_requests"] for one in entries},
    }


def _late(times: Sequence[tuple[float, int]], count: float) -> float:
    for ms, number in times:
        count -= number
        if count <= 0:
            return ms
    return 0.0


@contextmanager
def _looking(parts: dict[str, Callable[[], list[psutil.Process]]]) -> Iterator[dict[str, list[dict[str, float]]]]:
    """Note memory, open files and threads of the parts every few seconds until the block ends."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in parts}
    begun = time.monotonic()

    def look() -> None:
        for name, processes in parts.items():
            found[name].append({"second": time.monotonic() - begun} | _sizes(processes()))

    with _every(LOOK, look):
        yield found


def _sizes(processes: list[psutil.Process]) -> dict[str, float]:
    """Return the sums of a part's processes; memory of several is PSS, as they share pages, of one RSS."""
    many = len(processes) > 1
    memory = sum(one.memory_full_info().pss if many else one.memory_info().rss for one in processes)
    files, threads = (sum(getattr(one, name)() for one in processes) for name in ("num_fds", "num_threads"))
    return {"memory_mb": memory / 1e6, "files": files, "threads": threads}


def grown(looks: list[dict[str, float]], seconds: float) -> Figures:
    """Return the medians at the end of the beginning and at the end; a training or a rewrite may stand in one look."""
    settled = min(SETTLED_AT_MOST, SETTLED * seconds)
    kept = [one for one in looks if settled <= one["second"]]
    width = max(1, len(kept) // 5)
    sizes = ("memory_mb", "files", "threads")
    begin, end = (
        {name: statistics.median(one[name] for one in some) for name in sizes} for some in (kept[:width], kept[-width:])
    )
    return {"begin": begin, "end": end, "growth": end["memory_mb"] / begin["memory_mb"] - 1, "looks": looks}


@contextmanager
def _changing(web: Server) -> Iterator[list[str]]:
    """Train, promote and delete every two minutes until the block ends; what was done, or what was answered instead."""
    done: list[str] = []
    session, root = requests.Session(), f"http://127.0.0.1:{web.port}"
    session.headers["Authorization"] = f"Bearer {KEY}"

    def ask(what: str, method: str, path: str, **sent: Any) -> requests.Response:
        answer = session.request(method, root + path, timeout=60, **sent)
        done.append(what if answer.ok else f"{what}: {answer.status_code}")
        return answer

    def change() -> None:
        file = {"raw_data": ("rows.parquet", models.parquet(models.wide(10)))}
        params = {"pipeline_id": CHURN, "target": "target", "folds": 2, "model_training": models.LINEAR}
        form = {"params": json.dumps(params | {"explain": {"rows": 0}})}
        ask("training", "POST", "/train_pipeline", files=file, data=form, headers={"Prefer": "respond-async"})
        known = session.get(f"{root}/models/{CHURN}/versions", timeout=60)
        numbers = sorted(one["version"] for one in known.json()["versions"]) if known.ok else []
        if len(numbers) > 1:
            ask("promotion", "PUT", f"/models/{CHURN}/current", json={"version": numbers[-2]})
            ask("promotion", "PUT", f"/models/{CHURN}/current", json={"version": numbers[-1]})
        for number in numbers[:-VERSIONS]:
            ask("deletion", "DELETE", f"/models/{CHURN}/versions/{number}")

    with _every(CHANGE, change):
        yield done


@contextmanager
def _every(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Do something now and every few seconds in a thread of its own; what it raises is raised at the end."""
    over, failed = threading.Event(), list[Exception]()

    def again() -> None:
        try:
            act()
            while not over.wait(seconds):
                act()
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failed:
        raise failed[0]
