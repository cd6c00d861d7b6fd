"""How a model learned: with more rows, and a network epoch by epoch."""

from __future__ import annotations

from typing import Any

from app.pages.model.figures import axes, label, legend, line
from app.pages.points import LINE
from app.pages.words import metric, short
from app.payloads.outline import outline

#: Epochs up to which each has a dot.
_DOTS = 30

#: Numbers of rows that make a curve.
_TOLD = 3

#: Pixels, without the legend.
_HEIGHT = 260


def by_rows(curve: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return a figure of the scores by how many rows were learned from; none where they are not known."""
    if not curve or len(curve["rows"]) < _TOLD:
        return []
    told = {"rows held out": curve["held_out"], "rows learned from": curve["learned_from"]}
    layout = axes("rows learned from", label(metric(curve["metric"])))
    layout["xaxis"] |= {"type": "log", "tickvals": curve["rows"]}
    figure = {
        "title": "With more rows",
        "data": [line(name, curve["rows"], values, mode="lines+markers") for name, values in told.items()],
        "layout": layout,
        "caption": "Where the line of rows held out is not level at its end, more rows would help.",
    }
    return [legend(figure, _HEIGHT)]


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
    places = outline(values, LINE)
    mode = "lines+markers" if len(values) <= _DOTS else "lines"
    return line(name, [place + 1 for place in places], [values[place] for place in places], mode=mode)
