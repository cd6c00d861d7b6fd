"""The picture of an explanation: a PNG of a known width, of any names and numbers."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from matplotlib.cbook import is_math_text
from PIL import Image

from app.explain.page import picture
from app.explain.page.drawing.canvas import WIDTH, plain
from tests.explain.answers import answers

PLAIN = answers()

#: What cannot grow: pixels, and figures that are shares of 1.
KEPT = ("image", "regions", "fidelity", "stability")

#: What a caller names.
NAMED = ("name", "other", "value", "label", "row_id")


def read(png):
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


@pytest.mark.parametrize("of", PLAIN)
def test_a_picture_is_as_wide_as_it_says_and_not_blank(of):
    image = read(picture(PLAIN[of]))
    assert image.format == "PNG"
    assert image.width == WIDTH
    assert 120 <= image.height <= 1500
    assert len(image.convert("RGB").getcolors(1 << 24)) > 20


@pytest.mark.parametrize("of", PLAIN)
@pytest.mark.parametrize("first", range(3))
def test_names_are_text_and_no_formulas(of, first):
    hostile = [r"$\frac{1}{0$ $x^2$", "n" * 200, "", "名前 🦆 \x07\n\t", "$", r"\$", "<b>{{7*7}}"]
    given = {slot: hostile[(2 * first + place) % 7] for place, slot in enumerate(NAMED)}
    assert read(picture(answers(**given)[of])).width == WIDTH


@pytest.mark.parametrize("name", ["$x$", r"\$x$", r"$\$", "a$b$c$d$", "no dollar"])
def test_a_dollar_is_a_dollar(name):
    drawn = plain(name)
    assert not is_math_text(drawn)
    assert drawn.replace(r"\$", "$") == name


@pytest.mark.parametrize("of", PLAIN)
@pytest.mark.parametrize("size", [1e-320, 1e-12, 1e12, 1.7e308])
def test_numbers_of_any_size_are_drawn(of, size):
    def grown(value):
        if isinstance(value, dict):
            return {name: part if name in KEPT else grown(part) for name, part in value.items()}
        if isinstance(value, list):
            return [grown(part) for part in value]
        return value * size if isinstance(value, float) else value

    assert read(picture(grown(PLAIN[of]))).width == WIDTH


@pytest.mark.parametrize("of", PLAIN)
def test_numbers_that_are_none_are_left_out(of):
    def gone(value):
        if isinstance(value, dict):
            kept = ("image", "regions", "grid", "grids")
            return {name: part if name in kept else gone(part) for name, part in value.items()}
        if isinstance(value, list):
            return [gone(part) for part in value]
        return None if isinstance(value, float) else value

    assert read(picture(gone(PLAIN[of]))).width == WIDTH


def test_the_same_answer_gives_the_same_picture_in_any_thread():
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(picture, [PLAIN["lime"], PLAIN["segments"]] * 4))
    assert len(set(drawn)) == 2
    assert drawn[0] == picture(PLAIN["lime"])


def test_of_rows_the_first_is_drawn_and_of_a_model_the_model():
    first = {**PLAIN["lime"], "explanations": PLAIN["lime"]["explanations"][:1]}
    assert picture(PLAIN["lime"]) == picture(first)
    model = {**PLAIN["sp_lime"], "explanations": []}
    assert picture(PLAIN["sp_lime"]) == picture(model)


def test_where_nothing_was_explained_the_picture_says_so():
    assert read(picture({**PLAIN["lime"], "explanations": []})).width == WIDTH
