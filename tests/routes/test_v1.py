"""V1 over HTTP: what a prediction is, versions, explanations, and its form of errors."""

import pytest

from tests import published

ROWS = [[1, 0.25], [19, -1.5]]


def post(client, path, instances=None, **more):
    given = {} if instances is None else {"instances": instances}
    return client.post(f"/v1/models/{path}", json={**given, **more})


def test_the_models_are_listed_and_each_says_whether_it_is_ready(client, served):
    assert client.get("/v1/models").json == {"models": ["7", "birds", "doubles", "pictures", "waves"]}
    found = client.get("/v1/models/7").json
    assert (found["name"], found["ready"]) == ("7", True)
    assert found["model_version_status"] == [
        {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    ]
    assert client.get("/v1/models/7/versions/1").json == found


def test_a_prediction_is_the_class_of_each_row(client, served):
    for path in ("7:predict", "7/versions/1:predict"):
        for body in (
            {"instances": ROWS},
            {"instances": [{"a": 1, "b": 0.25}, {"b": -1.5, "a": 19}]},
            {"inputs": {"a": [1, 19], "b": [[0.25], [-1.5]]}},
            {"inputs": ROWS, "signature_name": "serving_default"},
        ):
            assert post(client, path, **body).json == {"predictions": [0, 1]}, body


def test_a_prediction_is_the_number_of_each_row(client, served):
    assert post(client, "doubles:predict", ROWS).json["predictions"] == pytest.approx([2, 38])


def test_scores_or_all_are_answered_when_they_are_asked_for(client, served):
    rows = [{"a": a, "b": b} for a, b in ROWS]
    expected = client.post("/serve_prediction", json={"pipeline_id": "7", "data": rows}).json["score"]
    scores = list(expected.values())
    assert post(client, "7:predict", ROWS, parameters={"output": "score"}).json["predictions"] == scores
    assert post(client, "7:predict?output=score", ROWS).json["predictions"] == scores
    every = post(client, "7:predict", ROWS, parameters={"output": "all"}).json["predictions"]
    assert [(one["id"], one["prediction"], one["score_1"]) for one in every] == [(0, 0, scores[0]), (1, 1, scores[1])]


def test_a_prediction_of_a_series_says_whose_it_is(client, served):
    frame, labels = published.waves()
    found = post(client, "waves:predict", frame.to_dict("records")).json["predictions"]
    assert {one["id"]: one["prediction"] for one in found} == labels.to_dict()


def test_instances_are_explained(client, served):
    for path in ("7:explain", "7/versions/1:explain"):
        answer = post(client, path, ROWS, parameters={"method": "lime", "num_samples": 100})
        assert [one["id"] for one in answer.json["explanations"]] == [0, 1]
        assert answer.json["method"] == "lime"


def test_every_error_has_the_form_of_the_protocol(client, served):
    for path, body, status, words in (
        ("none:predict", {"instances": ROWS}, 404, "no model none"),
        ("7/versions/5:predict", {"instances": ROWS}, 404, "no version 5"),
        ("7:predict", {}, 422, "/instances: missing"),
        ("7:predict", {"instances": [[1]]}, 422, "/instances/0: has not 2 values"),
        ("7:predict", {"instances": [{"a": 1}]}, 422, "/instances/b: this column is missing"),
        ("7:predict", {"instances": "x"}, 400, "not a list of rows"),
        ("7:predict", {"instances": ROWS, "parameters": {"output": "odds"}}, 422, "/parameters/output"),
        ("7:predict", {"instances": ROWS, "parameters": {"explain": "lime"}}, 422, "/parameters/explain"),
        ("doubles:predict", {"instances": ROWS, "parameters": {"output": "score"}}, 422, "/parameters/output"),
        ("7:explain", {"instances": ROWS, "parameters": {"method": "magic"}}, 422, "/parameters/method"),
        ("7:explain", {"parameters": {"method": "lime"}}, 422, "no rows to explain"),
        ("7", {}, 405, "not allowed"),
        ("7/of/none", {}, 404, "not found"),
    ):
        answer = client.post(f"/v1/models/{path}", json=body)
        assert (answer.status_code, answer.mimetype) == (status, "application/json"), (path, body)
        assert answer.json.keys() == {"error"}
        assert words in answer.json["error"]
