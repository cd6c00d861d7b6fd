"""Which explainer answers to which method, and what it fits.

To add one: write its module (a function as `base.LocalExplainer` or `base.GlobalExplainer` has it), its parameters in
`app.payloads.explaining`, and a row here (see CONTRIBUTING.md). Functions are named by strings, so that neither SHAP
nor torch is imported before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any

from app.errors import Fault, InvalidParameters, listed
from app.explain import trees
from app.explain.base import Subject
from app.payloads.parameters import Kind


class Scope(StrEnum):
    """Whether a method explains rows one by one, or the model by many."""

    LOCAL = "local"
    GLOBAL = "global"


@dataclass(frozen=True)
class Method:
    """One method.

    Attributes
    ----------
    function
        Its explainer.
    fits
        Tells of a model why the method does not fit it; None when it does.
    by_class
        Whether it explains one class at a time.
    """

    function: str
    scope: Scope
    fits: Callable[[Subject], str | None]
    by_class: bool = True


def _mixable(subject: Subject) -> str | None:
    if set(subject.kinds.values()) == {Kind.SIGNAL}:
        return "the model reads whole series, which segments explains"
    return None


def _columns(subject: Subject) -> str | None:
    if Kind.IMAGE in subject.kinds.values():
        return "an image has no columns"
    return _mixable(subject)


def _varied(subject: Subject) -> str | None:
    if not subject.of_kind(Kind.NUMBER, Kind.BOOLEAN, Kind.CATEGORY, Kind.DATE):
        return "the model has no column of numbers, categories or dates"
    return None


def _series(subject: Subject) -> str | None:
    return None if subject.of_series else "the model is not of series"


def _computed(subject: Subject) -> str | None:
    if not subject.of_series:
        return "the model is not of series"
    return None if subject.computed else "the model reads series as they are, which segments explains"


def _convolutional(subject: Subject) -> str | None:
    if subject.network is None or subject.network.reads != "image":
        return "the model is no single convolutional network of images"
    from app.explain import grad_cam

    network = subject.network
    found = subject.once("convolutional", lambda: grad_cam.last_convolution(network.copy()) is not None)
    return None if found else "the network has no convolution"


def _differentiable(subject: Subject) -> str | None:
    if subject.network is None or subject.network.reads != "table":
        return "the model is no single neural network of a table"
    return None


def _of_trees(subject: Subject) -> str | None:
    if subject.final is None or not trees.reads(subject.final.model):
        return "the last step of the model is no ensemble of trees that SHAP reads"
    return None


def _several_columns(subject: Subject) -> str | None:
    return "the model has a single column" if len(subject.columns) < 2 else None


METHODS = {
    "lime": Method("app.explain.lime:explain", Scope.LOCAL, _mixable),
    "shap": Method("app.explain.shap:explain", Scope.LOCAL, _mixable),
    "segments": Method("app.explain.segments:explain", Scope.LOCAL, _series),
    "features_on_signal": Method("app.explain.on_signal:explain", Scope.LOCAL, _computed),
    "grad_cam": Method("app.explain.grad_cam:explain", Scope.LOCAL, _convolutional),
    "gradients": Method("app.explain.gradients:explain", Scope.LOCAL, _differentiable),
    "counterfactual": Method("app.explain.counterfactual:explain", Scope.LOCAL, _varied),
    "nearest": Method("app.explain.nearest:explain", Scope.LOCAL, _varied),
    "ice": Method("app.explain.curves:ice", Scope.LOCAL, _varied),
    "partial_dependence": Method("app.explain.curves:partial_dependence", Scope.GLOBAL, _varied),
    "permutation_importance": Method("app.explain.importance:explain", Scope.GLOBAL, _several_columns, by_class=False),
    "interactions": Method("app.explain.interactions:explain", Scope.GLOBAL, _of_trees),
    "summary": Method("app.explain.summary:explain", Scope.GLOBAL, lambda _: None),
    "sp_lime": Method("app.explain.sp_lime:explain", Scope.GLOBAL, _columns),
}


def resolve(method: str) -> Any:
    """Return the explainer of a method that `METHODS` has."""
    module, _, attribute = METHODS[method].function.partition(":")
    return getattr(import_module(module), attribute)


def check(method: str, subject: Subject) -> None:
    """Raise InvalidParameters, with the methods that do, unless a method fits a model."""
    why = METHODS[method].fits(subject)
    if why is not None:
        raise InvalidParameters(
            f"{method} does not fit this model: {why}.",
            [Fault("/params/method", f"those that fit are {listed(fitting(subject))}")],
        )


def fitting(subject: Subject) -> list[str]:
    """Return the methods that fit a model."""
    return [name for name, method in METHODS.items() if method.fits(subject) is None]
