"""Pages of explanations in a real browser: hostile names, classes and texts stay what they are, and nothing runs."""

import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from app.payloads.explaining import METHODS
from tests import kinds

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

#: What would change the title of a page that runs it, as a name, as a class and as a text.
HOSTILE = "<img src=x onerror=\"document.title='run'\">"
CLASSES = ["</title><script>document.title='run'</script>", '"><svg onload="document.title=\'run\'">']
FOREST = {"model": "sklearn.ensemble.RandomForestClassifier", "model_args": {"n_estimators": 10}}


def in_browser(page, tmp_path):
    """Return the document that a browser makes of a page, once its scripts would have run."""
    file = tmp_path / "page.html"
    file.write_text(page, encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [*command, "--virtual-time-budget=2000", "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def table():
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({HOSTILE: generator.normal(size=60), "plain": generator.normal(size=60)})
    frame["text in a column"] = generator.choice([HOSTILE, "harmless"], 60)
    return frame.assign(label=np.where(frame[HOSTILE] > 0, *CLASSES)), None, {"target": "label"}


def series():
    frame, labels = kinds.waves()
    labels = labels.assign(label=labels["label"].map(dict(zip(("slow", "fast"), CLASSES, strict=True))))
    features = {"column_id": "wave", "column_sort": "when", "default_fc_parameters": "MinimalFCParameters()"}
    return frame.rename(columns={"height": HOSTILE}), labels, {"extract_features": features}


def texts():
    note = kinds.customers()["note"] + f" {HOSTILE}"
    return (
        pd.DataFrame({"note": note, "label": np.where(note.str.contains("rude"), *CLASSES)}),
        None,
        {
            "target": "label",
            "columns": {"note": "text"},
        },
    )


def images():
    found, sides = kinds.pixels()
    files = [f"{HOSTILE.replace('/', '')} {number}.png" for number in range(len(found))]
    labels = pd.DataFrame({"file": files, "label": np.where(sides == "left", *CLASSES)})
    return kinds.zipped(found, files), labels, {}


class Found(HTMLParser):
    """The elements and attributes of a document, and its title."""

    def __init__(self, document):
        super().__init__()
        self.elements, self.attributes, self.title = set(), set(), ""
        self._in_title = False
        self.feed(document)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._in_title = tag == "title" and not self.title

    def handle_data(self, data):
        if self._in_title:
            self.title += data
            self._in_title = False


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")
@pytest.mark.parametrize(
    ("made", "methods"),
    [
        pytest.param(table, ("lime", "counterfactual", "partial_dependence", "summary", "sp_lime"), id="a table"),
        pytest.param(series, ("segments", "features_on_signal", "summary"), id="series"),
        pytest.param(texts, ("lime", "shap", "summary"), id="texts"),
        pytest.param(images, ("lime",), id="images"),
    ],
)
def test_hostile_names_classes_and_texts_run_nothing(pipeline, made, methods, tmp_path):
    raw_data, labels, parameters = made()
    response = pipeline.train(raw_data, labels, model_training=FOREST, **parameters)
    assert response.status_code == 200, response.text
    rows = raw_data if isinstance(raw_data, tuple) else raw_data.drop(columns="label", errors="ignore").head(50)
    one = pipeline.predict(rows).index[0]
    for method in methods:
        parameters = METHODS[method]
        asked = {"ids": [one]} if parameters.needs_rows else {}
        if "num_samples" in parameters.model_fields:
            asked["num_samples"] = 50
        page = pipeline.ask("/explain", rows, "text/html", method=method, **asked)
        assert page.status_code == 200, page.text
        found = Found(in_browser(page.text, tmp_path))
        assert "run" not in found.title
        assert "script" not in found.elements
        assert not {name for name in found.attributes if name.startswith("on")}
        # It is there, as text.
        assert "document.title=" in page.text
