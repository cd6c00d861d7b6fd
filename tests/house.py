"""A queue and the one worker that works it: what tests of workers are done with."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from app.jobs.job import Job, JobState
from app.jobs.queue import JobQueue
from app.jobs.records import JobRecords
from app.payloads.parameters import TrainParameters
from app.payloads.training import Tables
from app.pipelines import registry
from app.settings import Settings
from app.store.connection import connect
from app.store.publications import Publications
from app.store.redis import ModelStore
from conftest import ROOT, SECRET
from tests.faults.parts import until

#: Seconds that anything here may take.
PATIENCE = 180


def table(n_rows: int = 40) -> pd.DataFrame:
    """Return rows of numbers, a class and a quantity."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(n_rows, 4)), columns=list("abcd"))
    return X.assign(kind=np.resize(["no", "yes"], n_rows), size=X["a"] * 2 + X["b"])


def training(
    model: str = "sklearn.tree.DecisionTreeClassifier",
    n_rows: int = 40,
    limits: dict[str, Any] | None = None,
    pipeline_id: str = "p",
    **model_args: Any,
) -> Tables:
    """Return the input of a training."""
    classified = model.endswith(("Classifier", "Analysis"))
    frame = table(n_rows).drop(columns="size" if classified else "kind")
    parameters = TrainParameters(
        pipeline_id=pipeline_id,
        target="kind" if classified else "size",
        model_training={"model": model, "model_args": model_args},
        limits=limits or {},
    )
    return Tables(parameters, registry.check(parameters), frame, None)


def search(seconds: int, candidates: int = 12) -> Tables:
    """Return the input of a search that publishes its best so far again and again."""
    limits = {"seconds": seconds, "candidates": candidates}
    parameters = TrainParameters(pipeline_id="p", target="kind", model_training={}, limits=limits)
    return replace(training(n_rows=200), parameters=parameters)


class House:
    """A queue and the one worker that works it.

    Parameters
    ----------
    command
        What the worker is started with.
    environment
        Of the worker, beside what it needs.
    """

    def __init__(
        self, redis_url: str, folder: Path, command: tuple[str, ...] = ("-m", "app.jobs.worker"), **environment: str
    ) -> None:
        self.client = connect(redis_url)
        self.client.flushall()
        self.files = folder / "files"
        self.files.mkdir(parents=True)
        places = {"BATCH_URL": str(folder / "own"), "BATCH_ALLOWED_URLS": f"file://{self.files}/"}
        own = {"REDIS_URL": redis_url, "SIGNING_SECRET": SECRET, "DATA_DIR": str(folder), **places}
        self.settings = Settings.from_environment(own)
        self._command, self._environment = command, {**own, **environment}
        self.store = ModelStore(self.client, SECRET)
        self.records, self.publications = JobRecords(self.client, SECRET, 1), Publications(self.client, SECRET)
        self.queue = JobQueue(self.client, self.records, self.store, self.publications, self.settings)
        self.worker: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start a worker unless one runs."""
        if self.worker is None or self.worker.poll() is not None:
            self.worker = subprocess.Popen(
                [sys.executable, *self._command], cwd=ROOT, env={**os.environ, **self._environment}
            )

    @property
    def running_worker(self) -> subprocess.Popen[bytes]:
        """The worker, once it was started."""
        assert self.worker is not None
        return self.worker

    def stop(self) -> None:
        """End the worker."""
        if self.worker is not None and self.worker.poll() is None:
            self.worker.terminate()
            self.worker.wait(PATIENCE)

    def horse(self) -> psutil.Process | None:
        """Return the process of the running job, or None."""
        children = psutil.Process(self.running_worker.pid).children()
        return children[0] if children else None

    def running(self, job: Job, attempt: int = 1) -> psutil.Process:
        """Wait until a job trains, and return its process."""

        def trains() -> psutil.Process | None:
            now = self.queue.get(job.job_id)
            assert not now.state.final, now
            at_it = now.state is JobState.RUNNING and now.attempts == attempt and now.progress
            return self.horse() if at_it else None

        return until(trains, f"attempt {attempt} at {job.job_id}", PATIENCE)

    def running_horse(self, job: Job) -> psutil.Process:
        """Wait until a job has begun, whether or not it tells of it, and return its process."""

        def begun() -> psutil.Process | None:
            return self.horse() if self.records.get(job.job_id).attempts else None

        return until(begun, f"the start of {job.job_id}", PATIENCE)

    def tried(self, job: Job) -> list[str]:
        """Return the names of the candidates of a job, as they were told of when each had been tried."""
        return [event["candidate"]["name"] for event in self.records.history(job.job_id) if "candidate" in event]

    def ended(self, job: Job, seconds: float = PATIENCE) -> Job:
        """Wait until a job has ended, and return it."""

        def final() -> Job | None:
            now = self.queue.get(job.job_id)
            return now if now.state.final else None

        return until(final, f"the end of {job.job_id}", seconds)
