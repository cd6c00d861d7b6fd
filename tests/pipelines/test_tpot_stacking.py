"""The repair of TPOT's stacked estimators."""

import importlib

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from app.pipelines.tpot.stacking import mend_stacking


@pytest.fixture
def stacked():
    """TPOT's transformer of an inner classifier, as it is shipped; afterwards as it was before the test."""
    module = importlib.import_module("tpot.builtin_modules.estimatortransformer")
    before = module.EstimatorTransformer
    importlib.reload(module)
    yield module.EstimatorTransformer
    module.EstimatorTransformer = before


@pytest.fixture
def widths():
    """Return a function that tells how wide a stacked classifier's rows are when it is fitted and when it serves."""
    X = np.random.default_rng(0).normal(size=(90, 3))
    classes = np.arange(90) % 3

    def tell(kind, **options):
        transformer = kind(LogisticRegression(), cross_val_predict_cv=3, **options)
        fitted = transformer.fit_transform(X, classes)
        return fitted.shape[1], transformer.transform(X).shape[1]

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
