"""Fitted forests and boosted trees into `Trees`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.pipelines.compiled import models, transformers
from app.pipelines.compiled.operation import OfNumbers
from app.pipelines.compiling.uncompiled import Uncompiled


def forest(step: Any, inner: Callable[[Any], OfNumbers]) -> OfNumbers:
    """Compile an ensemble of scikit-learn's trees."""
    import treelite.sklearn

    # These are grown on float32, histograms on float64.
    return _trees(step, lambda: treelite.sklearn.import_model(step), single="Hist" not in type(step).__name__)


def one_tree(step: Any, inner: Callable[[Any], OfNumbers]) -> OfNumbers:
    """Compile a tree, as a forest of one."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    grown = (RandomForestClassifier if hasattr(step, "classes_") else RandomForestRegressor)(n_estimators=1)
    grown.estimators_, grown.n_outputs_, grown.n_features_in_ = [step], step.n_outputs_, step.n_features_in_
    if hasattr(step, "classes_"):
        grown.classes_, grown.n_classes_ = step.classes_, step.n_classes_
    return forest(grown, inner)


def booster(step: Any, inner: Callable[[Any], OfNumbers]) -> OfNumbers:
    """Compile a model of XGBoost or LightGBM."""
    import treelite.frontend

    if type(step).__module__.startswith("xgboost"):
        if step.get_xgb_params().get("booster") == "gblinear":
            raise Uncompiled("it is a linear model of XGBoost")
        return _trees(step, lambda: treelite.frontend.from_xgboost(step.get_booster()), single=True)
    return _trees(step, lambda: treelite.frontend.from_lightgbm(step.booster_), single=False)


def _trees(step: Any, read: Callable[[], Any], single: bool) -> OfNumbers:
    import numpy as np
    from treelite import TreeliteError

    try:
        model = read()
    except TreeliteError:
        raise Uncompiled(f"nothing reads the trees of {type(step).__name__}") from None
    trees = models.Trees(model.serialize_bytes(), single)
    if len(getattr(step, "classes_", ())) == 2 and trees(np.zeros((1, model.num_feature))).shape[1] == 1:
        # Of two classes the boosted trees tell the second.
        return transformers.Chain((trees, models.Applied("both")))
    return trees
