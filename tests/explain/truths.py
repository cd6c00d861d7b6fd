"""Rows of independent numbers, and what the tests of the truth ask of the methods."""

from __future__ import annotations

import numpy as np
import pandas as pd

from app.explain import lime, shap
from app.explain.base import Case
from tests.explain.functions import asked

#: Standard errors within which an estimate must lie; of a hundred right ones all do, with a probability of 0.994.
FOUR = 4.0

#: Weights of a linear model.
WEIGHTS = {"a": 5.0, "b": -3.0, "c": 2.0, "d": -1.0, "e": 0.0}


def numbers(count, seed=0):
    """Return rows of five independent numbers, columns a to e, shape (count, 5)."""
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(count, 5)), columns=list("abcde"))


def linear(rows):
    """Weigh the columns."""
    return sum(weight * rows[name] for name, weight in WEIGHTS.items())


def local(method, subject, row, output=0, **parameters):
    """Explain one row of columns or texts by lime or shap."""
    explain = {"lime": lime, "shap": shap}[method].explain
    return explain(subject, Case(row), asked(method, output, **parameters))


def errors(found):
    """Return {feature: standard error}."""
    return {one.part.feature: one.error for one in found.contributions}


def by_size(found):
    """Return what contributes, the largest first."""
    return sorted(found.contributions, key=lambda one: -abs(one.value))
