"""A search: which networks it tries, on which rows, and what it tells of them."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from app.errors import EngineMissing
from app.payloads.parameters import Kind, Limits, Task
from app.pipelines.autokeras import backend, oracle, params, training
from app.pipelines.autokeras.search import held_back, trials, validation
from tests.pipelines.autokeras_rows import CODES, KINDS, N, problem, table

SMALL = {"max_trials": 2, "epochs": 3, "batch_size": 16}
TABLE = "autokeras.StructuredDataClassifier"


def found(wanted, seconds=120.0, known=()):
    """Return what a search yields but for those that have only begun, of which each ends."""
    told = list(trials(wanted, seconds, known))
    begun = [trial.name for trial in told if trial is not None and trial.score is None and trial.error is None]
    ended = [trial for trial in told if trial is None or trial.score is not None or trial.error is not None]
    assert begun == [trial.name for trial in ended if trial is not None]
    return ended


def first_of_a_kind(model):
    """Leave to the night what differs from another by its last layer and its loss alone."""
    return model if model.endswith("Classifier") else pytest.param(model, marks=pytest.mark.nightly)


@pytest.mark.parametrize("model", [*map(first_of_a_kind, params.MODELS)])
def test_each_model_finds_networks(model):
    wanted = problem(model, model_args={**SMALL, "max_trials": 1}, images={"height": 8, "width": 8})
    (trial,) = found(wanted)
    assert trial.error is None
    assert trial.name == f"{model} 1"
    assert trial.details["epochs"] == 3
    assert trial.details["device"] in ("cpu", "cuda:0")
    again = trial.pipeline.fit(wanted.X, wanted.y).predict(wanted.X)
    assert again.shape == (N,)


def test_a_trial_is_measured_on_rows_that_its_network_has_not_seen():
    wanted = problem(TABLE, model_args=SMALL)
    seen, unseen = validation(wanted, 0.3, 0)
    assert len(unseen) == 24
    assert not set(seen) & set(unseen)
    for trial in found(wanted):
        known = ~np.isnan(trial.out_of_fold).any(axis=1)
        assert np.flatnonzero(known).tolist() == unseen.tolist()
        assert trial.score == wanted.metric.score(CODES[unseen], trial.out_of_fold[unseen])
        assert trial.fold_scores == (trial.score,)


def test_each_class_is_validated_in_its_share():
    _, unseen = validation(problem(TABLE), 0.3, 0)
    assert CODES[unseen].mean() == 0.5


def test_groups_are_not_split():
    groups = np.arange(N) // 8
    seen, unseen = validation(problem(TABLE, groups=groups), 0.3, 0)
    assert not set(groups[seen]) & set(groups[unseen])


def test_rows_that_come_sorted_are_shuffled_before_the_validation():
    in_order = np.sort(CODES)
    _, unseen = validation(problem(TABLE, y=in_order), 0.3, 0)
    assert in_order[unseen].mean() == 0.5
    numbers = problem("autokeras.StructuredDataRegressor", y=np.arange(float(N)))
    assert validation(numbers, 0.3, 0)[1].min() < N // 2


def test_a_fit_holds_whole_groups_back():
    groups = np.arange(N) // 8
    wanted = problem(TABLE, groups=groups)
    seen, _ = validation(wanted, 0.3, 0)
    learned, held = held_back(wanted, seen)
    assert sorted([*learned, *held]) == list(range(len(seen)))
    assert not set(groups[seen][learned]) & set(groups[seen][held])


def test_a_fit_holds_the_latest_times_back():
    ahead = tuple((np.arange(end), np.arange(end, end + 20)) for end in (20, 40, 60))
    wanted = problem(TABLE, time="day")
    wanted = replace(wanted, folds=ahead)
    seen, unseen = validation(wanted, 0.3, 0)
    learned, held = held_back(wanted, seen)
    assert (seen[learned].max(), seen[held].min(), unseen.min()) == (39, 40, 60)
    assert held_back(replace(wanted, folds=ahead[-1:]), seen) is None
    assert held_back(problem(TABLE), seen) is None


def test_the_last_fit_learns_from_all_rows_for_the_epochs_that_were_the_best():
    wanted = problem(TABLE, model_args={"max_trials": 1, "epochs": 30, "patience": 3})
    (trial,) = found(wanted)
    losses = trial.details["history"]["val_loss"]
    network = trial.pipeline.fit(wanted.X, wanted.y)[-1]
    assert network.epochs == 1 + losses.index(min(losses))
    assert set(network.history_) == {"loss", "accuracy"}
    assert len(network.history_["loss"]) == network.epochs


def test_of_few_rows_a_fold_is_the_validation():
    wanted = problem(TABLE)
    few = replace(wanted, X=wanted.X.head(8), y=CODES[:8], folds=((np.arange(6), np.arange(6, 8)),))
    assert validation(few, 0.3, 0)[1].tolist() == [6, 7]


def test_a_search_goes_on_from_the_networks_of_an_earlier_attempt():
    wanted = problem(TABLE, model_args=SMALL, seed=5)
    first, last = found(wanted)
    (again,) = found(wanted, known=[first])
    assert (again.name, again.score) == (last.name, last.score)
    assert again.details["hyperparameters"] == last.details["hyperparameters"]
    assert found(wanted, known=[first, last]) == []


def test_a_search_is_the_same_under_the_same_seed():
    once, again = (
        [(trial.score, trial.details["hyperparameters"]) for trial in found(problem(TABLE, model_args=SMALL, seed=5))]
        for _ in range(2)
    )
    assert once == again


@pytest.mark.parametrize(
    "tuner", ["greedy", *(pytest.param(name, marks=pytest.mark.nightly) for name in ("random", "bayesian"))]
)
def test_every_network_of_a_search_is_another(tuner):
    arguments = {"max_trials": 4, "epochs": 1, "tuner": tuner}
    tried = [trial.details["hyperparameters"] for trial in found(problem(TABLE, model_args=arguments))]
    assert len(tried) == 4
    assert all(one not in tried[:number] for number, one in enumerate(tried))


@pytest.mark.parametrize(
    ("model", "metric", "expected"),
    [
        pytest.param(TABLE, None, lambda y, p, _: (p.argmax(axis=1) == y).mean(), id="classes by their accuracy"),
        pytest.param(
            "autokeras.StructuredDataRegressor", None, lambda y, p, history: -min(history["val_loss"]), id="numbers"
        ),
        pytest.param(TABLE, "roc_auc", lambda y, p, _: roc_auc_score(y, p[:, 1]), id="a metric that is named"),
        pytest.param(TABLE, "log_loss", lambda y, p, _: -log_loss(y, p), id="an error that is named"),
    ],
)
def test_what_is_tried_next_follows_from(model, metric, expected, monkeypatch):
    told, tell = [], oracle.tell
    monkeypatch.setattr(oracle, "tell", lambda *given: told.append(given[2]) or tell(*given))
    # Noise, of which no network knows all.
    wanted = problem(model, metric=metric, X=table()[["date"]], kinds={"date": Kind.DATE}, model_args=SMALL)
    for trial, score in zip(found(wanted), told, strict=True):
        rows = ~np.isnan(trial.out_of_fold.reshape(N, -1)).any(axis=1)
        assert score == pytest.approx(expected(CODES[rows], trial.out_of_fold[rows], trial.details["history"]))


def test_a_network_that_fails_is_a_trial_with_an_error_and_the_search_goes_on():
    tried = found(problem(TABLE, model_args={**SMALL, "max_trials": 5, "max_model_size": 1000}))
    assert len(tried) == 5
    assert all(trial.score is None or trial.details["weights"] <= 1000 for trial in tried)
    assert "max_model_size" in tried[0].error


def test_a_network_counts_with_what_it_has_at_the_limit_of_a_candidate():
    arguments = {"max_trials": 1, "epochs": 10_000, "patience": 1_000}
    (trial,) = found(problem(TABLE, model_args=arguments, limits=Limits(candidate_seconds=3)))
    assert trial.score is not None
    assert trial.details["epochs"] < 10_000
    assert trial.details["stopped"] == "time limit"
    found_again = trial.pipeline[-1]
    assert (found_again.epochs, found_again.seconds) == (trial.details["epochs"], None)


def test_a_search_ends_with_its_time_and_keeps_what_it_has():
    tried = found(problem(TABLE, model_args={"max_trials": 1000, "epochs": 10_000, "patience": 1_000}), seconds=8.0)
    assert 2 <= len(tried) < 1000
    assert tried[0].score is not None
    assert tried[-1] is None


def test_a_forecasting_learns_changes_of_the_last_value():
    values = 100.0 + 5.0 * np.arange(N + 1)
    X = pd.DataFrame({"sales__last": values[:-1], "sales__lag_1": values[:-1] - 5.0})
    series = {"extract_features": {"column_id": "shop"}, "forecast": {"horizon": 1}}
    wanted = problem(
        "autokeras.StructuredDataRegressor", X=X, y=values[1:], model_args=SMALL, task="forecasting", **series
    )
    wanted = replace(wanted, task=Task.FORECASTING, kinds=dict.fromkeys(X.columns, Kind.NUMBER))
    for trial in found(wanted):
        predicted = trial.pipeline.fit(X, values[1:]).predict(X)
        assert np.abs(predicted - values[1:]).max() < 5
        assert trial.out_of_fold.shape == (N,)


def test_weights_of_rows_are_used():
    weights = np.where(CODES == 1, 5.0, 1.0)
    (trial,) = found(problem(TABLE, model_args={**SMALL, "max_trials": 1}, weights=weights))
    rows = ~np.isnan(trial.out_of_fold).any(axis=1)
    wanted = problem(TABLE)
    assert trial.score == wanted.metric.score(CODES[rows], trial.out_of_fold[rows], weights[rows])


def test_nothing_is_left_on_disk(tmp_path, monkeypatch):
    here, temporary = tmp_path / "here", tmp_path / "temporary"
    here.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    assert found(problem(TABLE, model_args=SMALL))
    assert os.listdir(here) == os.listdir(temporary) == []


def test_without_a_gpu_networks_for_images_are_small():
    import torch

    assert (backend.usual_images() == "vanilla") == (not torch.cuda.is_available())


def test_rows_are_shuffled_before_they_are_split():
    in_order = np.repeat([0, 1], 50)
    seen, unseen = training.split(100, in_order, 0.2, 0)
    assert in_order[unseen].mean() == 0.5
    assert len(set(np.diff(seen))) > 1


def test_every_kind_of_rows_has_a_model():
    assert {kind for _, kind in params.MODELS.values()} == set(KINDS)


@pytest.mark.parametrize("package", ["autokeras", "keras", "torch", "six"])
def test_a_package_that_is_missing_is_named(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EngineMissing, match=package):
        backend.check()
