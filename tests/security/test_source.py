"""The source itself: what runs, unpickles or opens stands in few places, which are counted."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from conftest import ROOT

APP = sorted((ROOT / "app").rglob("*.py"))

#: Source of scripts that users get, which read their own files on their own machines.
HANDED_OUT = "app/pipelines/reports/again/"

#: Calls that run text or bytes, as they are written.
RUNS = re.compile(
    r"^(eval|exec|compile|__import__|yaml\.(load|unsafe_load|full_load|load_all)|(c?pickle|cloudpickle|dill|joblib|"
    r"marshal|shelve|torch)\.(loads?|open|Unpickler)|os\.(system|popen|exec\w*|spawn\w*)|"
    r"subprocess\.(getoutput|getstatusoutput))$"
)

#: {file: {call: how often}}: each is of bytes that this service signed, or of constants.
KNOWN = {
    "app/pipelines/formats.py": {"pickle.loads": 1},
    "app/pipelines/leaderboard.py": {"pickle.loads": 1},
    "app/pipelines/tpot/evolve.py": {"pickle.loads": 1},
}

#: Exceptions from the rules of the linter on what is dangerous.
EXCUSED = {
    "app/pipelines/formats.py": 1,
    "app/pipelines/leaderboard.py": 1,
    "app/pipelines/tpot/evolve.py": 1,
}


def named(node: ast.expr) -> str:
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    tree = ast.parse(path.read_text())
    return [(named(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_what_runs_bytes_stands_where_it_is_known():
    found = {}
    for path in APP:
        counts = Counter(name for name, _ in calls(path) if RUNS.match(name))
        if counts:
            found[place(path)] = dict(counts)
    assert found == KNOWN


def test_the_search_for_what_runs_would_find_it():
    for name in ("eval", "pickle.load", "joblib.load", "yaml.unsafe_load", "os.system", "torch.load", "marshal.loads"):
        assert RUNS.match(name)
    assert not RUNS.match("orjson.loads")
    assert not RUNS.match("self.compile")


def test_the_linter_is_excused_from_dangers_only_where_it_is_known():
    found = {place(path): len(re.findall(r"noqa: [A-Z0-9, ]*S3\d\d", path.read_text())) for path in APP}
    assert {path: count for path, count in found.items() if count} == EXCUSED


@pytest.mark.parametrize("path", APP, ids=place)
def test_arrays_hold_no_objects_and_tables_are_bytes(path):
    if place(path).startswith(HANDED_OUT):
        return
    for name, call in calls(path):
        options = {keyword.arg: keyword.value for keyword in call.keywords}
        if name in ("np.load", "numpy.load"):
            allowed = options.get("allow_pickle")
            assert isinstance(allowed, ast.Constant), f"line {call.lineno}"
            assert allowed.value is False, f"line {call.lineno}"
        if re.match(r"^(pd|pandas)\.read_", name):
            assert named(call.args[0].func) == "io.BytesIO", f"line {call.lineno}"
        if name.endswith("saving.load_model"):
            assert ast.literal_eval(options["safe_mode"]) is True
            assert ast.literal_eval(options["compile"]) is False
            assert ast.literal_eval(options["custom_objects"]) == {}
        if "deserialize_keras_object" in name or name.endswith("enable_unsafe_deserialization"):
            pytest.fail(f"line {call.lineno}")


def test_yaml_is_read_by_one_loader():
    users = [place(path) for path in APP if re.search(r"^\s*(import yaml|from yaml)", path.read_text(), re.M)]
    # The page of a training writes it.
    assert users == ["app/pages/training/sheet.py", "app/payloads/strict_yaml.py"]
    assert not [name for name, _ in calls(ROOT / users[0]) if re.match(r"yaml\.\w*(load|Load)", name)]
