"""The parameter files that come with the service, to start from."""

from __future__ import annotations

from pathlib import Path

from app.errors import NotFound

_FOLDER = Path(__file__).parents[3] / "parameters"

#: How the files for other routes begin.
_OTHERS = ("explain", "test_")


def available() -> list[str]:
    """Return the names of those for a training."""
    return [path.name for path in sorted(_FOLDER.glob("*.yml")) if not path.name.startswith(_OTHERS)]


def text(name: str) -> str:
    """Return a file.

    Raises
    ------
    NotFound
    """
    if name not in available():
        raise NotFound("There is no such example.")
    return _text(_FOLDER / name)


def _text(path: Path) -> str:
    return path.read_text("utf-8")
