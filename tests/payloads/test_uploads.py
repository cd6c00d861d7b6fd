"""Parts of a request, and what tells their format."""

import io

import pytest
from flask import Flask, request

from app.errors import FormatUnknown, Unacceptable
from app.payloads.uploads import Upload, parts, take


@pytest.mark.parametrize(
    ("upload", "found"),
    [
        pytest.param(Upload("x", b"", "application/json", ""), "json", id="media type"),
        pytest.param(Upload("x", b"", "text/csv", "a.json"), "csv", id="a media type before the name"),
        pytest.param(Upload("x", b"{", "application/octet-stream", "a.CSV"), "csv", id="a name in capitals"),
        pytest.param(Upload("x", b"", "", "/etc/passwd/../a.parquet"), "parquet", id="a path for a name"),
        pytest.param(Upload("x", b"", "application/vnd.ms-excel", "a.csv"), "csv", id="an unknown media type"),
        pytest.param(Upload("x", b"", "", "a.feather"), "arrow", id="feather"),
        pytest.param(Upload("x", b" \n[1]"), "json", id="first bytes of a list"),
        pytest.param(Upload("x", b'{"a"'), "json", id="first bytes of an object"),
        pytest.param(Upload("x", b"PAR1..."), "parquet", id="first bytes of Parquet"),
        pytest.param(Upload("x", b"ARROW1.."), "arrow", id="first bytes of Arrow"),
        pytest.param(Upload("x", b"", "", "a.zip"), "zip", id="a zip"),
        pytest.param(Upload("x", b"", "application/x-zip-compressed", "a"), "zip", id="a zip of Windows"),
        pytest.param(Upload("x", b"", "application/octet-stream", "a.npz"), "zip", id="numpy"),
        pytest.param(Upload("x", b"", "image/png"), "png", id="a PNG's media type"),
        pytest.param(Upload("x", b"", "", "A.JPG"), "jpeg", id="a photo's name"),
        pytest.param(Upload("x", b"PK\x03\x04.."), "zip", id="first bytes of a zip"),
        pytest.param(Upload("x", b"\x89PNG\r\n\x1a\n.."), "png", id="first bytes of a PNG"),
        pytest.param(Upload("x", b"\xff\xd8\xff\xe0"), "jpeg", id="first bytes of a JPEG"),
        pytest.param(Upload("x", b"a,b\n", "", "data"), None, id="CSV without a name"),
        pytest.param(Upload("x", b"\x80\x04", "", "a.pkl"), None, id="a pickle"),
        pytest.param(Upload("x", b"", "", ""), None, id="nothing"),
        pytest.param(Upload("x", value=[]), "json", id="a parsed value"),
    ],
)
def test_media_type_then_name_then_first_bytes_tell_the_format(upload, found):
    if found is not None:
        assert upload.format == found
        return
    with pytest.raises(FormatUnknown, match="format of x"):
        _ = upload.format


def test_files_and_fields_are_read_by_name():
    files = {"raw_data": (io.BytesIO(b"[1]"), "a.json", "application/json"), "params": "pipeline_id: ü"}
    with Flask("x").test_request_context("/", method="POST", data=files):
        found = parts(request)
    assert found["raw_data"] == Upload("raw_data", b"[1]", "application/json", "a.json")
    assert found["params"] == Upload("params", "pipeline_id: ü".encode())


def test_the_parts_that_are_known_are_taken():
    take({"a": Upload("a"), "c": Upload("c")}, ("a",), ("b", "c"))


def test_each_part_that_is_missing_or_unknown_is_named():
    with pytest.raises(Unacceptable) as refusal:
        take({"x": Upload("x"), "b": Upload("b")}, ("a", "b"), ("c",))
    assert [fault.pointer for fault in refusal.value.faults] == ["/a", "/x"]
    assert "a, b, and where there are any c" in refusal.value.detail
