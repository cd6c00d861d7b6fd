"""What the service takes from others: pinned by hash, looked up among what is known, of fitting licences, listed."""

from __future__ import annotations

import json
from datetime import date

import pytest

from conftest import ROOT
from supply import advisories, licences, pins, sbom
from supply.pins import Pin, files, read

HASH = f"sha256:{'0' * 64}"


def pinned():
    """Return every pin of every file that is installed from."""
    return [pin for path in files(ROOT) for pin in read(path) if isinstance(pin, Pin)]


def test_every_file_that_is_installed_from_pins_versions_and_hashes():
    assert len(files(ROOT)) >= 3
    assert len(pinned()) > 200
    assert pins.faults(ROOT) == []


@pytest.mark.parametrize(
    "line",
    [
        "flask==3.1.3",
        f"flask>=3.1 --hash={HASH}",
        f"flask==3.* --hash={HASH}",
        "flask==3.1.3 --hash=md5:00",
        f"flask @ https://example.com/flask.whl --hash={HASH}",
        "-e .",
        "https://example.com/flask.whl",
        "--extra-index-url https://example.com/simple",
    ],
)
def test_a_line_that_is_no_pin_with_hashes_is_told(tmp_path, line):
    (tmp_path / "requirements.txt").write_text(f"{line}\n# a comment\n")
    assert len(pins.faults(tmp_path)) == 1


def test_two_files_with_different_versions_are_told(tmp_path):
    for name, version in (("requirements.txt", "1.0"), ("requirements-dev.txt", "1.1")):
        (tmp_path / name).write_text(f"flask=={version} \\\n    --hash={HASH}\n")
    (fault,) = pins.faults(tmp_path)
    assert "flask is 1.0, and 1.1 in requirements-dev.txt" in fault


def test_nothing_is_known_against_what_is_pinned():
    assert advisories.faults(ROOT) == []
    assert {one["package"] for one in advisories.table()["advisory"]} <= {pin.name for pin in pinned()}


def test_what_is_known_is_found_unless_it_was_accepted_for_a_while():
    told = {
        "advisory": [{"package": "Flask", "id": "X-1", "affected": "<3.1.3", "what": "a hole"}],
        "accepted": [{"id": "X-1", "until": date(2026, 1, 31)}],
    }
    vulnerable, sound = Pin("flask", "3.1.2", (HASH,)), Pin("flask", "3.1.3", (HASH,))
    assert advisories.known_against([vulnerable, sound], told, date(2026, 1, 31)) == []
    (fault,) = advisories.known_against([vulnerable, sound], told, date(2026, 2, 1))
    assert fault.startswith("flask 3.1.2: X-1")


def test_all_licences_are_allowed_and_another_would_be_told(tmp_path):
    assert licences.faults(ROOT) == []
    (tmp_path / "pyproject.toml").write_text('[tool.pip-licenses]\nallow-only = "MIT"\n')
    assert licences.faults(tmp_path)


def test_the_list_of_parts_has_what_is_pinned_and_is_the_same_each_time(tmp_path):
    for name in ("one.json", "two.json"):
        sbom.main(ROOT / "requirements.txt", tmp_path / name)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    components = json.loads((tmp_path / "one.json").read_text())["components"]
    named = {(one["name"].lower(), one.get("version")) for one in components}
    assert {(pin.name, pin.version) for pin in read(ROOT / "requirements.txt")} <= named
    assert {"valkey-server", "plotly/plotly-cartesian.min.js"} <= {name for name, _ in named}
