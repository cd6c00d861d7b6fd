"""The search with TPOT: its arguments, its repair, and what it gives when time is short."""

import gc
import importlib
import os
import signal
import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from app.errors import InvalidParameters
from app.payloads.parameters import ModelTraining
from app.pipelines.tpot import TpotEngine, params
from app.pipelines.tpot.stacking import mend_stacking

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


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({}, id="none"),
        pytest.param(
            {"generations": 20, "population_size": 10, "verbosity": 2, "max_time_mins": 0.1}, id="the file of 2017"
        ),
        pytest.param({"config_dict": "TPOT light", "cv": 5, "scoring": "roc_auc", "n_jobs": -1}, id="0.x"),
        pytest.param({"max_eval_time_mins": 0.5, "random_state": 3, "disable_update_check": True}, id="more of 0.x"),
        pytest.param({"search_space": "linear-light", "early_stop": 3, "verbose": 0}, id="1.x"),
        pytest.param({"max_time_mins": 1, "generations": 1, "population_size": 2, "cv": 2}, id="the least"),
    ],
)
def test_arguments_of_either_generation_are_taken(arguments):
    TpotEngine().check(ModelTraining(model=CLASSIFIER, model_args=arguments), ("a", "b"))


@pytest.mark.parametrize(
    ("argument", "value", "words"),
    [
        pytest.param("offspring_size", 10, "known are generations, population_size", id="gone since 0.x"),
        pytest.param("callback", "os.system", "known are", id="code"),
        pytest.param("generations", 0, "a whole number from 1 to 10000", id="too few"),
        pytest.param("generations", 2.5, "a whole number", id="not whole"),
        pytest.param("generations", True, "a whole number", id="a boolean"),
        pytest.param("population_size", 1, "from 2 to 1000", id="a population of one"),
        pytest.param("population_size", 1001, "from 2 to 1000", id="a population too large"),
        pytest.param("max_time_mins", 0, "a number from 0.01", id="no time"),
        pytest.param("max_time_mins", None, "a number from 0.01", id="for ever"),
        pytest.param("max_time_mins", float("nan"), "a number from 0.01", id="not a number"),
        pytest.param("cv", "five", "a whole number from 2 to 20", id="text"),
        pytest.param("search_space", "graph", "known are linear, linear-light", id="another space"),
        pytest.param("config_dict", {"sklearn.naive_bayes.GaussianNB": {}}, "known are TPOT light", id="a mapping"),
        pytest.param("search_space", ["linear"], "known are linear, linear-light", id="a list"),
        pytest.param("scoring", "r2", "known are roc_auc, accuracy", id="of the other task"),
        pytest.param("scoring", ["roc_auc"], "known are roc_auc, accuracy", id="a list of metrics"),
    ],
)
def test_an_argument_that_cannot_be_taken_is_refused_with_what_can(argument, value, words):
    with pytest.raises(InvalidParameters) as refused:
        TpotEngine().check(ModelTraining(model=CLASSIFIER, model_args={argument: value}), ("a", "b"))
    (fault,) = refused.value.faults
    assert fault.pointer == f"/params/model_training/model_args/{argument}"
    assert words in fault.detail


@pytest.mark.parametrize(("model", "metric"), [(CLASSIFIER, "r2"), (REGRESSOR, "roc_auc"), (CLASSIFIER, "beauty")])
def test_a_metric_of_another_task_is_refused_with_the_known_ones(model, metric):
    with pytest.raises(InvalidParameters) as refused:
        TpotEngine().check(ModelTraining(model=model, metric=metric), ())
    (fault,) = refused.value.faults
    assert fault.pointer == "/params/model_training/metric"
    assert fault.detail == f"known are {', '.join(params.METRICS[params.MODELS[model]])}"


@pytest.mark.parametrize("model", params.MODELS)
def test_every_metric_is_a_scorer_of_scikit_learn(model):
    from sklearn.metrics import get_scorer

    for metric in params.METRICS[params.MODELS[model]]:
        training = ModelTraining(model=model, metric=metric)
        TpotEngine().check(training, ())
        assert get_scorer(params.scorer(training, metric))


@pytest.fixture
def stacked():
    """TPOT's transformer of an inner classifier, as it is shipped; afterwards as it was before the test."""
    module = importlib.import_module("tpot.builtin_modules.estimatortransformer")
    mended = module.EstimatorTransformer.fit_transform
    importlib.reload(module)
    yield module.EstimatorTransformer
    module.EstimatorTransformer.fit_transform = mended


@pytest.fixture
def widths():
    """Return a function that tells how wide a stacked classifier's rows are when it is fitted and when it serves."""
    X, _ = rows(90, 3)
    classes = np.arange(90) % 3

    def tell(kind, **options):
        transformer = kind(LogisticRegression(), cross_val_predict_cv=3, **options)
        fitted = transformer.fit_transform(X.to_numpy(), classes)
        return fitted.shape[1], transformer.transform(X.to_numpy()).shape[1]

    return tell


@pytest.mark.parametrize(
    ("options", "width"),
    [
        pytest.param({"method": "auto"}, 3, id="auto"),
        pytest.param({"method": "auto", "passthrough": True}, 6, id="beside its input"),
        pytest.param({"method": "predict"}, 1, id="predictions"),
        pytest.param({"method": "decision_function"}, 3, id="decision function"),
    ],
)
def test_a_mended_stack_is_as_wide_when_it_is_fitted_as_when_it_serves(stacked, widths, options, width, monkeypatch):
    monkeypatch.setattr("tpot.builtin_modules.estimatortransformer.EstimatorTransformer", stacked)
    mend_stacking()
    assert widths(stacked, **options) == (width, width)


def test_the_stack_as_shipped_still_needs_mending(stacked, widths):
    fitted, served = widths(stacked, method="auto")
    assert (fitted, served) == (1, 3)


def test_nothing_scored_in_time_gives_the_baseline_and_says_so(problem):
    X, y = rows(40_000, 50)
    found = TpotEngine().search(problem(X, y, CLASSIFIER, max_time_mins=0.01, population_size=2), silent, silent)
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
