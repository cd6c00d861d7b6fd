"""The best default of scikit-learn: four models as they are, chosen by 5-fold cross-validation on the training rows.

After the clock has stopped, what each of the four would have predicted is written too, as `single_<name>.parquet`: the
best of them in hindsight is a bar that nobody who has to choose beforehand can reach every time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import harness
import numpy as np
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

FOLDS = 5


@dataclass
class Chosen:
    """What was chosen, fitted on all rows, and the others, not fitted."""

    name: str
    model: Any
    others: dict[str, Any]


def models(run: harness.Run) -> dict[str, Any]:
    """Return the models, the quickest first; texts are one-hot, and numbers are filled where a model needs it."""
    regression, forest = run.classes is None, {"n_jobs": run.cores, "random_state": run.seed}
    linear = Ridge() if regression else LogisticRegression()
    boosting = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    trees = ExtraTreesRegressor if regression else ExtraTreesClassifier
    random = RandomForestRegressor if regression else RandomForestClassifier
    filled = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    return {
        "linear": make_pipeline(_columns(filled), linear),
        "hist_gradient_boosting": boosting(categorical_features="from_dtype", random_state=run.seed),
        "extra_trees": make_pipeline(_columns("passthrough"), trees(**forest)),
        "random_forest": make_pipeline(_columns("passthrough"), random(**forest)),
    }


def _columns(numbers: Any) -> ColumnTransformer:
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    texts = make_column_selector(dtype_include="category")
    return ColumnTransformer([("texts", one_hot, texts)], remainder=numbers)


def fit(run: harness.Run) -> Chosen:
    """Score fold by fold, as far as the time allows, and fit the best on all rows."""
    started, X = time.perf_counter(), run.categorical()[0]
    scorer = get_scorer(run.pick("roc_auc", "roc_auc_ovr_weighted", "r2"))
    splitter = (KFold if run.classes is None else StratifiedKFold)(FOLDS, shuffle=True, random_state=run.seed)
    known, cost = models(run), dict.fromkeys(models(run), 0.0)
    scores: dict[str, list[float]] = {name: [] for name in known}
    for train, test in splitter.split(X, run.y):
        for name, model in list(known.items()):
            # A fit cannot be interrupted: it is begun only when it and a last fit of the slowest should end in time.
            if time.perf_counter() - started + cost[name] + 1.3 * max(cost.values()) > run.seconds:
                continue
            begun = time.perf_counter()
            try:
                model.fit(X.iloc[train], run.y.iloc[train])
            except ValueError:
                # Boosting refuses a column without any value, which padding makes in a fold; it is no choice then.
                del known[name], scores[name]
                continue
            scores[name].append(scorer(model, X.iloc[test], run.y.iloc[test]))
            cost[name] = max(cost[name], time.perf_counter() - begun)
    # Compared over the folds that all have: one fold may be easier than another.
    least = max(1, min(len(found) for found in scores.values()))
    best = max((name for name in known if scores[name]), key=lambda name: float(np.mean(scores[name][:least])))
    model = known.pop(best).fit(X, run.y)
    return Chosen(best, model, known)


def predict(model: Any, run: harness.Run) -> Any:
    """Return probabilities or values."""
    X = run.categorical()[1]
    return model.predict(X) if run.classes is None else model.predict_proba(X)


def main() -> None:
    """Run, then write what each model would have predicted."""
    chosen: list[Chosen] = []

    def fit_and_keep(run: harness.Run) -> Chosen:
        chosen.append(fit(run))
        return chosen[0]

    run = harness.run(
        fit_and_keep, lambda best, run: predict(best.model, run), ["scikit-learn"], lambda best: best.name
    )
    run.write(predict(chosen[0].model, run), f"single_{chosen[0].name}")
    for name, model in chosen[0].others.items():
        run.write(predict(model.fit(run.categorical()[0], run.y), run), f"single_{name}")


if __name__ == "__main__":
    main()
