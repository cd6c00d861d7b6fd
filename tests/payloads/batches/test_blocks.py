"""Files in blocks hold what the same files hold at once, wherever they are cut."""

import io

import numpy as np
import pandas as pd
import pytest

from app.errors import Unreadable, UploadTooLarge
from app.payloads import frames
from app.payloads.batches import blocks
from app.payloads.batches.parameters import Form
from app.payloads.uploads import Upload
from app.settings import Settings

FRAME = pd.DataFrame(
    {
        "id": np.arange(60),
        "number": np.random.default_rng(0).normal(size=60),
        "text": [f'a "quoted"\nline; of, {row}\r\n' if row % 3 else "plain" for row in range(60)],
    }
)
PLAIN = FRAME.drop(columns="text")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Blocks are small."""
    monkeypatch.setattr(blocks, "BLOCK", 100)


def read(data, form, text=()):
    """Return the frames of all blocks."""
    found = blocks.blocks(io.BytesIO(data), len(data), form, "raw_data", text)
    return [frames.read(block.upload, Settings(), ["text"]) for block in found]


@pytest.mark.parametrize(
    "data",
    [
        FRAME.to_csv(index=False).encode(),
        b"\xef\xbb\xbf" + FRAME.to_csv(index=False, sep=";").encode(),
        FRAME.to_csv(index=False, sep="\t", quoting=1).encode(),
        PLAIN.to_csv(index=False, lineterminator="\r\n").encode(),
        PLAIN.to_csv(index=False, lineterminator="\r").encode(),
        PLAIN.to_csv(index=False).encode()[:-1],
        PLAIN.to_csv(index=False).encode().replace(b"\n", b"\n\n"),
        b'id,"a\nname"\n' + b'1,5" pipe\n2,"a ""b"", c"\n' * 30,
        "id,größe\n".encode() + "1,ä\n2,漢字\n".encode() * 30,
    ],
    ids=["quoted", "mark", "tabs", "windows", "returns", "no end", "blank lines", "stray quotes", "letters"],
)
def test_a_csv_in_blocks_is_what_it_is_at_once(data):
    found = read(data, Form.CSV)
    assert len(found) > 2
    whole = frames.read(Upload("raw_data", data, "text/csv"), Settings(), ["text"])
    pd.testing.assert_frame_equal(pd.concat(found, ignore_index=True), whole)


def test_a_number_in_a_column_of_texts_is_text_in_every_block_of_json_lines():
    lines = b'{"id": 1, "text": "a"}\n' * 5 + b'{"id": 2, "text": 7}\n\n' * 5 + b'{"id": 3}\n'
    found = read(b"\xef\xbb\xbf" + lines, Form.JSONL, ["text"])
    assert len(found) > 2
    assert pd.concat(found)["text"].fillna("none").tolist() == ["a"] * 5 + ["7"] * 5 + ["none"]


def test_a_line_that_is_no_json_is_named():
    with pytest.raises(Unreadable, match="Line 13 of raw_data"):
        read(b'{"id": 1}\n' * 12 + b"{\n", Form.JSONL)


def test_a_quote_that_is_never_closed_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(blocks, "_LONGEST", 1000)
    with pytest.raises(UploadTooLarge, match="a quote that is not closed"):
        read(b'a,b\n1,"' + b"x\n" * 2000, Form.CSV)
