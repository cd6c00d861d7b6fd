"""Estimators that write to the log unless they are told not to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


def quiet(model: BaseEstimator) -> BaseEstimator:
    """Silence a model of LightGBM, and return it; `verbose` is not among its parameters, and yet what silences it."""
    if type(model).__module__.startswith("lightgbm"):
        model.set_params(verbose=-1)
    return model
