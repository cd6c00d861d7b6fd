"""The leaderboard of a training: candidates at once and within limits, and the best of them published beside."""

import os
import signal
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from app.pipelines import processes
from app.pipelines.base import Candidate, Trial
from app.pipelines.evaluate import fit
from tests.faults.parts import until

#: Seconds that ending a candidate may take beyond its limit; it takes none of them.
SLACK = 10.0


def rows(count=120, numbers=False):
    """Return rows, and labels of which the first column tells something."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(count, 4)), columns=list("abcd"))
    y = X["a"].to_numpy() + generator.normal(size=count)
    return X, y if numbers else (y > 0).astype(int)


def named(name, model):
    return Candidate(name, "tests", Pipeline([("model", model)]))


def depths(*found):
    """Return candidates that differ in depth, and in score."""
    return [named(f"depth {depth}", DecisionTreeClassifier(max_depth=depth, random_state=0)) for depth in found]


class Native(ClassifierMixin, BaseEstimator):
    """Its fit, from the given fold on, is one call of native code that takes far longer than the tests."""

    fits = 0

    def __init__(self, after=0):
        self.after = after

    def fit(self, X, y):
        type(self).fits += 1
        self.classes_ = np.unique(y)
        self.model_ = LogisticRegression().fit(X, y)
        if type(self).fits > self.after:
            generator = np.random.default_rng(0)
            SVC(C=1e6, cache_size=1).fit(generator.normal(size=(40_000, 60)), generator.integers(0, 2, 40_000))
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


class Slow(ClassifierMixin, BaseEstimator):
    """Says when its fits began and ended, in a file."""

    def __init__(self, path=None, seconds=0.3):
        self.path, self.seconds = path, seconds

    def fit(self, X, y):
        began = time.monotonic()
        time.sleep(self.seconds)
        self.classes_ = np.unique(y)
        with open(self.path, "a") as file:
            file.write(f"{os.getpid()} {began} {time.monotonic()}\n")
        return self

    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)


class Dying(ClassifierMixin, BaseEstimator):
    """Ends its process, as the system does with one that takes too much memory."""

    def fit(self, X, y):
        os.kill(os.getpid(), signal.SIGKILL)


def test_every_candidate_is_tried_and_the_best_is_known(problem, board):
    made = board(problem(*rows()))
    tried = made.try_all(depths(1, 2, 3, 4, 5), "search")
    assert made.trials == tried
    assert {trial.name for trial in tried} == {f"depth {depth}" for depth in range(1, 6)}
    assert all(trial.error is None for trial in tried)
    assert made.best.score == max(trial.score for trial in tried)
    assert made.stopped is None
    assert {trial.threads for trial in tried} == {max(1, processes.cores() // 5)}


def test_a_candidate_that_plainly_takes_longer_than_it_may_is_ended_after_its_first_fold(problem, board, tmp_path):
    made = board(problem(*rows(), folds=10))
    slow = replace(named("slow", Slow(str(tmp_path / "log"), 1.0)), seconds=8.0)
    made.try_all([slow, replace(*depths(1), seconds=60.0)], "search")
    by_name = {trial.name: trial for trial in made.trials}
    assert by_name["slow"].details["partial"]
    assert len(by_name["slow"].fold_scores) == 1
    assert len(by_name["depth 1"].fold_scores) == 10
    assert made.best.name == "depth 1"
    assert made.stopped is None


def test_a_second_round_returns_its_own_trials(problem, board):
    made = board(problem(*rows()))
    made.try_all(depths(1), "first")
    assert [trial.name for trial in made.try_all(depths(2), "second")] == ["depth 2"]
    assert len(made.trials) == 2


def test_of_an_error_the_least_is_the_best(problem, board):
    X, y = rows(numbers=True)
    made = board(problem(X, y, metric="rmse"))
    good, bad = made.try_all([named("line", LinearRegression()), named("constant", DummyRegressor())], "search")
    if good.name != "line":
        good, bad = bad, good
    assert 0 < good.score < bad.score
    assert made.best is good
    assert made.rank(good) > made.rank(bad) > made.rank(Trial("lost", "tests", None))


@pytest.mark.skipif(processes.cores() < 2, reason="one core")
def test_as_many_candidates_run_at_once_as_there_are_cores(problem, board, tmp_path):
    made = board(problem(*rows()))
    made.try_all([named(f"slow {number}", Slow(str(tmp_path / "log"))) for number in range(4)], "search")
    spans = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    at_once = [
        len({pid for pid, begins, ends in spans if float(begins) <= float(began) < float(ends)})
        for _, began, _ in spans
    ]
    assert 2 <= max(at_once) <= processes.cores()


@pytest.mark.parametrize("limit", [1, 3, 5])
def test_no_more_candidates_are_tried_than_the_limit_allows(problem, board, limit):
    made = board(problem(*rows(), limits={"candidates": limit}))
    made.try_all([*depths(1, 2), named("failing", IsotonicRegression()), *depths(3, 4, 5)], "search")
    assert len(made.trials) == limit
    assert made.left == 0
    assert made.stopped == "candidates limit"
    assert made.try_all(depths(6), "more") == []


def test_a_limit_that_is_just_enough_has_stopped_nothing(problem, board):
    made = board(problem(*rows(), limits={"candidates": 2}))
    assert len(made.try_all(depths(1, 2), "search")) == 2
    assert made.stopped is None


def test_native_code_is_ended_at_the_limit_of_a_candidate_and_the_rest_goes_on(problem, board):
    made = board(problem(*rows(), limits={"candidate_seconds": 1}))
    started = time.monotonic()
    made.try_all([named("endless", Native()), *depths(1, 2, 3), named("endless too", Native())], "search")
    assert time.monotonic() - started < 2 + SLACK
    by_name = {trial.name: trial for trial in made.trials}
    assert len(by_name) == 5
    for name in ("endless", "endless too"):
        assert by_name[name].score is None
        assert by_name[name].error == "stopped at its time limit"
    assert all(by_name[f"depth {depth}"].score is not None for depth in (1, 2, 3))
    assert made.stopped is None


def test_native_code_is_ended_with_the_search(problem, board):
    made = board(problem(*rows(), seconds=2.0))
    started = time.monotonic()
    made.try_all([*depths(1), named("endless", Native()), *depths(2)], "search")
    assert time.monotonic() - started < 2 + SLACK
    assert made.best.name in ("depth 1", "depth 2")
    assert made.stopped == "time limit"


def test_candidates_for_which_no_time_is_left_are_not_tried(problem, board):
    made = board(problem(*rows(), seconds=1.0))
    made.try_all([named(f"endless {number}", Native()) for number in range(50)], "search")
    assert len(made.trials) <= 2 * processes.cores()
    assert made.left == 0
    assert made.stopped == "time limit"


def test_time_is_kept_for_what_follows_the_search(problem, board):
    made = board(problem(*rows(), seconds=30.0))
    made.reserve = lambda: 20.0
    before, left, after = made.remaining, made.left, made.remaining
    assert 30 > before > after > 20
    # Exactly what was reserved, whatever time passes between the looks.
    assert after - 20 <= left <= before - 20
    made.reserve = lambda: 31.0
    assert made.left == 0
    assert made.try_all(depths(1), "search") == []
    assert made.stopped == "time limit"


def test_a_candidate_that_was_ended_counts_with_the_folds_it_had(problem, board):
    made = board(problem(*rows(), limits={"candidate_seconds": 2}))
    (trial,) = made.try_all([named("endless", Native(after=2))], "search")
    assert len(trial.fold_scores) == 2
    assert trial.score == pytest.approx(np.mean(trial.fold_scores))
    assert trial.details["partial"]
    assert trial.details["note"] == "stopped at its time limit after 2 of 3 folds"
    assert made.best is trial


def test_a_candidate_over_all_folds_is_better_than_any_over_some(problem, board):
    made = board(problem(*rows(), limits={"candidate_seconds": 2}))
    made.try_all([named("endless", Native(after=2)), named("constant", DummyClassifier())], "search")
    endless = next(trial for trial in made.trials if trial.name == "endless")
    assert made.rank(endless) > made.rank(made.best)
    assert made.best.name == "constant"


def test_a_candidate_whose_process_dies_is_a_failure_and_the_rest_goes_on(problem, board):
    made = board(problem(*rows()))
    made.try_all([named("dying", Dying()), *depths(1, 2)], "search")
    by_name = {trial.name: trial for trial in made.trials}
    assert by_name["dying"].error == "its process died"
    assert by_name["depth 1"].score is not None
    assert by_name["depth 2"].score is not None


def test_what_an_earlier_attempt_has_tried_is_not_tried_again(problem, board, told, tmp_path):
    of = problem(*rows())
    first = board(of)
    first.try_all([*depths(1), named("slow", Slow(str(tmp_path / "log"), 0.0))], "search")
    fits = (tmp_path / "log").read_text()
    earlier = list(told.saved)
    assert [trial.name for trial in earlier] == [trial.name for trial in first.trials]
    second = board(of, earlier=earlier)
    second.try_all([named("slow", Slow(str(tmp_path / "log"), 0.0)), *depths(1, 2)], "search")
    assert (tmp_path / "log").read_text() == fits
    assert {trial.name for trial in second.trials} == {"slow", "depth 1", "depth 2"}
    before, after = (next(t for t in made.trials if t.name == "depth 1") for made in (first, second))
    assert (before.score, before.fold_scores) == (after.score, after.fold_scores)


def test_what_an_engine_has_found_in_an_earlier_attempt_is_recalled_once(problem, board):
    earlier = [Trial("found", "tpot", None, score=0.7), Trial("tried", "tests", None, score=0.6)]
    again = board(problem(*rows()), earlier=earlier)
    again.recall("tpot", "search")
    again.recall("tpot", "search")
    assert [trial.name for trial in again.trials] == ["found"]


def test_a_failure_of_an_earlier_attempt_is_not_tried_again_either(problem, board):
    earlier = [Trial("dying", "tests", None, error="its process died")]
    (trial,) = board(problem(*rows()), earlier=earlier).try_all([named("dying", DummyClassifier())], "search")
    assert trial.error == "its process died"


def test_only_the_best_keep_their_predictions(problem, board):
    made = board(problem(*rows()))
    for number in range(60):
        made.add(Trial(str(number), "tests", None, score=number / 100, out_of_fold=np.zeros((120, 2))), "search")
    assert {trial.name for trial in made.trials if trial.out_of_fold is None} == {str(number) for number in range(20)}
    assert len(made.trials) == 60


def test_reports_count_candidates_and_failures_and_tell_the_best_score(problem, board, told):
    made = board(problem(*rows()))
    made.try_all([*depths(1, 2), named("failing", IsotonicRegression()), *depths(3)], "search")
    stage, fraction, candidates, failed, best = told.reports[-1]
    assert (stage, candidates, failed, best) == ("search", 4, 1, made.best.score)
    assert 0 <= fraction <= 1
    counts = [report[2] for report in told.reports]
    assert counts == sorted(counts)
    assert {1, 2, 3, 4} <= set(counts)
    bests = [report[4] for report in told.reports if report[4] is not None]
    assert bests == sorted(bests)


def test_the_best_score_of_an_error_falls(problem, board, told):
    X, y = rows(numbers=True)
    made = board(problem(X, y, metric="rmse"))
    made.try_all([named("constant", DummyRegressor())], "search")
    made.try_all([named("line", LinearRegression())], "search")
    bests = [report[4] for report in told.reports if report[4] is not None]
    assert bests[0] > bests[-1] > 0


def test_reports_come_while_a_candidate_takes_its_time(problem, board, told, tmp_path):
    made = board(problem(*rows()))
    made.try_all([named("slow", Slow(str(tmp_path / "log"), 0.7))], "search")
    assert len(told.reports) >= 4


def publisher(of):
    """Return what a training gives its board: a generator that fits a trial and yields what is published."""

    def publish(trial, rows_so_far):
        yield trial.name, trial.score, fit(trial.pipeline, of.X, of.y)

    return publish


def wait_for(made, told, name):
    """Wait until a model of this name is the one that was published last."""
    deadline = time.monotonic() + 20
    while not (told.published and told.published[-1][0] == name) and time.monotonic() < deadline:
        made.look("search")
        time.sleep(0.02)
    assert told.published[-1][0] == name


def test_the_first_model_is_published_before_anything_was_tried(problem, board, told):
    of = problem(*rows())
    made = board(of, publisher(of))
    made.offer(Trial("baseline", "baseline", Pipeline([("model", LogisticRegression())])))
    wait_for(made, told, "baseline")
    name, score, fitted = told.published[0]
    assert (name, score) == ("baseline", None)
    assert fitted.predict(of.X).shape == (120,)


def test_better_and_better_models_are_published_beside_the_search(problem, board, told, tmp_path):
    of = problem(*rows())
    made = board(of, publisher(of))
    made.offer(Trial("baseline", "baseline", Pipeline([("model", LogisticRegression())])))
    for candidate in (named("constant", DummyClassifier()), *depths(1), named("line", LogisticRegression())):
        made.try_all([candidate], "search")
        made.try_all([named(f"slow {candidate.name}", Slow(str(tmp_path / "log"), 0.4))], "search")
    wait_for(made, told, made.best.name)
    scores = [score for _, score, _ in told.published if score is not None]
    assert scores == sorted(scores)
    assert len(set(scores)) == len(scores)


def test_a_publication_that_fails_leaves_the_search_alone(problem, board, told):
    def publish(trial, rows_so_far):
        yield fit(Pipeline([("model", IsotonicRegression())]), of.X, of.y)

    of = problem(*rows())
    made = board(of, publish)
    made.try_all(depths(1, 2, 3), "search")
    assert len(made.trials) == 3
    assert told.published == []


def test_closing_ends_a_publication_that_is_under_way(problem, board, tmp_path):
    def publish(trial, rows_so_far):
        (tmp_path / "new").write_text(str(os.getpid()))
        (tmp_path / "new").rename(tmp_path / "pid")
        time.sleep(1000)
        yield

    made = board(problem(*rows()), publish)
    made.try_all(depths(1), "search")
    until((tmp_path / "pid").exists, "the process begins", 10)
    pid = int((tmp_path / "pid").read_text())
    made.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    made.close()


@pytest.mark.parametrize(("count", "threads"), [(120, 1), (30_000, processes.cores())])
def test_few_cells_are_fitted_with_one_thread_and_many_with_all(problem, board, count, threads):
    of = problem(*rows(count), folds=2)
    (trial,) = board(of).try_all([named("it", DecisionTreeClassifier(max_depth=1))], "baselines")
    assert trial.threads == threads
