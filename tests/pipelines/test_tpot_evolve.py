"""TPOT's evolution as a stream: its objective, the names of its candidates, and what is left when it is ended."""

import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from app.pipelines.base import Trial
from app.pipelines.processes import stream
from app.pipelines.tpot import evolve
from tests.faults.parts import until

CLASSIFIER = "tpot.TPOTClassifier"

#: A search that ends by itself within seconds.
TINY = {"generations": 1, "population_size": 4, "estimators": ["DecisionTreeClassifier", "GaussianNB"]}

#: Seconds within which the processes of a search that was ended are gone.
GONE = 10.0


def rows(count=120):
    """Return rows, and their classes."""
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(count, 4)), columns=list("abcd"))
    return X, (X["a"] * X["b"] > 0).to_numpy(dtype=int)


def family(pid):
    """Return the pids of a process and of all that descend from it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += family(int(child))
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_every_candidate_comes_as_a_trial_over_all_folds(problem):
    given = TINY | {"random_state": 7}
    of = problem(*rows(), CLASSIFIER, model_args=given)
    found = [trial for trial in stream(evolve.evolve, of, given, seconds=60) if trial is not None]
    assert len(found) >= 3
    assert set(re.findall(r"random_state=(\w+)", " ".join(trial.name for trial in found))) == {"7"}
    for trial in found:
        assert trial.engine == "tpot"
        assert trial.error is None
        assert trial.score == pytest.approx(np.mean(trial.fold_scores))


def test_signs_of_life_come_between(problem):
    of = problem(*rows(), CLASSIFIER, model_args=TINY)
    assert None in list(stream(evolve.evolve, of, TINY, seconds=60))


def test_nothing_is_left_of_a_search_that_was_ended(problem):
    endless = TINY | {"generations": 10_000, "population_size": 10}
    of = problem(*rows(2000), CLASSIFIER, model_args=endless)
    before = set(family(os.getpid()))
    search = stream(evolve.evolve, of, endless, seconds=60)
    pids = set()
    for trial in search:
        pids |= set(family(os.getpid())) - before
        if trial is not None and len(pids) > 2:
            break
    search.close()
    assert len(pids) > 2, "the search and its candidates run in processes"
    until(lambda: not any(map(alive, pids)), "the end of the processes", GONE)
    assert set(family(os.getpid())) <= before


def test_the_width_is_that_of_the_columns_that_a_model_is_given(problem):
    X, y = rows()
    signals = pd.Series([np.zeros(3)] * len(X), dtype="object")
    of = problem(X.assign(told=y + X["a"] / 9, word=np.where(y, "one", "two")), y, CLASSIFIER)
    assert list(stream(evolve._width, of, seconds=60)) == [7]
    chosen = replace(of, X=of.X.drop(columns="word").assign(signals=signals), select=True)
    assert list(stream(evolve._width, chosen, seconds=60)) == [1]


@pytest.mark.parametrize(
    ("given", "limits", "seconds", "expected"),
    [
        pytest.param({}, {}, 3600.0, 30.0, id="a tenth of TPOT's own five minutes"),
        pytest.param({}, {}, 100.0, 10.0, id="a tenth of what is left"),
        pytest.param({"max_time_mins": 600}, {}, 36_000.0, 600.0, id="ten minutes at most"),
        pytest.param({"max_time_mins": 0.5}, {}, 3600.0, 5.0, id="five seconds at least"),
        pytest.param({"max_eval_time_mins": 2}, {}, 3600.0, 120.0, id="as asked for"),
    ],
)
def test_a_candidate_has_a_share_of_the_search_when_nobody_says(problem, given, limits, seconds, expected):
    of = problem(*rows(), CLASSIFIER, model_args=given, limits=limits, seconds=seconds)
    assert evolve._seconds(of) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("pipeline", "operators"),
    [
        (make_pipeline(StandardScaler(), DecisionTreeClassifier()), 2),
        (make_pipeline(make_union(StandardScaler(), MinMaxScaler()), SelectKBest(), DecisionTreeClassifier()), 4),
    ],
)
def test_operators_are_the_steps_that_do_something(pipeline, operators):
    from tpot.builtin_modules import Passthrough

    assert evolve._operators(pipeline) == operators
    assert evolve._operators(make_pipeline(Passthrough(), pipeline)) == operators


def test_arguments_of_candidates_are_pythons_own():
    given = Pipeline([("model", DecisionTreeClassifier(criterion=np.str_("gini"), max_depth=np.int64(3)))])
    plain = evolve._plain(given)
    assert "np." not in repr(plain)
    assert type(plain[-1].criterion) is str
    assert type(plain[-1].max_depth) is int


def test_a_candidate_that_fails_is_a_trial_with_its_words(problem):
    trial = evolve._tried(problem(*rows(), CLASSIFIER), make_pipeline(LogisticRegression(C=-1.0)), {})
    assert trial.score is None
    assert "C" in trial.error


def test_a_candidate_without_probabilities_is_calibrated(problem):
    trial = evolve._tried(problem(*rows(), CLASSIFIER), make_pipeline(StandardScaler(), LinearSVC()), {})
    assert trial.error is None
    np.testing.assert_allclose(trial.out_of_fold.sum(axis=1), 1)


def test_long_pipelines_have_their_whole_names(problem):
    long = make_pipeline(*[StandardScaler() for _ in range(25)], DecisionTreeClassifier(max_depth=2))
    trial = evolve._tried(problem(*rows(), CLASSIFIER), long, {})
    assert "..." not in trial.name
    assert trial.name.count("StandardScaler()") == 25


def test_what_cannot_weigh_its_rows_is_not_tried_on_rows_with_weights(problem):
    weights = np.linspace(0.5, 2, 120)
    of = problem(*rows(), CLASSIFIER, weights=weights)
    trial = evolve._tried(of, make_pipeline(StandardScaler(), KNeighborsClassifier()), {})
    assert (trial.score, trial.error) == (None, "KNeighborsClassifier cannot weigh its rows")
    assert evolve._tried(of, make_pipeline(LogisticRegression()), {}).error is None


def test_what_an_earlier_attempt_has_tried_is_answered_from_what_it_found(problem):
    of, model = problem(*rows(), CLASSIFIER), make_pipeline(LogisticRegression(C=0.5))
    first = evolve._tried(of, model, {})
    known = Trial(first.name, "tpot", None, score=0.123)
    assert evolve._tried(of, model, {first.name: known}) is known


def test_a_search_among_kinds_of_models_begins_with_those_found_before(problem):
    names = ["LogisticRegression", "DecisionTreeClassifier"]
    given = {"generations": 1, "population_size": 16, "estimators": names}
    of = problem(*rows(), CLASSIFIER, model_args=given)
    before = [
        Trial("linear", "portfolio", of.pipeline(LogisticRegression(C=0.12345), scaled=True), score=0.9),
        Trial("kernel", "portfolio", of.pipeline(LinearSVC(C=0.54321), scaled=True), score=0.8),
        Trial("failed", "portfolio", of.pipeline(LogisticRegression(C=0.98765), scaled=True), error="no"),
        Trial(
            "cut", "portfolio", of.pipeline(LogisticRegression(C=0.45678), scaled=True), 0.95, details={"partial": True}
        ),
    ]
    found = [trial.name for trial in stream(evolve.evolve, of, given, before, seconds=60) if trial is not None]
    seeded = [name for name in found if "C=0.12345" in name]
    assert 0 < len(seeded) < len(found)
    assert not [name for name in found if "0.54321" in name or "0.98765" in name or "0.45678" in name]
