"""Rows explained one after another, and what is told of all of them."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidData
from app.explain import curves, many, sp_lime, summary
from app.explain.base import Case
from app.explain.found import Local
from app.payloads.parameters import Kind
from tests.explain.functions import asked, opaque


@pytest.fixture
def notes():
    """Texts of which one has no word, and a model that counts one word."""
    X = pd.DataFrame({"note": pd.array(["rude and late", "...", "kind and late", "rude"], dtype="str")})
    return opaque(lambda rows: rows["note"].str.count("rude").astype(float), X, note=Kind.TEXT), X


def cases_of(X):
    return [Case(X.iloc[[place]], sent=False) for place in range(len(X))]


@pytest.mark.parametrize(("explain", "method"), [(summary.explain, "summary"), (sp_lime.explain, "sp_lime")])
def test_a_text_without_a_word_is_left_out_of_many(notes, explain, method):
    subject, X = notes
    found = explain(subject, cases_of(X), asked(method, num_samples=50))
    assert found.rows == 3
    assert "rude" in {one.part.value for one in found.contributions}
    assert 1 not in {place for place, _ in found.examples}


def test_without_any_word_there_is_nothing_to_sum_up(notes):
    subject, X = notes
    with pytest.raises(InvalidData):
        summary.explain(subject, cases_of(X.iloc[[1]]), asked("summary", num_samples=50))


@pytest.mark.parametrize(("explain", "method"), [(summary.explain, "summary"), (sp_lime.explain, "sp_lime")])
def test_one_row_is_explained_whatever_the_time_and_the_answer_says_what_ended_it(notes, explain, method):
    subject, X = notes
    found = explain(subject, cases_of(X), replace(asked(method, num_samples=50), deadline=time.monotonic() - 1))
    assert (found.rows, found.ended) == (1, "deadline")


def test_whatever_the_time_it_is_a_row_that_can_be_explained(notes):
    subject, X = notes
    late = replace(asked("summary", num_samples=50), deadline=time.monotonic() - 1)
    found = summary.explain(subject, cases_of(X.iloc[[1, 2, 3]]), late)
    assert found.rows == 1


def test_what_ended_most_of_the_work_is_told():
    assert many.ended([Local(ended="exact"), Local(ended="num_samples")], late=False) == "num_samples"
    assert many.ended([Local(ended="exact")], late=False) == "exact"
    assert many.ended([Local(ended="exhausted")], late=False) == "exhausted"


def test_of_many_columns_those_that_change_predictions_are_varied():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 60))).add_prefix("c")
    subject = opaque(lambda rows: rows["c59"], X)
    for found in (
        curves.ice(subject, Case(X.iloc[[0]]), asked("ice")),
        curves.partial_dependence(subject, cases_of(X.head(5)), asked("partial_dependence")),
    ):
        assert found.details["curves"][0]["feature"] == "c59"
        assert found.ended == "exact"


def test_curves_end_with_the_time():
    X = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 3.0]})
    subject = opaque(lambda rows: rows["a"] + rows["b"], X)
    late = {"deadline": time.monotonic() - 1}
    one = curves.ice(subject, Case(X.iloc[[0]]), replace(asked("ice"), **late))
    overall = curves.partial_dependence(subject, cases_of(X), replace(asked("partial_dependence"), **late))
    assert [len(found.details["curves"]) for found in (one, overall)] == [1, 1]
    assert one.ended == overall.ended == "deadline"


@pytest.mark.parametrize(("explain", "method"), [(summary.explain, "summary"), (sp_lime.explain, "sp_lime")])
def test_the_error_asked_for_is_that_of_each_explanation(explain, method):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 10))).add_prefix("x")
    subject = opaque(lambda rows: rows.prod(axis=1) + rows["x0"], X)
    exact, rough = (
        explain(subject, cases_of(X.head(3)), asked(method, num_samples=20_000, max_error=error)) for error in (None, 1)
    )
    assert (exact.ended, rough.ended) == ("num_samples", "max_error")
    assert rough.num_samples < exact.num_samples
