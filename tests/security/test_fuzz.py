"""Whatever is sent: an answer below 500, soon, and where it is a refusal nothing has changed."""

from __future__ import annotations

import hashlib
import io
import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import targets

#: Seconds that any of these answers may take on a busy machine; work without end would be minutes.
SOON = 30

FUZZED = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)

#: Names that routes know, so that what is sent gets further than to an unknown name.
KNOWN = st.sampled_from(
    ["pipeline_id", "version", "output", "target", "id_column", "task", "extract_features", "model_training", "limits",
     "method", "ids", "num_samples", "seed", "explain", "data", "source", "destination", "instances", "inputs",
     "columns", "dataframe_records", "dataframe_split", "signature_name", "parameters", "folds", "weights", "forecast",
     "positive_class"]
)  # fmt: skip
bodies = st.dictionaries(KNOWN | st.text(max_size=8), values, max_size=6)
tables = st.dictionaries(
    st.sampled_from(["a", "b", "id", "label"]) | st.text(max_size=6), st.lists(plain, max_size=5), max_size=4
)
ids = st.text(min_size=1, max_size=40) | st.sampled_from(
    ["rq:job:x", "x:input", "..", "%2e%2e", "a" * 65, "*", "x\r\ny", "💶"]
)

JSON_ROUTES = [
    ("POST", "/serve_prediction"), ("POST", "/explain"), ("POST", "/batch_predictions"), ("POST", "/invocations"),
    ("POST", "/v1/models/birds:predict"), ("POST", "/v1/models/birds:explain"), ("POST", "/v2/models/birds/infer"),
    ("POST", "/v2/models/birds/explain"), ("PUT", "/models/birds/current"),
]  # fmt: skip
FORMS = ["/train_pipeline", "/profile", "/serve_prediction", "/explain"]


@pytest.fixture
def answered(client, served, client_of_redis):
    """Return a function that sends a request, and checks what is promised of any answer."""

    def stored():
        # But for the list of who was refused.
        keys = [key for key in client_of_redis.scan_iter() if not key.startswith(b"automl:audit:")]
        return {key: hashlib.sha256(client_of_redis.dump(key)).hexdigest() for key in keys}

    def send(method, path, **options):
        before, since = stored(), time.monotonic()
        answer = client.open(path, method=method, **options)
        assert time.monotonic() - since < SOON
        assert answer.status_code < 500, (path, answer.status_code, answer.text[:300])
        assert "Traceback" not in answer.text
        if answer.status_code >= 400:
            assert stored() == before
        return answer

    return send


@pytest.mark.parametrize(("method", "path"), JSON_ROUTES)
@given(body=bodies | values)
@FUZZED
def test_any_json_on_any_route(answered, method, path, body):
    answered(method, path, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("path", FORMS)
@given(
    parameters=bodies,
    table=tables,
    name=st.sampled_from(["x.json", "x.csv", "x.jsonl", "x.parquet", "x.arrow", "x.zip"]),
)
@FUZZED
def test_any_form(answered, path, parameters, table, name):
    params = json.dumps({"pipeline_id": "birds"} | parameters).encode()
    parts = {"params": (io.BytesIO(params), "p.yml"), "raw_data": (io.BytesIO(json.dumps(table).encode()), name)}
    answered("POST", path, data=parts, headers={"Prefer": "respond-async"})


@pytest.mark.parametrize("path", FORMS)
@given(text=st.text(max_size=200) | st.binary(max_size=200))
@FUZZED
def test_any_text_as_parameters(answered, path, text):
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    answered("POST", path, data={"params": (io.BytesIO(data), "p.yml"), "raw_data": (io.BytesIO(b"a\n1\n"), "x.csv")})


@pytest.mark.parametrize(
    "kind",
    ["text/csv", "application/x-ndjson", "application/json", "application/vnd.apache.parquet",
     "application/vnd.apache.arrow.stream", "application/zip", "image/png"],
)  # fmt: skip
@given(data=st.binary(max_size=300))
@FUZZED
def test_any_bytes_as_a_table(answered, kind, data):
    answered("POST", "/serve_prediction?pipeline_id=birds", data=data, headers={"Content-Type": kind})


@given(name=ids)
@FUZZED
def test_any_text_as_an_id(answered, client, name):
    from werkzeug.urls import iri_to_uri

    for rule in client.application.url_map.iter_rules():
        named = {"pipeline_id", "job_id", "model", "name"} & rule.arguments
        if not named or "GET" not in rule.methods:
            continue
        path = rule.rule
        for argument in rule.arguments:
            for converter in (f"<{argument}>", f"<int:{argument}>", f"<path:{argument}>"):
                path = path.replace(converter, name if argument in named else "1")
        answer = answered("GET", iri_to_uri(path.replace("%", "%25").replace("?", "%3F").replace("#", "%23")))
        assert answer.status_code in (200, 303, 302, 308, 400, 404, 405, 409, 422), (path, answer.status_code)


def path_of(rule):
    """Return a path of a rule, of a model that there is where it names one."""
    named = {name: 1 if name == "number" else "birds" for name in rule.arguments}
    return rule.build(named, append_unknown=False)[1]


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "BREW", "PROPFIND", "DELETE", "OPTIONS"])
def test_any_method_on_any_route(answered, client, method):
    known = {(path_of(rule), one) for rule in client.application.url_map.iter_rules() for one in rule.methods}
    for path in {path for path, _ in known}:
        answer = answered(method, path, headers={"X-HTTP-Method-Override": "GET"})
        assert answer.status_code == 405 or (path, method) in known, (path, answer.status_code)


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_header_that_names_another_method_is_passed_over(client, served, header):
    answer = client.post("/models/birds", headers={header: "DELETE"}, data={"_method": "DELETE"})
    assert answer.status_code == 405
    assert client.get("/models/birds", headers={header: "DELETE"}).status_code == 200


@pytest.mark.parametrize(
    "kind",
    ["", "x", "application/x-python-pickle", "multipart/form-data", "multipart/form-data; boundary=",
     "text/csv; charset=x",
     "multipart/form-data; boundary=" + "x" * 5_000, "application/json; charset=utf-16",
     "application/json\x00"],
)  # fmt: skip
def test_any_content_type_on_any_route(answered, client, kind):
    for rule in client.application.url_map.iter_rules():
        if "POST" in rule.methods:
            answered("POST", path_of(rule), data=b"--x\r\n\r\n", headers={"Content-Type": kind})


@pytest.mark.parametrize("target", ["yaml", "tables"])
def test_what_fuzzers_found_is_read_or_refused(target):
    found = sorted((targets.CORPUS / target).iterdir())
    assert len(found) > 20
    call = {"yaml": targets.yaml, "tables": targets.table}[target]
    for file in found:
        since = time.monotonic()
        call(file.read_bytes())
        assert time.monotonic() - since < SOON, file.name


@pytest.mark.nightly
@given(data=st.binary(max_size=2_000), form=st.integers(0, len(targets.FORMATS) - 1))
@settings(deadline=None, max_examples=5_000)
def test_many_bytes_as_tables(data, form):
    targets.table(bytes([form]) + data)
