"""Pipelines of the live tests: each under an id of its own in a service that may hold others, and deleted after."""

import time
import uuid
from pathlib import Path

import pandas as pd
import pytest
import yaml

DATA = Path(__file__).parents[2] / "data"

#: Seconds that a job of these tests may take to reach what a test waits for; a worker may be busy with another.
PATIENCE = 180

#: What most trainings here explain at their end; `{}` is what the service does when nothing is said.
NOTHING = {"rows": 0}


class Pipeline:
    """One pipeline of a test: trains it, predicts with it, deletes it."""

    def __init__(self, service, pipeline_id=None):
        self.service = service
        self.id = pipeline_id or f"live-{uuid.uuid4().hex[:12]}"
        self.jobs = []

    def train(self, raw_data, labels=None, prefer=None, key=None, explain=NOTHING, **parameters):
        """POST /train_pipeline; tables are frames, which travel as CSV, or (file name, bytes)."""
        parameters |= {"pipeline_id": self.id, "explain": explain}
        files = {"raw_data": _part(raw_data), "params": yaml.safe_dump(parameters)}
        if labels is not None:
            files["labels"] = _part(labels)
        headers = {"Prefer": prefer, "Idempotency-Key": key}
        response = self.service.post("/train_pipeline", files=files, headers={k: v for k, v in headers.items() if v})
        if response.status_code == 202:
            self.jobs.append(response.headers["Location"])
        return response

    def start(self, *tables, **parameters):
        """Train without waiting; return the job's path."""
        response = self.train(*tables, prefer="respond-async", **parameters)
        assert response.status_code == 202, response.text
        return response.headers["Location"]

    def job(self, path, until):
        """Ask for a job until `until(job)` holds."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            job = self.service.get(path).json()
            if until(job):
                return job
            time.sleep(0.1)
        raise AssertionError(f"not within {PATIENCE} s: {job}")

    def ended(self, path):
        """Return a job when it has ended."""
        return self.job(path, lambda job: job["state"] not in ("queued", "running"))

    def ask(self, route, raw_data, accept="application/json", **parameters):
        """POST a table and parameters to a route."""
        files = {"raw_data": _part(raw_data), "params": yaml.safe_dump({"pipeline_id": self.id, **parameters})}
        return self.service.post(route, files=files, headers={"Accept": accept})

    def predict(self, raw_data, **parameters):
        """Return the answer of POST /serve_prediction as a frame, indexed by id."""
        response = self.ask("/serve_prediction", raw_data, **parameters)
        assert response.status_code == 200, response.text
        return pd.DataFrame(response.json()).set_index("id")

    def delete(self):
        """Leave nothing: end the jobs, then delete the model."""
        for path in self.jobs:
            self.service.delete(path)
            self.ended(path)
        assert self.service.delete(f"/models/{self.id}").status_code in (204, 404)


def _part(table):
    return table if isinstance(table, tuple) else ("table.csv", table.to_csv(index=False).encode())


@pytest.fixture
def pipeline(service):
    """A pipeline of one test."""
    made = Pipeline(service)
    yield made
    made.delete()


@pytest.fixture(scope="module")
def new_pipeline(service):
    """Make pipelines that the tests of a module share."""
    made = []

    def make(pipeline_id=None):
        made.append(Pipeline(service, pipeline_id))
        return made[-1]

    yield make
    for one in made:
        one.delete()


@pytest.fixture(scope="session")
def series():
    """The example time series as files: a training's parts, and the test series."""
    names = ("data_train.json", "label_train.json", "data_test.json")
    return [(name, (DATA / name).read_bytes()) for name in names]


@pytest.fixture(scope="session")
def test_labels():
    """Classes of the test series, by id."""
    return pd.read_json(DATA / "label_test.json").set_index("example_id")["label"]


@pytest.fixture(scope="session")
def penguins():
    """Rows to learn from, rows to predict, and what these are, by id."""
    return _table("penguins", "species")


@pytest.fixture(scope="session")
def diabetes():
    """Rows to learn from, rows to predict, and what these are, by id."""
    return _table("diabetes", "progression")


def _table(name, target):
    known, new = pd.read_csv(DATA / f"{name}.csv"), pd.read_csv(DATA / f"{name}_new.csv")
    return known, new, pd.read_csv(DATA / f"{name}_new_labels.csv").set_index("id")[target]
