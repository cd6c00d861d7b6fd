"""Parameter files that would run, unfold or surprise: refused on every route that reads one, and nothing is run."""

from __future__ import annotations

import io
import time

import pytest

from app.errors import Unreadable, UploadTooLarge
from app.payloads import strict_yaml

#: Tags by which loaders of YAML make objects; {canary} is a path that a command would make.
TAGS = [
    '!!python/object/apply:os.system ["mkdir {canary}"]',
    '!!python/object/apply:os.mkdir ["{canary}"]',
    '!!python/object/new:os.mkdir ["{canary}"]',
    '!!python/object/new:type {{args: [z, !!python/tuple [], {{extend: !!python/name:exec }}], listitems: "1"}}',
    "!!python/name:os.system",
    "!!python/module:os",
    "!!python/object:os.stat_result []",
    "!!python/tuple [1, 2]",
    "!!python/bytes aGk=",
    "!!python/complex 1+2j",
    "!!python/str x",
    "!<tag:yaml.org,2002:python/object/apply:os.system> [ls]",
    "!ruby/object:Gem::Installer {{i: x}}",
    "!!binary aGk=",
    "!!set {{a, b}}",
    "!!omap [a: 1]",
    "!!timestamp 2026-01-01",
    "!!int '3'",
    "! x",
    "!local x",
]

PLACES = ["{tagged}", "pipeline_id: {tagged}\n", "pipeline_id: x\nmodel_training:\n  model: {tagged}\n"]

ROUTES = ["/train_pipeline", "/profile", "/serve_prediction", "/explain", "/batch_predictions"]


@pytest.mark.parametrize("tag", TAGS, ids=range(len(TAGS)))
def test_a_tag_is_refused_on_every_route_and_runs_nothing(refused, tmp_path, tag):
    canary = tmp_path / "canary"
    tagged = tag.format(canary=canary)
    for path in ROUTES:
        for place in PLACES:
            text = place.format(tagged=tagged).encode()
            parts = {"params": (io.BytesIO(text), "p.yml"), "raw_data": (io.BytesIO(b"a\n1\n"), "x.csv")}
            refused(400, path=path, data=parts)
    assert not canary.exists()


@pytest.mark.parametrize(
    "text", ["%TAG ! tag:yaml.org,2002:python/\n--- !name:os.system x", "%YAML 1.1\n---\na: 1\n...\n"]
)
def test_a_directive_makes_no_tag(text):
    try:
        found = strict_yaml.loads(text.encode(), "params")
    except Unreadable:
        found = {"a": 1}
    assert found == {"a": 1}


def test_bombs_are_refused_at_once():
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    since = time.monotonic()
    for text in (bomb, "[" * 5_000, "{a: " * 5_000, "a: [" * 5_000, "- " * 30_000, "? " * 30_000):
        with pytest.raises(Unreadable):
            strict_yaml.loads(text.encode(), "params")
    with pytest.raises(UploadTooLarge):
        strict_yaml.loads(b"a: 1\n" * 2**20, "params")
    assert time.monotonic() - since < 20
