"""Python expressions that make a value again: estimators by their constructors, all else by its literal."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.pipelines.reports.arguments import given

if TYPE_CHECKING:
    import numpy as np

#: Characters of a line, after which an expression is written over several.
_LINE = 100

_INDENT = "    "

#: Values of a list above which they stand side by side, and not one a line.
_FEW = 8


class Unwritable(Exception):
    """A value that no expression makes again; says of which type."""


@dataclass
class Written:
    """An expression and what it needs.

    Attributes
    ----------
    text
        Of one line or several, beginning at `indent`.
    imports
        {(module, name)}: `from module import name`. A module alone has no name: ("numpy", "").
    own
        Classes and functions of this service that must be written out.
    """

    text: str = ""
    imports: set[tuple[str, str]] = field(default_factory=set)
    own: list[Any] = field(default_factory=list)


def expression(value: Any, names: Callable[[Any], str | None] = lambda value: None, indent: int = 0) -> Written:
    """Write an expression that is equal to a value, or to an unfitted clone of an estimator.

    Parameters
    ----------
    names
        Gives the name of a variable that holds a value of a parameter already, or None.
    indent
        Steps by which the line is indented that the expression stands in.

    Raises
    ------
    Unwritable
    """
    writer = _Writer(names)
    tree = writer.tree(value)
    writer.written.text = _laid_out(tree, indent, 0)
    return writer.written


@dataclass
class _Call:
    """Something with parts between brackets."""

    opening: str
    parts: list[tuple[str, Any]]
    closing: str
    single: str = ""


class _Writer:
    def __init__(self, names: Callable[[Any], str | None]) -> None:
        self._names = names
        self.written = Written()

    def tree(self, value: Any) -> _Call | str:
        """Return what is laid out over lines later."""
        import numpy as np

        if (known := self._names(value)) is not None:
            return known
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, str):
            return literal(value)
        if value is None or isinstance(value, bool | int | bytes):
            return repr(value)
        if isinstance(value, float):
            return repr(value) if math.isfinite(value) else f'float("{value}")'
        if isinstance(value, list | tuple | set | frozenset | dict):
            return self._collection(value)
        if isinstance(value, np.ndarray):
            return self._array(value)
        if hasattr(value, "get_params") and not isinstance(value, type):
            arguments = [(f"{name}=", self.tree(inner)) for name, inner in given(value).items()]
            return _Call(f"{self._name(type(value))}(", arguments, ")")
        if callable(value):
            return self._name(value)
        raise Unwritable(type(value).__name__)

    def _collection(self, value: Any) -> _Call | str:
        if isinstance(value, dict):
            return _Call("{", [(f"{_flat(self.tree(key))}: ", self.tree(inner)) for key, inner in value.items()], "}")
        if isinstance(value, set | frozenset):
            # In an order of their own, or the same set would be written differently in another process.
            name = type(value).__name__
            return _Call(f"{name}([", [("", self.tree(inner)) for inner in sorted(value, key=repr)], "])")
        parts = [("", self.tree(inner)) for inner in value]
        if isinstance(value, list):
            return _Call("[", parts, "]")
        return _Call("(", parts, ")", single="," if len(parts) == 1 else "")

    def _array(self, value: np.ndarray[Any, Any]) -> _Call:
        self.written.imports.add(("numpy", ""))
        kind = ("dtype=", literal(str(value.dtype)))
        return _Call("np.array(", [("", self.tree(value.tolist())), kind], ")")

    def _name(self, value: Any) -> str:
        """Return the name of a class or function, and note where it comes from."""
        import numpy as np

        if isinstance(value, np.ufunc):
            self.written.imports.add(("numpy", ""))
            return f"np.{value.__name__}"
        module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
        if module is None or not name.isidentifier() or getattr(sys.modules.get(module), name, None) is not value:
            # A lambda, a method, a partial: what they do stands nowhere under a name.
            raise Unwritable(type(value).__name__)
        if module.partition(".")[0] == "app":
            if value not in self.written.own:
                self.written.own.append(value)
            return name
        if module == "builtins":
            return name
        self.written.imports.add((_public(module, name, value), name))
        return name


def literal(text: str) -> str:
    """Return text as Python writes it, so that nothing in it can be more than text; in double quotes where it can."""
    written = repr(text)
    return f'"{text}"' if written[1:-1] == text and '"' not in text else written


def _public(module: str, name: str, value: Any) -> str:
    """Return the shortest module that has a name: sklearn.ensemble for what sklearn.ensemble._forest defines."""
    steps = module.split(".")
    parents = [".".join(steps[:count]) for count in range(1, len(steps) + 1)]
    return next(parent for parent in parents if vars(sys.modules[parent]).get(name) is value)


def _flat(tree: _Call | str) -> str:
    if isinstance(tree, str):
        return tree
    return tree.opening + ", ".join(label + _flat(part) for label, part in tree.parts) + tree.single + tree.closing


def _laid_out(tree: _Call | str, indent: int, used: int) -> str:
    """Write a tree on one line where it fits, else a part a line.

    Parameters
    ----------
    used
        Characters of the line that stand before and after it.
    """
    flat = _flat(tree)
    if isinstance(tree, str) or not tree.parts or len(_INDENT) * indent + used + len(flat) <= _LINE:
        return flat
    inner = "\n" + _INDENT * (indent + 1)
    if len(tree.parts) > _FEW and all(isinstance(part, str) and not label for label, part in tree.parts):
        room = _LINE - len(_INDENT) * (indent + 1)
        lines = _filled([f"{part}," for _, part in tree.parts], room)
        return f"{tree.opening}{inner}{inner.join(lines)}\n{_INDENT * indent}{tree.closing}"
    parts = [label + _laid_out(part, indent + 1, len(label) + 1) + "," for label, part in tree.parts]
    return tree.opening + "".join(inner + part for part in parts) + "\n" + _INDENT * indent + tree.closing


def _filled(parts: list[str], room: int) -> list[str]:
    """Return lines of parts, as many on each as there is room for."""
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + 1 + len(part) <= room:
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return lines
