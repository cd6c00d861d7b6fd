"""Compressed bodies: inflated, and never further than a body may be large."""

import gzip
import zlib

import pytest
from flask import Flask, request

from app.errors import FormatUnknown, Unreadable, UploadTooLarge
from app.payloads import encoded


def body(data, coding):
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 1000
    with app.test_request_context(method="POST", data=data, headers={"Content-Encoding": coding}):
        return encoded.body(request)


@pytest.mark.parametrize("size", [0, 5, 1000])
def test_both_codings_are_read_up_to_the_limit(size):
    for coding, squeeze in (("gzip", gzip.compress), ("Deflate ", zlib.compress), ("identity", bytes)):
        assert body(squeeze(b"x" * size), coding) == b"x" * size


@pytest.mark.parametrize("size", [1001, 10**5])
def test_what_unfolds_to_more_is_refused(size):
    with pytest.raises(UploadTooLarge):
        body(gzip.compress(b"x" * size), "gzip")


@pytest.mark.parametrize(
    "data",
    [b"", b"plain", gzip.compress(b"x" * 100)[:-3], gzip.compress(b"x") + b"more"],
    ids=["nothing", "plain", "cut off", "with more behind it"],
)
def test_what_is_not_one_whole_stream_is_refused(data):
    with pytest.raises(Unreadable):
        body(data, "gzip")


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "zstd"])
def test_another_coding_is_refused(coding):
    with pytest.raises(FormatUnknown):
        body(b"x", coding)
