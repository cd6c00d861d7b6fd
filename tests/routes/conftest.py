"""A small training that is accepted, to be spoilt in one place, and the check that a refusal changed nothing."""

from __future__ import annotations

import hashlib
import io
import json
from urllib.parse import unquote

import pytest

from app.jobs import tasks
from app.store.artifact import Artifact
from app.store.record import Record, Version
from tests import published

IDS = list(range(20))
TABLE = {"id": IDS, "height": [0.5 * row for row in IDS], "colour": ["red", "blue"] * 10}
LABELS = {"id": IDS, "label": ["no", "yes"] * 10}
PARAMS = {"pipeline_id": "small", "id_column": "id", "model_training": {"model": "sklearn.tree.DecisionTreeClassifier"}}
SERIES = {"id": [row // 8 for row in range(160)], "time": list(range(160)), "value": [row % 7 for row in range(160)]}

#: For requests that have to be refused: were one accepted, its answer would be 202 at once.
AT_ONCE = {"Prefer": "respond-async"}


def part(content, name):
    """Return one file of a multipart form: bytes as they are, anything else as JSON, which is YAML too."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return io.BytesIO(data), name


@pytest.fixture
def training():
    """Return a function that makes the options of a good POST /train_pipeline; its arguments spoil them.

    `params` are merged over the good ones when they are a dict; a part that is None is left out.
    """

    def options(params=None, raw_data=TABLE, labels=LABELS, file="raw_data.json", labels_file="labels.json", **more):
        parameters = params if isinstance(params, bytes) else PARAMS | (params or {})
        parts = {"params": part(parameters, "params.yml"), **more}
        if raw_data is not None:
            parts["raw_data"] = part(raw_data, file)
        if labels is not None:
            parts["labels"] = part(labels, labels_file)
        return {"data": parts, "headers": dict(AT_ONCE)}

    return options


@pytest.fixture
def series_training(training):
    """As `training`, of a time series; its arguments are those of extract_features."""

    def options(**changes):
        series = {"column_id": "id", "column_sort": "time", "default_fc_parameters": "MinimalFCParameters()"} | changes
        labels = {"id": IDS, "label": ["no", "yes"] * 10}
        return training({"id_column": None, "extract_features": series}, SERIES, labels)

    return options


@pytest.fixture
def kept(store, publications):
    """A model in the store that a refused request must not touch: version 2 of `kept` is current."""
    for job_id in ("first", "second"):
        record = Record(
            pipeline_id="kept",
            version=0,
            created_at="2026-01-01T00:00:00+00:00",
            job_id=job_id,
            engine="sklearn",
            task="classification",
            seed=0,
            result={"modelId": "kept"},
            parameters={},
            signature={},
            metrics={},
            holdout={},
            libraries={},
            times={},
        )
        publications.publish(Version(record, Artifact({"format": "none"}, {"estimator": b"not a model"}), {}))
    return store


@pytest.fixture(scope="session")
def fitted():
    """{pipeline_id: a version of it} of small pipelines of every kind of data."""
    return published.made()


@pytest.fixture
def served(fitted, publications):
    """All of these, in the store."""
    for version in fitted.values():
        publications.publish(version)
    return fitted


@pytest.fixture
def refused(client, kept, client_of_redis):
    """Return a function that sends a request and checks that it is refused as a problem and leaves no trace.

    It takes the status (or a tuple, where each would do), the pointers of all faults when they are told, and what the
    test client takes; it returns the problem.
    """

    def stored():
        return {key: hashlib.sha256(client_of_redis.dump(key)).hexdigest() for key in client_of_redis.scan_iter()}

    def send(status, *pointers, method="POST", path="/train_pipeline", by=client, **options):
        before = stored()
        response = by.open(path, method=method, **options)
        assert response.status_code in (status if isinstance(status, tuple) else (status,)), response.text
        assert response.mimetype == "application/problem+json"
        problem = response.json
        assert problem["status"] == response.status_code
        assert problem["detail"]
        assert problem["instance"] == unquote(path.partition("?")[0])
        if pointers:
            assert {fault["pointer"] for fault in problem["errors"]} == set(pointers), problem
        assert stored() == before
        return problem

    return send


@pytest.fixture
def ended(client, redis_url, settings, monkeypatch):
    """Return a function that submits a training, does the worker's work here, and returns the job at its end."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("SIGNING_SECRET", settings.signing_secret)

    def work(options):
        accepted = client.post("/train_pipeline", **options)
        assert accepted.status_code == 202, accepted.text
        tasks.train(accepted.json["jobId"], settings)
        return client.get(accepted.headers["Location"]).json

    return work
