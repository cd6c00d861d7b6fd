"""Training and scoring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from app.pipelines.reports.again.splits import Splits

    Array = np.ndarray[Any, Any]


def fit(pipeline: Any, X: pd.DataFrame, y: Array, weights: Array | None = None) -> Any:
    """Fit a clone of a pipeline, its last step with the weights, where it takes them."""
    import warnings

    from sklearn.base import clone
    from sklearn.utils.validation import has_fit_parameter

    path, step = "", pipeline
    while hasattr(step, "steps"):
        name, step = step.steps[-1]
        path += f"{name}__"
    weighted = weights is not None and has_fit_parameter(step, "sample_weight")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return clone(pipeline).fit(X, y, **({f"{path}sample_weight": weights} if weighted else {}))


def train(
    pipeline: Any,
    X: pd.DataFrame,
    y: Array,
    weights: Array | None,
    splits: Splits,
    scorer: str,
    sign: int,
    seed: int,
    weigh_scores: bool = False,
) -> Any:
    """Print the scores over the folds and on the rows held out; return the pipeline, fitted to all rows.

    Parameters
    ----------
    sign
        -1 for an error, which scikit-learn negates.
    """
    import warnings

    import numpy as np
    from sklearn.metrics import get_scorer

    def fitted(learned: Array) -> Any:
        return fit(pipeline, X.iloc[learned], y[learned], None if weights is None else weights[learned])

    def score(learned: Array, tested: Array) -> float:
        weighted = {"sample_weight": weights[tested]} if weights is not None and weigh_scores else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return sign * float(get_scorer(scorer)(fitted(learned), X.iloc[tested], y[tested], **weighted))
            except (ValueError, ArithmeticError):
                # Rows that cannot be measured, as of those that all weigh 0, or be learned from.
                return float("nan")

    name = scorer.removeprefix("neg_") if sign < 0 else scorer
    seen, held_out, folds = splits
    scores = [score(learned, tested) for learned, tested in folds]
    print(f"{name} over {len(scores)} folds: {np.nanmean(scores):.6g} +- {np.nanstd(scores):.6g}")
    print(f"{name} on {len(held_out)} rows held out: {score(seen, held_out):.6g}")
    # Shuffled, as some models mind the order of the rows.
    return fitted(np.random.default_rng(seed).permutation(len(y)))
