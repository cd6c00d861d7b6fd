"""JSON as RFC 8259 has it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Unreadable
from app.payloads.strict_json import loads

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=10,
)


@given(VALUES)
def test_all_that_json_can_say_is_read(value):
    assert loads(json.dumps(value).encode(), "body") == value


def test_a_byte_order_mark_and_escaped_pairs_are_read():
    assert loads(b'\xef\xbb\xbf"\\ud83d\\ude00"', "body") == "😀"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        pytest.param(b"", "not JSON", id="nothing"),
        pytest.param(b"{'a': 1}", "not JSON", id="single quotes"),
        pytest.param(b"[1,]", "line 1, column", id="a comma at the end"),
        pytest.param(b"1 2", "not JSON", id="two values"),
        pytest.param(b"NaN", "NaN", id="NaN"),
        pytest.param(b"[-Infinity]", "Infinity", id="Infinity"),
        pytest.param(b'{"a": 1, "b": {"c": 1, "c": 2}}', "'c' occurs twice", id="a name twice, deep inside"),
        pytest.param(b'{"a": 1, "\\u0061": 2}', "'a' occurs twice", id="a name twice, once escaped"),
        pytest.param(b'"\xff"', "UTF-8", id="not UTF-8"),
        pytest.param('"ü"'.encode("utf-16"), "UTF-8", id="UTF-16"),
        pytest.param(rb'"\ud800"', "UTF-8", id="a lone surrogate"),
        pytest.param(rb'{"\uDfff": 1}', "UTF-8", id="a lone surrogate in a name"),
        pytest.param(b"[" * 200_000, "too deep", id="nested lists"),
        pytest.param(b'{"a":' * 200_000, "too deep", id="nested objects"),
        pytest.param(b"1" * 5000, "too long", id="an integer of 5000 digits"),
    ],
)
def test_what_is_not_strict_json_is_refused_by_the_name_of_its_part(data, word):
    with pytest.raises(Unreadable, match=word) as refusal:
        loads(data, "raw_data")
    assert str(refusal.value).startswith("raw_data")


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(data):
    try:
        loads(data, "body")
    except Unreadable:
        return
    assert json.loads(data.decode("utf-8-sig")) is not ...


@pytest.mark.timeout(20)
def test_a_name_twice_among_very_many_is_found_in_time():
    names = ",".join(f'"name{number}":0' for number in range(100_000))
    with pytest.raises(Unreadable, match="'name99999' occurs twice"):
        loads(f'{{{names},"name99999":1}}'.encode(), "body")
