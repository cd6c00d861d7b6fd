"""Batch predictions: the same answers as rows that are sent by themselves, and nothing left of what fails."""

import io
import json
import os
import re

import pandas as pd
import pyarrow as pa
import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from app import create_app
from app.addresses import Address
from app.auth import digest
from app.jobs import batches, tasks
from app.jobs.records import JobRecords
from app.payloads.batches import arrow_blocks, blocks
from app.pipelines import batch
from app.settings import Settings, SettingsError
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


#: What names no file in the allowed folder, though much of it seems to.
EVIL = [
    "/etc/passwd",
    "file:///etc/passwd",
    "file://localhost{folder}/rows.csv",
    "file://{folder}",
    "file://{folder}/",
    "file://{folder}/../rows.csv",
    "file://{folder}/./rows.csv",
    "file://{folder}//rows.csv",
    "file://{folder}-beside/rows.csv",
    "file://{folder}/%2e%2e/rows.csv",
    "file://{folder}/rows.csv?x=1",
    "file://{folder}/rows.csv#x",
    "file://{folder}/*.csv",
    "file://{folder}/rows.csv\n",
    "file://{folder}/ro\\ws.csv",
    "FILE://{folder}/rows.csv",
    "local://{folder}/rows.csv",
    "simplecache::file://{folder}/rows.csv",
    "zip://rows.csv::file://{folder}/rows.zip",
    "filecache://{folder}/rows.csv",
    "memory://rows.csv",
    "http://127.0.0.1/rows.csv",
    "https://example.org/rows.csv",
    "s3://bucket/rows.csv",
    "s3://key:secret@bucket/rows.csv",
    "data:text/csv;base64,YQ==",
    "~/rows.csv",
    "",
]


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
def ended(client, settings):
    """Return a function that does the worker's work on an accepted request, and returns the job."""

    def work(accepted):
        assert accepted.status_code == 202, accepted.text
        tasks.predict(accepted.json["jobId"], settings)
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
    pd.testing.assert_frame_equal(result(client, job, form), expected, check_dtype=False)
    assert own() == [f"{job['jobId']}.result"]


def test_series_whose_rows_stand_in_two_blocks_are_predicted_whole(client, send, ended, served, publications):
    publications.publish(batch_models.version("series"))
    frame = batch_models.series(9, 20)
    data = written(frame, "parquet")
    job = ended(send(data, "rows.parquet", pipeline_id="series", output="all", format="jsonl"))
    expected = served(data, "rows.parquet", pipeline_id="series", output="all")
    pd.testing.assert_frame_equal(result(client, job, "jsonl"), expected, check_dtype=False)


def test_a_forecast_is_made_of_each_series(client, send, ended, served, publications):
    publications.publish(batch_models.version("forecast"))
    data = written(batch_models.series(5, 20), "csv")
    job = ended(send(data, "rows.csv", pipeline_id="forecast", format="parquet"))
    expected = served(data, "rows.csv", pipeline_id="forecast")
    pd.testing.assert_frame_equal(result(client, job, "parquet"), expected, check_dtype=False)


def test_a_series_that_goes_on_after_another_is_refused(send, ended, publications, own):
    publications.publish(batch_models.version("series"))
    frame = batch_models.series(9, 20)
    apart = pd.concat([frame.iloc[5:], frame.iloc[:5]], ignore_index=True)
    job = ended(send(written(apart, "parquet"), "rows.parquet", pipeline_id="series"))
    assert (job["state"], job["error"]["status"]) == ("failed", 422)
    assert "must stand together" in job["error"]["detail"]
    assert [fault["pointer"] for fault in job["error"]["errors"]] == ["/raw_data/id"]
    assert own() == []


def test_rows_without_an_id_are_numbered_over_the_whole_file(client, send, ended):
    frame = batch_models.rows(90).drop(columns="id")
    job = ended(send(written(frame, "jsonl"), "rows.jsonl", pipeline_id="table", format="csv"))
    assert result(client, job, "csv")["id"].tolist() == list(range(90))


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_ids_that_turn_to_text_late_are_text_from_the_first(client, send, ended, served, ending):
    frame = batch_models.rows(90).astype({"id": "str"})
    frame["id"] = frame["id"].where(frame.index != 80, "a80")
    data = written(frame, "csv")
    if ending == "jsonl":
        records = [json.loads(line) for line in written(frame, "jsonl").splitlines()]
        records = [one | {"id": int(one["id"]) if one["id"].isdecimal() else one["id"]} for one in records]
        data = "\n".join(map(json.dumps, records)).encode()
    job = ended(send(data, f"rows.{ending}", pipeline_id="table", format="parquet"))
    found = result(client, job, "parquet")
    assert found["id"].tolist() == frame["id"].tolist()
    expected = served(written(frame, "csv"), "rows.csv", pipeline_id="table")
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "arrow"])
def test_a_value_of_another_kind_in_a_late_block_ends_the_job_with_its_column_and_rows(send, ended, own, ending):
    frame = batch_models.rows(90)
    if ending in ("csv", "jsonl"):
        frame["plain"] = frame["plain"].astype("object").where(frame.index != 80, "heavy")
    else:
        frame["day"] = frame["day"].where(frame.index != 80, "never")
    job = ended(send(written(frame, ending), f"rows.{ending}", pipeline_id="table"))
    assert (job["state"], job["result"]) == ("failed", None)
    assert job["error"]["type"] == "urn:problem:invalid-data"
    (fault,) = job["error"]["errors"]
    assert fault["pointer"] == ("/raw_data/plain" if ending in ("csv", "jsonl") else "/raw_data/day")
    first, last = map(int, re.search(r"rows (\d+) to (\d+)", job["error"]["detail"]).groups())
    assert first <= 81 <= last <= 90
    assert last - first < 30
    assert own() == []


def test_a_row_of_another_length_is_named_by_its_line(send, ended):
    lines = batch_models.rows(90).drop(columns="kind").assign(kind="red").to_csv(index=False).splitlines()
    lines[70] += ",more"
    job = ended(send("\n".join(lines).encode(), "rows.csv", pipeline_id="table"))
    assert job["error"]["errors"][0]["detail"] == "line 71 has not 8 values"


@pytest.mark.parametrize(
    ("data", "name", "type_"),
    [
        (b"", "rows.csv", "unreadable"),
        (b"id,plain\n", "rows.csv", "invalid-data"),
        (b'{"id": 1}\nnonsense\n', "rows.jsonl", "unreadable"),
        (b'{"id": 1}, {"id": 2}\n', "rows.jsonl", "unreadable"),
        (b"", "rows.jsonl", "invalid-data"),
        (b"PAR1", "rows.parquet", "unreadable"),
        (b"ARROW1\0\0", "rows.arrow", "unreadable"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f", "rows.arrow", "upload-too-large"),
        (b"\xff\xff\xff\xff\x10\0\0\0" + bytes(16), "rows.arrow", "unreadable"),
        (b"\x1f\x8b" + bytes(50), "rows.csv", "unreadable"),
    ],
)
def test_what_cannot_be_read_ends_the_job_with_words(send, ended, own, data, name, type_):
    job = ended(send(data, name, pipeline_id="table"))
    assert job["state"] == "failed"
    assert job["error"]["type"] == f"urn:problem:{type_}", job["error"]
    assert own() == []


def test_a_result_is_given_in_parts_and_only_to_whom_it_is_there_for(client, send, ended):
    accepts = {"Accept": "application/x-ndjson, */*"}
    job = ended(send(written(batch_models.rows(), "csv"), "rows.csv", accepts, pipeline_id="table"))
    whole = client.get(job["result"]["url"])
    assert whole.mimetype == "application/x-ndjson"
    assert "attachment" in whole.headers["Content-Disposition"]
    some = client.get(job["result"]["url"], headers={"Range": "bytes=10-19"})
    assert (some.status_code, some.data) == (206, whole.data[10:20])
    assert client.get("/jobs/none/result").status_code == 404


def test_a_job_that_has_not_ended_has_no_result_yet_and_leaves_nothing_when_it_is_cancelled(client, send, own):
    accepted = send(written(batch_models.rows(), "csv"), "rows.csv", pipeline_id="table")
    job_id = accepted.json["jobId"]
    assert own() == [f"{job_id}.upload"]
    early = client.get(f"/jobs/{job_id}/result")
    assert (early.status_code, early.json["type"]) == (409, "urn:problem:no-result")
    assert client.delete(f"/jobs/{job_id}").json["state"] == "cancelled"
    assert own() == []


def test_a_file_at_a_url_is_predicted_into_another(client, ended, allowed, served, own):
    data = written(batch_models.rows(), "parquet")
    (allowed / "rows.parquet").write_bytes(data)
    url = f"file://{allowed}/scored.jsonl"
    body = {"pipeline_id": "table", "source": f"file://{allowed}/rows.parquet", "destination": url}
    job = ended(client.post("/batch_predictions", json=body))
    assert (job["state"], job["result"]["url"], job["result"]["format"]) == ("finished", url, "jsonl"), job
    found = pd.read_json(allowed / "scored.jsonl", lines=True)
    pd.testing.assert_frame_equal(found, served(data, "rows.parquet", pipeline_id="table"), check_dtype=False)
    assert sorted(path.name for path in allowed.iterdir()) == ["rows.parquet", "scored.jsonl"]
    assert client.get(f"/jobs/{job['jobId']}/result").status_code == 409
    again = ended(client.post("/batch_predictions", json=body))
    assert (again["state"], again["error"]["errors"][0]["pointer"]) == ("failed", "/params/destination")
    assert own() == []


def test_a_job_that_fails_leaves_no_part_of_a_file_at_its_destination(client, ended, allowed):
    (allowed / "rows.csv").write_bytes(written(batch_models.rows(), "csv") + b"1,2\n")
    body = {
        "pipeline_id": "table",
        "source": f"file://{allowed}/rows.csv",
        "destination": f"file://{allowed}/scored.csv",
    }
    assert ended(client.post("/batch_predictions", json=body))["state"] == "failed"
    assert [path.name for path in allowed.iterdir()] == ["rows.csv"]


def test_a_url_that_the_operator_has_not_allowed_is_refused(client, allowed, client_of_redis):
    (allowed / "rows.csv").write_bytes(b"a\n")
    before = client_of_redis.dbsize()
    for role in ("source", "destination"):
        for url in EVIL:
            named = {"source": f"file://{allowed}/rows.csv", "destination": f"file://{allowed}/new.csv"}
            named[role] = url.replace("{folder}", str(allowed))
            answer = client.post("/batch_predictions", json={"pipeline_id": "table", **named})
            assert answer.status_code == 422, url
            assert [fault["pointer"] for fault in answer.json["errors"]] == [f"/body/{role}"]
            assert str(allowed) not in answer.text
    assert client_of_redis.dbsize() == before


def test_a_link_that_leads_out_of_the_folder_is_not_followed(client, ended, allowed, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "rows.csv").write_bytes(written(batch_models.rows(), "csv"))
    (allowed / "rows.csv").write_bytes(written(batch_models.rows(), "csv"))
    (allowed / "link.csv").symlink_to(outside / "rows.csv")
    (allowed / "new.csv").symlink_to(outside / "new.csv")
    (allowed / "folder").symlink_to(outside)
    for source, destination in (("link", "a"), ("folder/rows", "a"), ("rows", "new"), ("rows", "folder/new")):
        body = {"source": f"file://{allowed}/{source}.csv", "destination": f"file://{allowed}/{destination}.csv"}
        job = ended(client.post("/batch_predictions", json={"pipeline_id": "table", **body}))
        assert (job["state"], job["error"]["status"]) == ("failed", 422), (source, destination)
        assert "leads out" in job["error"]["errors"][0]["detail"]
    assert [path.name for path in outside.iterdir()] == ["rows.csv"]
    assert not (allowed / "a.csv").exists()


def test_what_opens_an_allowed_url_may_have_to_be_installed(settings, client):
    bucket = settings.model_copy(update={"batch_allowed_urls": (Address.parse("gs://bucket/"),)})
    body = {"pipeline_id": "table", "source": "gs://bucket/rows.csv"}
    answer = create_app(bucket).test_client().post("/batch_predictions", json=body)
    assert (answer.status_code, answer.json["type"]) == (501, "urn:problem:driver-missing")
    assert "pip install gcsfs" in answer.json["detail"]


def test_without_a_place_for_files_only_urls_are_predicted(settings, client, allowed):
    client = create_app(settings.model_copy(update={"batch_url": None})).test_client()
    sent = {"raw_data": (io.BytesIO(b"a\n1\n"), "rows.csv"), "params": (io.BytesIO(b"pipeline_id: table"), "p.yml")}
    answer = client.post("/batch_predictions", data=sent)
    assert (answer.status_code, answer.json["type"]) == (501, "urn:problem:no-batch-folder")
    body = {"pipeline_id": "table", "source": f"file://{allowed}/a.csv"}
    assert client.post("/batch_predictions", json=body).status_code == 501
    body["destination"] = f"file://{allowed}/b.csv"
    assert client.post("/batch_predictions", json=body).status_code == 202


def test_the_same_idempotency_key_gives_the_same_job_and_keeps_one_file(send, own):
    data = written(batch_models.rows(), "csv")
    headers = {"Idempotency-Key": "a key"}
    first = send(data, "rows.csv", headers, pipeline_id="table").json["jobId"]
    assert send(data, "rows.csv", headers, pipeline_id="table").json["jobId"] == first
    assert send(data + b"\n", "rows.csv", headers, pipeline_id="table").status_code == 422
    assert own() == [f"{first}.upload"]


def test_a_file_may_be_larger_than_other_requests_and_not_larger_than_allowed(settings, client, own):
    small = settings.model_copy(update={"max_upload_mb": 1, "batch_upload_mb": 2})
    for size, status in ((3 * 2**19, 202), (3 * 2**20, 413)):
        boundary, body = encode_multipart(
            {"raw_data": FileStorage(io.BytesIO(b"a" * size), "rows.csv"), "params": "pipeline_id: table"}
        )
        form = f"multipart/form-data; boundary={boundary}"
        answer = create_app(small).test_client().post("/batch_predictions", data=body, content_type=form)
        assert answer.status_code == status, answer.text
    assert "more than 2 MiB" in answer.json["detail"]
    assert len(own()) == 1


def test_who_may_predict_may_cancel_a_batch_prediction_and_no_training(settings, client, send, training):
    keys = {digest("predicts"): "predict", digest("reads"): "read"}
    guarded = create_app(settings.model_copy(update={"api_keys": keys})).test_client()

    def cancel(job_id, key):
        return guarded.delete(f"/jobs/{job_id}", headers={"Authorization": f"Bearer {key}"}).status_code

    job_id = send(written(batch_models.rows(), "csv"), "rows.csv", pipeline_id="table").json["jobId"]
    assert [cancel(job_id, key) for key in ("reads", "predicts")] == [403, 202]
    accepted = client.post("/train_pipeline", **training())
    assert cancel(accepted.json["jobId"], "predicts") == 403


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"pipeline_id": "table", "source": "file:///a/b.csv"}, "/params/source"),
        ({"pipeline_id": "table", "format": "xlsx"}, "/params/format"),
        ({"pipeline_id": "table", "seconds": 10**9}, "/params/seconds"),
        ({"pipeline_id": "table", "method": "lime"}, "/params/method"),
        ({}, "/params/pipeline_id"),
    ],
)
def test_parameters_that_do_not_fit_are_pointed_at_and_no_file_is_kept(send, own, params, pointer):
    answer = send(b"a\n1\n", "rows.csv", **params)
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in answer.json["errors"]] == [pointer]
    assert own() == []


def test_files_of_no_known_form_and_of_no_model_are_refused_at_once(send, client, own):
    for name in ("rows.json", "rows.xlsx", "rows.zip", "rows"):
        assert send(b"PK\x03\x04", name, pipeline_id="table").status_code == 415
    assert send(b"a\n", "rows.csv", pipeline_id="none").status_code == 404
    assert send(b"a\n", "rows.csv", pipeline_id="table", version=9).status_code == 404
    assert client.post("/batch_predictions", data=b"a", content_type="text/csv").status_code == 415
    assert client.post("/batch_predictions", json=[1]).status_code == 400
    assert own() == []


def test_files_of_jobs_that_are_forgotten_are_swept_away(client, send, ended, own, settings, client_of_redis, tmp_path):
    kept = ended(send(written(batch_models.rows(), "csv"), "rows.csv", pipeline_id="table"))["jobId"]
    waiting = send(b"a\n1\n", "rows.csv", pipeline_id="table").json["jobId"]
    # One whose job cannot be read stays, and keeps no other.
    client_of_redis.hset(f"automl:job:{'0' * 32}", "state", "finished")
    for name in ("0" * 32 + ".result", "3" * 32 + ".result", "sending-x"):
        (tmp_path / "own" / name).write_bytes(b"left")
    (tmp_path / "own" / ("1" * 32 + ".result")).write_bytes(b"new")
    for path in (tmp_path / "own").iterdir():
        if not path.name.startswith("1"):
            os.utime(path, (0, 0))
    batches.sweep(JobRecords(client_of_redis, settings.signing_secret, 1), settings)
    assert own() == sorted([f"{kept}.result", f"{waiting}.upload", "0" * 32 + ".result", "1" * 32 + ".result"])


def test_an_operator_cannot_allow_what_is_not_safe_to_open():
    for name, value in (
        ("BATCH_ALLOWED_URLS", "https://example.org/"),
        ("BATCH_ALLOWED_URLS", "file:///srv/../etc/"),
        ("BATCH_URL", "memory://x/"),
    ):
        with pytest.raises(SettingsError, match=name):
            Settings.from_environment({name: value})
    with pytest.raises(SettingsError, match="must not lie in"):
        Settings.from_environment({"BATCH_URL": "/srv/own", "BATCH_ALLOWED_URLS": "file:///srv/"})
