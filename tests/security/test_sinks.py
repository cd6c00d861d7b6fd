"""Hostile names and values of users in what people look at: text wherever they come out, never an element of a page."""

from __future__ import annotations

import io
import json
import logging
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.telemetry.logs import JsonLines, TextLines
from tests import published

#: What would run in a page that does not escape it, in one of the contexts that pages have.
NASTY = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'><svg/onload=alert(1)>",
    "</script><script>alert(1)", "javascript:alert(1)", "{{7*7}}", "{% raw %}",
    "<a href='javascript:1'>x</a>", "<!--", "]]>", "\"onfocus='alert(1)",
    "<b>%{x}<br>",
]  # fmt: skip


class Elements(HTMLParser):
    """The elements of a page, with their attributes, the texts of its scripts, and those that are seen."""

    def __init__(self):
        super().__init__()
        self.found, self.scripts, self.texts, self._inside = [], [], [], False

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        self._inside = tag == "script"

    def handle_endtag(self, tag):
        self._inside = False

    def handle_data(self, data):
        (self.scripts if self._inside else self.texts).append(data)


def harmless(page, shown=()):
    """Check that nothing of a page is what a user has named, but for texts, among which are those that it shows."""
    seen = Elements()
    seen.feed(page)
    assert [name for name in shown if not any(name in text for text in seen.texts)] == []
    for tag, attributes in seen.found:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert attributes.get("src") != "x", (tag, attributes)
        assert not str(attributes.get("href", "")).lower().strip().startswith("javascript:"), (tag, attributes)
    assert not [script for script in seen.scripts if "alert(1)" in script and "<" in script]
    assert "alert(1)</script>" not in page
    # A template of what a user wrote would have been computed.
    assert not re.search(r"(?<!\d)49(?!\d)", page) or "{{7*7}}" in page


@pytest.fixture(scope="session")
def named():
    """A version whose columns, classes and words are all hostile."""
    from sklearn.tree import DecisionTreeClassifier

    frame = published.numbers(NASTY[:2]).rename(columns={"a": NASTY[2], "b": NASTY[3]})
    frame[NASTY[4]] = NASTY[5:9] * 10
    return published.version("nasty", frame, "label", DecisionTreeClassifier(max_depth=3, random_state=0)), frame


@pytest.fixture
def shown(named, publications, client):
    version, frame = named
    publications.publish(version)
    return client, frame


COLUMNS, VALUES, CLASSES = NASTY[2:5], NASTY[5:9], NASTY[:2]

#: {page: the names that it shows}.
PAGES = {
    "/": ["nasty"],
    "/ui/models/nasty": COLUMNS,
    "/ui/models/nasty/predict": COLUMNS + VALUES,
    "/ui/models/nasty/explain": COLUMNS + VALUES,
    "/ui/models/nasty/what-if": COLUMNS + VALUES + CLASSES,
    "/docs": [],
}


@pytest.mark.parametrize(("path", "names"), PAGES.items())
def test_pages_of_a_model_of_hostile_names(shown, path, names):
    client, _ = shown
    answer = client.get(path, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    harmless(answer.text, names)


def test_an_explanation_as_a_page_of_hostile_names(shown):
    client, frame = shown
    rows = json.loads(frame.drop(columns="label").head(2).to_json(orient="records"))
    body = {"pipeline_id": "nasty", "data": rows, "method": "lime", "num_samples": 50}
    answer = client.post("/explain", json=body, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    harmless(answer.text, COLUMNS)
    for form in ("image/png", "text/csv", "application/json"):
        answer = client.post("/explain", json=body, headers={"Accept": form})
        assert (answer.status_code, answer.mimetype) == (200, form)


@pytest.mark.parametrize("name", NASTY)
def test_an_id_or_a_path_in_a_page_or_a_problem(client, name):
    from urllib.parse import quote

    step = quote(name, safe="")
    for path in (f"/ui/models/{step}", f"/ui/jobs/{step}", f"/{step}", f"/models/{step}", f"/ui/sign-in?next={step}"):
        answer = client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code < 500
        if answer.mimetype == "text/html":
            harmless(answer.text)
        else:
            assert answer.mimetype in ("application/problem+json", "application/json"), (path, answer.mimetype)
        for value in answer.headers.values():
            assert "\n" not in value
            assert "\r" not in value


@pytest.mark.parametrize("name", NASTY)
def test_a_hostile_name_of_a_file_or_a_column_in_a_refusal(refused, training, name):
    problem = refused((400, 413, 415, 422), **training(raw_data={name: [1], "id": [1]}, file=f"{name}.x"))
    assert "Traceback" not in json.dumps(problem)


def test_a_prediction_with_hostile_ids_is_data(shown):
    client, frame = shown
    rows = json.loads(frame.drop(columns="label").head(1).to_json(orient="records"))
    answer = client.post("/serve_prediction", json={"pipeline_id": "nasty", "data": rows, "output": "all"})
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/json"
    assert pd.DataFrame(answer.json)["prediction"].isin(NASTY).all()


@given(text=st.text(max_size=40) | st.sampled_from(["a\nb", "a\r\n{}", "\x1b[31m", "\u2028", '"}\n{"level":"ERROR"']))
def test_a_line_of_the_log_is_one_line(text):
    for formatter in (JsonLines(), TextLines()):
        record = logging.LogRecord("x", logging.INFO, "f.py", 1, "%s", (text,), None)
        line = formatter.format(record)
        assert "\n" not in line
        assert "\r" not in line
        assert "\x1b" not in line


def test_hostile_bytes_of_a_picture_s_name_are_no_header(shown):
    client, _ = shown
    parts = {
        "params": (io.BytesIO(b"pipeline_id: nasty"), 'p\r\nX-Evil: 1.yml"'),
        "raw_data": (io.BytesIO(b"a\n1\n"), "x.csv"),
    }
    answer = client.post("/serve_prediction", data=parts)
    assert "X-Evil" not in answer.headers
    assert answer.status_code < 500
