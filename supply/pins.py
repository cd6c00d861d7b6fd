"""Requirement files: each names one version of a package and the hashes of its files, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

_HASH = re.compile(r"\s--hash=(\S*)")

_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Pin:
    """A version that is installed."""

    name: str
    version: str
    hashes: tuple[str, ...]


def read(path: Path) -> Iterator[Pin | str]:
    """Yield what a requirement file pins, and as texts the lines that pin nothing."""
    text = re.sub(r"\\\n", " ", path.read_text(encoding="utf-8"))
    for line in text.splitlines():
        if stated := re.sub(r"(^|\s)#.*", "", line).strip():
            yield _pin(stated) or stated.split()[0]


def _pin(line: str) -> Pin | None:
    hashes = tuple(_HASH.findall(line))
    try:
        requirement = Requirement(_HASH.sub("", line).strip())
    except InvalidRequirement:
        return None
    found = re.fullmatch(r"==([^*,]+)", str(requirement.specifier))
    if requirement.url or not found or not hashes or not all(map(_SHA256.fullmatch, hashes)):
        return None
    return Pin(canonicalize_name(requirement.name), found[1], hashes)


def files(root: Path) -> list[Path]:
    """Return the requirement files that are installed from."""
    return sorted(root.glob("requirements*.txt"))


def faults(root: Path) -> list[str]:
    """Return what is wrong: a line that is no pin with hashes, a package of which two files have different versions."""
    found, known = [], dict[str, tuple[str, str]]()
    for path in files(root):
        for pin in read(path):
            if isinstance(pin, str):
                found.append(f"{path.name}: {pin} is not pinned to one version and the SHA-256 of its files")
                continue
            version, first = known.setdefault(pin.name, (pin.version, path.name))
            if version != pin.version:
                found.append(f"{path.name}: {pin.name} is {pin.version}, and {version} in {first}")
    return found
