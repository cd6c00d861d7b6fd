"""What a pipeline is made of, however deep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def parts(value: Any) -> Iterator[Any]:
    """Yield an estimator and all estimators in it: its parameters, and the members of lists among them."""
    inner: list[Any] = list(value) if isinstance(value, list | tuple) else []
    if hasattr(value, "get_params") and not isinstance(value, type):
        yield value
        inner = list(value.get_params(deep=False).values())
    for part in inner:
        yield from parts(part)


def columns_named(pipeline: Any) -> list[str]:
    """Return the names of columns that a pipeline takes by name, each once, in the order in which it names them."""
    found: dict[str, None] = {}
    for part in parts(pipeline):
        for _, _, columns in getattr(part, "transformers", None) or []:
            found |= dict.fromkeys([columns] if isinstance(columns, str) else columns)
    return list(found)
