"""TPOT on a real Dask cluster over TCP: its candidates run there, and a lost worker costs its task only."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.errors import Unavailable
from app.payloads.parameters import Kind, Task, TrainParameters
from app.pipelines import folds, metrics
from app.pipelines.base import Problem
from app.pipelines.board import TrialBoard
from app.pipelines.tpot import TpotEngine

ROOT = Path(__file__).parents[2]

#: Seconds that a scheduler and its workers have to come up.
PATIENCE = 60


class Cluster:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self._folder = folder
        self._started = [self._start("scheduler", "--host", "127.0.0.1", "--port", str(port))]
        self.workers = {}

    def add_worker(self, name):
        """Start a worker of one thread."""
        self.workers[name] = self._start(
            "worker", self.address, "--nthreads", "1", "--name", name, "--local-directory", self._folder / name
        )

    def _start(self, *arguments):
        command = [sys.executable, "-m", "dask", *map(str, arguments), "--no-dashboard"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return process

    def stop(self):
        """End all of it."""
        for process in [*self.workers.values(), *self._started]:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path):
    """A scheduler with two workers."""
    from distributed import Client

    found = Cluster(tmp_path)
    for name in ("one", "two"):
        found.add_worker(name)
    with Client(found.address, timeout=PATIENCE, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
    yield found
    found.stop()


@pytest.fixture
def problem():
    """Rows of two classes."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(120, 4)), columns=list("abcd"))
    y = (X["a"] + 0.5 * generator.normal(size=120) > 0).astype("int64").to_numpy()
    arguments = {"population_size": 6, "generations": 2, "search_space": "linear-light"}
    parameters = TrainParameters(
        pipeline_id="p",
        model_training={"model": "tpot.TPOTClassifier", "model_args": arguments},
        limits={"candidates": 8, "candidate_seconds": 20},
    )

    def make(address):
        return Problem(
            X=X,
            y=y,
            kinds=dict.fromkeys(X.columns, Kind.NUMBER),
            task=Task.CLASSIFICATION,
            classes=("no", "yes"),
            parameters=parameters,
            metric=metrics.resolve("roc_auc", Task.CLASSIFICATION, 2),
            folds=folds.folds(y, True, 3, 0),
            weights=None,
            seconds=120.0,
            scheduler=address,
        )

    return make


def searched(problem, added=None):
    """Run a search; `added` is called with each trial."""
    board = TrialBoard(problem, lambda *_, **__: None, None, None, added or (lambda trial: None))
    try:
        found = TpotEngine().search(problem, board)
    finally:
        board.close()
    return found, [trial for trial in board.trials if trial.engine == "tpot"]


def test_candidates_are_tried_on_the_workers_of_a_cluster(cluster, problem):
    found, trials = searched(problem(cluster.address))
    assert found.score > 0.5
    places = {trial.details["worker"] for trial in trials}
    assert len(places) == 2
    assert all(place.startswith("tcp://127.0.0.1:") for place in places)


def test_a_lost_worker_costs_its_task_only(cluster, problem):
    killed = []

    def kill_one(trial):
        if trial.engine == "tpot" and not killed:
            # The nanny first, as it would start the worker again.
            killed.append(time.monotonic())
            cluster.workers["two"].kill()

    _, trials = searched(problem(cluster.address), kill_one)
    assert killed
    assert len([trial for trial in trials if trial.score is not None]) >= 2
    assert len(trials) >= 6


def test_a_scheduler_that_does_not_answer_is_said(problem):
    with pytest.raises(Unavailable, match="does not answer"):
        searched(problem("tcp://127.0.0.1:9"))
