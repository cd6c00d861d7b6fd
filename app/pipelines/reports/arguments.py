"""The arguments that somebody gave an estimator, as against its defaults."""

from __future__ import annotations

import inspect
from typing import Any


def given(estimator: Any) -> dict[str, Any]:
    """Return {name: value} of the arguments that are not the defaults, those without a default among them."""
    defaults = _defaults(type(estimator))
    return {
        name: value
        for name, value in estimator.get_params(deep=False).items()
        if name not in defaults or not _same(value, defaults[name])
    }


def _defaults(kind: type) -> dict[str, Any]:
    parameters = list(inspect.signature(kind).parameters.values())
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        # Boosters name some of their arguments in a class above, so only an instance knows all defaults.
        return dict(kind().get_params(deep=False))
    return {parameter.name: parameter.default for parameter in parameters if parameter.default is not parameter.empty}


def _same(value: Any, default: Any) -> bool:
    # Of arrays and of NaN `==` is no answer.
    return type(value) is type(default) and repr(value) == repr(default)
