"""Mixtures asked of the last step: the same answers as of whole rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from app.explain.last_step import asking
from app.explain.mixing import OWN, Mixture
from app.payloads.parameters import Kind, Task
from tests.explain.functions import Watched


@pytest.fixture(scope="module")
def rows():
    """60 rows of every kind that can be mixed, with missing values, and classes."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame(
        {"n": generator.normal(size=60), "m": np.where(np.arange(60) % 7, generator.normal(size=60), np.nan)}
    )
    X["when"] = pd.date_range("2020-01-01", periods=60, freq="31h").astype("datetime64[us]")
    X["plan"] = pd.array(np.resize(["basic", "full", None], 60), dtype="str")
    X["said"] = pd.array([f"word{number % 9} and word{number % 7} again" for number in range(60)], dtype="str")
    return X, (X["n"] + X["m"].fillna(0) > 0).to_numpy()


def answers(shown, row, places):
    """Return what is answered to mixtures, asked as whole rows."""
    return shown.predict(Mixture.of(row, shown.background).rows(places))


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        RandomForestClassifier(10, random_state=0),
        GradientBoostingClassifier(n_estimators=5),
        make_pipeline(PCA(3, random_state=0), LogisticRegression()),
    ],
    ids=lambda model: type(model).__name__,
)
def test_mixtures_have_the_answers_of_whole_rows(rows, subject, model):
    X, labels = rows
    shown = subject(X, labels, model, said=Kind.TEXT)
    row = X.iloc[[5]].assign(n=1.5, plan=pd.array(["never seen"], dtype="str"))
    places = np.random.default_rng(0).integers(OWN, len(X), (200, len(X.columns)))
    found = asking(shown, row)(places)
    assert found.shape == (200, 2)
    np.testing.assert_allclose(found, answers(shown, row, places), rtol=1e-10, atol=1e-12)
    own = np.full((1, len(X.columns)), OWN)
    np.testing.assert_allclose(asking(shown, row)(own), shown.predict(row), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("model", [Ridge(), RandomForestRegressor(10, random_state=0)])
def test_numbers_are_answered_as_numbers(rows, subject, model):
    X, _ = rows
    shown = subject(X, X["n"] * 3, model, Task.REGRESSION, said=Kind.TEXT)
    places = np.random.default_rng(0).integers(OWN, len(X), (50, len(X.columns)))
    found = asking(shown, X.iloc[[2]])(places)
    assert found.shape == (50, 1)
    np.testing.assert_allclose(found, answers(shown, X.iloc[[2]], places), rtol=1e-10)


def test_what_is_before_the_last_step_is_computed_once(rows, subject):
    X, labels = rows
    shown = subject(X, labels, LogisticRegression(), said=Kind.TEXT)
    counts = []
    final = replace(shown.final, transform=lambda some: counts.append(len(some)) or shown.final.transform(some))
    watched = replace(shown, final=final, kept={})
    for place in (0, 1):
        ask = asking(watched, X.iloc[[place]])
        for _ in range(3):
            ask(np.zeros((500, len(X.columns)), dtype=int))
    # The background, once more to see that it can be mixed, and each row.
    assert counts == [60, 60, 1, 1]


def test_a_last_step_that_answers_otherwise_than_the_model_is_not_asked(rows, subject):
    X, labels = rows
    shown = subject(X, labels, LogisticRegression(), said=Kind.TEXT)
    other = replace(shown, predict=lambda some: shown.predict(some) ** 2, kept={})
    places = np.random.default_rng(0).integers(OWN, len(X), (50, len(X.columns)))
    np.testing.assert_array_equal(asking(other, X.iloc[[0]])(places), answers(other, X.iloc[[0]], places))


def test_inputs_that_do_not_come_of_one_column_are_not_mixed(rows, subject):
    X, labels = rows
    shown = subject(X[["n", "m"]].fillna(0), labels, LogisticRegression())

    def turned(some):
        inputs = shown.final.transform(some)
        return np.column_stack([inputs.sum(axis=1), np.diff(inputs, axis=1)[:, 0]])

    wrong = replace(shown, final=replace(shown.final, transform=turned), kept={})
    places = np.random.default_rng(0).integers(OWN, len(X), (50, 2))
    row = shown.background.iloc[[0]]
    np.testing.assert_array_equal(asking(wrong, row)(places), answers(wrong, row, places))


def test_a_model_without_a_last_step_of_its_own_is_asked_for_rows(rows):
    X, _ = rows
    model = Watched(lambda some: some["n"], X, said=Kind.TEXT)
    places = np.random.default_rng(0).integers(OWN, len(X), (50, len(X.columns)))
    asking(model.subject, X.iloc[[3]])(places)
    pd.testing.assert_frame_equal(model.asked[0], Mixture.of(X.iloc[[3]], X).rows(places))


@pytest.mark.parametrize("name", ["three classes", "numbers", "linear", "customers", "series", "forecast"])
def test_trained_pipelines_are_asked_by_their_last_step(trained, name):
    shown = trained(name).subject
    rows = shown.background
    places = np.random.default_rng(0).integers(OWN, len(rows), (40, len(rows.columns)))
    found = asking(shown, rows.iloc[[1]])(places)
    np.testing.assert_allclose(found, answers(shown, rows.iloc[[1]], places), rtol=1e-9, atol=1e-12)
    # A forecast is of steps that a model of its own puts together.
    assert (shown.final is None) == (name == "forecast")
