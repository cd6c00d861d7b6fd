"""Training and scoring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from app.pipelines.metrics import Metric
    from app.pipelines.reports.again.splits import Splits

    Array = np.ndarray[Any, Any]


def fit(pipeline: Any, X: pd.DataFrame, y: Array, weights: Array | None = None) -> Any:
    """Fit a clone of a pipeline, its last step with the weights, where it takes them."""
    import warnings

    import numpy as np
    from sklearn.base import clone, is_classifier
    from sklearn.utils.validation import has_fit_parameter

    from app.pipelines.recoded import Recoded, recode

    learned = np.unique(y)
    if is_classifier(pipeline) and learned[-1] >= len(learned):
        # Some classifiers want codes without a gap, and these rows lack a class.
        recoded = Recoded(fit(recode(pipeline, learned), X, np.searchsorted(learned, y), weights).steps)
        recoded.learned = learned
        return recoded
    path, step = "", pipeline
    while hasattr(step, "steps"):
        name, step = step.steps[-1]
        path += f"{name}__"
    weighted = weights is not None and has_fit_parameter(step, "sample_weight")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return clone(pipeline).fit(X, y, **({f"{path}sample_weight": weights} if weighted else {}))


def trust(content: bytes) -> None:
    """Take a network as it is: who runs a file has saved it, and loads it, without the service."""


def predict(fitted: Any, X: pd.DataFrame, n_classes: int) -> Array:
    """Return probabilities, 0 for classes that were not learned; or numbers, where there are no classes."""
    import warnings

    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not n_classes:
            return np.asarray(fitted.predict(X), dtype="float64").reshape(len(X))
        probabilities = np.zeros((len(X), n_classes))
        probabilities[:, np.asarray(fitted.classes_, dtype="int64")] = fitted.predict_proba(X)
        return probabilities


def train(
    pipeline: Any, X: pd.DataFrame, y: Array, weights: Array | None, splits: Splits, metric: Metric, seed: int
) -> Any:
    """Print the scores over the folds and on the rows held out; return the pipeline, fitted to all rows."""
    import numpy as np

    def fitted(learned: Array) -> Any:
        return fit(pipeline, X.iloc[learned], y[learned], None if weights is None else weights[learned])

    def score(learned: Array, tested: Array) -> float:
        predicted = predict(fitted(learned), X.iloc[tested], metric.n_classes)
        return metric.score(y[tested], predicted, None if weights is None else weights[tested])

    seen, held_out, folds = splits
    scores = [score(learned, tested) for learned, tested in folds]
    known = [one for one in scores if np.isfinite(one)]
    mean, spread = (float(np.mean(known)), float(np.std(known))) if known else (float("nan"), float("nan"))
    without = "" if len(known) == len(scores) else f", {len(scores) - len(known)} of which cannot be measured"
    print(f"{metric.name} over {len(scores)} folds{without}: {mean:.6g} +- {spread:.6g}")
    print(f"{metric.name} on {len(held_out)} rows held out: {score(seen, held_out):.6g}")
    # Shuffled, as some models mind the order of the rows.
    return fitted(np.random.default_rng(seed).permutation(len(y)))
