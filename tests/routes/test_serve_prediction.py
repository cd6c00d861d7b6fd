"""Serving rows that are and are not as the training's, with a model that was trained on the penguins."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest

from app import create_app
from app.payloads import written
from tests import published

DATA = Path(__file__).parents[2] / "data"
PARAMS = {
    "pipeline_id": "penguins",
    "id_column": "id",
    "target": "species",
    "model_training": {"model": "sklearn.tree.DecisionTreeClassifier"},
}


@pytest.fixture
def train(ended):
    """Return a function that publishes a version of the penguins as the worker does."""

    def publish(**changes):
        params = io.BytesIO(json.dumps(PARAMS | changes).encode())
        parts = {
            "raw_data": (io.BytesIO((DATA / "penguins.csv").read_bytes()), "penguins.csv"),
            "params": (params, "p"),
        }
        job = ended({"data": parts, "headers": {"Prefer": "respond-async"}})
        assert job["state"] == "finished", job["error"]
        return job["result"]

    return publish


@pytest.fixture
def penguins(train):
    """One version of the penguins."""
    return train()


@pytest.fixture
def rows():
    """Ten new penguins as records, typed as JSON types them."""
    text = (DATA / "penguins_new.csv").read_text()
    return [
        {
            name: None if value == "" else value if name in ("island", "sex") else float(value)
            for name, value in row.items()
        }
        for row in list(csv.DictReader(io.StringIO(text)))[:10]
    ]


@pytest.fixture
def predict(client, penguins):
    """Return a function that posts rows as a JSON body and returns the answer."""

    def post(data, **more):
        return client.post("/serve_prediction", json={"pipeline_id": "penguins", "data": data, **more})

    return post


def test_a_prediction_that_is_asked_for_as_a_job_is_answered_at_once(client, penguins, rows):
    body = {"pipeline_id": "penguins", "data": rows}
    assert client.post("/serve_prediction", json=body, headers={"Prefer": "respond-async"}).status_code == 200
    assert client.post("/serve_prediction", json=body, headers={"Prefer": "wait=0"}).status_code == 503


def test_a_prediction_has_a_column_for_the_id_the_class_and_each_score(predict, rows):
    answer = predict(rows).json
    assert list(answer) == ["id", "prediction", "score_Adelie", "score_Chinstrap", "score_Gentoo"]
    assert list(answer["id"].values()) == [row["id"] for row in rows]
    assert set(answer["prediction"].values()) <= {"Adelie", "Chinstrap", "Gentoo"}


def test_the_same_rows_give_the_same_answer_in_every_form(client, predict, rows):
    expected = predict(rows).json
    names = list(rows[0])
    columns = {name: {str(number): row[name] for number, row in enumerate(rows)} for name in names}
    split = {"columns": names, "data": [list(row.values()) for row in rows]}
    for form in (columns, split):
        assert predict(form).json == expected
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    body = text.getvalue().encode()
    query = client.post("/serve_prediction?pipeline_id=penguins", data=body, content_type="text/csv")
    parts = {"raw_data": (io.BytesIO(body), "new.csv"), "params": (io.BytesIO(b"pipeline_id: penguins"), "p.yml")}
    assert query.json == client.post("/serve_prediction", data=parts).json == expected


def test_columns_in_another_order_give_the_same_answer(predict, rows):
    assert predict([dict(reversed(row.items())) for row in rows]).json == predict(rows).json


def columns_pointed_at(answer):
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    return [fault["pointer"].rpartition("/")[2] for fault in answer.json["errors"]]


def test_each_missing_column_is_pointed_at(predict, rows):
    for row in rows:
        del row["sex"], row["island"]
    assert columns_pointed_at(predict(rows)) == ["island", "sex"]


def test_a_column_that_training_did_not_have_is_pointed_at(predict, rows):
    assert columns_pointed_at(predict([row | {"wings": 2} for row in rows])) == ["wings"]


@pytest.mark.parametrize(
    ("name", "value"), [("body_mass_g", "heavy"), ("body_mass_g", True), ("sex", 1), ("sex", False)]
)
def test_a_column_of_another_type_is_pointed_at(predict, rows, name, value):
    answer = predict([row | {name: value} for row in rows])
    assert columns_pointed_at(answer) == [name]
    assert "expects" in answer.json["errors"][0]["detail"]


def test_the_faults_of_a_json_body_point_to_its_data(predict, rows):
    problem = predict([row | {"wings": 2} for row in rows]).json
    assert problem["errors"][0]["pointer"].endswith("/data/wings")
    assert "raw_data" not in problem["detail"]


def test_the_faults_of_a_multipart_table_point_into_its_part(client, penguins):
    parts = {
        "raw_data": (io.BytesIO(b"id,island\n1,Dream\n"), "new.csv"),
        "params": (io.BytesIO(b"pipeline_id: penguins"), "p.yml"),
    }
    pointers = [fault["pointer"] for fault in client.post("/serve_prediction", data=parts).json["errors"]]
    assert "/raw_data/sex" in pointers
    assert "/raw_data/island" not in pointers


def test_a_category_that_training_did_not_see_is_predicted(predict, rows):
    answer = predict([row | {"island": "Atlantis"} for row in rows])
    assert answer.status_code == 200
    assert len(answer.json["prediction"]) == len(rows)


@pytest.mark.parametrize("name", ["island", "sex", "body_mass_g"])
def test_a_column_of_nothing_but_missing_values_is_predicted(predict, rows, name):
    assert predict([row | {name: None} for row in rows]).status_code == 200


def test_the_target_may_be_sent_and_changes_nothing(predict, rows):
    assert predict([row | {"species": "Dodo"} for row in rows]).json == predict(rows).json


def test_without_the_id_column_the_position_is_the_id(predict, rows):
    answer = predict([{name: value for name, value in row.items() if name != "id"} for row in rows]).json
    assert list(answer["id"].values()) == list(range(len(rows)))


def test_a_model_of_three_classes_has_no_single_score(predict, rows):
    problem = predict(rows, output="score").json
    assert problem["status"] == 422
    assert "output" in problem["errors"][0]["pointer"]


def test_only_the_prediction_is_answered_when_it_is_asked_for(predict, rows):
    assert list(predict(rows, output="prediction").json) == ["id", "prediction"]


def test_a_promotion_changes_what_is_served_at_once(client, train, predict, rows):
    train(model_training={"model": "sklearn.dummy.DummyClassifier"})
    dummy = predict(rows).json
    assert len(set(dummy["prediction"].values())) == 1
    assert client.put("/models/penguins/current", json={"version": 1}).status_code == 200
    assert predict(rows).json == predict(rows, version=1).json != dummy


def test_a_deleted_version_is_gone_at_once_even_where_it_was_loaded(client, train, predict, rows):
    assert predict(rows, version=1).status_code == 200
    train()
    assert client.delete("/models/penguins/versions/1").status_code == 204
    assert predict(rows, version=1).json["type"] == "urn:problem:version-not-found"


def test_a_deleted_model_is_gone_at_once_even_where_it_was_loaded(client, predict, rows):
    assert predict(rows).status_code == 200
    assert client.delete("/models/penguins").status_code == 204
    assert predict(rows).json["type"] == "urn:problem:model-not-found"


def test_an_artefact_that_was_changed_in_the_store_is_not_loaded(client_of_redis, predict, rows):
    client_of_redis.setrange("automl:artifact:penguins:1", 100, b"x")
    answer = predict(rows)
    assert (answer.status_code, answer.json["type"]) == (503, "urn:problem:artifact-rejected")


def test_the_layer_of_json_strings_of_2017_is_there_when_asked_for(settings, predict, rows):
    legacy = create_app(settings.model_copy(update={"legacy_json_strings": True})).test_client()
    answer = legacy.post("/serve_prediction", json={"pipeline_id": "penguins", "data": rows}).json
    assert json.loads(answer) == predict(rows).json


@pytest.fixture
def birds():
    """Two rows of a model in the store, one of them with an id that a spreadsheet would compute."""
    rows = json.loads(published.birds().drop(columns="size")[1:3].to_json(orient="records"))
    return [rows[0] | {"id": "=1+1"}, rows[1]]


def test_a_prediction_comes_in_the_form_that_is_accepted(client, served, birds):
    body = {"pipeline_id": "birds", "data": birds}
    columns = {name: list(one.values()) for name, one in client.post("/serve_prediction", json=body).json.items()}
    assert columns["id"][0] == "=1+1"
    for accept, form in (
        ("application/jsonl;q=0.9, text/html", "application/jsonl"),
        *((form, form) for form in written.FORMS),
    ):
        answer = client.post("/serve_prediction", json=body, headers={"Accept": accept})
        assert (answer.status_code, answer.mimetype) == (200, form)
        assert answer.data == b"".join(written.write(columns, form))


def test_a_prediction_is_json_by_columns_where_nothing_else_is_asked_for(client, served, birds):
    body = {"pipeline_id": "birds", "data": birds}
    expected = client.post("/serve_prediction", json=body).json
    for accept in ("*/*", "text/html", "application/json, text/csv;q=0.5", "nonsense"):
        assert client.post("/serve_prediction", json=body, headers={"Accept": accept}).json == expected


def test_rows_come_as_json_lines_and_compressed(client, served, birds):
    expected = client.post("/serve_prediction", json={"pipeline_id": "birds", "data": birds}).json
    lines = "\n".join(map(json.dumps, birds)).encode()
    path, told = "/serve_prediction?pipeline_id=birds", {"Content-Type": "application/x-ndjson"}
    assert client.post(path, data=lines, headers=told).json == expected
    squeezed = client.post(path, data=gzip.compress(lines), headers={**told, "Content-Encoding": "gzip"})
    assert squeezed.json == expected


def test_an_explanation_stands_beside_the_prediction_in_its_line(client, served, birds):
    body = {"pipeline_id": "birds", "data": birds, "explain": {"method": "lime", "num_samples": 50}}
    answer = client.post("/serve_prediction", json=body, headers={"Accept": "application/jsonl"})
    assert [json.loads(line)["explanations"]["id"] for line in answer.text.splitlines()] == ["=1+1", birds[1]["id"]]
