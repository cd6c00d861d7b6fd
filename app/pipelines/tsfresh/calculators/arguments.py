"""Which arguments the array operations know. Any others are tsfresh's to take or to refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Check = Callable[[Any], bool]


def whole(value: Any) -> bool:
    """Tell whether a value is 0, 1, …"""
    return type(value) is int and value >= 0


def positive(value: Any) -> bool:
    """Tell whether a value is 1, 2, …"""
    return type(value) is int and value > 0


def number(value: Any) -> bool:
    """Tell whether a value is a number, or infinite."""
    return type(value) in (int, float) and value == value


def share(value: Any) -> bool:
    """Tell whether a value is from 0 to 1."""
    return number(value) and 0 <= value <= 1


def flag(value: Any) -> bool:
    """Tell whether a value is true or false."""
    return type(value) is bool


def nothing(value: Any) -> bool:
    """Tell whether a value is None."""
    return value is None


def least(bound: int) -> Check:
    """Return what tells whether a value is whole and not below a bound."""
    return lambda value: type(value) is int and value >= bound


def at_most(bound: int) -> Check:
    """Return what tells whether a value is 1, 2, …, bound."""
    return lambda value: positive(value) and value <= bound


def one_of(*names: str) -> Check:
    """Return what tells whether a value is one of some names."""
    return lambda value: isinstance(value, str) and value in names


def widths(value: Any) -> bool:
    """Tell whether a value is a tuple of widths of a wavelet, none of which is kept at more than some 100 kB."""
    return isinstance(value, tuple) and bool(value) and all(map(at_most(1000), value))
