"""The tables of SECURITY.md and RELIABILITY.md: every attack and every fault has its line, its defence and its test."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from conftest import ROOT

#: {document: the numbers that its lines have}.
TABLES = {
    "SECURITY.md": [f"A{number}" for number in range(1, 59)],
    "RELIABILITY.md": [f"F{number}" for number in range(1, 47)],
}

#: Lines of things that the service does not have, so that nothing can go wrong with them.
WITHOUT = {"F37", "F39"}

#: A path in a table, with the name of something in it where there is one.
PLACE = re.compile(r"`([\w./-]+)(?:::([\w.]+))?`")

#: A test in a table, and whether it is one for the night.
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`( \(night\))?")


def lines(document):
    """Return {number or name: the cells after it} of a document's tables of promises, which end in tests."""
    found: dict[str, list[str]] = {}
    width = 0
    for line in (ROOT / document).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells or cells[-1] == "test":
            width = len(cells)
        elif width and set(line) != set("|-"):
            assert (len(cells), cells[0] in found) == (width, False), cells[0]
            found[cells[0]] = cells[1:]
    return found


@cache
def named_in(path):
    """Return the names of all functions and classes of a file, methods as Class.method too."""
    found = set()
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{one.name}" for one in node.body if isinstance(one, ast.FunctionDef | ast.ClassDef)}
        if isinstance(node, ast.Assign | ast.AnnAssign):
            found |= set(names(node))
    return found


def names(node):
    """Return the names that an assignment gives."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [one.id for one in targets if isinstance(one, ast.Name)]


@cache
def nightly_in(path):
    """Return {test of a file: whether all of it is for the night}."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    marked = [node.value for node in tree.body if isinstance(node, ast.Assign) and names(node) == ["pytestmark"]]
    every = "pytest.mark.nightly" in [ast.unparse(mark) for mark in marked]
    tests = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return {
        test.name: every or "pytest.mark.nightly" in [ast.unparse(one) for one in test.decorator_list] for test in tests
    }


@pytest.mark.parametrize("document", TABLES)
def test_every_attack_and_every_fault_has_one_line(document):
    assert [name for name in lines(document) if re.fullmatch(r"[AF]\d+", name)] == TABLES[document]
    assert len(lines(document)) > len(TABLES[document])


@pytest.mark.parametrize(("document", "name"), [(one, name) for one in TABLES for name in lines(one)])
def test_a_line_names_what_is_there(document, name):
    *_, defence, tests = lines(document)[name]
    if name in WITHOUT:
        assert {defence, tests} == {"–"}
        return
    places = PLACE.findall(defence)
    assert places
    for path, what in places:
        assert (ROOT / path).exists(), path
        assert not what or what in named_in(path), f"{path}::{what}"
    proven = TEST.findall(tests)
    assert proven
    for path, test, night in proven:
        assert nightly_in(path).get(test) == bool(night), f"{path}::{test}{night}"
    # Beside tests a cell has words on them alone: what has another form would not be looked at.
    assert "tests/" not in TEST.sub("", tests)
