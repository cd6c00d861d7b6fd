"""Curves of how networks learned: of the search, of scikit-learn's networks, and of an ensemble's members."""

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline

from app.pipelines.base import Trial
from app.pipelines.portfolio.ensemble import EnsembleClassifier
from app.pipelines.reports import learning_curves

X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["a", "b"])
y = (X["a"] > 0).astype("int64").to_numpy()


def fitted(model):
    return Pipeline([("model", model)]).fit(X, y)


def network(**named):
    """Return a network that converges soon, after a few epochs."""
    return MLPClassifier([3], max_iter=500, tol=0.01, n_iter_no_change=2, random_state=0, **named)


def trial(pipeline, **details):
    return Trial("it", "tests", pipeline, details=details)


def test_what_a_search_saw_is_told_before_the_last_fit():
    history = {"loss": [1.0, None], "val_loss": [1.2, 0.9]}
    pipeline = fitted(LogisticRegression())
    assert learning_curves(trial(pipeline, history=history), pipeline) == history


def test_networks_of_scikit_learn_have_a_loss_and_with_early_stopping_scores():
    pipeline = fitted(network())
    assert learning_curves(trial(pipeline), pipeline) == {"loss": pipeline[-1].loss_curve_}
    stopping = fitted(network(early_stopping=True))
    found = learning_curves(trial(stopping), stopping)
    assert found["score of the rows held back"] == stopping[-1].validation_scores_
    assert learning_curves(trial(pipeline), fitted(LogisticRegression())) == {}


def test_members_of_an_ensemble_are_told_by_their_names():
    members = [
        ("network", Pipeline([("model", network())]), 0.5),
        ("linear", Pipeline([("model", LogisticRegression())]), 0.5),
    ]
    pipeline = fitted(EnsembleClassifier(members))
    found = learning_curves(trial(pipeline), pipeline)
    assert list(found) == ["network: loss"]
    assert found["network: loss"] == pipeline[-1].fitted_[0][-1].loss_curve_
