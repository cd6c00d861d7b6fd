"""TPOT on a real Dask cluster over TCP: its candidates run there, and a lost worker costs its task only."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
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

#: Seconds within which nothing of a search that has ended is left on a cluster.
GONE = 10

#: A search that ends by itself within seconds.
SMALL = {"population_size": 6, "generations": 2, "search_space": "linear-light"}

#: Candidates that tens of thousands of rows of noise keep in native code for many seconds, and others that take none.
ENDLESS = {"population_size": 4, "generations": 1, "estimators": ["SVC", "GaussianNB"]}


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

    def complete(self):
        """Start the workers that are not there."""
        from distributed import Client

        for name in ("one", "two"):
            if name not in self.workers or self.workers[name].poll() is not None:
                self.add_worker(name)
        with Client(self.address, timeout=PATIENCE, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=PATIENCE)

    def processes(self):
        """Return the processes that the workers have started, theirs in turn included."""
        found = [psutil.Process(worker.pid).children(recursive=True) for worker in self.workers.values()]
        return set().union(*found)

    def wait_until_idle(self, before):
        """Wait until the workers have no processes but those of before, and answer; see that they know of no search."""
        from distributed import Client

        deadline = time.monotonic() + GONE
        with Client(self.address, timeout=PATIENCE, set_as_default=False) as client:
            while (self.processes() - before or self._under_way(client)) and time.monotonic() < deadline:
                time.sleep(0.1)
            assert self.processes() <= before
            assert not self._under_way(client)
            # A worker has one thread: one that answers does nothing else.
            asked = [client.submit(os.getpid, workers=[worker], pure=False) for worker in client.nthreads()]
            assert len({future.result(timeout=GONE) for future in asked}) == 2

    @staticmethod
    def _under_way(client):
        """Return the tasks of the workers, and the searches whose data they hold."""
        tasks = [key for keys in client.processing().values() for key in keys]
        held = client.run(lambda: list(getattr(sys.modules.get("app.pipelines.tpot.evolve"), "_SEARCHES", ())))
        return tasks + [search for searches in held.values() for search in searches]

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


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """The cluster of this module's tests."""
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    yield found
    found.stop()


@pytest.fixture
def cluster(started):
    """A scheduler with two workers."""
    started.complete()
    return started


@pytest.fixture
def problem():
    """Return a function that makes a problem of two classes; of noise, the classes say nothing of the rows."""

    def make(address, arguments=SMALL, n_rows=120, noise=0.5, seconds=120.0, candidates=8, candidate_seconds=8):
        generator = np.random.default_rng(0)
        X = pd.DataFrame(generator.normal(size=(n_rows, 4)), columns=list("abcd"))
        y = (X["a"] + noise * generator.normal(size=n_rows) > 0).astype("int64").to_numpy()
        parameters = TrainParameters(
            pipeline_id="p",
            model_training={"model": "tpot.TPOTClassifier", "model_args": arguments},
            limits={"candidates": candidates, "candidate_seconds": candidate_seconds},
        )
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
            seconds=seconds,
            scheduler=address,
        )

    return make


def searched(problem, added=lambda trial: None, looked=lambda *_, **__: None):
    """Run a search; `added` is called with each trial, `looked` every second."""
    board = TrialBoard(problem, looked, None, None, added)
    try:
        found = TpotEngine().search(problem, board)
    finally:
        board.close()
    return found, board.stopped, [trial for trial in board.trials if trial.engine == "tpot"]


def test_candidates_are_tried_on_the_workers_of_a_cluster(cluster, problem):
    found, _, trials = searched(problem(cluster.address))
    assert found.score > 0.5
    places = {trial.details["worker"] for trial in trials}
    assert len(places) == 2
    assert all(place.startswith("tcp://127.0.0.1:") for place in places)


def test_native_code_on_a_worker_is_ended_at_the_limit_of_a_candidate(cluster, problem):
    before = cluster.processes()
    of = problem(cluster.address, ENDLESS, n_rows=20_000, noise=1e6, candidates=5, candidate_seconds=3)
    _, _, trials = searched(of)
    stopped = [trial for trial in trials if trial.error == "stopped at its time limit"]
    assert any("SVC" in trial.name for trial in stopped)
    assert any("GaussianNB" in trial.name and trial.score is not None for trial in trials)
    cluster.wait_until_idle(before)


def test_native_code_on_a_worker_is_ended_with_the_search(cluster, problem):
    before, seen = cluster.processes(), set()
    endless = ENDLESS | {"estimators": ["SVC"]}
    of = problem(cluster.address, endless, n_rows=60_000, noise=1e6, seconds=8.0, candidate_seconds=600)
    found, stopped, trials = searched(of, looked=lambda *_, **__: seen.update(cluster.processes() - before))
    assert seen, "candidates are tried in processes of the workers"
    assert (found.name, stopped) == ("baseline", "time limit")
    assert not any(trial.score for trial in trials)
    cluster.wait_until_idle(before)


def test_a_lost_worker_costs_its_task_only(cluster, problem):
    killed = []

    def kill_one(trial):
        if trial.engine == "tpot" and not killed:
            # The nanny first, as it would start the worker again.
            killed.append(time.monotonic())
            cluster.workers["two"].kill()

    _, _, trials = searched(problem(cluster.address), kill_one)
    assert killed
    assert len([trial for trial in trials if trial.score is not None]) >= 2
    assert len(trials) >= 6


def test_a_scheduler_that_does_not_answer_is_said(problem):
    with pytest.raises(Unavailable, match="does not answer"):
        searched(problem("tcp://127.0.0.1:9"))
