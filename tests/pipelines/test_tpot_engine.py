"""The search with TPOT: what it finds, and what it gives when time is short."""

import time

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from app.pipelines import evaluate
from app.pipelines.tpot import TpotEngine

CLASSIFIER, REGRESSOR = "tpot.TPOTClassifier", "tpot.TPOTRegressor"

#: A search that ends by itself, long before its time. Its estimators take no time on any data.
TINY = {"generations": 1, "population_size": 4, "estimators": ["DecisionTreeClassifier", "GaussianNB"]}

#: The same, for numbers.
TINY_OF_NUMBERS = {"generations": 1, "population_size": 4, "estimators": ["DecisionTreeRegressor", "Ridge"]}

#: Seconds that the end of a search may take beyond its limit; it takes one or two.
SLACK = 10.0


def rows(count=120, seed=0):
    """Return rows, and classes that no linear model can tell apart."""
    generator = np.random.default_rng(seed)
    X = pd.DataFrame(generator.normal(size=(count, 4)), columns=list("abcd"))
    return X, (X["a"] * X["b"] > 0).to_numpy(dtype=int)


def of_tpot(board):
    return [trial for trial in board.trials if trial.engine == "tpot"]


def test_a_search_finds_pipelines_that_are_better_than_its_baseline(problem, board):
    of = problem(*rows(), CLASSIFIER, model_args=TINY)
    made = board(of)
    best = TpotEngine().search(of, made)
    assert made.trials[0].name == "baseline"
    assert made.trials[0].engine == "baseline"
    assert best is made.best
    assert best.engine == "tpot"
    assert best.score > made.trials[0].score
    assert (made.note, made.stopped) == (None, None)
    fitted = evaluate.fit(best.pipeline, of.X, of.y)
    assert evaluate.predict(fitted, of.X, 2).shape == (120, 2)


def test_candidates_are_pipelines_in_words_with_their_number_of_operators(problem, board):
    of = problem(*rows(), CLASSIFIER, model_args=TINY | {"generations": 2})
    made = board(of)
    TpotEngine().search(of, made)
    tried = of_tpot(made)
    assert len(tried) >= 4
    for trial in tried:
        assert trial.name.startswith("Pipeline(")
        assert "\n" not in trial.name
        assert "np." not in trial.name
        assert 1 <= trial.details["operators"] <= 20
        assert len(trial.fold_scores) == 3
        assert trial.out_of_fold.shape == (120, 2)
        assert not hasattr(clone(trial.pipeline)[-1], "classes_")
    assert len({trial.name for trial in tried}) == len(tried)


def test_candidates_are_told_of_one_by_one(problem, board, told):
    of = problem(*rows(), CLASSIFIER, model_args=TINY)
    TpotEngine().search(of, board(of))
    counts = [candidates for stage, _, candidates, _, _ in told.reports if stage == "search"]
    # The baseline is the first; whether it is told alone depends on how soon the next one ends.
    assert sorted(set(counts)) == list(range(min(counts), max(counts) + 1))
    assert min(counts) in (1, 2)
    assert counts == sorted(counts)
    assert len(told.saved) == max(counts)


@pytest.mark.parametrize(
    "space",
    [
        pytest.param({"search_space": "linear"}, id="TPOT's own space"),
        pytest.param({"estimators": TINY["estimators"]}, id="some estimators"),
    ],
)
def test_the_smallest_tables_are_searched(problem, board, space):
    y = np.arange(10) % 2
    few = {"generations": 1, "population_size": 2, **space}
    of = problem(pd.DataFrame({"a": y + np.linspace(0, 0.1, 10)}), y, CLASSIFIER, model_args=few)
    made = board(of)
    TpotEngine().search(of, made)
    assert any(trial.score is not None for trial in of_tpot(made))


@pytest.mark.parametrize("labels", [["no", "yes"], ["a", "b", "c"], [False, True], [3, 1, 2]], ids=str)
def test_labels_may_be_anything(problem, board, labels):
    X, _ = rows()
    y = np.array(labels)[np.digitize(X["a"], np.linspace(-0.5, 0.5, len(labels) - 1))]
    of = problem(X, y, CLASSIFIER, model_args=TINY, metric="log_loss")
    made = board(of)
    best = TpotEngine().search(of, made)
    assert all(trial.error is None for trial in made.trials)
    assert best.out_of_fold.shape == (120, len(labels))
    assert best.score == min(trial.score for trial in of_tpot(made))


def test_numbers_are_searched_by_their_error(problem, board):
    X, _ = rows()
    of = problem(X, (X["a"] * X["b"]).to_numpy(), REGRESSOR, model_args=TINY_OF_NUMBERS, metric="rmse")
    made = board(of)
    best = TpotEngine().search(of, made)
    assert best.score == min(trial.score for trial in of_tpot(made) if trial.score is not None)
    assert best.out_of_fold.shape == (120,)


def test_weights_and_text_are_taken(problem, board):
    X, y = rows()
    X = X.assign(word=np.where(y == 1, "one", "two"))
    of = problem(X, y, CLASSIFIER, model_args=TINY, weights=np.random.default_rng(0).random(120))
    best = TpotEngine().search(of, board(of))
    assert best.score > 0.95


def test_the_same_seed_finds_the_same_pipelines_with_the_same_scores(problem, board):
    found = []
    for seed in (5, 5, 6):
        of = problem(*rows(), CLASSIFIER, model_args=TINY, seed=seed, of_folds=problem(*rows()).folds)
        made = board(of)
        TpotEngine().search(of, made)
        found.append({trial.name: trial.fold_scores for trial in of_tpot(made)})
    assert found[0] == found[1] != found[2]


def test_a_number_of_candidates_is_kept(problem, board):
    of = problem(*rows(), CLASSIFIER, model_args=TINY | {"population_size": 20}, limits={"candidates": 3})
    made = board(of)
    TpotEngine().search(of, made)
    assert len(made.trials) == 3
    assert made.stopped == "candidates limit"


@pytest.mark.parametrize(
    ("limits", "arguments"),
    [
        pytest.param({"candidate_seconds": 4}, {}, id="the training's limit"),
        pytest.param({}, {"max_eval_time_mins": 4 / 60}, id="the argument"),
    ],
)
def test_native_code_is_ended_at_the_limit_of_a_candidate_and_the_search_goes_on(problem, board, limits, arguments):
    X, _ = rows(20_000)
    noise = np.random.default_rng(0).integers(0, 2, 20_000)
    # Of noise, minutes for a support vector machine, in one call, and a moment for the other.
    endless = {"generations": 1, "population_size": 4, "estimators": ["SVC", "GaussianNB"]}
    of = problem(X, noise, CLASSIFIER, model_args=endless | arguments, limits={"candidates": 7, **limits})
    made = board(of)
    started = time.monotonic()
    TpotEngine().search(of, made)
    assert time.monotonic() - started < 7 * 4 + SLACK
    stopped = [trial for trial in of_tpot(made) if trial.error == "stopped at its time limit"]
    assert any("SVC" in trial.name for trial in stopped)
    assert any("GaussianNB" in trial.name and trial.error is None for trial in of_tpot(made))


def test_a_search_ends_at_its_own_limit_which_cuts_nothing_short(problem, board):
    of = problem(*rows(), CLASSIFIER, model_args=TINY | {"generations": 10_000, "max_time_mins": 0.05})
    made = board(of)
    started = time.monotonic()
    TpotEngine().search(of, made)
    assert time.monotonic() - started < 3 + SLACK
    assert len(made.trials) > 1
    assert made.stopped is None


def test_a_search_that_is_cut_short_by_the_trainings_time_says_so(problem, board):
    of = problem(*rows(), CLASSIFIER, model_args=TINY | {"generations": 10_000}, seconds=4.0)
    made = board(of)
    started = time.monotonic()
    best = TpotEngine().search(of, made)
    assert time.monotonic() - started < 4 + SLACK
    assert best.score is not None
    assert made.stopped == "time limit"


def test_what_was_asked_for_is_given_and_a_better_baseline_is_told_of(problem, board):
    X, _ = rows()
    of = problem(X, (X["a"] + X["b"] > 0).to_numpy(dtype=int), CLASSIFIER, model_args=TINY)
    made = board(of)
    best = TpotEngine().search(of, made)
    assert best.engine == "tpot"
    assert made.best.name == "baseline"
    assert made.note.startswith("baseline scored better than the best of the search")


def test_nothing_scored_in_time_gives_the_baseline_and_says_so(problem, board):
    X, y = rows(20_000)
    slow = {"estimators": ["MLPClassifier"], "max_time_mins": 0.01}
    of = problem(X, y, CLASSIFIER, model_args=slow, folds=10)
    made = board(of)
    best = TpotEngine().search(of, made)
    assert (best.name, best.engine) == ("baseline", "baseline")
    assert best.score is not None
    assert made.note == "No candidate of the search was scored in time. This is the baseline, a linear model."


def test_where_every_candidate_fails_the_words_of_the_first_are_told(problem, board):
    X, y = rows()
    # Every fold tests one class only, so that no candidate can be measured by its ranking.
    by_class = tuple((np.arange(120), np.flatnonzero(y == code)) for code in (0, 1))
    of = problem(X, y, CLASSIFIER, model_args=TINY | {"population_size": 2}, of_folds=by_class)
    made = board(of)
    assert TpotEngine().search(of, made).name == "baseline"
    assert made.note == (
        "Every candidate of the search failed; the first said: its predictions cannot be measured by the metric. "
        "This is the baseline, a linear model."
    )


def test_no_time_to_try_even_the_baseline_gives_it_without_a_score(problem, board):
    of = problem(*rows(), CLASSIFIER, model_args=TINY, seconds=0.01)
    made = board(of)
    time.sleep(0.02)
    best = TpotEngine().search(of, made)
    assert best.score is None
    assert best.error is None
    assert "baseline" in made.note
    assert evaluate.over_folds(of, best)["roc_auc"]["mean"] is None
    assert evaluate.predict(evaluate.fit(best.pipeline, of.X, of.y), of.X, 2).shape == (120, 2)
