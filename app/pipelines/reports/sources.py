"""The source of this service's own small classes, cut out of their modules so that it runs without the service."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import Any

#: Package whose sources are written out; of others the import is.
_OURS = "app"

Import = tuple[str, str, str]

#: Module and name of a definition.
Name = tuple[str, str]

#: Line from 1, and byte of the line; and what stands there instead, from one place to another.
Place = tuple[int, int]
Edit = tuple[Place, Place, str]


@dataclass
class Cut:
    """What was cut out.

    Attributes
    ----------
    text
        Definitions, each after those that it needs.
    imports
        {(module, attribute or "", name)} that they need of other packages, at the top of a file.
    """

    text: str = ""
    imports: set[Import] = field(default_factory=set)


def cut_out(
    wanted: Iterable[Any],
    instead: dict[Name, Name] | None = None,
    taken: Iterable[str] = (),
    hoisted: str | None = None,
) -> Cut:
    """Return the source of classes and functions, and of all that they use of this service, without annotations.

    Parameters
    ----------
    instead
        {(module, name): (module, name)} of what is written out in place of something else.
    taken
        Names that the file gives to something else. Of two definitions with one name, and of one whose name is taken,
        the later is called after its module as well.
    hoisted
        Package from whose functions imports of others go to the top of the file.
    """
    cutter = _Cutter(instead or {}, set(taken), hoisted)
    for value in wanted:
        cutter.take(value.__module__, value.__name__)
    return Cut("\n\n\n".join(cutter.pieces), cutter.imports)


class _Module:
    """A module's source and what its names stand for."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.source = inspect.getsource(import_module(name))
        self.lines = self.source.encode().split(b"\n")
        self.tree = ast.parse(self.source)

    @cached_property
    def definitions(self) -> dict[str, ast.stmt]:
        """Definitions by name."""
        found: dict[str, ast.stmt] = {}
        for statement in self.tree.body:
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                found[statement.name] = statement
            elif isinstance(statement, ast.Assign):
                for target in statement.targets:
                    found |= {node.id: statement for node in ast.walk(target) if isinstance(node, ast.Name)}
            elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                found[statement.target.id] = statement
        return found

    @cached_property
    def imports(self) -> dict[str, tuple[str, str]]:
        """{name: (module, attribute)} of the imports at its top; the attribute is empty for a whole module."""
        return dict(pair for statement in self.tree.body for pair in _imported(statement))

    def text(self, node: ast.stmt, edits: list[Edit]) -> str:
        """Return the source of a statement, with the comments above it, edited."""
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))]) - 1
        assert node.end_lineno is not None
        lines = self.lines[:]
        # From the back, so that the places before stay where they are.
        for start, end, new in sorted(edits, reverse=True):
            _replace(lines, start, end, new)
        while first and lines[first - 1].startswith(b"#"):
            first -= 1
        text = b"\n".join(line for line in lines[first : node.end_lineno] if line != _GONE).decode()
        text = re.sub(_FOR_TOOLS, "", re.sub(_EMPTY_BEGINNING, r"\1", text))
        return text.replace("\n\n\n", "\n\n")


#: Characters of a line.
_LINE = 110

#: Remarks for tools of ours, and the empty line that an import at the beginning of a function leaves behind.
_FOR_TOOLS, _EMPTY_BEGINNING = r"  # (?:type: ignore|noqa)[^\n]*", r"(\n *def [^\n]*:\n)\n+"

#: Stands for a line that is left out.
_GONE = b"\0"


def _replace(lines: list[bytes], start: Place, end: Place, new: str) -> None:
    first, last = start[0] - 1, end[0] - 1
    whole = lines[first][: start[1]] + new.encode() + lines[last][end[1] :]
    lines[first : last + 1] = [whole if whole.strip() else _GONE] + [_GONE] * (last - first)


def _over(node: Any, new: str) -> Edit:
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset), new


def _without_annotations(module: _Module, node: ast.stmt, called: str) -> Iterator[Edit]:
    """Yield the edits that take annotations away, but for those of a class's attributes, and give it its name here."""
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        yield _over(node.target, "")[1], _over(node.annotation, "")[1], ""
    if isinstance(node, ast.ClassDef):
        begin = node.col_offset + len("class ")
        yield (node.lineno, begin), (node.lineno, begin + len(node.name.encode())), called
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef):
            yield (
                (inner.lineno, inner.col_offset),
                _end_of_header(module, inner),
                _header(inner, called if inner is node else inner.name),
            )
            for statement in ast.walk(inner):
                if isinstance(statement, ast.AnnAssign) and statement.value is not None:
                    yield _over(statement.target, "")[1], _over(statement.annotation, "")[1], ""
                elif isinstance(statement, ast.AnnAssign):
                    yield _over(statement, "")


def _end_of_header(module: _Module, function: ast.FunctionDef) -> Place:
    """Return the place after the colon."""
    inside: list[Any] = [part for part in ast.walk(function.args) if hasattr(part, "end_lineno")]
    inside += [] if function.returns is None else [function.returns]
    line, column = max([(part.end_lineno, part.end_col_offset) for part in inside], default=(function.lineno, 0))
    while (found := module.lines[line - 1].find(b":", column)) < 0:
        line, column = line + 1, 0
    return line, found + 1


def _header(function: ast.FunctionDef, name: str) -> str:
    arguments = ast.parse(ast.unparse(function)).body[0].args  # type: ignore[attr-defined]  # a function
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    written, indent = ast.unparse(arguments), " " * function.col_offset
    line = f"def {name}({written}):"
    return line if len(indent + line) <= _LINE else f"def {name}(\n{indent}    {written}\n{indent}):"


def _used(node: ast.AST, bound: frozenset[str] = frozenset()) -> Iterator[tuple[ast.AST, frozenset[str]]]:
    """Yield all nodes but annotations, each with the names that the functions around it give to something of theirs."""
    if isinstance(node, ast.FunctionDef | ast.Lambda):
        bound |= _bound(node)
    yield node, bound
    for name, value in ast.iter_fields(node):
        # What stands in a header is written anew.
        if name in ("annotation", "returns"):
            continue
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, ast.AST):
                yield from _used(inner, bound)


def _bound(function: ast.AST) -> frozenset[str]:
    found = set()
    for inner in ast.walk(function):
        if isinstance(inner, ast.arg):
            found.add(inner.arg)
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            found.add(inner.id)
        found |= {name for name, (module, _) in _imported(inner) if not _is_ours(module)}
    return frozenset(found)


def _imported(statement: ast.AST) -> Iterator[tuple[str, tuple[str, str]]]:
    if isinstance(statement, ast.ImportFrom) and statement.module != "__future__":
        for alias in statement.names:
            yield alias.asname or alias.name, (statement.module or "", alias.name)
    elif isinstance(statement, ast.Import):
        for alias in statement.names:
            yield alias.asname or alias.name.partition(".")[0], (alias.name, "")


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == _OURS


class _Cutter:
    """Follows names from definition to definition.

    Attributes
    ----------
    pieces
        Sources, in an order in which they can run.
    imports
        Of other packages.
    """

    def __init__(self, instead: dict[Name, Name], taken: set[str], hoisted: str | None) -> None:
        self._instead, self._taken, self._hoisted = instead, taken, hoisted
        self.pieces: list[str] = []
        self.imports: set[Import] = set()
        self._names: dict[Name, str] = {}
        self._modules: dict[str, _Module] = {}
        self._cut: list[ast.stmt] = []

    def take(self, module_name: str, name: str) -> str:
        """Cut a definition out, unless it is there already; return what it is called here."""
        module_name, name = self._instead.get((module_name, name), (module_name, name))
        if module_name == "builtins":
            return name
        if (module_name, name) in self._names:
            return self._names[module_name, name]
        if module_name not in self._modules:
            self._modules[module_name] = _Module(module_name)
        module = self._modules[module_name]
        if name not in module.definitions:
            # A room that exports a name of one of its modules.
            return self.take(*module.imports[name])
        node = module.definitions[name]
        called = name if name not in self._taken else f"{name}_{module_name.rpartition('.')[2]}"
        self._taken.add(called)
        self._names[module_name, name] = called
        edits = self._edits(module, node)
        if node not in self._cut:
            # A statement may define several names.
            self._cut.append(node)
            self.pieces.append(module.text(node, [*edits, *_without_annotations(module, node, called)]))
        return called

    def _edits(self, module: _Module, node: ast.stmt) -> list[Edit]:
        """Cut out what a definition uses; return what must be written differently in it."""
        edits: list[Edit] = []
        local: dict[str, tuple[str, str]] = {}
        for inner in ast.walk(node):
            imported = list(_imported(inner))
            if not imported:
                continue
            if _is_ours(imported[0][1][0]):
                local |= dict(imported)
                edits.append(_over(inner, ""))
            elif self._hoisted is not None and module.name.startswith(self._hoisted):
                self.imports |= {(*origin, name) for name, origin in imported}
                edits.append(_over(inner, ""))
        for inner, bound in _used(node):
            if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
                origin = _module_of(inner.value.id, module.imports | local)
                if origin is not None and inner.value.id not in bound:
                    edits.append(_over(inner, self._unbound(origin, inner.attr, bound)))
            elif isinstance(inner, ast.Name) and inner.id not in bound:
                called = self._resolve(module, inner.id, local)
                if called is not None and called != inner.id:
                    edits.append(_over(inner, called))
        return edits

    def _unbound(self, module_name: str, name: str, bound: frozenset[str]) -> str:
        """Take what was called by its module; return a name that the functions around do not give to something else."""
        called = self.take(module_name, name)
        if called not in bound:
            return called
        other = f"{module_name.rpartition('.')[2]}_{called}"
        if other not in self._taken:
            self._taken.add(other)
            self.pieces.append(f"{other} = {called}")
        return other

    def _resolve(self, module: _Module, name: str, local: dict[str, tuple[str, str]]) -> str | None:
        """Return what a name is called here when it stands for something of this service, and take that."""
        if name in local:
            return None if _module_of(name, local) else self.take(*local[name])
        if name in module.definitions:
            return self.take(module.name, name)
        if name not in module.imports:
            return None
        origin, attribute = module.imports[name]
        if not _is_ours(origin):
            self.imports.add((origin, attribute, name))
            return None
        return None if _module_of(name, module.imports) else self.take(origin, attribute)


def _module_of(name: str, imports: dict[str, tuple[str, str]]) -> str | None:
    """Return the module of this service that a name stands for, or None where it is something else."""
    origin, attribute = imports.get(name, ("", ""))
    if not _is_ours(origin):
        return None
    import_module(origin)
    whole = f"{origin}.{attribute}"
    # A function may be called as its module is.
    return whole if whole in sys.modules and inspect.ismodule(getattr(sys.modules[origin], attribute, None)) else None
