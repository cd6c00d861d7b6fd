"""Requests of the Open Inference Protocol that cannot be read, and values that can only just be."""

import json
import math
import struct

import numpy as np
import pytest

from app.errors import Unreadable, UploadTooLarge
from app.payloads import inference, tensors
from app.payloads.parameters import Kind
from app.payloads.signature import Column, Signature
from app.settings import Settings

SETTINGS = Settings(max_columns=3, max_cells=50)


def signature(**kinds):
    columns = tuple(Column(name, kind, "feature", {}, kind) for name, kind in kinds.items())
    return Signature(columns, "id", ("id",))


NUMBERS = signature(a=Kind.NUMBER, b=Kind.NUMBER)


def read(*inputs, raw=b"", length=None, accepts=NUMBERS, **more):
    body = json.dumps({"inputs": inputs, **more}).encode()
    length = str(len(body)) if length is None and raw else length
    return inference.read(body + raw, length, accepts, SETTINGS)


def values(*inputs, **options):
    return read(*inputs, **options).upload.value


def tensor(datatype, data, shape=None, name="a", **more):
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data, **more}


def raw(datatype, shape, size, name="a"):
    return {"name": name, "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": size}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"inputs": {}}',
        b'{"inputs": [1]}',
        b'{"inputs": [], "id": 5}',
        b'{"inputs": [], "id": "a", "id": "b"}',
        b'{"inputs": [], "parameters": []}',
        b'{"inputs": [], "outputs": "predict"}',
        b'{"inputs": [], "outputs": [{}]}',
        b'{"inputs": [], "outputs": [{"name": "predict", "parameters": {"binary_data": 1}}]}',
        b'{"inputs": [], "parameters": {"binary_data_output": "yes"}}',
        b'{"inputs": [{"name": "a", "datatype": "FP64", "shape": [1], "data": [NaN]}]}',
        b'{"inputs": [{"name": "a", "datatype": "FP64", "shape": [1], "data": ' + b"[" * 10**5 + b"]" * 10**5 + b"}]}",
        b"\xff\xfe",
    ],
    ids=lambda body: body[:60].decode(errors="replace"),
)
def test_a_body_that_is_no_request_is_refused(body):
    with pytest.raises(Unreadable):
        inference.read(body, None, NUMBERS, SETTINGS)


@pytest.mark.parametrize(
    "one",
    [
        {"datatype": "FP64", "shape": [1], "data": [1]},
        tensor("FP64", [1]) | {"name": 5},
        tensor("float", [1]),
        tensor(None, [1]),
        tensor("FP64", [1], [True]),
        tensor("FP64", [1], [-1]),
        tensor("FP64", [1], [1.0]),
        tensor("FP64", [1], "1"),
        tensor("FP64", [1], [1, 1, 1]),
        tensor("FP64", [], []) | {"shape": []},
        tensor("FP64", [1], [2]),
        tensor("FP64", [1, 2], [1]),
        tensor("FP64", [1, 2, 3], [2, 2]),
        tensor("FP64", [[1], [2, 3]], [2, 2]),
        tensor("FP64", [[1, 2], 3, 4], [2, 2]),
        tensor("FP64", [[[1]]], [1, 1]),
        tensor("FP64", [[1, 2]], [2]),
        tensor("FP64", "ab", [2]),
        tensor("FP64", [{}]),
        tensor("FP64", [True]),
        tensor("FP64", ["1"]),
        tensor("INT64", [1.0]),
        tensor("INT64", [True]),
        tensor("INT64", [2**63]),
        tensor("INT8", [128]),
        tensor("UINT8", [-1]),
        tensor("BOOL", [1]),
        tensor("BYTES", [1]),
        tensor("BYTES", ["?"], parameters={"content_type": "base64"}),
        tensor("FP64", [1], parameters=[]),
        tensor("FP64", [1], parameters={"shared_memory_region": "x"}),
        tensor("FP64", [1], parameters={"binary_data_size": 8}),
        {"name": "a", "datatype": "FP64", "shape": [1]},
        # Three columns, where the model has two.
        tensor("FP64", [1, 2, 3], [1, 3], "x"),
    ],
    ids=lambda one: " ".join(str(one.get(name)) for name in ("datatype", "shape", "data", "parameters")),
)
def test_a_tensor_that_is_not_what_it_says_is_refused(one):
    with pytest.raises(Unreadable):
        read(one)


@pytest.mark.parametrize(
    "inputs",
    [
        [tensor("FP64", [1]), tensor("FP64", [1])],
        [tensor("FP64", [1]), tensor("FP64", [1, 2], [1, 2], "b")],
        [tensor("FP64", [1]), tensor("FP64", [1, 2], [2], "b")],
        [tensor("FP64", [], [0]), tensor("FP64", [1], [1, 1], "b")],
    ],
    ids=["one name", "two columns in one", "other rows", "no rows"],
)
def test_inputs_are_columns_one_by_one(inputs):
    with pytest.raises(Unreadable):
        read(*inputs)


@pytest.mark.parametrize("shape", [[10**18], [10**4000, 10**4000], [51]], ids=["a row", "rows", "one more"])
def test_a_claimed_shape_is_refused_before_anything_is_made_of_it(shape):
    for one in (tensor("FP64", [1.0], shape), raw("BOOL", shape, 1)):
        with pytest.raises(UploadTooLarge):
            read(one, raw=b"\0" if "data" not in one else b"")
    with pytest.raises(UploadTooLarge):
        read(*(tensor("FP64", [1], name=name) for name in "abcd"))
    with pytest.raises(UploadTooLarge):
        read(*(tensor("FP64", [1] * 26, name=name) for name in "ab"))


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "9" * 20, "1000", "", "2"])
def test_a_length_of_the_json_that_does_not_fit_is_refused(length):
    with pytest.raises(Unreadable):
        read(tensor("FP64", [1]), length=length)


@pytest.mark.parametrize(
    ("one", "data"),
    [
        (raw("FP64", [1], 8), b"\0" * 7),
        (raw("FP64", [1], 8), b"\0" * 9),
        (raw("FP64", [2], 8), b"\0" * 8),
        (raw("FP64", [1], 8.0), b"\0" * 8),
        (raw("FP64", [1], True), b"\0"),
        (raw("FP64", [1], -8), b"\0" * 8),
        (raw("BOOL", [1], 1), b"\2"),
        (raw("BYTES", [1], 3), b"\0\0\0"),
        (raw("BYTES", [1], 5), b"\xff\xff\xff\xffa"),
        (raw("BYTES", [1], 8), b"\0" * 8),
        (raw("BYTES", [2], 4), b"\0" * 4),
        (raw("BYTES", [1], 5), b"\1\0\0\0\xff"),
    ],
    ids=str,
)
def test_raw_bytes_that_do_not_fit_their_tensor_are_refused(one, data):
    with pytest.raises(Unreadable):
        read(one, raw=data)


@pytest.mark.parametrize("datatype", tensors.NUMPY)
def test_the_limits_of_every_datatype_are_read_of_json_and_of_bytes(datatype):
    kind = np.dtype(tensors.NUMPY[datatype])
    ends = np.array([0, 1]) if datatype == "BOOL" else np.array([np.finfo, np.iinfo][kind.kind != "f"](kind).max)
    found = np.resize(ends, 2).astype(kind)
    expected = [bool(value) if datatype == "BOOL" else value for value in found.tolist()]
    assert values(tensor(datatype, expected)) == {"a": expected}
    assert values(raw(datatype, [2], 2 * kind.itemsize), raw=found.tobytes()) == {"a": expected}
    assert tensors.Tensor("a", datatype, (2,), expected).binary() == found.tobytes()


def test_the_bytes_of_inputs_follow_each_other():
    texts = struct.pack("<I", 3) + "ä1".encode() + struct.pack("<I", 0)
    accepts = signature(a=Kind.CATEGORY, b=Kind.NUMBER)
    found = values(
        raw("BYTES", [2, 1], len(texts)),
        tensor("INT8", [1, 2], name="id"),
        raw("FP32", [2], 8, "b"),
        raw=texts + np.array([0.5, math.inf], dtype="<f4").tobytes(),
        accepts=accepts,
    )
    assert found == {"a": ["ä1", ""], "id": [1, 2], "b": [0.5, math.inf]}


def test_base64_is_text_of_a_column_of_text_and_bytes_of_one_of_images():
    one = tensor("BYTES", ["w6Q=", None], parameters={"content_type": "base64"})
    assert values(one, accepts=signature(a=Kind.TEXT)) == {"a": ["ä", None]}
    assert values(one, accepts=signature(a=Kind.IMAGE)) == {"a": ["ä".encode(), None]}


@pytest.mark.parametrize("datatype", ["FP64", "INT64", "BOOL", "BYTES"])
def test_null_is_a_missing_value_of_any_datatype(datatype):
    assert values(tensor(datatype, [None, None], [2, 1])) == {"a": [None, None]}


def test_a_model_of_one_column_takes_it_under_any_name():
    one = signature(text=Kind.TEXT)
    for shape in ([2], [2, 1]):
        assert values(tensor("BYTES", ["x", "y"], shape, "input-0"), accepts=one) == {"text": ["x", "y"]}


def test_ids_in_a_tensor_of_floats_are_whole_numbers():
    series = Signature((Column("who", Kind.NUMBER, "id", {}, Kind.NUMBER), *NUMBERS.columns), "who", ())
    found = values(tensor("FP64", [7.0, 1.0, 2.5, 8.5, 3.0, 4.5], [2, 3], "x"), accepts=series)
    assert found == {"who": [7, 8.5], "a": [1.0, 3.0], "b": [2.5, 4.5]}
    assert isinstance(found["who"][0], int)


def test_parameters_of_the_protocol_are_none_of_an_explanation():
    own = {"binary_data_output": True, "content_type": "pd", "headers": {}}
    assert read(tensor("FP64", [1]), parameters={**own, "method": "lime"}).parameters == {"method": "lime"}


def test_what_clients_leave_out_as_null_is_left_out():
    asked = read(tensor("FP64", [1], parameters=None), id=None, outputs=None, parameters=None)
    assert (asked.id, asked.outputs, asked.parameters) == (None, {}, {})


def test_a_class_that_is_missing_is_null_even_where_bytes_are_asked_for():
    assert tensors.of("predict", ["a", None]).binary() is None
    assert tensors.of("predict", [1, None]).binary() is None
    assert np.isnan(np.frombuffer(tensors.of("predict", [1.5, None]).binary())).tolist() == [False, True]
