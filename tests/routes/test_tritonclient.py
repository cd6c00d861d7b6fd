"""A client of the Open Inference Protocol that is not ours, against gunicorn: numbers, strings, bytes, errors."""

import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT, SECRET, Service, free_port, wait_until_ready
from tests import published

#: Runs in a process of its own, as the client brings gevent. Prints what each request gave, as JSON.
CLIENT = """
import json, sys
import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

client = triton.InferenceServerClient(sys.argv[1], network_timeout=60)
birds = json.loads(sys.argv[2])
told = {}


def tensor(name, values, datatype, binary=True):
    kinds = {"BYTES": "object", "FP32": "float32", "FP64": "float64", "INT64": "int64", "BOOL": "bool"}
    array = np.array(values, dtype=kinds[datatype])
    found = triton.InferInput(name, array.shape, datatype)
    found.set_data_from_numpy(array, binary_data=binary)
    return found


def infer(name, inputs, *outputs, **more):
    wanted = [triton.InferRequestedOutput(one, binary_data=binary) for one, binary in outputs]
    return client.infer(name, inputs, outputs=wanted or None, **more)


def text(array):
    return [one.decode() if isinstance(one, bytes) else one for one in array.tolist()]


def error(act):
    try:
        act()
    except InferenceServerException as found:
        return [found.status(), found.message()]


told["live"] = [client.is_server_live(), client.is_server_ready()]
told["ready"] = [client.is_model_ready("7"), client.is_model_ready("7", "1"), client.is_model_ready("none")]
told["server"] = client.get_server_metadata()["name"]
told["inputs"] = [one["name"] for one in client.get_model_metadata("birds", "1")["inputs"]]

rows = [[1, 0.25], [19, -1.5]]
for binary in (True, False):
    found = infer("7", [tensor("x", rows, "FP32", binary)], request_id="r")
    told[f"numbers {binary}"] = [found.as_numpy("predict").tolist(), str(found.as_numpy("predict").dtype)]
    found = infer("doubles", [tensor("x", rows, "FP64", binary)], ("predict", binary), model_version="1")
    told[f"doubles {binary}"] = np.round(found.as_numpy("predict"), 6).tolist()
    datatypes = {"weight": "FP64", "eggs": "INT64", "ringed": "BOOL"}
    columns = [tensor(name, values, datatypes.get(name, "BYTES"), binary) for name, values in birds.items()]
    found = infer("birds", columns, ("id", not binary), ("predict", binary), ("predict_proba", binary))
    told[f"birds {binary}"] = [text(found.as_numpy("id")), text(found.as_numpy("predict"))]
    told[f"scores {binary}"] = found.as_numpy("predict_proba").tolist()
squeezed = infer("7", [tensor("x", rows, "FP64")], request_compression_algorithm="gzip")
told["gzip"] = squeezed.as_numpy("predict").tolist()
told["unknown model"] = error(lambda: infer("none", [tensor("x", rows, "FP64")]))
told["unknown output"] = error(lambda: infer("7", [tensor("x", rows, "FP64")], ("logits", True)))
told["shape"] = error(lambda: infer("7", [tensor("x", [[1.0, 2.0, 3.0]], "FP64")]))
told["column"] = error(lambda: infer("birds", columns[:1] + columns[2:]))
print(json.dumps(told))
"""


@pytest.fixture
def gunicorn(redis_url, served):
    """The address of a web process as it is deployed, on the store of the test."""
    port = free_port()
    settings = {"REDIS_URL": redis_url, "SIGNING_SECRET": SECRET, "PORT": str(port), "WEB_CONCURRENCY": "1"}
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "app:create_app()"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings})
    try:
        wait_until_ready(Service(f"http://127.0.0.1:{port}"), process)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def test_tritonclient_reads_and_writes_all_that_it_can(gunicorn, client):
    rows = published.birds().drop(columns="size")[1:3]
    columns = {name: values.tolist() for name, values in rows.items()}
    run = [sys.executable, "-c", CLIENT, gunicorn, json.dumps(columns)]
    process = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert process.returncode == 0, process.stderr
    told = json.loads(process.stdout)
    assert (told["live"], told["ready"], told["server"]) == ([True, True], [True, True, False], "automl")
    assert told["inputs"] == ["weight", "eggs", "ringed", "colour", "seen"]
    expected = client.post("/serve_prediction", json={"pipeline_id": "birds", "data": columns}).json
    plain = {name: list(values.values()) for name, values in expected.items()}
    scores = [plain[f"score_{name}"] for name in ("low", "mid", "top")]
    for binary in (True, False):
        assert told[f"numbers {binary}"] == [[0, 1], "int64"]
        assert told[f"doubles {binary}"] == [2, 38]
        assert told[f"birds {binary}"] == [plain["id"], plain["prediction"]]
        assert told[f"scores {binary}"] == [list(row) for row in zip(*scores, strict=True)]
    assert told["gzip"] == [0, 1]
    assert told["unknown model"] == ["404", "There is no model none. GET /models lists them."]
    assert told["unknown output"][0] == told["shape"][0] == "400"
    assert told["column"][0] == "422"
    assert "/inputs/weight: this column is missing" in told["column"][1]
