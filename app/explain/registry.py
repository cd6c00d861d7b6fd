"""Which explainer answers to which method.

To add one: write its module (a function as `base.Explainer` has it, see CONTRIBUTING.md) and add a row. The values are
strings, so that neither LIME nor SHAP is imported before it is asked for.
"""

from __future__ import annotations

from importlib import import_module

from app.errors import Fault, InvalidParameters
from app.explain.base import Explainer

EXPLAINERS = {
    "lime": "app.explain.lime:explain",
    "shap": "app.explain.shap:explain",
}


def resolve(method: str, pointer: str) -> Explainer:
    """Return the explainer of a method.

    Raises
    ------
    InvalidParameters
        Listing the methods there are.
    """
    if method not in EXPLAINERS:
        raise InvalidParameters(
            "The method is not one that this service has.",
            [Fault(pointer, f"unknown; known are {', '.join(EXPLAINERS)}")],
        )
    module, _, attribute = EXPLAINERS[method].partition(":")
    explainer: Explainer = getattr(import_module(module), attribute)
    return explainer
