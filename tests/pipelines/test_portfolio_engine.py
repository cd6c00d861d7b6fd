"""The engine that picks: better than its baselines, in whatever time there is."""

import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from app.errors import InvalidParameters, TrainingFailed
from app.payloads.parameters import TrainParameters, check
from app.pipelines import evaluate, registry
from app.pipelines.base import Trial
from app.pipelines.portfolio import PortfolioEngine, choice, engine, members

#: Seconds that the end of a search may take beyond its limit.
SLACK = 10.0


def rows(n_classes, count=100, seed=0):
    """Return rows, and a target that is not linear in them; codes of classes, or numbers where there are none."""
    generator = np.random.default_rng(seed)
    X = pd.DataFrame(generator.normal(size=(count, 4)), columns=list("abcd"))
    target = (X["a"] * X["b"] + X["c"] + generator.normal(size=count) / 2).to_numpy()
    return X, np.digitize(target, np.quantile(target, np.arange(1, n_classes) / n_classes)) if n_classes else target


@pytest.fixture
def without_tpot(monkeypatch):
    """Leave no time for TPOT, whose search takes all that there is."""
    monkeypatch.setattr(engine, "TPOT_LEAST", 10_000.0)


@pytest.mark.parametrize(("n_classes", "metric"), [(2, "log_loss"), (3, None), (0, "rmse")])
@pytest.mark.usefixtures("without_tpot")
def test_the_choice_is_as_good_as_the_best_of_all_that_was_tried(problem, board, n_classes, metric):
    of = problem(*rows(n_classes), metric=metric, folds=2)
    made = board(of)
    best = PortfolioEngine().search(of, made)
    ranks = [made.rank(trial) for trial in made.trials]
    assert made.rank(best) >= max(ranks) - choice.AS_GOOD * abs(max(ranks))
    assert best in made.trials
    tried = {trial.name for trial in made.trials}
    assert {candidate.name for candidate in members.first(of)} <= tried
    assert len(tried) > 12
    assert all(trial.error is None for trial in made.trials), [trial.error for trial in made.trials]
    assert made.stopped is None
    fitted = evaluate.fit(best.pipeline, of.X, of.y)
    assert evaluate.predict(fitted, of.X, n_classes).shape[0] == 100


@pytest.mark.usefixtures("without_tpot")
def test_weights_are_used(problem, board):
    weights = np.random.default_rng(0).random(100)
    of = problem(*rows(2), weights=weights, limits={"candidates": 8})
    made = board(of)
    best = PortfolioEngine().search(of, made)
    assert all(trial.error is None for trial in made.trials)
    assert best.score == pytest.approx(np.mean(evaluate.over_folds(of, best)["roc_auc"]["folds"]))


@pytest.mark.usefixtures("without_tpot")
def test_the_same_seed_makes_the_same_choice(problem, board):
    scores = []
    for _ in range(2):
        of = problem(*rows(2), seed=3, limits={"candidates": 8})
        made = board(of)
        PortfolioEngine().search(of, made)
        scores.append({trial.name: trial.fold_scores for trial in made.trials if trial.name != "ensemble"})
    # Which of those that end together is one too many is chance.
    both = scores[0].keys() & scores[1].keys()
    assert len(both) >= 6
    assert [scores[0][name] for name in both] == [scores[1][name] for name in both]


def test_with_more_time_tpot_searches_around_the_best_kinds(problem, board, monkeypatch):
    monkeypatch.setattr(members, "variants", lambda problem, best: [])
    of = problem(*rows(2), limits={"candidates": 10}, folds=2)
    made = board(of)
    best = PortfolioEngine().search(of, made)
    engines = [trial.engine for trial in made.trials]
    assert "tpot" in engines
    assert engines.index("tpot") == len(members.first(of))
    assert made.note is None
    assert made.stopped == "candidates limit"
    assert made.rank(best) >= max(map(made.rank, made.trials)) * (1 - choice.AS_GOOD)


@pytest.mark.parametrize("scheduler", [None, "tcp://127.0.0.1:9"], ids=["no TPOT", "no scheduler"])
def test_what_was_found_stands_where_tpot_cannot_search(problem, board, monkeypatch, scheduler):
    first = members.first
    monkeypatch.setattr(members, "first", lambda problem: first(problem)[:2])
    monkeypatch.setattr(members, "variants", lambda problem, best: [])
    if scheduler is None:
        monkeypatch.setitem(sys.modules, "tpot", None)
    made = board(of := replace(problem(*rows(2), folds=2), scheduler=scheduler))
    best = PortfolioEngine().search(of, made)
    assert best.score is not None
    assert made.note.startswith("TPOT did not search: ")
    assert {trial.engine for trial in made.trials} == {"portfolio"}


def test_a_tpot_search_that_its_time_has_ended_would_have_gone_on(problem, board, monkeypatch):
    monkeypatch.setattr(members, "variants", lambda problem, best: [])
    first = members.first
    monkeypatch.setattr(members, "first", lambda problem: first(problem)[:1])
    monkeypatch.setattr(engine, "TPOT_LEAST", 1.0)
    of = problem(*rows(2), seconds=20.0, folds=2)
    made = board(of)
    PortfolioEngine().search(of, made)
    assert "tpot" in {trial.engine for trial in made.trials}
    assert made.stopped == "time limit"


def test_five_seconds_are_enough_for_a_model(problem, board):
    of = problem(*rows(2, count=3000), seconds=5.0, folds=5)
    made = board(of)
    started = time.monotonic()
    best = PortfolioEngine().search(of, made)
    assert time.monotonic() - started < 5 + SLACK
    assert best.score > 0.6
    evaluate.fit(best.pipeline, of.X, of.y)


def test_time_that_is_over_before_anything_was_tried_gives_the_baseline(problem, board):
    of = problem(*rows(2), seconds=0.01)
    made = board(of)
    time.sleep(0.02)
    best = PortfolioEngine().search(of, made)
    assert (best.name, best.score) == ("baseline", None)
    assert "baseline" in made.note
    assert made.stopped == "time limit"
    assert evaluate.over_folds(of, best)["roc_auc"]["mean"] is None
    evaluate.fit(best.pipeline, of.X, of.y)


@pytest.mark.parametrize("most", [1, 4])
def test_a_number_of_candidates_is_kept(problem, board, most):
    of = problem(*rows(2), limits={"candidates": most})
    made = board(of)
    best = PortfolioEngine().search(of, made)
    assert len([trial for trial in made.trials if trial.name != "ensemble"]) == most
    assert made.stopped == "candidates limit"
    assert best.score is not None


@pytest.mark.usefixtures("without_tpot")
def test_data_that_no_model_can_be_trained_on_says_so_in_the_first_ones_words(problem, board):
    X, y = rows(2)
    of = problem(X.assign(a=np.inf), y)
    with pytest.raises(TrainingFailed, match=r"No model could be trained on this data; the first said: .*infinity"):
        PortfolioEngine().search(of, board(of))


def test_it_trains_when_no_model_is_named_and_takes_no_arguments():
    parameters = check(TrainParameters, {"pipeline_id": 1})
    assert isinstance(registry.resolve(parameters), PortfolioEngine)
    assert registry.check(parameters) is None
    named = check(TrainParameters, {"pipeline_id": 1, "model_training": {"model": "portfolio"}})
    assert isinstance(registry.resolve(named), PortfolioEngine)
    PortfolioEngine().check(parameters, ("a", "b"))
    training = {"model_args": {"n_estimators": 3}}
    with pytest.raises(InvalidParameters) as refused:
        PortfolioEngine().check(check(TrainParameters, {"pipeline_id": 1, "model_training": training}), ("a", "b"))
    assert refused.value.faults[0].pointer == "/params/model_training/model_args/n_estimators"


@pytest.mark.parametrize(("fit_seconds", "kept"), [(1.0, 14.0), (3.0, 40.0), (20.0, 70.0)])
def test_the_time_that_is_kept_for_a_mix_is_at_most_a_share_but_for_the_best_alone(problem, board, fit_seconds, kept):
    of = problem(*rows(2), seconds=100)
    made = board(of)
    for number in range(5):
        pipeline = members.first(of)[0].pipeline
        scored = {"score": 0.5 + number / 10, "fold_scores": (0.5,), "out_of_fold": np.zeros((100, 2))}
        made.add(Trial(f"{number}", "portfolio", pipeline, fit_seconds=fit_seconds, **scored), "test")
    assert choice.finish_seconds(of, made) == pytest.approx(kept)
