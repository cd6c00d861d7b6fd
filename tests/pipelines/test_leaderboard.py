"""Rows of a leaderboard: as JSON, and as bytes to go on from."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline

from app.pipelines import leaderboard
from app.pipelines.base import Candidate, Trial
from app.store.artifact import Artifact


@pytest.fixture
def data():
    """Rows, and the classes of them."""
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(90, 3)), columns=list("abc"))
    return X, (X["a"] > 0).to_numpy(dtype=int)


def named(name, model):
    return Candidate(name, "tests", Pipeline([("model", model)]))


def test_the_best_is_first_and_the_failed_are_last(problem, board, data):
    made = board(problem(*data))
    for candidate in (
        named("failing", IsotonicRegression()),
        named("constant", DummyClassifier()),
        named("line", LogisticRegression()),
    ):
        made.try_all([candidate], "search")
    rows = leaderboard.rows(made)
    assert [(row["rank"], row["row"], row["name"]) for row in rows] == [
        (1, 3, "line"),
        (2, 2, "constant"),
        (3, 1, "failing"),
    ]
    assert rows[0]["score"] > rows[1]["score"] == 0.5
    assert rows[2]["score"] is None
    assert "IsotonicRegression" in rows[2]["error"]
    assert all(row["fit_seconds"] > 0 and row["predict_seconds"] > 0 and row["size"] > 0 for row in rows[:2])


def test_of_an_error_the_least_is_first(problem, board, data):
    X, _ = data
    made = board(problem(X, X["a"].to_numpy() * 2, metric="rmse"))
    made.add(Trial("far", "tests", None, score=3.0), "search")
    made.add(Trial("near", "tests", None, score=1.0), "search")
    assert [row["name"] for row in leaderboard.rows(made)] == ["near", "far"]


def test_a_score_over_some_of_the_folds_comes_after_those_over_all_and_before_none(problem, board, data):
    made = board(problem(*data))
    made.add(Trial("failed", "tests", None, error="no"), "search")
    made.add(Trial("some", "tests", None, score=0.99, details={"partial": True}), "search")
    made.add(Trial("all", "tests", None, score=0.6), "search")
    assert [row["name"] for row in leaderboard.rows(made)] == ["all", "some", "failed"]


def test_rows_are_json(problem, board, data):
    made = board(problem(*data))
    made.add(Trial("it", "tests", None, score=0.5, fold_scores=(0.5, float("nan")), details={"operators": 3}), "search")
    (row,) = json.loads(json.dumps(leaderboard.rows(made), allow_nan=False))
    assert row["fold_scores"] == [0.5, None]
    assert row["details"] == {"operators": 3}


@pytest.mark.parametrize("failed", [False, True])
def test_a_trial_comes_back_from_its_bytes(problem, board, data, failed):
    made = board(problem(*data))
    (trial,) = made.try_all([named("it", IsotonicRegression() if failed else LogisticRegression(C=2.5))], "search")
    stored = leaderboard.to_artifact(trial)
    found = leaderboard.from_artifact(Artifact(json.loads(json.dumps(stored.manifest)), stored.parts))
    for name in ("name", "engine", "score", "fold_scores", "fit_seconds", "predict_seconds", "size", "error"):
        assert getattr(found, name) == getattr(trial, name)
    np.testing.assert_array_equal(found.out_of_fold, trial.out_of_fold)
    assert str(found.pipeline) == str(trial.pipeline)


def test_a_fold_that_could_not_be_measured_comes_back_as_one():
    trial = Trial("it", "tests", Pipeline([("model", LinearRegression())]), score=1.0, fold_scores=(1.0, float("nan")))
    stored = leaderboard.to_artifact(trial)
    found = leaderboard.from_artifact(Artifact(stored.manifest | {"fold_scores": [1.0, None]}, stored.parts))
    assert found.fold_scores[0] == 1.0
    assert np.isnan(found.fold_scores[1])
    assert found.out_of_fold is None
