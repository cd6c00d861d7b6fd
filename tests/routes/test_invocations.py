"""MLflow's scoring server over HTTP: its forms, a table of any other format, and its form of errors."""

ROWS = [[1, 0.25], [19, -1.5]]
SPLIT = {"dataframe_split": {"columns": ["b", "a"], "data": [[0.25, 1], [-1.5, 19]]}}


def test_every_form_is_predicted(client, served):
    for path in ("/models/7/invocations", "/invocations?pipeline_id=7&version=1"):
        for body in (
            SPLIT,
            {"dataframe_records": [{"a": 1, "b": 0.25}, {"a": 19, "b": -1.5}]},
            {"instances": ROWS},
            {"inputs": {"a": [1, 19], "b": [0.25, -1.5]}},
        ):
            assert client.post(path, json=body).json == {"predictions": [0, 1]}, body


def test_a_table_of_another_format_is_predicted(client, served):
    for data, content_type in (
        (b"a,b\n1,0.25\n19,-1.5\n", "text/csv; charset=utf-8"),
        (b'{"a": 1, "b": 0.25}\n{"a": 19, "b": -1.5}\n', "application/x-ndjson"),
    ):
        answer = client.post("/models/7/invocations", data=data, content_type=content_type)
        assert answer.json == {"predictions": [0, 1]}, content_type


def test_params_say_what_is_answered(client, served):
    found = client.post("/models/7/invocations", json={**SPLIT, "params": {"output": "all"}}).json["predictions"]
    assert [(one["id"], one["prediction"]) for one in found] == [(0, 0), (1, 1)]
    assert found[0].keys() == {"id", "prediction", "score_0", "score_1"}


def test_the_probes_of_the_server_are_there(client):
    assert (client.get("/ping").status_code, client.get("/ping").text) == (200, "\n")
    assert client.get("/version").text == "0.1.0"


def test_every_error_has_the_form_of_the_server(client, served):
    for path, options, status, code, words in (
        ("/invocations", {"json": SPLIT}, 422, "INVALID_PARAMETER_VALUE", "/query/pipeline_id"),
        ("/invocations?pipeline_id=7&version=x", {"json": SPLIT}, 422, "INVALID_PARAMETER_VALUE", "/query/version"),
        ("/models/none/invocations", {"json": SPLIT}, 404, "RESOURCE_DOES_NOT_EXIST", "no model none"),
        ("/models/7/invocations", {"data": b"{", "content_type": "application/json"}, 400, "BAD_REQUEST", "JSON"),
        ("/models/7/invocations", {"json": {}}, 422, "INVALID_PARAMETER_VALUE", "no rows"),
        ("/models/7/invocations", {"json": {**SPLIT, "params": {"x": 1}}}, 422, "INVALID_PARAMETER_VALUE", "/params/x"),
        ("/models/7/invocations", {"data": b"", "content_type": "text/plain"}, 415, "BAD_REQUEST", "format"),
        ("/models/7/invocations", {"data": b"a\n1\n", "content_type": "text/csv"}, 422, "INVALID_PARAMETER_VALUE", "b"),
    ):
        answer = client.post(path, **options)
        assert (answer.status_code, answer.mimetype) == (status, "application/json"), (path, options)
        assert answer.json["error_code"] == code
        assert words in answer.json["message"]
        assert client.get(path).status_code == 405
