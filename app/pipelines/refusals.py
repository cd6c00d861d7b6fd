"""When an estimator refuses data or arguments: its own words in an error of ours, without paths of this machine."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.errors import Unacceptable

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

#: Characters of an estimator's words.
_WORDS = 300


@contextmanager
def refusals(pipeline: Pipeline, kind: type[Unacceptable], what: str) -> Iterator[None]:
    """Turn whatever the last step raises about its input into `kind`.

    The estimator has seen numbers and class codes, so its words hold no text of the data.

    Parameters
    ----------
    what
        What the estimator could not do, after its name: "could not be trained on this data".
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except _kinds() as error:
        raise kind(f"{_called(pipeline)} {what}: {words(error)}") from error


def _called(pipeline: Pipeline) -> str:
    """Return the name of the last step; of what calibrates another estimator that one's, which a caller has named."""
    step = pipeline[-1]
    return type(step.estimator if type(step).__name__ == "CalibratedClassifierCV" else step).__name__


def words(error: Exception) -> str:
    """Return an error in its own words, on one line, without paths."""
    # XGBoost adds a stack trace.
    told = " ".join(str(error).partition("Stack trace")[0].split())
    return re.sub(r"\S*/\S*", "…", told)[:_WORDS]


def _kinds() -> tuple[type[Exception], ...]:
    """Return how estimators refuse; XGBoost and LightGBM have error types of their own."""
    found: list[type[Exception]] = [ValueError, TypeError, ArithmeticError, LookupError, AttributeError, MemoryError]
    for module, name in (("xgboost.core", "XGBoostError"), ("lightgbm.basic", "LightGBMError")):
        # Only a library that is loaded can have raised.
        if module in sys.modules:
            found.append(getattr(sys.modules[module], name))
    return tuple(found)
