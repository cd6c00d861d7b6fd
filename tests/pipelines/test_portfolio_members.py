"""The kinds of models of a portfolio: each works for what it is for, and says what it costs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from app.payloads.parameters import Kind, Task
from app.pipelines import evaluate
from app.pipelines.portfolio import members
from app.pipelines.portfolio.kinds import KINDS


def rows(count=90):
    """Return rows of numbers and a category, and a target."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(count, 3)), columns=list("abc"))
    X["word"] = pd.Series(np.where(X["a"] > 0, "one", "two"), dtype="str")
    X.loc[3, "b"] = np.nan
    return X, X["a"].to_numpy() + generator.normal(size=count) / 2


@pytest.fixture
def of(problem):
    """Return a function that makes a problem of some classes; 0 stands for numbers."""

    def make(n_classes, count=90, **named):
        X, target = rows(count)
        y = np.digitize(target, np.linspace(-0.7, 0.7, n_classes + 1)[1:-1]) if n_classes else target
        return problem(X, y, **named)

    return make


def all_of(problem):
    return members.first(problem) + members.variants(problem, ["forest", "linear"])


@pytest.mark.parametrize("n_classes", [3, 0])
def test_every_kind_and_variant_is_fitted_and_predicts(of, n_classes):
    tried = set()
    for problem in (of(n_classes), of(n_classes, count=800)):
        for candidate in all_of(problem):
            fitted = evaluate.fit(candidate.pipeline, problem.X, problem.y)
            assert evaluate.predict(fitted, problem.X, n_classes).shape[0] == len(problem.y), candidate.name
            tried.add(members.kind_of(candidate.name))
    expected = {name for name, kind in KINDS.items() if kind.classifier or not n_classes}
    assert tried == expected - {"gamma boosting"}  # which is for targets above 0


@pytest.mark.parametrize("n_classes", [2, 0])
def test_names_are_unique_and_tell_the_kind(of, n_classes):
    names = [candidate.name for candidate in all_of(of(n_classes))]
    assert len(set(names)) == len(names)
    for name in names:
        assert members.kind_of(name) in KINDS
        assert name.startswith(members.kind_of(name))


@pytest.mark.parametrize("n_classes", [2, 0])
def test_baselines_of_six_kinds_are_tried_the_quickest_first(of, n_classes):
    names = [candidate.name for candidate in members.first(of(n_classes))]
    assert names[0] == "linear"
    assert sorted(names) == ["extra trees", "forest", "histogram boosting", "lightgbm", "linear", "xgboost"]
    assert all(map(members.is_baseline, names))


def test_variants_of_the_best_kinds_and_the_kinds_not_tried_come_first(of):
    names = [members.kind_of(candidate.name) for candidate in members.variants(of(2), ["xgboost", "forest", "linear"])]
    later = {name for name, kind in KINDS.items() if kind.first is None and kind.classifier}
    untried = {name for name in later if KINDS[name].least_rows <= 90}
    assert names[:2] == ["xgboost", "forest"]
    assert set(names[2 : 2 + len(untried)]) == untried


def test_kinds_that_take_time_in_the_square_of_the_rows_are_for_few(of):
    many = of(2)
    many = replace(many, y=np.tile(many.y, 1000))
    assert "kernel 2" in {candidate.name for candidate in members.variants(of(2), [])}
    assert not {"kernel 2", "neighbours 2", "network 2"} & {c.name for c in members.variants(many, [])}


def test_what_needs_many_rows_is_not_tried_with_few(of):
    def kinds(count):
        return {members.kind_of(candidate.name) for candidate in members.variants(of(2, count=count), [])}

    assert not {"splines", "sampled kernel"} & kinds(90)
    assert {"splines"} == {"splines", "sampled kernel"} & kinds(200)
    assert {"splines", "sampled kernel"} <= kinds(700)


def test_errors_as_shares_of_the_value_are_for_targets_above_zero_only(of, problem):
    X, target = rows()
    prices = problem(X, np.exp(target))
    names = {candidate.name: candidate for candidate in members.variants(prices, [])}
    fitted = evaluate.fit(names["gamma boosting 2"].pipeline, prices.X, prices.y)
    assert (evaluate.predict(fitted, prices.X, 0) > 0).all()
    for other in (of(0), of(2), replace(prices, task=Task.FORECASTING)):
        assert "gamma boosting 2" not in {candidate.name for candidate in members.variants(other, [])}


@pytest.mark.parametrize("n_classes", [2, 0])
def test_with_weights_only_kinds_that_take_them_are_tried(of, n_classes):
    weighed = replace(of(n_classes), weights=np.ones(90))
    found = all_of(weighed)
    assert {"linear", "lightgbm", "forest"} <= {candidate.name for candidate in found}
    assert all(evaluate.takes_weights(candidate.pipeline) for candidate in found)
    assert not any(members.kind_of(candidate.name) == "neighbours" for candidate in found)


def test_the_seed_is_the_trainings(of):
    found = {
        candidate.name: candidate.pipeline[-1].get_params().get("random_state") for candidate in all_of(of(2, seed=7))
    }
    assert found["forest"] == found["lightgbm"] == found["xgboost"] == 7


@pytest.mark.parametrize("n_classes", [2, 0])
def test_a_model_keeps_to_one_core_and_is_quiet(of, n_classes):
    for candidate in all_of(of(n_classes)):
        parameters = candidate.pipeline[-1].get_params()
        assert parameters.get("n_jobs", 1) in (1, None), candidate.name
        assert parameters.get("verbose", 0) in (0, -1, False), candidate.name


def test_lightgbm_writes_nothing(of, capfd):
    problem = of(2)
    found = {candidate.name: candidate.pipeline for candidate in members.first(problem)}
    evaluate.fit(found["lightgbm"], problem.X, problem.y)
    assert capfd.readouterr() == ("", "")


def test_raw_series_alone_have_their_own_kind(problem):
    generator = np.random.default_rng(0)
    y = np.arange(40) % 2
    series = [np.sin(np.arange(60) * (0.3 + 0.3 * label)) + generator.normal(size=60) / 5 for label in y]
    X = pd.DataFrame({"x": pd.Series(series, dtype="object")})
    made = replace(problem(X, y), kinds={"x": Kind.SIGNAL})
    (found,) = members.first(made)
    assert found.name == "random convolutions"
    assert members.variants(made, []) == []
    fitted = evaluate.fit(found.pipeline, made.X, made.y)
    assert (evaluate.predict(fitted, made.X, 2).argmax(axis=1) == y).mean() > 0.9


def test_series_with_features_have_that_kind_and_the_others(problem):
    generator = np.random.default_rng(0)
    y = np.arange(40) % 2
    series = [np.sin(np.arange(60) * (0.3 + 0.3 * label)) + generator.normal(size=60) / 5 for label in y]
    X = pd.DataFrame({"x": pd.Series(series, dtype="object"), "x__mean": generator.normal(size=40) + y})
    made = replace(problem(X, y), kinds={"x": Kind.SIGNAL, "x__mean": Kind.NUMBER})
    found = {candidate.name: candidate for candidate in members.first(made)}
    assert {"random convolutions", "linear", "forest"} <= found.keys()
    for candidate in found.values():
        fitted = evaluate.fit(candidate.pipeline, made.X, made.y)
        assert evaluate.predict(fitted, made.X, 2).shape == (40, 2), candidate.name


@pytest.mark.parametrize("n_classes", [2, 0])
def test_every_kind_that_tpot_searches_around_is_one_that_it_knows(of, n_classes):
    from tpot.config import get_search_space

    shape = {"n_classes": n_classes or None, "n_samples": 100, "n_features": 5, "random_state": 0}
    kinds = [name for name, kind in KINDS.items() if kind.classifier or not n_classes]
    for name in kinds:
        for estimator in members.tpot_names(of(n_classes), [name]):
            assert get_search_space([estimator], **shape)
    assert len(members.tpot_names(of(n_classes), kinds)) == 3
    assert members.tpot_names(of(n_classes), ["random convolutions"]) == []
