"""Requests that name a pipeline and bring rows, in their three forms."""

import io

import pytest
from flask import Flask, request

from app.errors import FormatUnknown, InvalidParameters, Unacceptable, Unreadable
from app.payloads.rows import to_explain, to_predict
from app.payloads.uploads import Upload


def ask(read=to_predict, path="/", **options):
    with Flask("x").test_request_context(path, method="POST", **options):
        return read(request)


def form(params=b"pipeline_id: 1"):
    return {"raw_data": (io.BytesIO(b"[]"), "a.json", "text/csv"), "params": (io.BytesIO(params), "p.yml")}


def test_a_form_has_the_rows_and_the_parameters_as_parts():
    parameters, upload = ask(data=form(b"pipeline_id: 1\nversion: 2\noutput: all"))
    assert (parameters.pipeline_id, parameters.version, parameters.output) == (1, 2, "all")
    assert upload == Upload("raw_data", b"[]", "text/csv", "a.json")


def test_a_json_body_has_the_rows_beside_the_parameters():
    parameters, upload = ask(json={"pipeline_id": "p", "data": [{"x": 1}]})
    assert (parameters.pipeline_id, parameters.version) == ("p", None)
    assert (upload.value, upload.format) == ([{"x": 1}], "json")


def test_a_body_may_be_the_table_itself():
    parameters, upload = ask(path="/?pipeline_id=7&version=3", data=b"a\n1\n", content_type="text/csv; charset=utf-8")
    assert (parameters.pipeline_id, parameters.version) == ("7", 3)
    assert (upload.data, upload.format) == (b"a\n1\n", "csv")


def test_the_numbers_of_an_explanation_may_come_in_the_query():
    query = "/?pipeline_id=7&method=lime&num_features=3&num_samples=20&seed=5"
    parameters, _ = ask(to_explain, query, data=b"[]", content_type="application/json")
    assert (parameters.num_features, parameters.num_samples, parameters.seed) == (3, 20, 5)


def test_lists_booleans_and_fractions_may_come_in_the_query_too():
    query = "/?pipeline_id=7&method=lime&ids=3&ids=b&stability=true&max_error=0.01&text=12&target=1"
    parameters, _ = ask(to_explain, query, data=b"[]", content_type="application/json")
    assert (parameters.ids, parameters.stability, parameters.max_error) == ([3, "b"], True, 0.01)
    assert (parameters.text, parameters.target) == ("12", "1")


def test_columns_in_the_query_are_named_as_they_are_written():
    query = "/?pipeline_id=7&method=ice&columns=2020&columns=true&ids=7&ids=true&ids=1.5"
    parameters, _ = ask(to_explain, query, data=b"[]", content_type="application/json")
    assert parameters.columns == ["2020", "true"]
    assert parameters.ids == [7, "true", "1.5"]
    query = "/?pipeline_id=7&method=counterfactual&immutable=1&wanted=1&at_least=-2.5&at_most=3"
    parameters, _ = ask(to_explain, query, data=b"[]", content_type="application/json")
    assert (parameters.immutable, parameters.wanted) == (["1"], "1")
    assert (parameters.at_least, parameters.at_most) == (-2.5, 3)


@pytest.mark.parametrize(
    ("text", "number"),
    [("3", 3), ("+3", 3), ("-2.5", -2.5), (".5", 0.5), ("5.", 5), ("1e3", 1000), ("-1.5E-2", -0.015)],
)
def test_numbers_in_the_query_are_read_as_yaml_reads_them(text, number):
    query = f"/?pipeline_id=7&method=counterfactual&at_least={text.replace('+', '%2B')}"
    parameters, _ = ask(to_explain, query, data=b"[]", content_type="application/json")
    assert parameters.at_least == number


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "Infinity", "1_000", "0x10", "1 2", "true", ""])
def test_what_is_no_number_that_ends_is_refused_in_the_query(text):
    with pytest.raises(InvalidParameters) as refusal:
        ask(to_explain, f"/?pipeline_id=7&method=counterfactual&at_least={text}", data=b"[]")
    assert [fault.pointer for fault in refusal.value.faults] == ["/query/at_least"]


def test_a_form_and_a_body_bring_rows_to_a_method_over_many_that_may_do_without():
    _, upload = ask(to_explain, data=form(b"{pipeline_id: 1, method: summary}"))
    assert upload == Upload("raw_data", b"[]", "text/csv", "a.json")
    _, upload = ask(to_explain, json={"pipeline_id": 1, "method": "summary", "data": [{"x": 1}]})
    assert upload.value == [{"x": 1}]
    _, upload = ask(to_explain, "/?pipeline_id=1&method=summary", data=b"a\n1\n", content_type="text/csv")
    assert (upload.data, upload.format) == (b"a\n1\n", "csv")


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        pytest.param({"data": form(b"{pipeline_id: 1, method: limes}")}, "/params/method", id="a form"),
        pytest.param({"json": {"pipeline_id": 1, "method": "limes", "data": []}}, "/body/method", id="a body"),
        pytest.param({"path": "/?pipeline_id=1&method=limes", "data": b"[]"}, "/query/method", id="a query"),
    ],
)
def test_an_unknown_method_is_pointed_at_where_it_stands_with_near_ones(options, pointer):
    with pytest.raises(InvalidParameters) as refusal:
        ask(to_explain, **options)
    (fault,) = refusal.value.faults
    assert fault.pointer == pointer
    assert fault.detail.startswith("unknown; did you mean lime? known are lime, shap")


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        pytest.param({"data": form(b"{pipeline_id: 1, method: ice, grid_size: 1}")}, "/params/grid_size", id="a form"),
        pytest.param({"json": {"pipeline_id": 1, "method": "ice", "grid_size": 1}}, "/body/grid_size", id="a body"),
        pytest.param({"path": "/?pipeline_id=1&method=ice&grid_size=1"}, "/query/grid_size", id="a query"),
        pytest.param({"json": {"method": "ice", "data": []}}, "/body/pipeline_id", id="no pipeline"),
        pytest.param({"json": {"pipeline_id": 1, "data": []}}, "/body/method", id="no method"),
    ],
)
def test_a_parameter_that_is_wrong_is_pointed_at_where_it_stands(options, pointer):
    with pytest.raises(InvalidParameters) as refusal:
        ask(to_explain, **options)
    assert [fault.pointer for fault in refusal.value.faults] == [pointer]


def test_a_form_for_an_explanation_has_params_and_no_part_that_is_not_known():
    with pytest.raises(Unacceptable) as refusal:
        ask(to_explain, data={"raw_data": (io.BytesIO(b"[]"), "a.json"), "labels": "x"})
    assert {fault.pointer for fault in refusal.value.faults} == {"/params", "/labels"}


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"data": {"params": "{pipeline_id: 1, method: sp_lime}"}}, id="a form"),
        pytest.param({"json": {"pipeline_id": 1, "method": "sp_lime"}}, id="a body"),
        pytest.param({"path": "/?pipeline_id=1&method=sp_lime"}, id="a query"),
    ],
)
def test_a_method_over_many_rows_may_come_without_any(options):
    if "data" in options:
        options = {**options, "content_type": "multipart/form-data"}
    parameters, upload = ask(to_explain, **options)
    assert parameters.method == "sp_lime"
    assert upload is None


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        pytest.param({"data": {"params": "{pipeline_id: 1, method: lime}"}}, "/raw_data", id="a form"),
        pytest.param({"json": {"pipeline_id": 1, "method": "lime"}}, "/data", id="a body"),
        pytest.param({"path": "/?pipeline_id=1&method=lime"}, "/raw_data", id="a query"),
    ],
)
def test_a_method_of_rows_may_not(options, pointer):
    if "data" in options:
        options = {**options, "content_type": "multipart/form-data"}
    with pytest.raises(InvalidParameters) as refusal:
        ask(to_explain, **options)
    assert [fault.pointer for fault in refusal.value.faults] == [pointer]


@pytest.mark.parametrize(
    ("options", "error", "pointer"),
    [
        pytest.param(
            {"data": {"params": "pipeline_id: 1"}, "content_type": "multipart/form-data"},
            Unacceptable,
            "/raw_data",
            id="no form data",
        ),
        pytest.param({"data": form() | {"labels": "x"}}, Unacceptable, "/labels", id="a part too many"),
        pytest.param({"data": form(b"id: 1")}, InvalidParameters, "/params/pipeline_id", id="a form without an id"),
        pytest.param({"json": {"data": []}}, InvalidParameters, "/body/pipeline_id", id="a body without an id"),
        pytest.param({"json": {"pipeline_id": 1}}, InvalidParameters, "/data", id="a body without data"),
        pytest.param({"json": {"pipeline_id": 1, "data": None}}, InvalidParameters, "/data", id="null for data"),
        pytest.param(
            {"path": "/?pipeline_id=1&seed=x", "data": b"x"}, InvalidParameters, "/query/seed", id="an unknown query"
        ),
        pytest.param(
            {"path": "/?version=2", "json": {"pipeline_id": 1, "data": []}},
            InvalidParameters,
            "/query/version",
            id="a query beside a body that has parameters",
        ),
        pytest.param(
            {"path": "/?version=2", "data": form()}, InvalidParameters, "/query/version", id="a query beside a form"
        ),
        pytest.param({"json": [1]}, Unreadable, None, id="a list for a body"),
        pytest.param({"data": b"{", "content_type": "application/json"}, Unreadable, None, id="broken JSON"),
        pytest.param({"data": b"a,b", "content_type": "text/csv"}, FormatUnknown, None, id="CSV without a pipeline"),
        pytest.param({"data": b"x"}, FormatUnknown, None, id="no content type"),
    ],
)
def test_what_is_missing_or_unknown_is_pointed_at(options, error, pointer):
    with pytest.raises(error) as refusal:
        ask(**options)
    if pointer:
        assert pointer in [fault.pointer for fault in refusal.value.faults]
