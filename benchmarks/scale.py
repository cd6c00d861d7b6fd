"""How a search scales with the workers of a Dask cluster: 1 and 2 real ones, and 16 simulated by tasks that sleep.

    python benchmarks/scale.py

A real scheduler and real workers over TCP on this machine. The real tasks are TPOT's candidates, of which the same
number is tried on each cluster; a machine of two cores can show no more than two of them. Sleeping tasks take no core,
so sixteen workers on it show what the scheduler and the network cost, and nothing else.
"""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

#: Candidates of each search.
CANDIDATES = 24

#: Seconds that a simulated candidate takes, and how many there are.
SLEEP, SLEEPERS = 0.5, 160


@contextmanager
def cluster(workers: int, folder: str) -> Iterator[str]:
    """Start a scheduler and workers of one thread each; yield the address."""
    from distributed import Client

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    def start(*arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    started = [start("scheduler", "--host", "127.0.0.1", "--port", str(port))]
    try:
        started += [
            start("worker", address, "--nthreads", "1", "--no-nanny", "--local-directory", f"{folder}/{number}")
            for number in range(workers)
        ]
        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=120)
        yield address
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


def search(address: str) -> float:
    """Return the seconds of one search of `CANDIDATES` candidates on a cluster."""
    from app.payloads.parameters import Kind, Task, TrainParameters
    from app.pipelines import folds, metrics
    from app.pipelines.base import Problem
    from app.pipelines.board import TrialBoard
    from app.pipelines.tpot import TpotEngine

    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(1500, 20))).rename(columns=str)
    y = (X["0"] * X["1"] + X["2"] + generator.normal(size=1500) > 0).astype("int64").to_numpy()
    arguments = {"population_size": CANDIDATES, "generations": 1}
    parameters = TrainParameters(
        pipeline_id="scale",
        model_training={"model": "tpot.TPOTClassifier", "model_args": arguments},
        limits={"candidates": CANDIDATES, "candidate_seconds": 60},
    )
    problem = Problem(
        X=X,
        y=y,
        kinds=dict.fromkeys(X.columns, Kind.NUMBER),
        task=Task.CLASSIFICATION,
        classes=(0, 1),
        parameters=parameters,
        metric=metrics.resolve("roc_auc", Task.CLASSIFICATION, 2),
        folds=folds.folds(y, True, 5, 0),
        weights=None,
        seconds=1200.0,
        scheduler=address,
    )
    board = TrialBoard(problem, lambda *_, **__: None, None, lambda _: None, lambda _: None)
    started = time.monotonic()
    TpotEngine().search(problem, board)
    return time.monotonic() - started


def sleep(address: str) -> float:
    """Return the seconds of `SLEEPERS` tasks that sleep."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.gather(client.map(time.sleep, [0.001] * 32, pure=False))
        started = time.monotonic()
        client.gather(client.map(time.sleep, [SLEEP] * SLEEPERS, pure=False))
        return time.monotonic() - started


def main() -> None:
    """Measure and print a table."""
    cores = len(os.sched_getaffinity(0))
    print(f"{date.today()}, {cores} cores, Python {platform.python_version()}\n")
    print("| workers | tasks | seconds | times as fast as one |")
    print("| ---: | --- | ---: | ---: |")
    for label, measured, sizes in (
        (f"{CANDIDATES} candidates of TPOT", search, (1, 2)),
        (f"{SLEEPERS} tasks that sleep {SLEEP} s", sleep, (1, 2, 16)),
    ):
        alone = None
        for workers in sizes:
            with tempfile.TemporaryDirectory() as folder, cluster(workers, folder) as address:
                seconds = measured(address)
            alone = alone or seconds
            print(f"| {workers} | {label} | {seconds:.1f} | {alone / seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
