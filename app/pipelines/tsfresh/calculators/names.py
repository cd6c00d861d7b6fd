"""tsfresh's names of features, to calculators with their arguments and back."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.pipelines.tsfresh.params import FcParameters

#: {calculator: arguments that its names have, though they may be left out}.
DEFAULTS: dict[str, dict[str, Any]] = {"augmented_dickey_fuller": {"autolag": "AIC"}}

#: Numbers that are no Python literals.
_NUMBERS = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


def name_of(calculator: str, arguments: dict[str, Any]) -> str:
    """Return the name of a feature: the calculator, then its arguments by their names."""
    every = DEFAULTS.get(calculator, {}) | arguments
    return "__".join([calculator, *(f"{name}_{_text(every[name])}" for name in sorted(every))])


def _text(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def parameters_of(columns: Iterable[str]) -> dict[str, FcParameters]:
    """Return which calculators with which arguments give some columns, as tsfresh's `from_columns` does.

    Parameters
    ----------
    columns
        `<kind>__<calculator>__<argument>_<value>…`. A kind must not hold `__`.

    Returns
    -------
    {kind: {calculator: None, or a list of its arguments}}.
    """
    found: dict[str, FcParameters] = {}
    for column in columns:
        kind, calculator, *parts = column.split("__")
        of_kind = found.setdefault(kind, {})
        if not parts:
            of_kind[calculator] = None
            continue
        pairs = (part.rpartition("_") for part in parts)
        arguments = {name: _value(text) for name, _, text in pairs}
        entries = of_kind.setdefault(calculator, [])
        assert entries is not None
        entries.append(arguments)
    return found


def _value(text: str) -> Any:
    """Read a value back. A literal is no code: nothing is evaluated."""
    known = _NUMBERS.get(text.lower())
    return ast.literal_eval(text) if known is None else known
