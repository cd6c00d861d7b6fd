"""The OpenAPI document: real answers conform to it, and its page needs no other host."""

import io
import re

import jsonschema
import pandas as pd
import pytest

from app.payloads.explaining import METHODS
from app.payloads.parameters import PredictParameters
from tests import kinds

TABLE = {"target": "species", "id_column": "id", "model_training": {"model": "sklearn.linear_model.LogisticRegression"}}


@pytest.fixture(scope="module")
def document(service):
    return service.get("/openapi.json").json()


def check(document, response, path, method, status):
    """Hold an answer against the schema that the document gives for it."""
    assert response.status_code == status, response.text
    responses = document["paths"][path][method]["responses"]
    described = responses.get(str(status), responses["default"])
    media_type = response.headers["Content-Type"].split(";")[0]
    schema = described["content"][media_type]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(response.json())


def test_the_answers_of_a_session_are_as_the_document_has_them(document, pipeline, penguins):
    def holds(response, path, method="get", status=200):
        check(document, response, path, method, status)
        return response

    rows, model, get = penguins[1].head(3), f"/models/{pipeline.id}", pipeline.service.get
    holds(pipeline.train(penguins[0], explain={}, **TABLE), "/train_pipeline", "post")
    accepted = holds(pipeline.train(penguins[0], prefer="respond-async", **TABLE), "/train_pipeline", "post", 202)
    job = accepted.headers["Location"]
    pipeline.ended(job)
    holds(get(job), "/jobs/{job_id}")
    holds(get(f"{job}/history"), "/jobs/{job_id}/history")
    asked = holds(get(f"{job}/parameters"), "/jobs/{job_id}/parameters").json()
    assert asked["pipeline_id"] == pipeline.id
    assert get(f"{job}0/parameters").status_code == 404
    holds(get("/jobs"), "/jobs")
    holds(pipeline.service.delete(job), "/jobs/{job_id}", "delete", 409)
    holds(get("/models"), "/models")
    holds(get(model), "/models/{pipeline_id}")
    holds(get(f"{model}/versions"), "/models/{pipeline_id}/versions")
    holds(get(f"{model}/versions/1"), "/models/{pipeline_id}/versions/{number}")
    drawn = pipeline.service.post(f"{model}/versions/1/paths", json={"data": []})
    holds(drawn, "/models/{pipeline_id}/versions/{number}/paths", "post", 409)
    assert get(f"{model}/versions/1/artifact").headers["Content-Type"] == "application/octet-stream"
    promoted = pipeline.service.put(f"{model}/current", json={"version": 1})
    holds(promoted, "/models/{pipeline_id}/current", "put")
    holds(pipeline.ask("/serve_prediction", rows), "/serve_prediction", "post")
    parts = {"raw_data": ("rows.csv", rows.to_csv(index=False)), "params": ("p.yml", f"pipeline_id: {pipeline.id}")}
    for prefer, status in (("wait=60", 200), ("respond-async", 202)):
        file = pipeline.service.post("/batch_predictions", files=parts, headers={"Prefer": prefer})
        # A deployment without BATCH_URL has no place for files.
        holds(file, "/batch_predictions", "post", 501 if file.status_code == 501 else status)
    if file.status_code == 202:
        assert pipeline.ended(file.headers["Location"])["state"] == "finished"
        assert get(f"{file.headers['Location']}/result").text.startswith('"id","prediction"')
    explainers = holds(get(f"{model}/explainers"), "/models/{pipeline_id}/explainers").json()["explainers"]
    for one in explainers:
        body = {"pipeline_id": pipeline.id, "method": one["method"]}
        if one["needs_rows"]:
            body["data"] = rows.astype("object").where(rows.notna(), None).to_dict("records")
        if "num_samples" in one["parameters"]:
            body["num_samples"] = 50
        holds(pipeline.service.post("/explain", json=body), "/explain", "post")
    holds(get(f"{model}/explanations?version=1"), "/models/{pipeline_id}/explanations")
    whole = {"raw_data": ("rows.csv", penguins[0].to_csv(index=False)), "params": ("p.yml", "target: species")}
    holds(pipeline.service.post("/profile", files=whole), "/profile", "post")
    holds(get(f"{model}/rows?version=1&count=2"), "/models/{pipeline_id}/rows")
    made = holds(pipeline.service.post("/keys", json={"role": "read", "name": "x"}), "/keys", "post", 201).json()
    holds(get("/keys"), "/keys")
    one = f"/keys/{made['id']}"
    holds(pipeline.service.post(f"{one}/rotate", json={"grace_seconds": 1}), "/keys/{key_id}/rotate", "post")
    assert pipeline.service.delete(one).status_code == 204
    holds(pipeline.service.delete(one), "/keys/{key_id}", "delete", 404)
    assert holds(get("/audit?count=2"), "/audit").json()[0]["action"] == "keys.revoke"
    holds(get("/health/live"), "/health/live")
    holds(get("/health/ready"), "/health/ready")


def test_the_answers_of_other_protocols_are_as_the_document_has_them(document, new_pipeline, penguins):
    pipeline = new_pipeline()
    assert pipeline.train(penguins[0], **TABLE).ok
    rows = penguins[1].head(2).astype("object")
    records = rows.where(rows.notna(), None).to_dict("records")
    service, v2, v1 = pipeline.service, f"/v2/models/{pipeline.id}", f"/v1/models/{pipeline.id}"
    for path in ("/v2", "/v2/health/live", "/v2/health/ready", "/v1/models"):
        check(document, service.get(path), path, "get", 200)
    for path, by_version in ((v2, "/versions/1"), (v1, "")):
        described = path.replace(pipeline.id, "{pipeline_id}") + by_version.replace("1", "{number}")
        check(document, service.get(path + by_version), described, "get", 200)
    check(document, service.get(f"{v2}/ready"), "/v2/models/{pipeline_id}/ready", "get", 200)
    texts = ("island", "sex")
    inputs = [
        {
            "name": name,
            "datatype": "BYTES" if name in texts else "FP64",
            "shape": [2],
            "data": [record[name] for record in records],
        }
        for name in records[0]
    ]
    few = {"num_samples": 50, "method": "lime"}
    for path, body, described in (
        (f"{v2}/infer", {"inputs": inputs}, "/v2/models/{pipeline_id}/infer"),
        (f"{v2}/explain", {"inputs": inputs, "parameters": few}, "/v2/models/{pipeline_id}/explain"),
        (f"{v1}:predict", {"instances": records}, "/v1/models/{pipeline_id}:predict"),
        (f"{v1}:explain", {"instances": records, "parameters": few}, "/v1/models/{pipeline_id}:explain"),
        (f"/invocations?pipeline_id={pipeline.id}", {"dataframe_records": records}, "/invocations"),
        (f"/models/{pipeline.id}/invocations", {"instances": records}, "/models/{pipeline_id}/invocations"),
    ):
        check(document, service.post(path, json=body), described, "post", 200)
        check(document, service.post(path, data=b"{"), described, "post", 400)
    every = service.post(f"{v1}:predict?output=all", json={"instances": records})
    check(document, every, "/v1/models/{pipeline_id}:predict", "post", 200)


def test_a_forecasting_is_as_the_document_has_it(document, pipeline):
    answer = pipeline.train(
        kinds.sales(),
        task="forecasting",
        target="sales",
        extract_features={"column_id": "store", "column_sort": "day"},
        forecast={"horizon": 2, "window": 14},
        folds=2,
        model_training={"model": "sklearn.linear_model.LinearRegression"},
    )
    check(document, answer, "/train_pipeline", "post", 200)
    shown = pipeline.service.get(f"/models/{pipeline.id}")
    check(document, shown, "/models/{pipeline_id}", "get", 200)
    predicted = pipeline.ask("/serve_prediction", kinds.sales())
    check(document, predicted, "/serve_prediction", "post", 200)


def test_a_tree_and_the_series_of_a_report_are_as_the_document_has_them(document, pipeline, series):
    raw, labels = (pd.read_json(io.BytesIO(data)) for _, data in series[:2])
    features = {"column_id": "example_id", "default_fc_parameters": "MinimalFCParameters()"}
    training = {"model": "sklearn.tree.DecisionTreeClassifier"}
    assert pipeline.train(raw, labels, extract_features=features, model_training=training).ok
    shown = pipeline.service.get(f"/models/{pipeline.id}")
    check(document, shown, "/models/{pipeline_id}", "get", 200)
    assert {"tree", "examples"} <= shown.json().keys()
    rows = raw[raw["example_id"].isin(raw["example_id"].unique()[:2])].to_dict("records")
    answer = pipeline.service.post(f"/models/{pipeline.id}/versions/1/paths", json={"data": rows})
    check(document, answer, "/models/{pipeline_id}/versions/{number}/paths", "post", 200)
    assert len(answer.json()["paths"]) == 2


def test_problems_are_as_the_document_has_them(document, pipeline, penguins):
    rows = penguins[1].head(1)
    unknown = pipeline.train(penguins[0], target="species", model_training={"model": "os.system"})
    check(document, unknown, "/train_pipeline", "post", 422)
    check(document, pipeline.ask("/serve_prediction", rows), "/serve_prediction", "post", 404)
    check(document, pipeline.ask("/explain", rows, method="lime"), "/explain", "post", 404)
    check(document, pipeline.service.get(f"/models/{pipeline.id}"), "/models/{pipeline_id}", "get", 404)
    check(document, pipeline.service.get("/jobs/none"), "/jobs/{job_id}", "get", 404)


def test_every_route_is_in_the_document(document):
    assert set(document["paths"]) == {
        "/train_pipeline",
        "/profile",
        "/jobs",
        "/jobs/{job_id}",
        "/jobs/{job_id}/events",
        "/jobs/{job_id}/history",
        "/jobs/{job_id}/parameters",
        "/jobs/{job_id}/result",
        "/serve_prediction",
        "/batch_predictions",
        "/keys",
        "/keys/{key_id}",
        "/keys/{key_id}/rotate",
        "/audit",
        "/explain",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        *(
            f"/v2/models/{{pipeline_id}}{version}{verb}"
            for version in ("", "/versions/{number}")
            for verb in ("", "/ready", "/infer", "/explain")
        ),
        "/v1/models",
        *(
            f"/v1/models/{{pipeline_id}}{version}{verb}"
            for version in ("", "/versions/{number}")
            for verb in ("", ":predict", ":explain")
        ),
        "/invocations",
        "/models/{pipeline_id}/invocations",
        "/ping",
        "/version",
        "/models",
        "/models/{pipeline_id}",
        "/models/{pipeline_id}/versions",
        "/models/{pipeline_id}/versions/{number}",
        "/models/{pipeline_id}/versions/{number}/report",
        "/models/{pipeline_id}/versions/{number}/code",
        "/models/{pipeline_id}/versions/{number}/network",
        "/models/{pipeline_id}/versions/{number}/artifact",
        "/models/{pipeline_id}/versions/{number}/paths",
        "/models/{pipeline_id}/current",
        "/models/{pipeline_id}/explainers",
        "/models/{pipeline_id}/explanations",
        "/models/{pipeline_id}/rows",
        "/health/live",
        "/health/ready",
        "/metrics",
    }
    assert document["openapi"].startswith("3.")


def test_what_may_stand_in_the_query_beside_a_table_is_in_the_document(document):
    # A query has no mappings.
    of_methods = set().union(*(parameters.model_fields for parameters in METHODS.values()))
    for path, fields in (
        ("/serve_prediction", PredictParameters.model_fields.keys() - {"explain"}),
        ("/explain", of_methods - {"ranges", "allowed"}),
    ):
        parameters = document["paths"][path]["post"]["parameters"]
        assert {one["name"] for one in parameters if one["in"] == "query"} == fields


def test_the_page_and_its_assets_come_from_the_service_itself(service):
    page = service.get("/docs")
    assert page.status_code == 200
    assert "//" not in page.text
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert assets
    for path in [*assets, "/openapi.json"]:
        response = service.get(path)
        assert response.status_code == 200, path
        assert response.content
