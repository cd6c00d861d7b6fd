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

#: `path.py::name`, as code in a table.
NODE = re.compile(r"`((?:app|tests)/[\w/]+\.py)(?:::([\w.]+))?`")


def lines(document):
    """Return {number: the cells after it} of a document's table."""
    text = (ROOT / document).read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in text.splitlines() if re.match(r"\| [AF]\d+ \|", line)]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}


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
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {one.id for one in targets if isinstance(one, ast.Name)}
    return found


@pytest.mark.parametrize("document", TABLES)
def test_every_attack_and_every_fault_has_one_line(document):
    assert list(lines(document)) == TABLES[document]


@pytest.mark.parametrize(("document", "number"), [(one, number) for one in TABLES for number in TABLES[one]])
def test_a_line_names_what_is_there(document, number):
    *_, defence, tests = lines(document)[number]
    nodes = NODE.findall(defence) + NODE.findall(tests)
    missing = [f"{path}::{name}" for path, name in nodes if name and name not in named_in(path)]
    assert not missing
    proven = [name for path, name in NODE.findall(tests) if path.startswith("tests/")]
    assert proven or number in WITHOUT
