"""The words of texts, and the texts without some of them."""

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidData
from app.explain.parts import words
from app.explain.parts.words import Words
from app.payloads.parameters import Kind
from tests.explain.functions import Watched


def row(**texts):
    """Return a row of texts, None where one is missing."""
    return pd.DataFrame({name: pd.array([text], dtype="str") for name, text in texts.items()})


def taken_apart(function=lambda rows: rows["note"].str.len(), columns=("note",), **texts):
    """Return the words of a row, and what watches what the model is asked for."""
    X = row(**texts)
    model = Watched(function, X, **dict.fromkeys(texts, Kind.TEXT))
    return Words.of(model.subject, X, list(columns)), model


def test_each_word_has_the_place_where_it_stands():
    text = "Not good, at all!"
    masked, _ = taken_apart(note=text)
    assert [part.value for part in masked.parts] == ["Not", "good", "at", "all"]
    for part in masked.parts:
        assert part.feature == "note"
        assert text[part.start : part.end] == part.value


def test_a_word_that_is_repeated_is_one_part_that_goes_everywhere():
    masked, model = taken_apart(note="so so, so-so good")
    assert [part.value for part in masked.parts] == ["so", "good"]
    assert masked.places[0] == ((0, 2), (3, 5), (7, 9), (10, 12))
    assert (masked.parts[0].start, masked.parts[0].end) == (0, 2)
    masked.answers(np.array([[False, True]]))
    assert model.asked[0]["note"].tolist() == [" , - good"]
    assert masked.details["words"][0] == {
        "feature": "note",
        "value": "so",
        "spans": [[0, 2], [3, 5], [7, 9], [10, 12]],
    }


def test_words_that_differ_in_a_letter_or_are_inside_others_are_others():
    masked, model = taken_apart(note="Art art party")
    assert [part.value for part in masked.parts] == ["Art", "art", "party"]
    masked.answers(np.array([[True, False, True]]))
    assert model.asked[0]["note"].tolist() == ["Art  party"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ça coûte 12 €", ["Ça", "coûte", "12"]),
        ("日本語 テスト", ["日本語", "テスト"]),
        ("naïve 😀 don't", ["naïve", "don", "t"]),
        ("snake_case e.g. x²", ["snake_case", "e", "g", "x²"]),
        ("<b>bold</b> &amp; <script>alert(1)</script>", ["b", "bold", "amp", "script", "alert", "1"]),
    ],
)
def test_words_of_any_script_are_found_and_spans_count_characters(text, found):
    masked, model = taken_apart(note=text)
    assert [part.value for part in masked.parts] == found
    for part, places in zip(masked.parts, masked.places, strict=True):
        assert all(text[start:end] == part.value for start, end in places)
    masked.answers(np.ones((1, len(found)), dtype=bool))
    assert model.asked[0]["note"].tolist() == [text]
    assert masked.details["texts"] == {"note": text}


def test_what_stands_between_words_stays():
    masked, model = taken_apart(note="  one,\ttwo\n")
    masked.answers(np.array([[False, False], [False, True], [True, False]]))
    assert sorted(model.drawn["note"]) == ["  ,\t\n", "  ,\ttwo\n", "  one,\t\n"]


def test_the_same_words_are_asked_for_once_and_answered_in_the_order_asked():
    masked, model = taken_apart(note="a bb ccc")
    masks = np.random.default_rng(0).random((200, 3)) < 0.5
    answers = masked.answers(masks)
    assert len(model.drawn) == 8
    assert answers[:, 0].tolist() == (2 + masks @ [1, 2, 3]).tolist()


def test_texts_of_two_columns_have_words_of_their_own():
    masked, model = taken_apart(
        lambda rows: rows["note"].str.len() + rows["title"].str.len(), ("title", "note"), note="same text", title="same"
    )
    assert [(part.feature, part.value) for part in masked.parts] == [
        ("title", "same"),
        ("note", "same"),
        ("note", "text"),
    ]
    masked.answers(np.array([[False, True, True]]))
    assert model.asked[0].to_dict("records") == [{"note": "same text", "title": ""}]


def test_the_other_columns_are_as_in_the_row():
    X = pd.DataFrame({"n": [2.5], "note": pd.array(["a b"], dtype="str"), "kept": pd.array([None], dtype="str")})
    model = Watched(lambda rows: rows["n"], X, note=Kind.TEXT)
    Words.of(model.subject, X, ["note"]).answers(np.array([[True, False], [False, False]]))
    pd.testing.assert_frame_equal(model.drawn[["n", "kept"]], pd.concat([X, X], ignore_index=True)[["n", "kept"]])
    assert model.drawn.dtypes.to_dict() == X.dtypes.to_dict()
    assert list(model.drawn) == list(X)


@pytest.mark.parametrize("text", ["", "  ", "?!", None])
def test_a_text_without_a_word_is_refused(text):
    with pytest.raises(InvalidData, match="no word") as refused:
        taken_apart(note=text)
    assert [fault.pointer for fault in refused.value.faults] == ["/raw_data/note"]


def test_a_text_that_is_missing_beside_another_is_empty():
    masked, _ = taken_apart(columns=("note", "title"), note="a word", title=None)
    assert {part.feature for part in masked.parts} == {"note"}
    assert masked.details["texts"] == {"note": "a word", "title": ""}


def test_words_beyond_the_most_that_are_told_apart_stay():
    text = " ".join(f"w{number}" for number in range(words.MOST + 3))
    masked, model = taken_apart(note=text)
    assert len(masked.parts) == words.MOST
    masked.answers(np.zeros((1, words.MOST), dtype=bool))
    left = model.asked[0]["note"][0].split()
    assert left == [f"w{number}" for number in range(words.MOST, words.MOST + 3)]
