"""How a network learned, epoch by epoch."""

from __future__ import annotations

from typing import Any

from app.pages.model.figures import axes, label, legend, line
from app.pages.words import short

#: Epochs up to which each has a dot, and points of a curve.
_DOTS, _POINTS = 30, 1_000

#: Pixels, without the legend.
_HEIGHT = 260


def histories(curves: dict[str, list[float | None]]) -> list[dict[str, Any]]:
    """Return a figure a loss or score, with that of the rows held back beside it."""
    return [
        _figure(name, values, curves.get(f"val_{name}"))
        for name, values in curves.items()
        if not name.startswith("val_") and any(value is not None for value in values)
    ]


def _figure(name: str, values: list[float | None], beside: list[float | None] | None) -> dict[str, Any]:
    each = {"learned from": values, "rows held back": beside}
    figure = {
        "title": short(name, 60),
        "data": [_curve(told, some) for told, some in each.items() if some],
        "layout": axes("epoch", label(name)),
        "caption": "Where the two part, the network begins to learn by heart." if beside else "",
    }
    return legend(figure, _HEIGHT)


def _curve(name: str, values: list[float | None]) -> dict[str, Any]:
    step = max(1, len(values) // _POINTS)
    mode = "lines+markers" if len(values) <= _DOTS else "lines"
    return line(name, list(range(1, len(values) + 1))[::step], values[::step], mode=mode)
