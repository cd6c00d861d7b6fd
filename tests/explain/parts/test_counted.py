"""Texts without some of their words, counted without being written: the same answers as of the texts."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from app.explain.base import Subject
from app.explain.parts.words import Words
from app.explain.structure import members
from app.payloads.parameters import Kind, Task
from app.pipelines.portfolio.ensemble import EnsembleClassifier
from tests import kinds
from tests.explain.functions import opaque


@pytest.fixture(scope="module")
def rows():
    """Notes, titles and a number, and which of the notes are rude."""
    customers = kinds.customers()
    X = customers[["note"]].assign(note=customers["note"].astype("str"))
    X["title"] = pd.array(np.resize(["A Good day", "so-so", "", None, "Bad DAY bad"], len(X)), dtype="str")
    X["n"] = np.random.default_rng(0).normal(size=len(X))
    return X, X["note"].str.contains("rude") | (X["title"] == "so-so")


def without(text, words, mask):
    """Return a text without the words that are not kept."""
    gone = {word for word, kept in zip(words, mask, strict=True) if not kept}
    return re.sub(r"\w+", lambda match: "" if match.group() in gone else match.group(), text)


def written(masked, row, masks):
    """Return the rows under each mask, each text written down."""
    found = pd.concat([row] * len(masks), ignore_index=True)
    for name, text in masked.details["texts"].items():
        words = [part.value if part.feature == name else None for part in masked.parts]
        found[name] = pd.array([without(text, words, mask) for mask in masks], dtype="str")
    return found


#: Texts of which each is cut, counted or written in some way of its own.
TEXTS = [
    "rude and late and rude",
    "quick slow kind rude late early quick slow",
    "Rude RUDE rude, ru.de!",
    "none of these were known",
    "x",
    "late",
    "don't be late; it's 5 o'clock_now",
    "naïve ÇA coûte 12 €",
    "日本語 late テスト",
    "<b>late</b> &amp; rude",
    "rude\n\tlate  rude",
    "İstanbul late",
    "ΟΔΟΣ late ΟΔΟΣ",
    "ﬁne ﬁne late",
    "early " * 60,
]


MODELS = [
    LogisticRegression(),
    RandomForestClassifier(10, random_state=0),
    make_pipeline(PCA(3, random_state=0), LogisticRegression()),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("text", TEXTS)
def test_words_that_are_left_out_change_answers_as_texts_without_them(rows, subject, model, text):
    X, labels = rows
    shown = subject(X, labels, model, note=Kind.TEXT, title=Kind.TEXT)
    row = X.iloc[[0]].assign(note=pd.array([text], dtype="str"))
    for columns in (["note"], ["note", "title"]):
        masked = Words.of(shown, row, columns)
        masks = np.random.default_rng(0).random((60, len(masked.parts))) < 0.6
        masks[0], masks[1] = True, False
        np.testing.assert_allclose(
            masked.answers(masks), shown.predict(written(masked, row, masks)), rtol=1e-6, atol=1e-9
        )


def test_all_words_together_are_the_row(rows, subject):
    X, labels = rows
    shown = subject(X, labels, LogisticRegression(), note=Kind.TEXT, title=Kind.TEXT)
    for place in (0, 2, 3):
        masked = Words.of(shown, X.iloc[[place]], ["note", "title"])
        found = masked.answers(np.ones((2, len(masked.parts)), dtype=bool))
        np.testing.assert_allclose(found, shown.predict(X.iloc[[place, place]]), rtol=1e-7)


def test_the_model_is_not_asked_for_texts_where_it_counts_words(rows, subject):
    X, labels = rows
    shown = subject(X, labels, LogisticRegression(), note=Kind.TEXT, title=Kind.TEXT)
    asked = []
    object.__setattr__(shown, "predict", lambda some: asked.append(len(some)))
    Words.of(shown, X.iloc[[0]], ["note"]).answers(np.ones((3, len(set(X["note"][0].split()))), dtype=bool))
    assert asked == []


@pytest.fixture
def mixed(rows, assembled):
    """A mix of a linear model of all rows, one with other components, and a forest, as explainers see it."""
    X, labels = rows
    of_kinds = {"note": Kind.TEXT, "title": Kind.TEXT}
    each = [assembled(X, model, **of_kinds) for model in MODELS]
    each[1].set_params(preprocess__text__random_state=1)
    shares = [(str(place), one, share) for place, (one, share) in enumerate(zip(each, (0.5, 0.3, 0.2), strict=True))]
    fitted = Pipeline([("model", EnsembleClassifier(shares))]).fit(X, np.asarray(labels))
    task, number = Task.CLASSIFICATION, {"n": Kind.NUMBER}
    return Subject(task, (False, True), of_kinds | number, fitted.predict_proba, X, members(fitted))


@pytest.mark.parametrize("text", TEXTS)
def test_of_a_mix_words_are_counted_for_all_its_pipelines(rows, mixed, text):
    row = rows[0].iloc[[0]].assign(note=pd.array([text], dtype="str"))
    masked = Words.of(mixed, row, ["note", "title"])
    masks = np.random.default_rng(0).random((60, len(masked.parts))) < 0.6
    np.testing.assert_allclose(masked.answers(masks), mixed.predict(written(masked, row, masks)), rtol=1e-6, atol=1e-9)


def test_of_a_mix_what_is_learned_alike_is_counted_once(rows, mixed):
    masked = Words.of(mixed, rows[0].iloc[[0]], ["note"])
    texts = [one.texts[0][1] for one in masked._known.each]
    assert texts[0] is texts[2]
    assert texts[0] is not texts[1]


def test_another_model_of_texts_is_asked_for_texts():
    X = pd.DataFrame({"note": pd.array(["a b c"], dtype="str")})
    shown = opaque(lambda rows: rows["note"].str.len(), X, note=Kind.TEXT)
    masked = Words.of(shown, X, ["note"])
    masks = np.array([[True, True, True], [False, True, False]])
    assert masked.answers(masks).ravel().tolist() == [5, 3]


def test_many_masks_have_the_answers_of_few(rows, subject):
    X, labels = rows
    shown = subject(X, labels, LogisticRegression(), note=Kind.TEXT, title=Kind.TEXT)
    masked = Words.of(shown, X.iloc[[0]], ["note"])
    masks = np.random.default_rng(0).random((12_000, len(masked.parts))) < 0.5
    found = masked.answers(masks)
    few = np.concatenate([masked.answers(masks[place : place + 500]) for place in range(0, 12_000, 500)])
    np.testing.assert_allclose(found, few, rtol=1e-12)
