"""The search with TPOT: what it finds, and what it gives when time is short or it is interrupted."""

import gc
import os
import signal
import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from app.pipelines.tpot import TpotEngine

CLASSIFIER, REGRESSOR = "tpot.TPOTClassifier", "tpot.TPOTRegressor"

#: A search that ends when it is interrupted, or late.
ENDLESS = {"population_size": 4, "search_space": "linear-light", "cv": 2, "max_time_mins": 0.4}

#: A search that ends by itself, long before its time.
TINY = {"generations": 1, "population_size": 4, "search_space": "linear-light", "cv": 2, "max_time_mins": 2}


def silent(*args, **named):
    """Take a report or a candidate, and do nothing with it."""


def rows(n_rows, n_columns, seed=0):
    """Return rows, and labels of which the first two columns tell something."""
    generator = np.random.default_rng(seed)
    X = pd.DataFrame(generator.normal(size=(n_rows, n_columns))).add_prefix("x")
    return X, (X["x0"] * X["x1"] > 0).to_numpy()


def test_nothing_scored_in_time_gives_the_baseline_and_says_so(problem):
    X, y = rows(40_000, 50)
    found = TpotEngine().search(problem(X, y, CLASSIFIER, max_time_mins=0.01, cv=20), silent, silent)
    assert isinstance(found.estimator, LogisticRegression)
    assert found.scaled
    assert found.evaluated == {}
    assert "baseline" in found.note
    assert not found.interrupted


@pytest.mark.parametrize(("model", "kind"), [(CLASSIFIER, LogisticRegression), (REGRESSOR, Ridge)])
def test_a_baseline_is_kept_before_the_search_begins(problem, model, kind):
    X, y = rows(80, 3)
    told = []
    TpotEngine().search(
        problem(X, y, model, **TINY),
        lambda stage, fraction=None, **more: told.append(stage),
        lambda found: told.append(found),
    )
    kept = [entry for entry in told if not isinstance(entry, str)]
    assert isinstance(kept[0].estimator, kind)
    assert kept[0].scaled
    assert "stopped" in kept[0].note
    assert told.index(kept[0]) < told.index("search")


def test_a_search_scores_pipelines_and_reports_them(problem):
    X, y = rows(300, 5)
    reports = []
    made = problem(X, y, CLASSIFIER, **TINY | {"generations": 2})
    found = TpotEngine().search(made, lambda stage, *more, **told: reports.append((stage, told)), silent)
    assert found.note is None
    assert found.evaluated
    for pipeline, (operators, score) in found.evaluated.items():
        assert isinstance(pipeline, str)
        assert isinstance(operators, int)
        assert 1 <= operators <= 20
        assert isinstance(score, float)
        assert 0 <= score <= 1
    assert not any("np." in pipeline for pipeline in found.evaluated)
    searched = [told for stage, told in reports if stage == "search"]
    assert searched[0]["candidates"] == 0
    assert all(0 <= told["best_score"] <= 1 for told in searched if told["candidates"])
    assert not hasattr(found.estimator.steps[-1][1], "classes_")


def test_the_same_seed_finds_the_same_pipelines_with_the_same_scores(problem):
    X, y = rows(120, 4)
    first, again, other = (
        TpotEngine().search(problem(X, y, CLASSIFIER, seed=seed, **TINY), silent, silent) for seed in (5, 5, 6)
    )
    assert first.evaluated == again.evaluated
    assert str(first.estimator) == str(again.estimator)
    assert first.evaluated != other.evaluated


def test_an_interrupt_ends_the_search_with_what_it_has(problem):
    X, y = rows(200, 5)
    before, sent = signal.getsignal(signal.SIGINT), threading.Event()

    def interrupt(stage, fraction=None, candidates=None, best_score=None):
        if stage == "search" and candidates and not sent.is_set():
            sent.set()
            os.kill(os.getpid(), signal.SIGINT)

    found = TpotEngine().search(problem(X, y, CLASSIFIER, **ENDLESS), interrupt, silent)
    assert sent.is_set()
    assert found.interrupted
    assert found.evaluated
    assert signal.getsignal(signal.SIGINT) is before


# An exception in such a callback is printed and lost.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_later_interrupt_ends_the_search_when_the_first_was_lost(problem):
    """Python loses what is raised in a callback of its garbage collector, and TPOT's Dask has such a callback."""
    X, y = rows(200, 5)
    scored, lost, fractions = threading.Event(), threading.Event(), []

    def lose(phase, details):
        if threading.current_thread() is threading.main_thread() and scored.is_set() and not lost.is_set():
            lost.set()
            signal.raise_signal(signal.SIGINT)

    def again(stage, fraction=None, candidates=None, best_score=None):
        if stage == "search":
            fractions.append(fraction)
            if lost.is_set():
                os.kill(os.getpid(), signal.SIGINT)
            if candidates:
                scored.set()

    gc.callbacks.append(lose)
    try:
        found = TpotEngine().search(problem(X, y, CLASSIFIER, **ENDLESS), again, silent)
    finally:
        gc.callbacks.remove(lose)
    assert lost.is_set()
    assert found.interrupted
    assert fractions[-1] < 0.9, "the search went on to its limit"
