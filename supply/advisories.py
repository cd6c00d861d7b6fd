"""What is known against pinned versions, from `advisories.toml`, which people fill in as they read of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from supply.pins import Pin, files, read

TABLE = Path(__file__).with_name("advisories.toml")

#: Days after which the table is said to be old.
OLD = 90


def table() -> dict[str, Any]:
    """Return the table."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def known_against(pins: Iterable[Pin], told: dict[str, Any], today: date) -> list[str]:
    """Return the pins that an advisory affects, less those that were accepted until a day that has not come."""
    accepted = {one["id"] for one in told.get("accepted", []) if one["until"] >= today}
    found = []
    for one in told["advisory"]:
        affected = SpecifierSet(one["affected"], prereleases=True)
        for pin in pins:
            if pin.name == canonicalize_name(one["package"]) and pin.version in affected and one["id"] not in accepted:
                found.append(f"{pin.name} {pin.version}: {one['id']}, {one['what']} ({one['affected']})")
    return found


def faults(root: Path) -> list[str]:
    """Return what is known against what the requirement files pin."""
    pins = {pin for path in files(root) for pin in read(path) if isinstance(pin, Pin)}
    return known_against(sorted(pins, key=lambda pin: pin.name), table(), date.today())


def age() -> str | None:
    """Return a warning where nobody has looked for long, or None."""
    last = max(one["read_on"] for one in table()["advisory"])
    if date.today() - last > timedelta(days=OLD):
        return f"{TABLE.name} was last added to on {last}: look for what is new, or run `make audit`"
    return None
