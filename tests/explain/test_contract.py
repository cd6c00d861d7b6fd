"""What every method promises of every kind of model."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectPercentile
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from tpot.builtin_modules import Passthrough, SkipTransformer
from xgboost import XGBClassifier, XGBRegressor

from app.explain import registry
from app.explain.base import Asked
from app.payloads.parameters import Task


def searched(last):
    """Return a pipeline as TPOT finds them: scaler, selector, union, estimator."""
    union = make_union(make_union(MinMaxScaler(), SkipTransformer()), Passthrough())
    return make_pipeline(StandardScaler(), SelectPercentile(percentile=60), union, last)


#: {model: (estimator, how SHAP is expected to explain two classes, and three)}.
CLASSIFIERS = {
    "linear": (LogisticRegression(), "linear", "linear"),
    "tree": (DecisionTreeClassifier(max_depth=4), "tree", "tree"),
    "forest": (RandomForestClassifier(10, random_state=0), "tree", "tree"),
    "extra trees": (ExtraTreesClassifier(10, random_state=0), "tree", "tree"),
    "gradient boosting": (GradientBoostingClassifier(n_estimators=10), "tree", "permutation"),
    "histogram boosting": (HistGradientBoostingClassifier(max_iter=10), "tree", "tree"),
    "xgboost": (XGBClassifier(n_estimators=10), "tree", "tree"),
    "lightgbm": (LGBMClassifier(n_estimators=10, verbose=-1), "tree", "tree"),
    "support vectors": (CalibratedClassifierCV(SVC(), ensemble=False, cv=2), "permutation", "permutation"),
    "linear support vectors": (CalibratedClassifierCV(LinearSVC(), ensemble=False, cv=2), "permutation", "permutation"),
    "searched forest": (searched(RandomForestClassifier(10, random_state=0)), "tree", "tree"),
    "searched linear": (searched(LogisticRegression()), "linear", "linear"),
    "principal components": (make_pipeline(PCA(3, random_state=0), LogisticRegression()), "permutation", "permutation"),
}

REGRESSORS = {
    "linear": (LinearRegression(), "linear"),
    "forest": (RandomForestRegressor(10, random_state=0), "tree"),
    "gradient boosting": (GradientBoostingRegressor(n_estimators=10), "tree"),
    "histogram boosting": (HistGradientBoostingRegressor(max_iter=10), "tree"),
    "xgboost": (XGBRegressor(n_estimators=10), "tree"),
    "lightgbm": (LGBMRegressor(n_estimators=10, verbose=-1), "tree"),
    "support vectors": (SVR(), "permutation"),
    "searched": (make_pipeline(StandardScaler(), Ridge()), "linear"),
    "principal components": (make_pipeline(PCA(3, random_state=0), LinearRegression()), "permutation"),
}

CASES = [
    *(
        pytest.param(kind, model, id=f"{kind} of {model}")
        for kind in ("two classes", "three classes")
        for model in CLASSIFIERS
    ),
    *(pytest.param("numbers", model, id=f"numbers of {model}") for model in REGRESSORS),
]

#: Samples that are enough for a contract that says nothing of their number.
FEW = 300


@pytest.fixture(scope="module")
def explained(penguins, diabetes, subject):
    """Return a function that gives the fitted subject of a case, made once, and a row of it with a missing value."""
    made = {}

    def make(kind, model):
        if (kind, model) not in made:
            if kind == "numbers":
                made[kind, model] = subject(*diabetes, REGRESSORS[model][0], Task.REGRESSION)
            else:
                X, species = penguins
                labels = species == "Gentoo" if kind == "two classes" else species
                made[kind, model] = subject(X, labels, CLASSIFIERS[model][0])
        return made[kind, model]

    return make


def algorithm(kind, model):
    """Tell how SHAP is expected to explain a case."""
    if kind == "numbers":
        return REGRESSORS[model][1]
    return CLASSIFIERS[model][1 if kind == "two classes" else 2]


def asked(**changes):
    """Ask for the last class, or the number."""
    return replace(Asked(output=0, num_features=10, num_samples=FEW, seed=0), **changes)


@pytest.mark.parametrize(("kind", "model"), CASES)
@pytest.mark.parametrize("method", registry.EXPLAINERS)
def test_every_explanation_keeps_the_contract(explained, method, kind, model):
    shown, explain = explained(kind, model), registry.resolve(method, "/method")
    row = shown.background.iloc[[2]]
    for output in (0,) if kind == "numbers" else (0, 1):
        local = explain(shown, row, asked(output=output))
        assert explain(shown, row.copy(), asked(output=output)) == local
        assert set(local.contributions) <= set(shown.columns)
        assert set(local.conditions) <= set(local.contributions)
        assert all(isinstance(share, float) and np.isfinite(share) for share in local.contributions.values())
        assert local.local_prediction == pytest.approx(local.base_value + sum(local.contributions.values()), rel=1e-6)
        answer = shown.predict(row)[0, output]
        if method == "lime":
            assert local.algorithm == "lime_tabular"
            assert local.trust.keys() == {"fidelity"}
            assert local.trust["fidelity"] <= 1
            assert local.num_samples == FEW
        else:
            assert set(local.contributions) == set(shown.columns)
            assert local.algorithm == algorithm(kind, model)
            assert local.trust.keys() == {"additivity_error"}
            assert local.trust["additivity_error"] < 1e-6 * max(1, abs(local.local_prediction))
            if local.scale in ("probability", "value"):
                assert local.local_prediction == pytest.approx(answer, abs=1e-4)
            elif local.scale == "log_odds":
                assert 1 / (1 + np.exp(-local.local_prediction)) == pytest.approx(answer, abs=1e-6)


@pytest.mark.parametrize("model", ["linear", "forest", "support vectors", "principal components"])
@pytest.mark.parametrize("method", registry.EXPLAINERS)
def test_a_row_is_explained_the_same_whatever_was_explained_before(explained, method, model):
    shown, explain = explained("three classes", model), registry.resolve(method, "/method")
    rows = [shown.background.iloc[[place]] for place in (0, 1, 2)]
    forward = [explain(shown, row, asked()) for row in rows]
    backward = [explain(shown, row, asked()) for row in rows[::-1]]
    assert forward == backward[::-1]


@pytest.mark.parametrize("method", registry.EXPLAINERS)
def test_another_seed_draws_other_rows(explained, method):
    shown, explain = explained("two classes", "support vectors"), registry.resolve(method, "/method")
    row = shown.background.iloc[[0]]
    first, other = (explain(shown, row, asked(seed=seed, num_samples=100)) for seed in (0, 1))
    assert first.contributions != other.contributions


@pytest.mark.parametrize("kind", ["two classes", "three classes"])
@pytest.mark.parametrize("model", ["linear", "forest", "histogram boosting", "support vectors"])
def test_the_column_that_decides_has_the_largest_share(subject, kind, model):
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.uniform(size=(200, 3)), columns=["noise", "decides", "more_noise"])
    labels = np.digitize(X["decides"], [0.5] if kind == "two classes" else [0.3, 0.6])
    shown = subject(X, labels, CLASSIFIERS[model][0])
    row = X.iloc[[int(X["decides"].argmax())]]
    for method in registry.EXPLAINERS:
        shares = registry.resolve(method, "/method")(shown, row, asked(output=int(labels.max()))).contributions
        assert max(shares, key=lambda name: abs(shares[name])) == "decides"
        assert shares["decides"] > 0


def test_the_suite_runs_over_every_method():
    assert set(registry.EXPLAINERS) == {"lime", "shap"}
