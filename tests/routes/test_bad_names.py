"""Models, versions and jobs that are not there, and bodies and headers that are not what a route reads."""

import pytest

KNOWN = {"pipeline_id": "kept", "data": [{"height": 1.0}]}


@pytest.mark.parametrize("model_id", ["nope", "kept:2", "..", "%2e%2e", "*", "a%0d%0aX:y", "%00", "%ff", "x" * 3000])
@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("GET", ""),
        ("GET", "/versions"),
        ("GET", "/versions/1"),
        ("DELETE", ""),
        ("DELETE", "/versions/1"),
        ("PUT", "/current"),
    ],
)
def test_an_unknown_model_is_not_found(refused, method, rest, model_id):
    problem = refused(404, method=method, path=f"/models/{model_id}{rest}", json={"version": 1})
    assert problem["type"] in {"urn:problem:model-not-found", "urn:problem:not-found"}


@pytest.mark.parametrize("version", [0, 3, 10**30])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_version_is_not_found(refused, method, version):
    problem = refused(404, method=method, path=f"/models/kept/versions/{version}")
    assert problem["type"] == "urn:problem:version-not-found"


@pytest.mark.parametrize("version", [0, 3, -1, 10**18])
def test_an_unknown_version_is_not_promoted(refused, version):
    refused(404, method="PUT", path="/models/kept/current", json={"version": version})


def test_the_current_version_is_not_deleted(refused):
    assert refused(409, method="DELETE", path="/models/kept/versions/2")["type"] == "urn:problem:version-in-use"


@pytest.mark.parametrize(
    ("method", "rest"), [("GET", ""), ("DELETE", ""), ("DELETE", "?keep=best"), ("GET", "/events")]
)
@pytest.mark.parametrize("job_id", ["nope", "nope:input", "x" * 3000])
def test_an_unknown_job_is_not_found(refused, method, rest, job_id):
    problem = refused(404, method=method, path=f"/jobs/{job_id}{rest}")
    assert problem["type"] == "urn:problem:job-not-found"


def test_a_job_is_cancelled_with_its_best_or_with_nothing(client, refused, training):
    job = client.post("/train_pipeline", **training()).headers["Location"]
    refused(422, "/query/keep", method="DELETE", path=f"{job}?keep=all")


def test_a_job_that_has_ended_cannot_be_cancelled(client, refused, training):
    job = client.post("/train_pipeline", **training()).headers["Location"]
    assert client.delete(job).json["state"] == "cancelled"
    assert refused(409, method="DELETE", path=job)["type"] == "urn:problem:job-ended"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"version": NaN}', 400),
        (b"[1]", 422),
        (b"{}", 422),
        (b'{"version": "1"}', 422),
        (b'{"version": true}', 422),
        (b'{"version": 1.0}', 422),
    ],
)
def test_a_promotion_needs_the_number_of_a_version(refused, body, status):
    refused(status, method="PUT", path="/models/kept/current", data=body)


@pytest.mark.parametrize("header", ["abc", 'W/"2"', '"1", "2"', "-1", "9" * 5000, '"\xb2"'])
def test_an_if_match_that_is_no_version_is_refused(refused, header):
    options = {"json": {"version": 1}, "headers": {"If-Match": header}}
    assert "If-Match" in refused(400, method="PUT", path="/models/kept/current", **options)["detail"]


@pytest.mark.parametrize("header", ['"1"', "1", '"0"'])
def test_an_if_match_of_another_version_is_a_conflict(refused, header):
    options = {"json": {"version": 1}, "headers": {"If-Match": header}}
    assert refused(409, method="PUT", path="/models/kept/current", **options)["type"] == "urn:problem:stale-version"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="empty"),
        pytest.param(b"{", 400, id="cut off"),
        pytest.param(b"\xff", 400, id="not UTF-8"),
        pytest.param(b"[1, 2]", 400, id="a list"),
        pytest.param(b'"kept"', 400, id="a string"),
        pytest.param(b'{"pipeline_id": "kept", "data": [{"x": NaN}]}', 400, id="NaN"),
        pytest.param(b'{"pipeline_id": "kept", "pipeline_id": "x"}', 400, id="a name twice"),
        pytest.param(rb'{"pipeline_id": "\ud800", "data": []}', 400, id="a lone surrogate"),
        pytest.param(b'{"pipeline_id": "kept", "data": ' + b"[" * 200_000, 400, id="nested too deep"),
        pytest.param(b'{"pipeline_id": ' + b"9" * 5000 + b"}", 400, id="a number of 5000 digits"),
        pytest.param(b'{"pipeline_id": "kept"}', 422, id="no data"),
        pytest.param(b'{"data": [{"x": 1}]}', 422, id="no pipeline_id"),
        pytest.param(b'{"pipeline_id": "nope", "data": [{"x": 1}]}', 404, id="an unknown pipeline"),
        pytest.param(b'{"pipeline_id": "kept", "version": 9, "data": [{"x": 1}]}', 404, id="an unknown version"),
    ],
)
def test_a_json_body_that_is_no_request_for_a_prediction_is_refused(refused, body, status):
    refused(status, path="/serve_prediction", data=body, content_type="application/json")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pipeline_id", value)
        for value in (None, True, 1.5, -1, 10**17, [], {}, "", "../x", "a:b", "a*", "x" * 65, "a\n", "é", "__proto__")
    ]
    + [("version", value) for value in (0, -1, 1.0, "1", True)]
    + [("output", value) for value in ("json", 1, [])]
    + [("owner", "me"), ("int", 3), ("str", "x")],
)
def test_a_value_that_a_prediction_does_not_take_is_pointed_at(refused, name, value):
    body = KNOWN | {name: value}
    refused(422, f"/body/{name}", path="/serve_prediction", json=body)


@pytest.mark.parametrize("query", ["version=abc", "version=0", "version=-1", "output=json", "owner=me"])
def test_a_query_that_a_prediction_does_not_take_is_pointed_at(refused, query):
    name = query.partition("=")[0]
    path = f"/serve_prediction?pipeline_id=kept&{query}"
    refused(422, f"/query/{name}", path=path, data=b"[]", content_type="application/json")


def test_a_version_of_thousands_of_digits_is_refused_like_any_other(refused):
    path = f"/serve_prediction?pipeline_id=kept&version={'9' * 5000}"
    refused(422, path=path, data=b"[]", content_type="application/json")


@pytest.mark.parametrize("content_type", ["text/csv", "application/x-python-pickle", "text/html", ""])
def test_a_body_of_no_known_form_is_refused(refused, content_type):
    refused(415, path="/serve_prediction", data=b"x", content_type=content_type)
