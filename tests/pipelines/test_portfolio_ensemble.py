"""A weighted mean of pipelines, and how its members are chosen."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from app.errors import TrainingFailed
from app.pipelines import evaluate
from app.pipelines.base import Candidate, Trial
from app.pipelines.portfolio import choice, ensemble


def rows(count=150):
    """Return rows of which a line and a tree each see a part, and a target."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(count, 3)), columns=list("abc"))
    return X, (X["a"] + 2.0 * (X["b"] > 0.5) + generator.normal(size=count) / 2).to_numpy()


def piped(model):
    return Pipeline([("model", model)])


@pytest.fixture
def of(problem):
    """Return a function that makes a problem of some classes; 0 stands for numbers."""

    def make(n_classes, metric=None, **named):
        X, target = rows()
        y = np.digitize(target, np.quantile(target, np.arange(1, n_classes) / n_classes)) if n_classes else target
        return problem(X, y, metric=metric, **named)

    return make


def models(n_classes):
    if not n_classes:
        return [LinearRegression(), DecisionTreeRegressor(max_depth=3), DecisionTreeRegressor(max_depth=1)]
    return [LogisticRegression(), DecisionTreeClassifier(max_depth=3), GaussianNB()]


def tried(problem, *models):
    """Try models in this process; the best first."""
    found = [list(evaluate.trials(problem, Candidate(str(model), "tests", piped(model))))[-1] for model in models]
    return sorted(found, key=lambda trial: trial.score * problem.metric.sign, reverse=True)


@pytest.mark.parametrize(
    ("n_classes", "metric"),
    [(2, None), (2, "log_loss"), (2, "f1"), (3, None), (3, "accuracy"), (0, None), (0, "rmse"), (0, "mae")],
)
def test_a_mix_is_never_worse_than_its_best_member(of, n_classes, metric):
    problem = of(n_classes, metric)
    trials = tried(problem, *models(n_classes))
    shares = ensemble.weights(problem, trials)
    assert sum(shares.values()) == pytest.approx(1)
    assert all(share > 0 for share in shares.values())
    mixed = sum(trials[position].out_of_fold * share for position, share in shares.items())
    score = np.mean(ensemble.fold_scores(problem, mixed))
    assert score * problem.metric.sign >= trials[0].score * problem.metric.sign - 1e-12


def test_models_that_err_apart_are_mixed(of):
    problem = of(0, "rmse")
    trials = tried(problem, *models(0))
    assert len(ensemble.weights(problem, trials)) >= 2


def test_a_mix_begins_with_several_of_the_best(of):
    """One that the greedy choice would not take, as it adds no more than chance: it is in, as it is among the best."""
    problem = of(0)
    best, other = tried(problem, *models(0))[:2]
    generator = np.random.default_rng(0)
    third = replace(best, out_of_fold=best.out_of_fold + generator.normal(0, 0.01, len(problem.y)))
    assert set(ensemble.weights(problem, [best, other, third])) == {0, 1, 2}


def test_a_member_that_adds_nothing_is_not_taken(of):
    problem = of(2)
    best, *_ = tried(problem, LogisticRegression())
    useless = Trial("noise", "tests", None, score=0.5, out_of_fold=np.full((150, 2), 0.5))
    assert ensemble.weights(problem, [best, best, useless]) == {0: 1.0}


def test_rows_that_no_fold_tests_do_not_disturb_the_choice(of):
    problem = of(2, of_folds=((np.arange(90), np.arange(90, 120)), (np.arange(120), np.arange(120, 150))))
    trials = tried(problem, *models(2))
    assert np.isnan(trials[0].out_of_fold[:90]).all()
    assert sum(ensemble.weights(problem, trials).values()) == pytest.approx(1)


def test_a_weighted_problem_is_mixed_by_its_weights(of):
    problem = of(2, "accuracy", weights=np.random.default_rng(0).random(150) ** 4)
    best = tried(problem, *models(2))[0]
    np.testing.assert_allclose(ensemble.fold_scores(problem, best.out_of_fold), best.fold_scores)


@pytest.fixture
def mixed():
    """Return a function that makes an unfitted ensemble of two members."""

    def make(n_classes):
        kind = ensemble.EnsembleClassifier if n_classes else ensemble.EnsembleRegressor
        first, second, _ = models(n_classes)
        return kind([("first", piped(first), 0.25), ("second", piped(second), 0.75)])

    return make


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_are_the_weighted_mean_of_the_members(of, mixed, n_classes):
    problem = of(n_classes)
    X, y = problem.X, problem.y
    fitted = mixed(n_classes).fit(X, y)
    first, second, _ = (piped(model).fit(X, y) for model in models(n_classes))
    expected = 0.25 * first.predict_proba(X) + 0.75 * second.predict_proba(X)
    np.testing.assert_allclose(fitted.predict_proba(X), expected)
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.predict(X), fitted.classes_[expected.argmax(axis=1)])


def test_a_prediction_is_the_weighted_mean_of_the_members(of, mixed):
    problem = of(0)
    X, y = problem.X, problem.y
    first, second, _ = (piped(model).fit(X, y) for model in models(0))
    expected = 0.25 * first.predict(X) + 0.75 * second.predict(X)
    np.testing.assert_allclose(mixed(0).fit(X, y).predict(X), expected)


@pytest.mark.parametrize("n_classes", [2, 0])
def test_an_ensemble_is_an_estimator_of_scikit_learn(of, mixed, n_classes):
    problem = of(n_classes)
    made = mixed(n_classes)
    again = clone(made)
    assert [(name, share) for name, _, share in again.members] == [("first", 0.25), ("second", 0.75)]
    assert str(again) == str(made)
    fitted = piped(made).fit(problem.X, problem.y)
    assert not hasattr(made.members[1][1][-1], "tree_"), "fitting leaves the members unfitted"
    loaded = pickle.loads(pickle.dumps(fitted))  # noqa: S301  what was dumped here
    np.testing.assert_array_equal(loaded.predict(problem.X), fitted.predict(problem.X))
    again = clone(fitted).fit(problem.X, problem.y)
    np.testing.assert_allclose(again.predict(problem.X), fitted.predict(problem.X))


def test_weights_reach_the_members(of, mixed):
    problem = of(2)
    weights = np.where(problem.y == 1, 20.0, 1.0)
    found = evaluate.fit(piped(mixed(2)), problem.X, problem.y, weights)
    expected = LogisticRegression().fit(problem.X, problem.y, sample_weight=weights)
    np.testing.assert_allclose(found[-1].fitted_[0].predict_proba(problem.X), expected.predict_proba(problem.X))


def test_a_member_that_cannot_be_fitted_says_so_in_its_words(of):
    problem = of(2)
    broken = ensemble.EnsembleClassifier([("broken", piped(LogisticRegression(C=-1.0)), 1.0)])
    with pytest.raises(TrainingFailed, match="LogisticRegression"):
        evaluate.fit(piped(broken), problem.X, problem.y)


def trial(name, score, seconds=0.1, predict=0.01, size=1000, **details):
    """Return a trial of 150 rows whose predictions are the same whatever its score."""
    probabilities = np.tile([0.4, 0.6], (150, 1))
    model = piped(GaussianNB())
    return Trial(name, "tests", model, score, (score,), probabilities, seconds, predict, size, None, details)


def test_of_models_that_are_as_good_the_cheapest_is_chosen(of, board):
    problem = of(2)
    made = board(problem)
    made.add(trial("large", 0.90001, predict=0.5, size=10**8), "search")
    made.add(trial("small", 0.9, predict=0.001), "search")
    made.add(trial("worse", 0.8, predict=0.0001), "search")
    assert choice.choose(problem, made).name == "small"


def test_near_perfection_little_is_much(of, board):
    problem = of(2)
    made = board(problem)
    made.add(trial("large", 0.9998, predict=0.5, size=10**8), "search")
    made.add(trial("small", 0.9997, predict=0.001), "search")
    assert choice.choose(problem, made).name == "large"


def test_no_cheaper_model_is_chosen_that_is_worse_than_a_baseline(of, board):
    problem = of(2)
    made = board(problem)
    made.add(trial("forest", 0.90001, predict=0.5), "baselines")
    made.add(trial("forest 2", 0.9, predict=0.001), "variants")
    assert choice.choose(problem, made).name == "forest"


def test_of_an_error_the_least_is_chosen(of, board):
    problem = of(2, "log_loss")
    made = board(problem)
    made.add(trial("far", 2.0, predict=0.001), "search")
    made.add(trial("near", 1.0, predict=0.5), "search")
    assert choice.choose(problem, made).name == "near"


def test_one_model_in_several_pipelines_counts_once(of, board):
    problem = of(0, "rmse")
    made = board(problem)
    best, *others = tried(problem, *models(0))
    for number in range(25):
        made.add(replace(best, name=f"again {number}", predict_seconds=1.0 + number), "search")
    for found in (best, *others):
        made.add(found, "search")
    mixed = choice.choose(problem, made)
    assert mixed.details["members"].keys() == {best.name, *(other.name for other in others)}


def test_trials_over_some_of_the_folds_are_not_compared_with_whole_ones(of, board):
    problem = of(2)
    made = board(problem)
    made.add(trial("partial", 0.99, partial=True), "search")
    assert choice.choose(problem, made).name == "partial"
    made.add(trial("whole", 0.9), "search")
    assert choice.choose(problem, made).name == "whole"


def test_what_there_is_no_time_to_fit_again_is_not_mixed(of, board):
    problem = of(0, "rmse", seconds=20.0)
    made = board(problem)
    for found in tried(problem, *models(0)):
        made.add(Trial(**{**found.__dict__, "fit_seconds": 60.0}), "search")
    assert choice.choose(problem, made).name != "ensemble"
    assert len(made.trials) == 3


def test_a_mix_stands_on_the_board_with_its_members(of, board):
    problem = of(0, "rmse")
    made = board(problem)
    for found in tried(problem, *models(0)):
        made.add(replace(found, threads=1), "search")
    best = choice.choose(problem, made)
    assert best.name == "ensemble"
    assert best.threads == 1
    assert made.trials[-1] is best is made.best
    assert sum(best.details["members"].values()) == pytest.approx(1, abs=1e-3)
    fitted = evaluate.fit(best.pipeline, problem.X, problem.y)
    assert evaluate.predict(fitted, problem.X, 0).shape == (150,)
    # What it would have scored, had it been tried as any other.
    again = list(evaluate.trials(problem, Candidate("again", "tests", best.pipeline)))[-1]
    assert again.score == pytest.approx(best.score)
