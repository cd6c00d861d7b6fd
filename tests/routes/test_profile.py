"""POST /profile: what an upload holds, and nothing kept of it."""

from tests.routes.conftest import LABELS, PARAMS, TABLE, part


def send(client, **parts):
    return client.post("/profile", data={name: part(content, f"{name}.json") for name, content in parts.items()})


def test_a_table_is_told_column_by_column(client):
    told = send(client, raw_data=TABLE).json
    assert (told["rows"], told["names"], told["target"]) == (20, ["id", "height", "colour"], None)
    assert [column["kind"] for column in told["columns"]] == ["number", "number", "category"]
    assert client.get("/jobs").json == []


def test_with_parameters_what_is_predicted_is_told_and_whether_it_fits(client):
    told = send(client, raw_data=TABLE, labels=LABELS, params=PARAMS).json
    assert told["target"]["counts"] == {"no": 10, "yes": 10}
    assert told["misfit"] is None
    assert send(client, raw_data=TABLE, labels=LABELS, params={"id_column": "height"}).json["misfit"]["status"] == 422


def test_bad_input_is_refused_as_a_training_refuses_it(client):
    assert send(client).status_code == 422
    assert send(client, raw_data=b"[1]").status_code == 400
    assert send(client, raw_data=TABLE, params={"nothing": 1}).json["errors"][0]["pointer"] == "/params/nothing"
