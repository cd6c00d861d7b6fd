"""What a caller may not say about a thing cannot be said: a field that is not asked for is refused, at every level."""

import pytest

from app.payloads.explaining import METHODS
from tests.routes.conftest import AT_ONCE, kept, part, refused, training  # noqa: F401  fixtures

FIELDS = (
    "owner", "created_at", "created_by", "status", "state", "signature", "role", "namespace", "job_id", "key_id",
    "protocol", "artifact", "digest", "current",
)  # fmt: skip


@pytest.mark.parametrize("field", [*FIELDS, "version"])
@pytest.mark.parametrize("where", ["", "model_training", "limits"])
def test_a_training_takes_no_such_field(training, refused, field, where):  # noqa: F811
    usual = {"model": "sklearn.tree.DecisionTreeClassifier"} if where == "model_training" else {}
    params = {where: usual | {field: "x"}} if where else {field: "x"}
    pointer = f"/params/{where}/{field}" if where else f"/params/{field}"
    refused(422, pointer, **training(params))


@pytest.mark.parametrize("field", FIELDS)
def test_a_prediction_and_a_batch_take_no_such_field(refused, field):  # noqa: F811
    body = {"pipeline_id": "kept", field: "x"}
    refused(422, path="/serve_prediction", json={**body, "data": []})
    refused(422, path="/batch_predictions", json={**body, "source": "file:///x"}, headers=AT_ONCE)


@pytest.mark.parametrize("method", METHODS)
def test_no_method_of_explanation_does(refused, method):  # noqa: F811
    for field in FIELDS:
        refused(422, path="/explain", json={"pipeline_id": "kept", "method": method, "data": [], field: "x"})


@pytest.mark.parametrize("field", FIELDS)
def test_nor_does_a_promotion(refused, field):  # noqa: F811
    refused(422, f"/{field}", path="/models/kept/current", method="PUT", json={"version": 1, field: "x"})
