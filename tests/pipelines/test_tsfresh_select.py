"""The test of relevance inside a pipeline: what a fold keeps, its own labels decide."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline

from app.pipelines.tsfresh.select import RelevantFeatures


@pytest.fixture
def noise():
    """Return many features that say nothing of the labels, in few rows."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(60, 400))).add_prefix("x__")
    return X, generator.integers(0, 2, 60)


def test_relevant_features_are_kept_in_their_order(noise):
    X, y = noise
    told = X.assign(x__1=y + X["x__1"] / 9, x__0=y * 2.0)
    assert RelevantFeatures().fit(told, y).relevant_ == ["x__0", "x__1"]
    assert RelevantFeatures("regression").fit(told, told["x__0"].to_numpy() + X["x__3"] / 9).relevant_[0] == "x__0"


def test_labels_of_the_tested_rows_choose_no_feature(noise):
    X, y = noise
    # The features that fit these labels best by chance; chosen on all rows they would seem to predict them.
    best = X.corrwith(pd.Series(y)).abs().nlargest(10).index
    leaked = cross_val_score(LogisticRegression(), X[best], y, cv=5).mean()
    within = Pipeline([("select", RelevantFeatures()), ("model", LogisticRegression())])
    honest = cross_val_score(within, X, y, cv=5).mean()
    assert leaked > 0.7
    assert honest < 0.65


def test_none_relevant_keeps_all(noise):
    X, y = noise
    assert RelevantFeatures().fit(X, y).relevant_ == list(X.columns)
