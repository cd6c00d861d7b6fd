"""What a caller may not say about a thing cannot be said: a field that is not asked for is refused, at every level."""

import pytest

from app.payloads.explaining import METHODS
from tests.routes.conftest import AT_ONCE, fitted, kept, part, refused, served, training  # noqa: F401  fixtures

FIELDS = (
    "owner", "created_at", "created_by", "status", "state", "signature", "role", "namespace", "job_id", "key_id",
    "protocol", "artifact", "digest", "current",
)  # fmt: skip


#: All of them at once: each is told.
SENT = dict.fromkeys(FIELDS, "x")


@pytest.mark.parametrize("where", ["", "model_training", "limits"])
def test_a_training_takes_no_such_field(training, refused, where):  # noqa: F811
    usual = {"model": "sklearn.tree.DecisionTreeClassifier"} if where == "model_training" else {}
    sent = SENT | {"version": 1}
    params = {where: usual | sent} if where else sent
    begin = f"/params/{where}" if where else "/params"
    refused(422, *(f"{begin}/{field}" for field in sent), **training(params))


def test_a_prediction_and_a_batch_take_no_such_field(refused):  # noqa: F811
    body = {"pipeline_id": "kept", **SENT}
    told = refused(422, path="/serve_prediction", json={**body, "data": []})
    assert {fault["pointer"].rpartition("/")[2] for fault in told["errors"]} == set(FIELDS)
    refused(422, *(f"/body/{field}" for field in FIELDS), path="/batch_predictions",
            json={**body, "source": "file:///x"}, headers=AT_ONCE)  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_no_method_of_explanation_does(refused, method):  # noqa: F811
    told = refused(422, path="/explain", json={"pipeline_id": "kept", "method": method, "data": [], **SENT})
    assert {fault["pointer"].rpartition("/")[2] for fault in told["errors"]} >= set(FIELDS)


def test_nor_does_a_promotion(refused):  # noqa: F811
    pointers = [f"/{field}" for field in FIELDS]
    refused(422, *pointers, path="/models/kept/current", method="PUT", json={"version": 1, **SENT})


def test_a_protocol_of_others_passes_over_what_it_does_not_know(client, served):  # noqa: F811
    tensors = [{"name": name, "shape": [1], "datatype": "FP64", "data": [1.0]} for name in ("a", "b")]
    plain = client.post("/v2/models/7/infer", json={"id": "x", "inputs": tensors})
    sent = {**SENT, "id": "x", "inputs": [{**one, **SENT} for one in tensors]}
    answer = client.post("/v2/models/7/infer", json=sent)
    assert plain.status_code == 200, plain.text
    assert (answer.status_code, answer.json) == (plain.status_code, plain.json)
