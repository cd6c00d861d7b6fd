"""YAML that people mean."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Unreadable, UploadTooLarge
from app.payloads.strict_yaml import MAX_BYTES, loads


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("12", 12),
        ("-3", -3),
        ("012", "012"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-01-01", "2026-01-01"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-2.5E-3", -0.0025),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("99999999999999999", 99999999999999999),
        ("999999999999999999", "999999999999999999"),
        ("'12'", "12"),
        ("<<", "<<"),
        ("=", "="),
        ("MinimalFCParameters()", "MinimalFCParameters()"),
    ],
)
def test_a_plain_scalar_is_what_yaml_1_2_says(text, value):
    found = loads(f"key: {text}".encode(), "params")["key"]
    assert (found, type(found)) == (value, type(value))


def test_blocks_flows_comments_and_a_byte_order_mark_are_read():
    text = "\ufeff# comment\na: {b: [1, x]}\nc:\n  - d: |\n      two\n      lines\n"
    assert loads(text.encode(), "params") == {"a": {"b": [1, "x"]}, "c": [{"d": "two\nlines\n"}]}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        pytest.param("a: [", "line 1", id="an open bracket"),
        pytest.param("a: !!python/object/apply:os.system ['true']", "tags", id="a python tag"),
        pytest.param("a: !!str x", "tags", id="a tag of YAML's own"),
        pytest.param("a: !x y", "tags", id="a tag of nobody's"),
        pytest.param("!!map {a: 1}", "tags", id="a tag at the root"),
        pytest.param("a: &x 1", "anchors", id="an anchor"),
        pytest.param("a: *x", "anchors", id="an alias"),
        pytest.param("&x a: 1", "anchors", id="an anchor at a key"),
        pytest.param("a: 1\nb: {c: 1, c: 2}", "'c' occurs twice", id="a key twice"),
        pytest.param("1: a\n1.0: b", "occurs twice", id="equal numbers for keys"),
        pytest.param("? [a]\n: b", "scalar", id="a list for a key"),
        pytest.param("? {a: b}\n: c", "scalar", id="a mapping for a key"),
        pytest.param("a: " + "[" * 25 + "]" * 25, "deeper", id="nested deep"),
        pytest.param("a: " + "[" * 30_000, "deeper", id="nested very deep"),
        pytest.param("a: b\n---\nc: d", "YAML", id="two documents"),
        pytest.param("a: \x07", "YAML", id="a control character"),
        pytest.param('a: "\\ud800"', "UTF-8|surrogate|YAML", id="a lone surrogate"),
        pytest.param('"\\udfff": a', "UTF-8|surrogate|YAML", id="a lone surrogate in a key"),
        pytest.param("- a", "mapping", id="a list"),
        pytest.param("text", "mapping", id="a text"),
        pytest.param("", "mapping", id="nothing"),
        pytest.param("# only a comment", "mapping", id="a comment"),
    ],
)
def test_what_surprises_or_executes_is_refused(text, word):
    with pytest.raises(Unreadable, match=word) as refusal:
        loads(text.encode(), "params")
    assert str(refusal.value).startswith("params")


def test_bytes_that_are_not_utf_8_are_refused():
    with pytest.raises(Unreadable, match="UTF-8"):
        loads("a: ü".encode("latin-1"), "params")


def test_a_file_of_just_the_limit_is_read_and_one_byte_more_is_not():
    most = b"a: " + b"x" * (MAX_BYTES - 3)
    assert len(loads(most, "params")["a"]) == MAX_BYTES - 3
    with pytest.raises(UploadTooLarge, match="64 KiB"):
        loads(most + b"x", "params")


SCALARS = st.none() | st.booleans() | st.integers(-(10**16), 10**16) | st.text(alphabet="abcäß0159-_. :#'\"\n{}[]~")


@given(
    st.dictionaries(st.text("abc09", min_size=1), st.recursive(SCALARS, lambda inner: st.lists(inner), max_leaves=5))
)
def test_what_pyyaml_writes_is_read_back(value):
    assert loads(yaml.safe_dump(value, allow_unicode=True).encode(), "params") == value


@given(st.text(alphabet="ab:{}[]&*!?-|>'\"%@`#, \n\t<=~01.", max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        value = loads(text.encode(), "params")
    except Unreadable:
        return
    assert isinstance(value, dict)
