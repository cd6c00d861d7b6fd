"""The page of a version: whole, of any task, and nothing in it that a user has named runs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge

from app.pipelines import evaluate
from app.pipelines.base import Candidate
from app.pipelines.reports import describe
from app.pipelines.reports.page import page
from app.pipelines.reports.plots import Plot, bars, ticks
from app.store.artifact import Artifact
from app.store.record import Version as Stored
from tests.pipelines.reports_versions import Version

NASTY = '"><script>alert(1)</script><img src=x onerror=alert(2)>'

#: Elements that have no end.
EMPTY = {"meta", "br", "img", "link", "input"}


class Page(HTMLParser):
    """Reads a page: its elements, their attributes, its text; raises where an element is not ended."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self._open = [], [], [], []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def described(version, pipeline):
    """Return the record and the report of a version, as its training makes them."""
    *_, trial = evaluate.trials(version.problem, Candidate(NASTY, "sklearn", pipeline))
    fitted, rows = version.fit(pipeline, version.seen), version.held_out
    X, y, data = version.data.X.iloc[rows], version.data.y[rows], version.data
    weights = None if data.weights is None else data.weights[rows]
    task = version.training.task
    report = describe(fitted, X, y, data.classes, task, version.metric, weights, 0, 5.0)
    row = {name: getattr(trial, name) for name in ("name", "engine", "score", "fit_seconds", "predict_seconds", "size")}
    row |= {"rank": 1, "row": 2, "error": None, "fold_scores": list(trial.fold_scores)}
    lost = row | {"rank": 2, "name": "other", "score": None, "error": NASTY, "fold_scores": [], "details": {}}
    result = version.record.result | {
        "trainTime": 75.2,
        "trainShape": list(data.X.shape),
        "positive_class": version.training.positive_class,
        "warnings": [NASTY],
        "stopped": "time limit",
        "note": NASTY,
    }
    record = replace(
        version.record,
        result=result,
        metrics=evaluate.over_folds(version.problem, trial),
        holdout=evaluate.held_out(version.problem, fitted, X, y, weights),
        times={"search": 12.3},
    )
    curves = {"loss": [1.0, 0.5, None], "val_loss": [1.2, 0.9, 0.8]}
    return record, {**report, "leaderboard": [row | {"details": {}}, lost], "learning_curves": curves}


@pytest.fixture(scope="module")
def classified():
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({NASTY: draw.normal(size=90), "size": draw.normal(size=90), "w": draw.integers(1, 3, 90)})
    frame["town"] = draw.choice([NASTY, "Oslo"], 90)
    frame["class"] = np.where(frame["size"] > 0, NASTY, "plain")
    version = Version.of(frame, target="class", sample_weight="w")
    return described(version, version.problem.pipeline(RandomForestClassifier(10, random_state=0), scaled=False))


@pytest.fixture(scope="module")
def regressed():
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"a": draw.normal(size=60), "b": draw.normal(size=60)})
    version = Version.of(frame.assign(y=frame["a"] * 3), target="y", task="regression", model=None)
    return described(version, version.problem.pipeline(Ridge(), scaled=True))


def test_what_is_described_is_json(classified, regressed):
    for _, report in (classified, regressed):
        json.dumps(report, allow_nan=False)
        assert {"curves", "importances", "structure"} <= report.keys()


def test_a_classification_has_all_of_its_parts(classified):
    found = Page(page(*classified))
    for part in (
        "Confusion matrix",
        "ROC curve",
        "Precision and recall",
        "Calibration",
        "Cumulative gains",
        "Fold by fold",
    ):
        assert part in found.text
    for part in (
        "Leaderboard",
        "What the model needs",
        "What the model says of itself",
        "Learning",
        "Pipeline",
        "version 3",
    ):
        assert part in found.text
    assert found.text.count(NASTY) > 10
    assert "1 min 15 s" in found.text


def test_a_regression_has_all_of_its_parts(regressed):
    found = Page(page(*regressed))
    for part in ("True and predicted", "Residuals", "Mean residual", "Leaderboard", "coef_"):
        assert part in found.text
    assert "Confusion matrix" not in found.text


def test_names_of_users_stay_text(classified):
    found = Page(page(*classified))
    assert not {"script", "img", "iframe", "object", "link"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on")]


def test_the_page_loads_nothing(classified):
    text = page(*classified)
    found = Page(text)
    assert not [name for name, _ in found.attributes if name in ("src", "srcset", "data", "action")]
    assert all(value.startswith("#") for name, value in found.attributes if name == "href")
    assert not re.search(r"url\(|@import|https?:", text)


def test_a_version_of_which_nothing_is_reported_has_a_page(classified):
    record, _ = classified
    bare = replace(record, metrics={}, holdout={}, result={}, parameters={}, libraries={}, times={}, provisional=True)
    found = Page(page(bare, {}))
    assert "may still be replaced" in found.text
    assert "Leaderboard" not in found.text


def test_the_page_of_a_version_says_as_what_it_is_stored(classified, publications):
    record = publications.publish(Stored(classified[0], Artifact({"format": "skops"}, {"estimator": bytes(2000)}), {}))
    assert re.search(r"stored as skops, 2\.\d+ kB", Page(page(record, {})).text)


def test_a_class_may_be_called_as_a_score_is():
    frame = pd.DataFrame({"a": range(40), "b": [1.0, 2.0] * 20, "class": ["accuracy", "recall"] * 20})
    version = Version.of(frame, target="class")
    found = Page(page(*described(version, version.problem.pipeline(LogisticRegression(), scaled=True))))
    assert "Classes: accuracy, recall (positive)" in found.text


def test_a_class_that_the_held_out_rows_lack_is_a_dash(classified):
    record, report = classified
    curves = {name: value and json.loads(json.dumps(value)) for name, value in report["curves"].items()}
    curves["roc"][0] |= {"auc": None, "false_positive_rate": [], "true_positive_rate": [], "thresholds": []}
    found = Page(page(record, {**report, "curves": {**curves, "gains": []}}))
    # The name is in a remark too.
    assert found.text.count("ROC curve") == Page(page(record, report)).text.count("ROC curve") - 1
    assert "Cumulative gains" not in found.text


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-3, 8, [-2.5, 0, 2.5, 5, 7.5]),
        (1e-5, 3e-5, [1e-5, 1.5e-5, 2e-5, 2.5e-5, 3e-5]),
    ],
)
def test_ticks_are_round(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize("ends", [(0.0, 0.0), (5.0, 5.0), (1e300, 1e300), (-1e-300, 1e-300)])
def test_an_axis_has_a_length_even_where_all_values_are_the_same(ends):
    drawn = Plot("p", ends, ends, "x", "y").line([ends[0], None], [ends[1], 1.0]).drawn()
    assert "nan" not in drawn
    assert "<polyline" in bars("b", [("a", ends[0], 0.0, [ends[1]])], "x") + drawn
