"""Batch predictions: the same answers as rows that are sent by themselves, and nothing left of what fails."""

import io
import json

import pandas as pd
import pyarrow as pa
import pytest

from app import create_app
from app.jobs import tasks
from app.jobs.records import JobRecords
from app.payloads.batches import arrow_blocks, blocks
from app.pipelines import batch
from app.settings import Settings
from tests import batch_models

#: Formats by ending, each with what reads a result of it.
READ = {
    "csv": pd.read_csv,
    "jsonl": lambda file: pd.read_json(file, lines=True),
    "parquet": pd.read_parquet,
    "arrow": pd.read_feather,
}


def written(frame, ending):
    """Return a frame as a file of a format, in several batches where it has such."""
    if ending == "csv":
        return frame.to_csv(index=False).encode()
    if ending == "jsonl":
        return frame.to_json(orient="records", lines=True).encode()
    file = io.BytesIO()
    if ending == "parquet":
        frame.to_parquet(file, row_group_size=25)
        return file.getvalue()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    with (pa.ipc.new_file if ending == "arrow" else pa.ipc.new_stream)(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=13)
    return file.getvalue()


@pytest.fixture
def allowed(tmp_path):
    """A folder that callers may name files in."""
    folder = tmp_path / "allowed"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(settings, tmp_path, allowed, redis_url, monkeypatch):
    """Settings of a service with places for files; a worker here has the same. Blocks are small."""
    found = {"BATCH_URL": str(tmp_path / "own"), "BATCH_ALLOWED_URLS": f"file://{allowed}", "BATCH_UPLOAD_MB": "1"}
    found |= {"REDIS_URL": redis_url, "SIGNING_SECRET": settings.signing_secret, "DATA_DIR": str(tmp_path)}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(blocks, "BLOCK", 900)
    monkeypatch.setattr(arrow_blocks, "_ROWS", 17)
    monkeypatch.setattr(batch, "_ROWS", 7)
    return Settings.from_environment()


@pytest.fixture
def client(settings, client_of_redis, publications):
    """A test client of an app with a pipeline of a table."""
    publications.publish(batch_models.version("table"))
    return create_app(settings).test_client()


@pytest.fixture
def own(tmp_path):
    """Return a function that lists the files that the service keeps for itself."""
    return lambda: sorted(path.name for path in (tmp_path / "own").glob("*"))


@pytest.fixture
def send(client):
    """Return a function that sends a file and returns the answer."""

    def post(data, name, headers=None, **params):
        parts = {"raw_data": (io.BytesIO(data), name), "params": (io.BytesIO(json.dumps(params).encode()), "p.json")}
        return client.post("/batch_predictions", data=parts, headers=headers or {})

    return post


@pytest.fixture
def ended(client):
    """Return a function that does the worker's work on an accepted request, and returns the job."""

    def work(accepted):
        assert accepted.status_code == 202, accepted.text
        tasks.predict(accepted.json["jobId"])
        return client.get(accepted.headers["Location"]).json

    return work


@pytest.fixture
def served(client):
    """Return a function that predicts the same file with POST /serve_prediction, as a frame."""

    def post(data, name, **params):
        parts = {"raw_data": (io.BytesIO(data), name), "params": (io.BytesIO(json.dumps(params).encode()), "p.json")}
        answer = client.post("/serve_prediction", data=parts)
        assert answer.status_code == 200, answer.text
        return pd.DataFrame(answer.json).reset_index(drop=True)

    return post


def result(client, job, ending):
    """Return the result of a job as a frame."""
    assert job["state"] == "finished", job["error"]
    file = client.get(job["result"]["url"])
    assert file.status_code == 200
    assert len(file.data) == job["result"]["bytes"]
    return READ[ending](io.BytesIO(file.data))


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "arrow", "stream"])
def test_a_file_is_predicted_as_its_rows_are(client, send, ended, served, own, ending):
    frame, form = batch_models.rows(200, seed=5), "arrow" if ending == "stream" else ending
    data = written(frame, ending)
    expected = served(written(frame, "csv"), "rows.csv", pipeline_id="table")
    job = ended(send(data, f"rows.{form}", pipeline_id="table"))
    assert job["progress"]["rows"] > 0
    assert {name: job["result"][name] for name in ("modelId", "version", "rows", "format")} == {
        "modelId": "table",
        "version": 1,
        "rows": 200,
        "format": form,
    }
    pd.testing.assert_frame_equal(result(client, job, form), expected)
    assert own() == [f"{job['jobId']}.result"]
