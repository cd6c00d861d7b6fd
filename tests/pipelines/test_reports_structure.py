"""Structure: all that a pipeline is made of, and nothing that it has learned."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from app.pipelines.portfolio.ensemble import EnsembleClassifier
from app.pipelines.reports.boxes import boxes
from app.pipelines.reports.structure import structure


def graph(*steps):
    """Return the labels, kinds and edges of a pipeline's graph."""
    found = structure(make_pipeline(*steps))["graph"]
    json.dumps(found)
    names = [node["label"] for node in found["nodes"]]
    kinds = {node["label"]: node["kind"] for node in found["nodes"]}
    edges = [(names[source], names[target], told) for source, target, told in found["edges"]]
    boxes(found)
    return names, kinds, edges


def test_steps_follow_each_other_however_deep_they_are():
    names, kinds, edges = graph(make_pipeline(StandardScaler(), "passthrough"), make_pipeline(LogisticRegression()))
    assert names == ["data", "StandardScaler", "LogisticRegression"]
    assert kinds == {"data": "data", "StandardScaler": "transformer", "LogisticRegression": "model"}
    assert edges == [("data", "StandardScaler", ""), ("StandardScaler", "LogisticRegression", "")]


def test_columns_stand_at_the_edges():
    chosen = ColumnTransformer(
        [("a", StandardScaler(), ["x", "y"]), ("b", OneHotEncoder(), list("vwxyz")), ("c", "drop", ["k"])],
        remainder="passthrough",
    )
    _, kinds, edges = graph(chosen, LogisticRegression())
    assert kinds["ColumnTransformer"] == "join"
    assert edges == [
        ("data", "StandardScaler", "x, y"),
        ("data", "OneHotEncoder", "v, w, x and 2 more"),
        ("StandardScaler", "ColumnTransformer", ""),
        ("OneHotEncoder", "ColumnTransformer", ""),
        ("data", "ColumnTransformer", "the others"),
        ("ColumnTransformer", "LogisticRegression", ""),
    ]


def test_a_stacked_model_of_tpot_gives_columns_beside_those_it_got():
    from tpot.builtin_modules import EstimatorTransformer, Passthrough, SkipTransformer

    stacked = EstimatorTransformer(DecisionTreeClassifier(), passthrough=True)
    union = FeatureUnion([("a", SelectKBest(f_classif)), ("b", Passthrough()), ("c", SkipTransformer())])
    _, kinds, edges = graph(StandardScaler(), union, stacked, LogisticRegression())
    assert kinds["DecisionTreeClassifier"] == "stacked"
    assert edges[1:] == [
        ("StandardScaler", "SelectKBest", ""),
        ("SelectKBest", "FeatureUnion", ""),
        ("StandardScaler", "FeatureUnion", ""),
        ("FeatureUnion", "DecisionTreeClassifier", ""),
        ("DecisionTreeClassifier", "LogisticRegression", ""),
        ("FeatureUnion", "LogisticRegression", ""),
    ]


def test_members_of_an_ensemble_come_together_with_their_weights():
    members = [
        ("one", make_pipeline(StandardScaler(), LogisticRegression()), 0.25),
        ("two", RandomForestClassifier(), 0.75),
    ]
    _, kinds, edges = graph(EnsembleClassifier(members))
    assert kinds["EnsembleClassifier"] == "join"
    assert ("LogisticRegression", "EnsembleClassifier", "× 0.25") in edges
    assert ("data", "RandomForestClassifier", "") in edges
    assert ("RandomForestClassifier", "EnsembleClassifier", "× 0.75") in edges


def test_a_model_that_wraps_another_stands_behind_it():
    _, kinds, edges = graph(CalibratedClassifierCV(LinearSVC(), cv=3))
    assert kinds["CalibratedClassifierCV"] == "wrapper"
    assert edges == [("data", "LinearSVC", ""), ("LinearSVC", "CalibratedClassifierCV", "")]
    stacking = StackingClassifier([("a", LinearSVC()), ("b", DecisionTreeClassifier())], LogisticRegression())
    _, _, edges = graph(stacking)
    assert ("DecisionTreeClassifier", "LogisticRegression", "") in edges


def test_only_what_was_given_is_told():
    pipeline = make_pipeline(FunctionTransformer(np.log1p), RandomForestClassifier(n_estimators=7, max_depth=None))
    nodes = structure(pipeline)["graph"]["nodes"]
    assert [node["params"] for node in nodes[1:]] == [{"func": "np.log1p"}, {"n_estimators": "7"}]


@pytest.fixture
def fitted():
    """A pipeline that has learned what nobody else is to know."""
    X = pd.DataFrame({'<script>alert("column")</script>': ["secret", "concealed"] * 5, "size": np.arange(10.0)})
    encode = ColumnTransformer([("a", OneHotEncoder(), [X.columns[0]]), ("b", StandardScaler(), ["size"])])
    return Pipeline([("<b>step</b>", encode), ("model", LogisticRegression())]).fit(X, [0, 1] * 5)


def test_nothing_that_was_learned_is_told(fitted):
    found = json.dumps(structure(fitted))
    assert "secret" not in found
    assert "concealed" not in found


def test_the_html_needs_nothing_and_runs_nothing(fitted):
    html = structure(fitted)["html"]
    assert "http:" not in html
    assert "https:" not in html
    assert "<script" not in html
    assert "onclick" not in html
    assert "<b>step" not in html
    assert "LogisticRegression" in html
    assert len(html) < 60_000


def test_the_text_is_whole():
    columns = [f"column number {number}" for number in range(200)]
    pipeline = make_pipeline(ColumnTransformer([("all", StandardScaler(), columns)]), LogisticRegression())
    text = structure(pipeline)["text"]
    assert all(f'"{name}"' in text for name in columns)
    assert max(map(len, text.splitlines())) < 110
