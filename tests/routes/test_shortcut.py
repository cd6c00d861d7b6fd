"""Predictions that are answered without Flask: the same answers, and nothing that Flask would have refused."""

import hashlib
import io
import json
from dataclasses import replace

import pytest
from sklearn.tree import DecisionTreeClassifier
from werkzeug.test import EnvironBuilder

from app import create_app
from tests import published

KEY = "a key of the tests"

#: What sends a request by way of Flask, and asks for nothing else.
BY_FLASK = {"Prefer": "wait=60"}

ROWS = [{"a": 1.5, "b": -1.5}, {"a": 18, "b": None}]


@pytest.fixture
def made(publications):
    """A table of birds, and one of two numbers, in the store."""
    for version in (
        published.version(7, published.numbers([0, 1]), "label", DecisionTreeClassifier(random_state=0)),
        published.version("birds", published.birds(), "size", DecisionTreeClassifier(random_state=0), id_column="id"),
    ):
        publications.publish(version)


def counted(app, monkeypatch):
    """Return a list that grows with each request that reaches Flask."""
    found = []
    shortcut = app.wsgi_app._application
    flask = shortcut._application

    def count(environ, start_response):
        found.append(environ["PATH_INFO"])
        return flask(environ, start_response)

    monkeypatch.setattr(shortcut, "_application", count)
    return found


@pytest.fixture
def reached(client, monkeypatch, made):
    """What of the client's requests has reached Flask."""
    return counted(client.application, monkeypatch)


def posted(client, body, **options):
    """Post a body, JSON unless it is bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/serve_prediction", data=data, **{"content_type": "application/json", **options})


def told(answer):
    """Return all of an answer but its id, the letters of a problem's among them."""
    return answer.status_code, {name: value for name, value in answer.headers if name != "X-Request-Id"}, answer.data


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"pipeline_id": 7, "data": ROWS}, id="records"),
        pytest.param({"pipeline_id": 7, "data": {"a": [1, 2.5], "b": [0, -1]}}, id="columns"),
        pytest.param({"pipeline_id": 7, "data": {"columns": ["b", "a"], "data": [[1, 2]]}}, id="split"),
        pytest.param({"pipeline_id": 7, "version": 1, "data": ROWS, "output": "all"}, id="a version"),
        pytest.param({"pipeline_id": "birds", "data": published.birds().head(3).to_json(orient="records")}, id="birds"),
    ],
)
def test_a_prediction_of_a_json_body_is_what_flask_answers_and_does_not_reach_it(client, reached, body):
    if isinstance(body["data"], str):
        body = body | {"data": json.loads(body["data"])}
    quick = posted(client, body)
    assert reached == []
    assert quick.status_code == 200
    assert told(quick) == told(posted(client, body, headers=BY_FLASK))
    assert len(reached) == 1


@pytest.mark.parametrize(
    ("body", "options"),
    [
        pytest.param({"pipeline_id": 7, "data": ROWS}, {"content_type": "application/json; charset=utf-8"}, id="type"),
        pytest.param({"pipeline_id": 7, "data": ROWS}, {"headers": {"Accept": "text/csv"}}, id="another form"),
        pytest.param({"pipeline_id": 7, "data": ROWS, "explain": "lime"}, {}, id="an explanation"),
        pytest.param(ROWS, {"query_string": {"pipeline_id": "7"}}, id="a query"),
    ],
)
def test_what_asks_for_more_is_answered_by_flask(client, reached, body, options):
    assert posted(client, body, **options).status_code == 200
    assert len(reached) == 1


@pytest.mark.parametrize(
    ("body", "options", "status"),
    [
        pytest.param(b"{", {}, 400, id="no JSON"),
        pytest.param(b"", {}, 400, id="nothing"),
        pytest.param(ROWS, {}, 400, id="no object"),
        pytest.param({"pipeline_id": 7}, {}, 422, id="no data"),
        pytest.param({"pipeline_id": 7, "data": [{"a": 1}]}, {}, 422, id="a column is missing"),
        pytest.param({"pipeline_id": 7, "data": ROWS, "colour": "red"}, {}, 422, id="an unknown parameter"),
        pytest.param({"pipeline_id": 8, "data": ROWS}, {}, 404, id="an unknown model"),
        pytest.param({"pipeline_id": 7, "version": 5, "data": ROWS}, {}, 404, id="an unknown version"),
        pytest.param({"pipeline_id": 7, "data": ROWS}, {"headers": {"Host": "evil.example"}}, 400, id="another host"),
        pytest.param(
            {"pipeline_id": 7, "data": ROWS}, {"headers": {"Origin": "http://evil.example"}}, 403, id="another origin"
        ),
        pytest.param(
            {"pipeline_id": 7, "data": ROWS}, {"headers": {"Sec-Fetch-Site": "cross-site"}}, 403, id="a page elsewhere"
        ),
    ],
)
def test_what_is_refused_is_refused_by_flask_in_its_words(client, reached, body, options, status):
    answer = posted(client, body, **options)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    headers = {**options.pop("headers", {}), **BY_FLASK}
    assert told(answer) == told(posted(client, body, headers=headers, **options))
    assert len(reached) == 2


class BrokenOff(io.RawIOBase):
    """A body of which the client sends the beginning alone."""

    def readable(self):
        return True

    def readinto(self, buffer):
        raise TimeoutError


def test_a_body_that_does_not_arrive_is_refused_by_flask(client, reached):
    broken_off = {"wsgi.input": BrokenOff(), "CONTENT_LENGTH": "99"}
    answer = posted(client, b"", environ_overrides=broken_off)
    assert answer.status_code == 400
    assert "did not arrive whole" in answer.json["detail"]
    assert len(reached) == 1


def test_a_body_over_the_limit_is_refused_before_it_is_read(settings, client_of_redis, made, monkeypatch):
    app = create_app(settings.model_copy(update={"max_upload_mb": 1}))
    reached = counted(app, monkeypatch)
    assert posted(app.test_client(), b" " * (2**20 + 1)).status_code == 413
    assert len(reached) == 1


def test_where_keys_are_needed_only_those_that_may_predict_are_answered(settings, made, monkeypatch):
    keys = {hashlib.sha256(KEY.encode()).hexdigest(): "predict", hashlib.sha256(b"reader").hexdigest(): "read"}
    app = create_app(settings.model_copy(update={"api_keys": keys}))
    reached, body = counted(app, monkeypatch), {"pipeline_id": 7, "data": ROWS}
    sent = {name: {"Authorization": f"Bearer {name}"} for name in (KEY, "reader", "nobody")}
    assert posted(app.test_client(), body, headers=sent[KEY]).status_code == 200
    assert reached == []
    statuses = [
        posted(app.test_client(), body, headers=headers).status_code for headers in (sent["reader"], sent["nobody"], {})
    ]
    assert statuses == [403, 401, 401]
    assert len(reached) == 3


def test_clients_of_2017_get_json_in_a_string(settings, made, monkeypatch):
    app = create_app(settings.model_copy(update={"legacy_json_strings": True}))
    reached = counted(app, monkeypatch)
    answer = posted(app.test_client(), {"pipeline_id": 7, "data": ROWS}).json
    assert list(json.loads(answer)) == ["id", "score"]
    assert reached == []


def test_it_is_counted_as_its_route(client, reached):
    posted(client, {"pipeline_id": 7, "data": ROWS})
    shown = client.get("/metrics").text
    assert 'automl_requests_total{method="POST",route="/serve_prediction",status="200"}' in shown


def test_a_version_that_another_process_promotes_or_deletes_is_current_or_gone_once_it_has_answered(
    client, settings, publications, made
):
    other_way = published.version(7, published.numbers([1, 0]), "label", DecisionTreeClassifier(random_state=0))
    publications.publish(replace(other_way, record=replace(other_way.record, job_id="another job")))
    other, body = create_app(settings).test_client(), {"pipeline_id": 7, "data": ROWS}
    second = posted(client, body).json
    assert other.put("/models/7/current", json={"version": 1}).status_code == 200
    first = posted(client, body).json
    assert first != second
    assert other.put("/models/7/current", json={"version": 2}).status_code == 200
    assert posted(client, body).json == second
    asked_for = body | {"version": 1}
    assert posted(client, asked_for).json == first
    assert other.delete("/models/7/versions/1").status_code == 204
    assert posted(client, asked_for).status_code == 404
    assert other.delete("/models/7").status_code == 204
    assert posted(client, body).status_code == 404


def test_nothing_of_a_body_is_read_for_whom_a_key_is_missing(settings, made):
    app = create_app(settings.model_copy(update={"api_keys": {hashlib.sha256(KEY.encode()).hexdigest(): "predict"}}))
    sent = io.BytesIO(json.dumps({"pipeline_id": 7, "data": ROWS}).encode())
    answer = app.test_client().post("/serve_prediction", input_stream=sent, content_type="application/json")
    assert answer.status_code == 401
    assert sent.tell() == 0


def test_what_fails_is_tried_once(client, reached, monkeypatch):
    tried = []

    def fail(*arguments):
        tried.append(arguments)
        raise RuntimeError("of a library")

    monkeypatch.setattr("app.pipelines.run.predict", fail)
    answer = posted(client, {"pipeline_id": 7, "data": ROWS})
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert len(tried) == len(reached) == 1


def test_what_is_nested_deep_is_refused_and_no_error_of_the_service(client, reached):
    for depth in (600, 5_000):
        body = b'{"pipeline_id": 7, "data": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
        assert 400 <= posted(client, body).status_code < 500


def test_a_request_that_names_no_host_is_answered_alike_on_both_ways(client, reached):
    asked, answers = {"pipeline_id": 7, "data": ROWS}, []
    for headers in ({}, BY_FLASK):
        environ = EnvironBuilder("/serve_prediction", method="POST", json=asked, headers=headers).get_environ()
        del environ["HTTP_HOST"]
        body, status, _ = client.run_wsgi_app(environ)
        answers.append((status, b"".join(body)))
    assert answers[0] == answers[1]
    assert len(reached) == 2
