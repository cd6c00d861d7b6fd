"""The tree of a report: what it asks is what the fitted tree asks, and rows go where it sends them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from app.payloads.parameters import Kind
from app.pipelines.compiled.entering import entering
from app.pipelines.compiled.operation import columns_of
from app.pipelines.compiling.compiler import compiled
from app.pipelines.preprocess import preprocessor
from app.pipelines.reports import grown as module
from app.pipelines.reports.grown import path, tree
from app.pipelines.reports.model_importances import model_importances
from tests import published

KINDS = {"town": Kind.CATEGORY, "size": Kind.NUMBER, "since": Kind.DATE}


@pytest.fixture
def rows():
    """Rows with holes, and a class that follows from town and size."""
    draw = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "town": pd.Series(draw.choice(["Bonn", "Oslo", "Rome"], 200)).astype("str"),
            "size": np.where(draw.random(200) < 0.1, np.nan, draw.normal(size=200)),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(0, 500, 200), "D"),
        }
    )
    y = ((X["town"] == "Oslo") ^ (X["size"].fillna(0) > 0.2) ^ (draw.random(200) < 0.1)).to_numpy().astype("int64")
    return X, y


def fitted(rows, model, scaled=False):
    X, y = rows
    return Pipeline([("preprocess", preprocessor(KINDS, scaled)), ("model", model)]).fit(X, y)


def test_rows_go_where_the_fitted_tree_sends_them(rows):
    X, _ = rows
    pipeline = fitted(rows, DecisionTreeClassifier(max_depth=5, random_state=0))
    found = tree(pipeline, X, ["no"] * len(X), ("no", "yes"))
    json.dumps(found, allow_nan=False)
    assert len(found["rows"]) == module.ROWS
    leaves = pipeline[-1].apply(pipeline[:-1].transform(X).astype("float32"))
    values = pipeline[-1].tree_.value
    for row, leaf in zip(found["rows"], leaves, strict=False):
        end = found["nodes"][row["nodes"][-1]]
        shares = {one["class"]: one["share"] for one in end["shares"]}
        told = [shares.get(name, 0.0) for name in ("no", "yes")]
        np.testing.assert_allclose(told, values[leaf][0] / values[leaf][0].sum(), atol=1e-5)


def test_questions_name_the_callers_columns_and_what_of_them(rows):
    found = tree(fitted(rows, DecisionTreeClassifier(random_state=0)), rows[0], [0] * 200, ("no", "yes"))
    asked = {(node["column"], node["part"]) for node in found["nodes"] if "below" in node}
    assert ("size", "") in asked
    assert ("town", "= Oslo") in asked
    assert all(part in ("days", "month", "day", "weekday", "year") for column, part in asked if column == "since")


def test_no_more_than_some_levels_are_told_and_what_is_left_out_is_counted(rows):
    found = tree(fitted(rows, DecisionTreeRegressor(random_state=0)), rows[0], [0] * 200, ())
    assert found["depth"] > module.LEVELS
    cut = [node for node in found["nodes"] if "levels" in node]
    assert max(node["levels"] for node in cut) == found["depth"] - module.LEVELS
    assert {node["level"] for node in cut} == {module.LEVELS}
    assert all(isinstance(node["value"], float) for node in found["nodes"])


def test_of_a_forest_it_is_the_first_and_of_other_models_there_is_none(rows):
    forest = tree(fitted(rows, RandomForestRegressor(5, random_state=0)), rows[0], [0] * 200, ())
    assert forest["trees"] == 5
    for model in (GradientBoostingClassifier(n_estimators=2), LogisticRegression(max_iter=2_000)):
        assert tree(fitted(rows, model), rows[0], [0] * 200, ("no", "yes")) is None


def test_of_a_model_that_is_a_pipeline_the_inputs_have_no_names(rows):
    inner = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=2, random_state=0))
    found = tree(fitted(rows, inner), rows[0], [0] * 200, ("no", "yes"))
    assert found["scaled"]
    assert found["nodes"][0]["column"] is None
    assert len(found["rows"][0]["nodes"]) == 3


@pytest.mark.parametrize("inner", [False, True], ids=["a tree", "a pipeline"])
def test_a_compiled_pipeline_sends_rows_the_same_way(rows, inner):
    X, _ = rows
    model = DecisionTreeClassifier(max_depth=5, random_state=0)
    pipeline = fitted(rows, make_pipeline(StandardScaler(), model) if inner else model)
    found = tree(pipeline, X, [0] * 200, ("no", "yes"))
    entered = entering(compiled(pipeline, list(X.columns)), columns_of(X))
    ways = [path(found["nodes"], row) for row in entered.tolist()]
    assert ways[: module.ROWS] == [row["nodes"] for row in found["rows"]]


def test_what_is_not_compiled_or_no_tree_has_nothing_that_enters_one(rows):
    X, _ = rows
    assert entering(None, columns_of(X)) is None
    assert entering(compiled(fitted(rows, LogisticRegression(max_iter=2_000)), list(X.columns)), columns_of(X)) is None


def test_coefficients_have_signs_and_say_what_of_a_column_they_are_of(rows):
    pipeline = fitted(rows, LogisticRegression(max_iter=2_000), scaled=True)
    found = model_importances(pipeline, list(rows[0].columns))["coefficients"]
    json.dumps(found, allow_nan=False)
    assert found["scaled"]
    told = {(one["column"], one["part"]): one["values"][0] for one in found["inputs"]}
    names = pipeline[:-1].get_feature_names_out().tolist()
    assert told["size", ""] == pytest.approx(pipeline[-1].coef_[0][names.index("size")], rel=1e-5)
    assert told["town", "= Oslo"] == pytest.approx(pipeline[-1].coef_[0][names.index("town_Oslo")], rel=1e-5)
    sizes = [sum(map(abs, one["values"])) for one in found["inputs"]]
    assert sizes == sorted(sizes, reverse=True)


def test_each_pixel_of_an_image_is_a_part_of_its_column():
    frame = published.pictures()
    prepare = preprocessor({"image": Kind.IMAGE}, False)
    pipeline = Pipeline([("preprocess", prepare), ("model", DecisionTreeClassifier())])
    X, y = frame[["image"]], (frame["side"] == "left").to_numpy().astype("int64")
    found = tree(pipeline.fit(X, y), X, frame["side"].tolist(), ("right", "left"))
    assert found["nodes"][0]["part"] == f"part {found['nodes'][0]['input'] + 1}"
