"""Importances: in the caller's columns, within their time, the same each time."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from app.payloads.parameters import Kind, Task
from app.pipelines import metrics
from app.pipelines.preprocess import preprocessor
from app.pipelines.reports import importances as module
from app.pipelines.reports.importances import importances
from app.pipelines.reports.model_importances import model_importances

KINDS = {"town": Kind.CATEGORY, "since": Kind.DATE, "noise": Kind.NUMBER, "size": Kind.NUMBER, "note": Kind.TEXT}


@pytest.fixture
def rows():
    """Rows of which `size` tells most of the class, `town` some, and the others nothing."""
    draw = np.random.default_rng(0)
    n = 300
    X = pd.DataFrame(
        {
            "town": draw.choice(["Bonn", "Oslo", "Rome"], n),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(0, 500, n), "D"),
            "noise": draw.normal(size=n),
            "size": draw.normal(size=n),
            "note": [" ".join(draw.choice(["red", "blue", "old", "new"], 4)) for _ in range(n)],
        }
    ).astype({"town": "str", "note": "str"})
    told = X["size"] + 0.7 * (X["town"] == "Oslo")
    return X, (told > 0.3).to_numpy().astype("int64"), told.to_numpy()


def classifier(X, y, model, scaled=False):
    return Pipeline([("preprocess", preprocessor(KINDS, scaled)), ("model", model)]).fit(X, y)


@pytest.mark.parametrize("name", ["roc_auc", "log_loss"])
def test_what_matters_comes_first_whatever_the_metric(rows, name):
    X, y, _ = rows
    fitted = classifier(X[:200], y[:200], RandomForestClassifier(50, random_state=0))
    metric = metrics.resolve(name, Task.CLASSIFICATION, 2)
    found = importances(fitted, X[200:], y[200:], metric, 0, 60.0)
    json.dumps(found, allow_nan=False)
    assert [column["name"] for column in found["columns"]][:2] == ["size", "town"]
    assert found["columns"][0]["mean"] > 0.1
    assert found["repeats"] == module.REPEATS
    assert all(len(column["values"]) == module.REPEATS for column in found["columns"])
    assert found["baseline"] == pytest.approx(metric.score(y[200:], fitted.predict_proba(X[200:])), rel=1e-5)
    assert (found["rows"], found["left_out"], found["note"]) == (100, 0, None)
    assert found == importances(fitted, X[200:], y[200:], metric, 0, 60.0)


def test_they_are_those_of_scikit_learn(rows):
    X, _, y = rows
    fitted = classifier(X[:200], y[:200], Ridge(), scaled=True)
    found = importances(fitted, X[200:], y[200:], metrics.resolve("r2", Task.REGRESSION, 0), 0, 60.0)
    theirs = permutation_importance(fitted, X[200:], y[200:], scoring="r2", n_repeats=30, random_state=0)
    for column in found["columns"]:
        place = list(X.columns).index(column["name"])
        spread = 4 * theirs.importances_std[place] / np.sqrt(module.REPEATS) + 1e-3
        assert column["mean"] == pytest.approx(theirs.importances_mean[place], abs=spread)


def test_weights_count(rows):
    X, _, y = rows
    fitted = classifier(X[:200], y[:200], Ridge(), scaled=True)
    metric = metrics.resolve("rmse", Task.REGRESSION, 0)
    weights = np.where(X["town"][200:] == "Oslo", 100.0, 0.0)
    found = importances(fitted, X[200:], y[200:], metric, 0, 60.0, weights)
    town = next(column for column in found["columns"] if column["name"] == "town")
    # Of one town's rows alone the town is the same in all that count, but not in what it is permuted to.
    assert town["mean"] > 0
    assert found["baseline"] == pytest.approx(metric.score(y[200:], fitted.predict(X[200:]), weights), rel=1e-5)


def test_without_time_it_says_how_far_it_came(rows):
    X, y, _ = rows
    fitted = classifier(X, y, LogisticRegression(), scaled=True)
    found = importances(fitted, X, y, metrics.resolve(None, Task.CLASSIFICATION, 2), 0, 0.0)
    assert (found["repeats"], found["columns"], found["left_out"]) == (0, [], 5)
    assert "time for 0 whole repeat(s)" in found["note"]


class Late(RandomForestClassifier):
    """Takes a while to predict."""

    def predict_proba(self, X):
        import time

        time.sleep(0.1)
        return super().predict_proba(X)


def test_a_repeat_that_was_cut_short_does_not_count(rows):
    X, y, _ = rows
    fitted = classifier(X, y, Late(5, random_state=0))
    metric = metrics.resolve(None, Task.CLASSIFICATION, 2)
    whole = importances(fitted, X, y, metric, 0, 60.0)
    short = importances(fitted, X, y, metric, 0, 0.5)
    assert short["repeats"] < module.REPEATS
    known = {column["name"]: column["values"] for column in whole["columns"]}
    for column in short["columns"]:
        # A column keeps its one value where there was no time for two.
        assert column["values"] == known[column["name"]][: max(1, short["repeats"])]


@pytest.mark.parametrize("model", [LinearRegression(), make_pipeline(PCA(), LinearRegression())])
def test_of_very_many_columns_the_likeliest_are_permuted(model, monkeypatch):
    monkeypatch.setattr(module, "COLUMNS", 6)
    draw = np.random.default_rng(0)
    X = pd.DataFrame(draw.normal(size=(300, 20)), columns=[f"c{number}" for number in range(20)])
    y = (3 * X["c19"] + X["c5"]).to_numpy()
    found = importances(make_pipeline(model).fit(X, y), X, y, metrics.resolve(None, Task.REGRESSION, 0), 0, 60.0)
    assert [column["name"] for column in found["columns"]][:2] == ["c19", "c5"]
    assert (len(found["columns"]), found["left_out"]) == (6, 14)
    how = "that the model itself says" if not hasattr(model, "steps") else "that cost most"
    assert how in found["note"]
    assert (found["model"] is None) == hasattr(model, "steps")


def test_a_single_column_has_nothing_to_be_compared_with(rows):
    X, y, _ = rows
    fitted = make_pipeline(LogisticRegression()).fit(X[["size"]], y)
    found = importances(fitted, X[["size"]], y, metrics.resolve(None, Task.CLASSIFICATION, 2), 0, 60.0)
    assert found["columns"] == []
    assert "single column" in found["note"]
    assert found["model"]["columns"] == [{"name": "size", "importance": found["model"]["columns"][0]["importance"]}]


def test_rows_of_a_single_class_cannot_be_measured(rows):
    X, y, _ = rows
    fitted = classifier(X, y, LogisticRegression(), scaled=True)
    found = importances(fitted, X, np.zeros_like(y), metrics.resolve(None, Task.CLASSIFICATION, 2), 0, 60.0)
    json.dumps(found, allow_nan=False)
    assert found["columns"] == []
    assert "cannot be measured" in found["note"]


class Lengths(StandardScaler):
    """Reads columns of bytes and of arrays."""

    def fit(self, X, y=None):
        return super().fit(X.map(len).to_numpy(), y)

    def transform(self, X):
        return super().transform(X.map(len).to_numpy())


def test_a_column_of_images_or_signals_is_permuted_as_one():
    draw = np.random.default_rng(0)
    sizes = draw.integers(1, 9, 80)
    X = pd.DataFrame({"image": [bytes(size) for size in sizes], "signal": [np.zeros(3 + n % 4) for n in range(80)]})
    y = sizes.astype("float64")
    fitted = make_pipeline(Lengths(), Ridge()).fit(X, y)
    found = importances(fitted, X, y, metrics.resolve(None, Task.REGRESSION, 0), 0, 60.0)
    assert [column["name"] for column in found["columns"]] == ["image", "signal"]
    assert found["columns"][0]["mean"] > 1 > 0.01 > found["columns"][1]["mean"]


@pytest.mark.parametrize(
    ("model", "source"),
    [(RandomForestClassifier(20, random_state=0), "feature_importances_"), (LogisticRegression(), "coef_")],
)
def test_what_the_model_says_is_folded_back_to_the_columns(rows, model, source):
    X, y, _ = rows
    found = model_importances(classifier(X, y, model, scaled=True), list(X.columns))
    assert found["from"] == source
    assert sorted(column["name"] for column in found["columns"]) == sorted(X.columns)
    assert found["columns"][0]["name"] == "size"
    if source == "feature_importances_":
        assert sum(column["importance"] for column in found["columns"]) == pytest.approx(1, abs=1e-4)


def test_what_the_model_says_is_left_out_where_its_inputs_are_mixed(rows):
    X, y, _ = rows
    inner = make_pipeline(PCA(3), LogisticRegression())
    assert model_importances(classifier(X, y, inner), list(X.columns)) is None
    mixed = make_pipeline(PCA(2), LogisticRegression()).fit(X[["size", "noise"]], y)
    assert model_importances(mixed, ["size", "noise"]) is None


def test_a_model_without_a_preprocessor_says_its_own_columns(rows):
    X, y, told = rows
    scaled = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[["noise", "size"]], y)
    assert [column["name"] for column in model_importances(scaled, ["noise", "size"])["columns"]] == ["size", "noise"]
    wrapped = make_pipeline(TransformedTargetRegressor(RandomForestRegressor(5))).fit(X[["noise", "size"]], told)
    assert model_importances(wrapped, ["noise", "size"]) is None


def test_a_forecasting_says_the_columns_of_its_windows():
    from app.pipelines.tsfresh.relative import RelativeToLast

    draw = np.random.default_rng(0)
    X = pd.DataFrame(draw.normal(size=(50, 3)), columns=["x__last", "x__mean", "step"])
    inner = Pipeline([("scale", StandardScaler()), ("model", Ridge())])
    fitted = Pipeline([("model", RelativeToLast(inner))]).fit(X, (X["x__last"] + X["step"]).to_numpy())
    found = model_importances(fitted, list(X.columns))
    assert found["columns"][0]["name"] == "step"
