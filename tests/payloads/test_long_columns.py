"""Long columns of numbers that are read without an object a value: what any other way would read, or not at all."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidData, Unreadable
from app.payloads import frames, long_columns, rows, straight, strict_json
from app.payloads.parameters import TrainParameters, check
from app.payloads.signature import infer
from app.payloads.uploads import Upload
from app.settings import Settings

SETTINGS = Settings(redis_url="unix:///nowhere")

DATA = Path(__file__).parents[2] / "data"

#: What may stand where something else did.
_ODD = [
    *'"0123456789.-+eE:, {}[]\n\tx_',
    "null",
    "true",
    "NaN",
    "Infinity",
    "1e400",
    "0x1",
    "-0",
    "00",
    "\ufeff",
    '"a"',
]


@pytest.fixture
def all_are_long(monkeypatch):
    """Let columns of any length be read so, a few rows at a time."""
    monkeypatch.setattr(long_columns, "_LONG", 0)
    monkeypatch.setattr(long_columns, "_TOGETHER", 20)


def same_as_ever(data):
    """Compare a table with what the parser of all JSON makes of its text; tell whether it was read at all."""
    found = long_columns.of_table(data)
    if found is None:
        return False
    expected = strict_json.loads(data, "data")
    assert [*found] == [*expected]
    for name, values in found.items():
        assert [*expected[name]] == [str(row) for row in range(len(values))]
        told = [*expected[name].values()]
        assert {*map(type, told)} <= {int, float}
        assert values.dtype == ("int64" if {*map(type, told)} == {int} else "float64")
        assert values.tobytes() == np.array(told, values.dtype).tobytes()
    return True


def text(columns, spaced=False):
    """Write columns by row name, as pandas does or with spaces."""
    by_row = {name: dict(zip(map(str, range(len(values))), values, strict=True)) for name, values in columns.items()}
    return json.dumps(by_row, separators=None if spaced else (",", ":"), ensure_ascii=False).encode()


NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)

#: Names of columns. One that is called as a row is, or has a bracket, keeps its table from being read so.
NAMES = st.text(max_size=5).filter(lambda name: name != "0" and "[" not in name)


@st.composite
def tables(draw):
    """Draw a table of numbers, all columns of one length."""
    names, length = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)), draw(st.integers(1, 25))
    kinds = st.sampled_from([NUMBERS, st.integers(0, 9), st.floats(-1, 1), st.just(-0.0), st.just(1e-9)])
    return {name: draw(st.lists(draw(kinds), min_size=length, max_size=length)) for name in names}


@pytest.mark.usefixtures("all_are_long")
@settings(max_examples=300, deadline=None)
@given(tables(), st.booleans())
def test_numbers_are_read_as_ever(columns, spaced):
    assert same_as_ever(text(columns, spaced))


@pytest.mark.usefixtures("all_are_long")
@settings(max_examples=1500, deadline=None)
@given(
    tables(), st.booleans(), st.lists(st.tuples(st.floats(0, 1), st.sampled_from(_ODD), st.integers(0, 2)), max_size=3)
)
def test_what_is_written_otherwise_is_read_as_ever_or_left(columns, spaced, changes):
    changed = text(columns, spaced).decode()
    for where, odd, gone in changes:
        place = int(where * len(changed))
        changed = changed[:place] + odd + changed[place + gone :]
    same_as_ever(changed.encode())


def by_row(values):
    """Write one column, its values as they are."""
    return '{"a":{' + ",".join(f'"{row}":{value}' for row, value in enumerate(values)) + "}}"


@pytest.mark.usefixtures("all_are_long")
@pytest.mark.parametrize(
    "data",
    [
        '{"a":{"0":1,"1":2,}}',
        '{"a":{"0":1,"0":2}}',
        '{"a":{"0":1,"2":2}}',
        '{"a":{"0":1,"01":2}}',
        '{"a":{"0":1,"+1":2}}',
        '{"a":{"0":1,1"1":2}}',
        '{"a":{"0":1,"1"1:2}}',
        '{"a":{"0":1 ,"1":2}}',
        '{"a":{"0":"1","1":2}}',
        '{"a":{"0":"1":1,5}}',
        '{"a":{"0":1,2,"1":3}}',
        '{"a":{"0":{"0":1}}}',
        '{"a":{"0":1},"b":{"0":1,"1":2}}',
        '{"a":{"0":1},"a":{"0":2}}',
        '{"a":{"0":1},"b":[0]}',
        '{"a":{"0":1},"b":0}',
        '{"a":{"0":1},"b":{}}',
        '{"a":[[0]],"b":{"0":1}}',
        '{"columns":{"0":1},"data":{"0":2}}',
        '{"a":{"b":{"0":1}}}',
        '[{"0":1}]',
        '{"0":1}',
        '{"a{"0":1}":{"0":1}}',
        '{"a":{"0":1}',
        '{"a":{"0":1',
        '{"a":{"0":1}}}',
        *(
            by_row([2, odd])
            for odd in ("01", "-01", "+1", ".5", "5.", "1.e5", "-", "-.5", "1e", "1e+", "0x10", "1_0", "")
        ),
        *(
            by_row([2, odd])
            for odd in ("inf", "nan", "-inf", "NaN", "-Infinity", "null", "true", '"x"', "1e999", "-0", "\u0661")
        ),
        *(by_row([2, odd]) for odd in (2**53, -(2**63), 2**64, 10**39, "9" * 50, "9" * 5000, "0." + "1" * 50)),
    ],
)
def test_what_is_not_regular_is_left(data):
    assert long_columns.of_table(data.encode()) is None


@pytest.mark.usefixtures("all_are_long")
def test_what_is_around_a_table_is_parsed_as_ever():
    assert long_columns.of_body(b'{"pipeline_id":"p","version":2,"data":{"a\\u00e9":{"0":1,"1":2}}}').keys() == {
        "pipeline_id",
        "version",
        "data",
    }
    for body in (
        b'{"pipeline_id":{"0":1},"data":{"a":{"0":1}}}',
        b'{"pipeline_id":"x{"0":1}","data":{"a":{"0":1}}}',
        b'{"data":{"a":{"0":1}},"data":{"a":{"0":1}}}',
        b'{"ids":[1],"data":{"a":{"0":1}}}',
        b'{"data":{"a":0,"b":{"0":1}},"version":{"0":7}}',
        b'{"pipeline_id":"p","data":{"a":{"0":1}}} x',
        b'\xff{"data":{"a":{"0":1}}}',
        b'[{"data":{"a":{"0":1}}}]',
    ):
        assert long_columns.of_body(body) is None


def test_the_samples_are_read_so_as_pandas_writes_them_and_with_spaces():
    data = (DATA / "data_train.json").read_bytes()
    assert same_as_ever(data)
    assert same_as_ever(json.dumps(json.loads(data)).encode())
    assert not same_as_ever(json.dumps(json.loads(data), indent=1).encode())


#: A table that a pipeline of numbers takes, and one that has other kinds.
TRAINED = pd.DataFrame({"n": np.arange(40) / 3, "m": [1.5, 2] * 20, "town": ["Rome", "Oslo"] * 20, "key": range(40)})


def signature(*names, **changes):
    """Return what a pipeline of some columns, and of a label beside them, takes."""
    frame = TRAINED[[*names]].assign(label=["yes", "no"] * 20)
    return infer(frame, check(TrainParameters, {"pipeline_id": "p", "target": "label", **changes}))


@pytest.mark.usefixtures("all_are_long")
@pytest.mark.parametrize("names", [("n", "m"), ("n", "town"), ("n", "m", "key")])
@pytest.mark.parametrize(
    "columns",
    [
        {"n": [1, 2.5, 3], "m": [0.5, -0.0, 1e-5]},
        {"n": [1, 2], "m": [4, 5], "key": [7, 8]},
        {"n": [1, 2], "m": [4, 5], "key": [7.5, 8]},
        {"n": [1, 2], "town": [4, 5]},
        {"n": [1, 2], "town": [4.0, 5]},
        {"n": [1, 2], "m": [1, 2], "label": [1, 2.5]},
        {"n": [1, 2], "other": [1, 2]},
        {"m": [1]},
    ],
)
def test_a_request_has_the_answer_it_would_have_otherwise(names, columns):
    known = signature(*names, **({"id_column": "key"} if "key" in names else {}))
    parts = {False: Upload("data", value=json.loads(text(columns)))}
    parts[True] = rows.of_json(b'{"pipeline_id": "p", "data": ' + text(columns) + b"}")[1]
    assert all(isinstance(values, np.ndarray) for values in parts[True].value.values())
    found = {}
    for quickly, upload in parts.items():
        found[quickly] = [
            told(lambda upload=upload: framed(upload, known)),
            told(lambda upload=upload: read(upload, known)),
        ]
    (frame, quick), (again, quicker) = found[False], found[True]
    assert again == frame
    if quicker is not None and quick is not None:
        assert quicker == quick
    assert Upload.from_bytes(parts[True].to_bytes()).value == {
        name: values.tolist() for name, values in parts[True].value.items()
    }


def told(call):
    """Return what a call does, or how it is refused."""
    try:
        return call()
    except (InvalidData, Unreadable) as error:
        return type(error), error.detail, getattr(error, "errors", None)


def framed(upload, known):
    frame = frames.read(upload, SETTINGS, known.text_columns, known.id_column)
    return known.conform(frame, "data").to_json(), frame.to_json()


def read(upload, known):
    found = straight.read(upload, straight.Wanted.of(known), SETTINGS)
    return (
        None
        if found is None
        else (found.ids.tolist(), {name: values.tolist() for name, values in found.columns.items()})
    )
