"""From the caller's columns to the numbers an estimator takes, and back from those numbers to the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import BaseEstimator
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

#: Categories of one text column that get a column of their own; the rarest share one.
MAX_CATEGORIES = 30


def preprocessor(X: pd.DataFrame, scaled: bool) -> ColumnTransformer:
    """Return an unfitted transformer for these columns.

    Numbers: missing values become the median, then mean 0 and variance 1 if `scaled`. Text: one column a category; a
    missing value is a category, one that training did not see counts as rare, or as none.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    text = [name for name in X.columns if X[name].dtype.kind not in "if"]
    numbers = [name for name in X.columns if name not in set(text)]
    # An all-empty column keeps its place, or the columns after it would move.
    fill: Any = SimpleImputer(strategy="median", keep_empty_features=True)
    encode = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="", missing_values=float("nan"), keep_empty_features=True),
        OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES, sparse_output=False),
    )
    steps = []
    if numbers:
        steps.append(("numbers", make_pipeline(fill, StandardScaler()) if scaled else fill, numbers))
    if text:
        steps.append(("text", encode, text))
    return ColumnTransformer(steps, verbose_feature_names_out=False)


def numbers_only(scaled: bool) -> BaseEstimator:
    """Return an unfitted transformer for features that are all numbers, none of them missing."""
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    return StandardScaler() if scaled else FunctionTransformer()


def assemble(X: pd.DataFrame, model: BaseEstimator, scaled: bool) -> Pipeline:
    """Return the unfitted pipeline that is scored, fitted and served: `preprocess`, then `model`."""
    from sklearn.pipeline import Pipeline

    return Pipeline([("preprocess", preprocessor(X, scaled)), ("model", model)])


def origins(fitted: ColumnTransformer) -> list[str]:
    """Name the caller's column behind each output of a fitted preprocessor, shape (n_outputs,)."""
    found: list[str] = []
    for name, transformer, columns in fitted.transformers_:
        if name == "text":
            # Numbered, so that the underscore that scikit-learn puts between column and category is the first one.
            numbered = [str(number) for number in range(len(columns))]
            names = transformer[-1].get_feature_names_out(numbered)
            found += [columns[int(output.partition("_")[0])] for output in names]
        elif name == "numbers":
            found += list(columns)
    return found
