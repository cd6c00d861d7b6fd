"""A repair of TPOT 1.1.0's stacked pipelines."""

from __future__ import annotations

from typing import Any


def mend_stacking() -> None:
    """Make `EstimatorTransformer.fit_transform` give the columns that `transform` will.

    As shipped, it resolves `method="auto"` and then cross-validates with `predict` all the same: one column where
    `transform` gives one a class. The step after it was fitted to another width, so most candidates with an inner
    classifier fail ("X has 27 features, but … is expecting 26"; half of a population on breast_cancer). Only fitting
    is changed, so a stored pipeline is served without this.
    """
    from sklearn.model_selection import cross_val_predict
    from tpot.builtin_modules.estimatortransformer import EstimatorTransformer

    def fit_transform(self: Any, X: Any, y: Any = None) -> Any:
        import numpy as np

        self.estimator.fit(X, y)
        if self.cross_val_predict_cv is None:
            return self.transform(X)
        method = self.method
        if method == "auto":
            known = ("predict_proba", "decision_function", "predict")
            method = next(name for name in known if hasattr(self.estimator, name))
        output = np.asarray(cross_val_predict(self.estimator, X, y=y, cv=self.cross_val_predict_cv, method=method))
        output = output.reshape(-1, 1) if output.ndim == 1 else output
        return np.hstack((output, X)) if self.passthrough else output

    EstimatorTransformer.fit_transform = fit_transform
