"""Licences of what is installed; which are allowed, and which packages do not say theirs, is in `pyproject.toml`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def faults(root: Path) -> list[str]:
    """Return the packages of this environment under a licence that is not allowed."""
    # It reads the metadata of this environment, and pyproject.toml of the working folder.
    command = [sys.executable, "-m", "piplicenses", "--python", sys.executable]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    return [line for line in done.stderr.splitlines() if line.strip()] or ["pip-licenses failed without a word"]
