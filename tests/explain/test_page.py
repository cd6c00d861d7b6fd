"""The page of an explanation: of every kind, with every number, and nothing in it that a user has named runs."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from PIL import Image

from app.explain.page import curves, html
from app.explain.page.document import as_sent
from app.explain.page.labels import METHODS
from app.payloads.explaining import METHODS as KNOWN
from tests.explain.answers import answers

PLAIN = answers()

#: What is meant to become markup, a template or a style where a page is made carelessly.
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "</style><style>*{background:url(//x)}",
    "' style='x:expression(1)' onclick='alert(1)",
    "{{7*7}}{% raw %}",
    "javascript:alert(1)",
    "\u202e&lt;b&gt; $x^2$ \x07 名前 🦆",
    "n" * 200,
)

#: What cannot grow: pixels, and figures that are shares of 1.
KEPT = ("image", "regions", "rows", "fidelity", "stability")

#: Elements that have no end.
EMPTY = {"meta", "br", "img"}

#: All that a page is made of.
ELEMENTS = EMPTY | {
    "html", "head", "title", "style", "body", "header", "section", "h1", "h2", "h3", "h4", "p", "span", "div", "b",
    "ul", "li", "figure", "figcaption", "table", "tr", "th", "td", "details", "summary", "a", "mark", "blockquote",
    "svg", "text", "line", "circle", "rect", "polygon", "polyline", "path",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "name", "content", "class", "id", "href", "title", "scope", "style", "aria-label", "aria-hidden",
    "role", "src", "alt", "width", "height", "viewbox", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "d",
    "points", "fill", "fill-opacity", "text-anchor", "transform",
}  # fmt: skip


class Page(HTMLParser):
    """Reads a page: its elements with their attributes, and its text; raises where an element is not ended."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self._open = [], [], []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.texts.append(data)

    @property
    def attributes(self):
        return [(name, value) for _, attributes in self.elements for name, value in attributes.items()]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def page(of):
    return Page(html(PLAIN[of]))


def test_every_method_has_a_name_a_sentence_and_an_answer_here():
    assert set(METHODS) == set(KNOWN) == {answer["method"] for answer in PLAIN.values()}


@pytest.mark.parametrize("of", PLAIN)
def test_a_page_is_told_what_it_is_of(of):
    found, answer = page(of), PLAIN[of]
    for told in (METHODS[answer["method"]][0], METHODS[answer["method"]][1], "version 3", "Oslo", "seed 7", "250 ms"):
        assert told in found.text


@pytest.mark.parametrize("of", PLAIN)
def test_a_page_is_made_of_known_elements_and_loads_nothing(of):
    text = html(PLAIN[of])
    found = Page(text)
    assert {tag for tag, _ in found.elements} <= ELEMENTS
    assert {name for name, _ in found.attributes} <= ATTRIBUTES
    assert all(re.fullmatch(r"#e\d+", attributes["href"]) for attributes in found.of("a"))
    assert all(re.match("data:image/png;base64,[A-Za-z0-9+/=]+$", image["src"]) for image in found.of("img"))
    assert not re.search(r"url\(|@import|https?:", text)


@pytest.mark.parametrize("of", PLAIN)
def test_headings_are_in_order_and_pictures_have_a_name(of):
    found = page(of)
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(image["alt"] for image in found.of("img"))
    assert all(plot["role"] == "img" and plot["aria-label"] for plot in found.of("svg"))


def test_links_lead_to_places_in_the_page_and_no_two_places_have_the_same_name():
    found = page("lime")
    places = [value for name, value in found.attributes if name == "id"]
    assert len(places) == len(set(places))
    assert {attributes["href"][1:] for attributes in found.of("a")} <= set(places)


@pytest.mark.parametrize("of", PLAIN)
@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_user_has_named_stays_text(of, name):
    answer = answers(name=name, other=f"{name}2", value=f"{name}3", label=f"{name}4", row_id=f"{name}5")[of]
    text = html(answer)
    found = Page(text)
    assert {tag for tag, _ in found.elements} <= ELEMENTS
    assert {attribute for attribute, _ in found.attributes} <= ATTRIBUTES
    styles = [value for attribute, value in found.attributes if attribute == "style"]
    assert all(re.fullmatch(r"min-width: \d+px|--size: \.?[\d.]+|font-size: 1.1rem", style) for style in styles)
    plain = page(of)
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in plain.elements]
    assert " ".join(f"{name}3".split()) in found.text


def test_a_text_of_a_user_stays_text():
    for text in HOSTILE:
        found = Page(html(answers(text=text)["words"]))
        assert {tag for tag, _ in found.elements} <= ELEMENTS
        assert " ".join(text.split()).replace(" ", "") in found.text.replace(" ", "")


@pytest.mark.parametrize(
    ("of", "numbers"),
    [
        ("lime", ["81.2 %", "50.0 %", "78.8 %", "+0.312", "−0.0625", "41.5", "0.288 … 0.337", "+0.0375", "2 others"]),
        ("shap", ["109.8", "100.5", "+12.5", "−3.25", "0"]),
        ("shap of log odds", ["+1.5", "−0.25", "−1.25", "22.3 %"]),
        ("words", ["+0.25", "−0.125", "0.23 … 0.27"]),
        ("segments", ["+0.25", "−0.125", "+0.0625", "110", "120", "step 2"]),
        ("regions", ["+0.25", "−0.125", "3", "0"]),
        ("gradients", ["+0.25", "+0.0125"]),
        ("nearest", ["1.38", "18.8 %", "39.5", "41.5"]),
        ("counterfactual", ["1.38", "18.8 %", "38.5"]),
        ("ice", ["0.625", "+0.2", "0.75"]),
        ("partial_dependence", ["0.625", "0.25", "0.125", "40"]),
        ("surface", ["0.0375", "0.875", "0.25"]),
        ("interactions", ["0.375", "0.05", "0.25", "0.125"]),
        ("permutation_importance", ["0.25", "−0.0125", "0.9375", "0.05", "3 times", "4 columns"]),
        ("summary", ["0.188", "0.0625", "−0.0625", "40"]),
        ("summary of words", ["0.188", "−0.0625"]),
        ("sp_lime", ["1.5", "0.188", "−0.0625", "20", "15", "90 %"]),
    ],
)
def test_every_number_is_there_as_people_read_it(of, numbers):
    text = page(of).text
    assert [number for number in numbers if number not in text] == []


@pytest.mark.parametrize(
    ("of", "sentence"),
    [
        ("lime", "The local model follows the pipeline closely around this row (R² 0.91). At the row itself it gives"),
        ("lime", "The local model does not follow the pipeline around this row (R² 0.31): do not rely on it."),
        ("lime", "Other seeds name the same largest contributions (agreement 0.95, at best 1)."),
        ("lime", "Other seeds name other contributions as the largest (agreement 0.40, at best 1). Ask for more"),
        ("lime", "its probabilities hardly differ from the pipeline's (divergence 0.018; 0 is none)."),
        ("lime", "Sampling ended as soon as the largest standard error was as small as asked for (max_error)."),
        ("words", "The local model follows the pipeline only roughly around this row (R² 0.70)."),
        ("words", "Sampling leaves little doubt beside the largest contribution (standard error at most 0.01)."),
        ("gradients", "Contributions are hardly larger than the error of sampling"),
        ("shap", "Base value and contributions add up to what the model gives (they miss it by 1.5e-09)."),
        ("features_on_signal", "Base value and contributions add up exactly to what the model gives."),
        ("shap", "Exact: nothing was sampled. Compared with 50 rows of the training."),
        ("shap of log odds", "do not add up to what the model gives: do not rely on them (they miss it by 0.9)."),
        ("shap of log odds", "Contributions are log odds"),
        ("shap of log odds", "a probability of 22.3 %"),
        ("features_on_signal", "87.5 % of the contributions, by size, have a place in the series."),
        ("grad_cam", "The prediction falls by 0.375 when what the map marks is hidden: the model looks there."),
        ("grad_cam", "does not fall when what the map marks is hidden (it changes by 0.0625): do not rely on it."),
        ("summary of images", "The standard error of the contributions is at most 0.02."),
        ("summary of words", "The local models do not follow the pipeline around the rows, on average (R² 0.40)"),
        ("sp_lime", "The rows that are shown have 90 % of what all explanations name, by importance."),
        ("counterfactual", "The search ended when its time was up"),
        ("counterfactual", "The outcome wanted is yes."),
        ("no counterfactual", "None was found."),
        ("no counterfactual", "A prediction of at least 5.5 is wanted."),
    ],
)
def test_how_far_to_trust_it_is_said_in_words(of, sentence):
    assert sentence in page(of).text


def test_what_is_true_or_false_is_written_as_in_the_forms_of_rows():
    entry = PLAIN["lime"]["explanations"][0]
    one = {**entry["contributions"][0], "feature": "member", "value": False, "condition": "member = False"}
    text = Page(html({**PLAIN["lime"], "explanations": [{**entry, "contributions": [one]}]})).text
    assert "member = no" in text
    assert "False" not in text


def test_a_curve_has_room_for_the_prediction_of_its_row():
    answer = PLAIN["ice"]
    entry = {**answer["explanations"][0], "prediction": 0.99}
    found = curves.curves(as_sent({**answer, "explanations": [entry]})["explanations"][0])
    assert max(found[0].middle) < curves.ends(found)[1] == 0.99


def test_what_is_not_to_be_relied_on_stands_out():
    def poor(answer):
        return [attributes for attributes in Page(html(answer)).of("li") if attributes["class"] == "poor"]

    answer = PLAIN["lime"]
    good, bad = ({**answer, "explanations": [entry]} for entry in answer["explanations"])
    assert not poor(good)
    assert poor(bad)


def test_figures_that_are_not_there_are_not_told():
    entry = {**PLAIN["lime"]["explanations"][0], "fidelity": None, "divergence": None, "stability": None}
    del entry["standard_error"]
    assert "R²" not in Page(html({**PLAIN["lime"], "explanations": [entry]})).text


def test_words_are_coloured_by_their_contributions_and_told_apart_without_colour():
    text = html(PLAIN["words"])
    quote = re.search("<blockquote>.*?</blockquote>", text, re.DOTALL).group()
    marked = re.findall(r'<mark class="(\w+)" style="--size: ([\d.]+)" title="(.*?)">(.*?)</mark>', quote)
    assert marked == [
        ("up", "1.000", "+0.25", "good"),
        ("up", "1.000", "+0.25", "good"),
        ("down", "0.500", "−0.125", "end"),
    ]
    assert re.sub("<.*?>", "", quote) == "good film, good end"
    assert "underline solid" in text
    assert "underline dashed" in text


def test_what_changed_is_marked_by_more_than_a_colour():
    text = html(PLAIN["counterfactual"])
    assert re.findall('<td class="changed">(.*?)</td>', text) == ["41.5", "Oslo"]
    assert 'td.changed::before { content: "≠ "' in text


def test_the_values_of_the_row_are_those_it_is_told_or_those_of_a_row_that_did_not_change_them():
    assert "39.5" in page("nearest").text
    changed_first, changed_other = PLAIN["counterfactual"]["explanations"][0]["counterfactuals"]
    assert changed_first["values"]["age"] != changed_other["values"]["age"] == 38.5
    assert re.search(r"age\s+38\.5\s+41\.5\s+38\.5", page("counterfactual").text)


def test_images_are_enlarged_and_told_in_words():
    found = [
        Image.open(io.BytesIO(base64.b64decode(one["src"].partition(",")[2]))) for one in page("grad_cam").of("img")
    ]
    assert {image.size for image in found} == {(243, 162)}
    told = [image["alt"] for image in page("grad_cam").of("img")]
    assert told[1] == "The map, brightest in the lower right"
    assert told[4] == "The map, brightest nowhere: it is empty"
    assert page("grad_cam").text.count("The map is empty") == 1


def test_importances_that_are_the_same_for_all_classes_are_shown_once():
    found = page("permutation_importance")
    assert len(found.of("section")) == 1
    assert "class" not in found.text
    assert len(page("partial_dependence").of("section")) == 2


def test_the_picked_rows_of_sp_lime_stand_beside_the_table():
    found = page("sp_lime")
    assert "beside" in [attributes.get("class") for attributes in found.of("div")]
    assert "Row r1 again" in found.text
    assert "Rows that show the most" in found.text


@pytest.mark.parametrize("of", PLAIN)
@pytest.mark.parametrize("size", [1e-320, 1e-12, 1e12, 1.7e308])
def test_numbers_of_any_size_are_drawn(of, size):
    def grown(value):
        if isinstance(value, dict):
            return {name: part if name in KEPT else grown(part) for name, part in value.items()}
        if isinstance(value, list):
            return [grown(part) for part in value]
        return value * size if isinstance(value, float) else value

    text = html(grown(PLAIN[of]))
    assert not re.search(r'="[^"]*\b(nan|inf)\b', text)


def test_numbers_that_are_none_are_dashes():
    def gone(value):
        if isinstance(value, dict):
            kept = ("image", "regions", "grid", "grids")
            return {name: part if name in kept else gone(part) for name, part in value.items()}
        if isinstance(value, list):
            return [gone(part) for part in value]
        return None if isinstance(value, float) else value

    for answer in PLAIN.values():
        Page(html(gone(answer)))
    assert "–" in Page(html(gone(PLAIN["lime"]))).text


def test_a_number_that_json_does_not_have_is_none():
    entry = {**PLAIN["shap"]["explanations"][0], "prediction": float("nan")}
    assert "nan" not in Page(html({**PLAIN["shap"], "explanations": [entry]})).text


def test_a_page_of_what_a_client_has_read_is_the_same():
    for answer in PLAIN.values():
        assert html(json.loads(json.dumps(answer))) == html(answer)


def test_what_draws_is_imported_when_something_is_drawn():
    heavy = '{"matplotlib", "PIL", "numpy", "pandas"}'
    told = (
        f"import sys, app.explain.page; sys.exit(str({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"
    )
    subprocess.run([sys.executable, "-c", told], check=True)
