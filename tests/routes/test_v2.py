"""The Open Inference Protocol over HTTP: metadata, readiness, predictions, explanations, and its form of errors."""

import base64
import gzip
import json
import struct
import zlib

import numpy as np
import pytest

from app import auth, create_app
from tests import published

HEADER = "Inference-Header-Content-Length"
NUMBERS = {"name": "input-0", "datatype": "FP64", "shape": [2, 2], "data": [[1, 0.25], [19, -1.5]]}


@pytest.fixture
def infer(client, served):
    """Return a function that posts inputs and returns the answer."""

    def post(pipeline_id, *inputs, verb="infer", **more):
        return client.post(f"/v2/models/{pipeline_id}/{verb}", json={"inputs": inputs, **more})

    return post


@pytest.fixture
def rows():
    """Three birds as columns, typed as JSON types them."""
    frame = published.birds().drop(columns="size")[6:9]
    return json.loads(frame.to_json(orient="split", index=False))


def named(rows):
    """Return these columns as inputs."""
    datatypes = {"weight": "FP32", "eggs": "INT64", "ringed": "BOOL"}
    return [
        {"name": name, "datatype": datatypes.get(name, "BYTES"), "shape": [len(values), 1], "data": list(values)}
        for name, values in zip(rows["columns"], zip(*rows["data"], strict=True), strict=True)
    ]


def binary(*inputs, **more):
    """Return the options of a request whose inputs are raw bytes: (description, bytes)."""
    described = [{**one, "parameters": {"binary_data_size": len(raw)}} for one, raw in inputs]
    text = json.dumps({"inputs": described, **more}).encode()
    return {"data": text + b"".join(raw for _, raw in inputs), "headers": {HEADER: str(len(text))}}


def outputs(answer):
    assert answer.status_code == 200, answer.text
    return {one["name"]: one for one in answer.json["outputs"]}


def error(answer, status):
    assert (answer.status_code, answer.mimetype) == (status, "application/json"), answer.text
    assert answer.json.keys() == {"error"}
    return answer.json["error"]


def test_the_server_says_what_it_is_and_that_it_is_there(client):
    assert client.get("/v2").json["extensions"] == ["binary_tensor_data", "explain"]
    assert client.get("/v2/health/live").json == {"live": True}
    assert client.get("/v2/health/ready").json == {"ready": True}


def test_the_metadata_has_the_columns_of_training_in_their_order(client, served):
    found = client.get("/v2/models/birds").json
    assert (found["name"], found["versions"], found["platform"]) == ("birds", ["1"], "automl_sklearn")
    assert [(one["name"], one["datatype"]) for one in found["inputs"]] == [
        ("weight", "FP64"), ("eggs", "FP64"), ("ringed", "BOOL"), ("colour", "BYTES"), ("seen", "BYTES"),
    ]  # fmt: skip
    predict, scores, _ = found["outputs"]
    assert (predict["name"], predict["datatype"], predict["shape"]) == ("predict", "BYTES", [-1])
    assert (scores["shape"], scores["parameters"]) == ([-1, 3], {"classes": ["low", "mid", "top"]})
    assert client.get("/v2/models/birds/versions/1").json == found
    of_series = client.get("/v2/models/waves").json
    assert [one["datatype"] for one in of_series["inputs"]] == ["INT64", "FP64", "FP64"]
    assert client.get("/v2/models/doubles").json["outputs"][0]["datatype"] == "FP64"


def test_a_model_that_can_be_loaded_is_ready(client, served):
    for path in ("/v2/models/birds/ready", "/v2/models/birds/versions/1/ready"):
        assert client.get(path).json == {"name": "birds", "ready": True}


def test_named_columns_predict_as_the_service_itself_does(client, infer, rows):
    found = outputs(infer("birds", *named(rows), id="42"))
    columns = client.post("/serve_prediction", json={"pipeline_id": "birds", "data": rows}).json
    plain = {name: list(values.values()) for name, values in columns.items()}
    assert found["predict"] == {"name": "predict", "datatype": "BYTES", "shape": [3], "data": plain["prediction"]}
    assert found["predict_proba"]["shape"] == [3, 3]
    scores = np.array([plain[f"score_{name}"] for name in ("low", "mid", "top")]).T
    assert np.array_equal(np.reshape(found["predict_proba"]["data"], (3, 3)), scores)
    assert found["id"]["data"] == ["b06", "b07", "b08"]


def test_the_answer_names_the_request_the_model_and_the_version(client, served):
    for path in ("7/infer", "7/versions/1/infer"):
        found = client.post(f"/v2/models/{path}", json={"id": "a", "inputs": [NUMBERS], "outputs": None}).json
        assert [found[name] for name in ("id", "model_name", "model_version")] == ["a", "7", "1"]
        assert "id" not in client.post(f"/v2/models/{path}", json={"inputs": [NUMBERS]}).json


def test_one_tensor_of_all_columns_is_read_in_their_order(infer):
    for data in (NUMBERS["data"], [1, 0.25, 19, -1.5]):
        for datatype in ("FP64", "FP32", "FP16"):
            found = outputs(infer(7, {**NUMBERS, "datatype": datatype, "data": data}))
            assert (found["predict"]["datatype"], found["predict"]["data"]) == ("INT64", [0, 1])
            assert found["id"] == {"name": "id", "datatype": "INT64", "shape": [2], "data": [0, 1]}
        assert outputs(infer("doubles", {**NUMBERS, "data": data}))["predict"]["data"] == pytest.approx([2, 38])


def test_only_the_outputs_that_are_asked_for_are_answered(infer):
    assert list(outputs(infer(7, NUMBERS, outputs=[{"name": "predict"}]))) == ["predict"]
    assert list(outputs(infer(7, NUMBERS, outputs=[{"name": "id"}, {"name": "predict_proba"}]))) == [
        "id",
        "predict_proba",
    ]


def test_an_output_that_is_not_there_is_named_with_those_that_are(infer):
    for pipeline_id in (7, "doubles"):
        told = error(infer(pipeline_id, NUMBERS, outputs=[{"name": "logits"}]), 400)
        assert "no output logits; known are predict" in told
        assert ("predict_proba" in told) == (pipeline_id == 7)


def test_the_rows_of_series_are_those_of_the_long_table(infer):
    frame, labels = published.waves()
    inputs = [
        {"name": name, "datatype": "FP64" if name == "value" else "INT64", "shape": [96], "data": frame[name].tolist()}
        for name in frame.columns
    ]
    found = outputs(infer("waves", *inputs))
    assert dict(zip(found["id"]["data"], found["predict"]["data"], strict=True)) == labels.to_dict()


def test_images_come_in_base64(infer):
    frame = published.pictures()[:4]
    data = [base64.b64encode(png).decode() for png in frame["image"]]
    for parameters in ({}, {"content_type": "base64"}):
        one = {"name": "image", "datatype": "BYTES", "shape": [4], "data": data, "parameters": parameters}
        assert outputs(infer("pictures", one))["predict"]["data"] == frame["side"].tolist()


def test_images_come_as_raw_bytes(client, served):
    frame = published.pictures()[:4]
    raw = b"".join(struct.pack("<I", len(png)) + png for png in frame["image"])
    options = binary(({"name": "image", "datatype": "BYTES", "shape": [4]}, raw))
    assert outputs(client.post("/v2/models/pictures/infer", **options))["predict"]["data"] == frame["side"].tolist()


def test_raw_bytes_in_and_out_are_the_same_numbers(client, served):
    raw = np.array(NUMBERS["data"]).astype("<f4").tobytes()
    one = {"name": "x", "datatype": "FP32", "shape": [2, 2]}
    wanted = [{"name": "predict_proba", "parameters": {"binary_data": True}}, {"name": "predict"}]
    answer = client.post("/v2/models/7/infer", **binary((one, raw), outputs=wanted))
    end = int(answer.headers[HEADER])
    assert answer.mimetype == "application/octet-stream"
    scores, predict = json.loads(answer.data[:end])["outputs"]
    assert (scores["parameters"], predict["data"]) == ({"binary_data_size": 32}, [0, 1])
    expected = outputs(client.post("/v2/models/7/infer", json={"inputs": [NUMBERS]}))["predict_proba"]["data"]
    assert np.frombuffer(answer.data[end:], dtype="<f8").tolist() == expected


def test_a_number_that_is_none_among_raw_bytes_is_missing(client, infer, rows, served):
    inputs = [one for one in named(rows) if one["name"] != "weight"]
    described = {"name": "weight", "datatype": "FP64", "shape": [3]}
    expected = outputs(infer("birds", *inputs, {**described, "data": [None, 5.0, None]}))["predict"]
    raw = np.array([np.nan, 5.0, np.nan]).tobytes()
    body = json.dumps({"inputs": [*inputs, {**described, "parameters": {"binary_data_size": 24}}]}).encode()
    answer = client.post("/v2/models/birds/infer", data=body + raw, headers={HEADER: str(len(body))})
    assert outputs(answer)["predict"] == expected


def test_a_compressed_request_is_read(client, served):
    for coding, squeeze in (("gzip", gzip.compress), ("deflate", zlib.compress)):
        body = squeeze(json.dumps({"inputs": [NUMBERS]}).encode())
        answer = client.post("/v2/models/7/infer", data=body, headers={"Content-Encoding": coding})
        assert outputs(answer)["predict"]["data"] == [0, 1]


def test_inputs_are_explained_as_the_service_itself_explains_them(client, infer):
    parameters = {"method": "lime", "num_features": 1, "num_samples": 100}
    answer = infer(7, NUMBERS, verb="explain", parameters=parameters)
    data = {"columns": ["a", "b"], "data": NUMBERS["data"]}
    expected = client.post("/explain", json={**parameters, "pipeline_id": "7", "data": data}).json
    assert answer.json["explanations"] == expected["explanations"]
    assert [len(one["contributions"]) for one in answer.json["explanations"]] == [1, 1]


def test_without_a_method_it_is_the_usual_one(infer):
    answer = infer(7, NUMBERS, verb="explain", parameters={"num_samples": 100})
    assert (answer.status_code, answer.json["method"]) == (200, "lime")


def test_a_method_that_needs_rows_says_so_when_there_are_none(infer):
    assert "no rows to explain by shap" in error(infer(7, verb="explain", parameters={"method": "shap"}), 422)
    assert "/parameters/method" in error(infer(7, NUMBERS, verb="explain", parameters={"method": "magic"}), 422)


def test_every_error_has_the_form_of_the_protocol(client, served):
    for path, method, status in (
        ("/v2/nowhere", "GET", 404),
        ("/v2/models/none", "GET", 404),
        ("/v2/models/none/ready", "GET", 404),
        ("/v2/models/none/infer", "POST", 404),
        ("/v2/models/7/versions/9/infer", "POST", 404),
        ("/v2/models/7/versions/0/infer", "POST", 404),
        ("/v2/models/7/versions/new/infer", "POST", 404),
        ("/v2/models/7", "DELETE", 405),
        ("/v2/models/7/infer", "POST", 400),
    ):
        assert error(client.open(path, method=method), status), path


def test_a_wrong_method_says_which_are_right(client):
    assert "GET" in client.post("/v2/models/7").headers["Allow"]


def test_keys_roles_and_sizes_are_told_in_that_form_too(settings, served):
    keys = {auth.digest("reader"): "read"}
    guarded = create_app(settings.model_copy(update={"api_keys": keys, "max_upload_mb": 1})).test_client()
    reader = {"Authorization": "Bearer reader"}
    assert guarded.get("/v2/health/ready").status_code == guarded.get("/v2/models/7", headers=reader).status_code == 200
    answer = guarded.get("/v2/models/7")
    assert error(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert error(guarded.post("/v2/models/7/infer", json={"inputs": [NUMBERS]}, headers=reader), 403)


def test_a_body_is_as_large_as_it_unfolds_to(settings, served):
    client = create_app(settings.model_copy(update={"max_upload_mb": 1})).test_client()
    assert "1 MiB" in error(client.post("/v2/models/7/infer", data=b" " * (2**20 + 1)), 413)
    bomb = gzip.compress(b" " * 2**24)
    answer = client.post("/v2/models/7/infer", data=bomb, headers={"Content-Encoding": "gzip"})
    assert "unfolds to more than 1 MiB" in error(answer, 413)


def test_what_is_wrong_with_a_column_stands_in_the_error(infer, rows):
    told = error(infer("birds", *named(rows)[:-1], {**named(rows)[-1], "name": "heard"}), 422)
    assert "/inputs/seen: this column is missing" in told
    assert "/inputs/heard: the model was not trained with this column" in told
