"""What all figures of a model have in common."""

from __future__ import annotations

import html
from typing import Any

from app.pages.words import short, visible

#: Characters of a name in a figure, and of a line of it.
_NAME, _LINE_NAME = 28, 60

#: Pixels of a row of bars, and of what is above and below them.
_ROW, _AROUND = 22, 70

#: Pixels of a line of a legend.
_LINE = 20

#: Colours.
_COLOURS = 6


def colour(number: int) -> str:
    """Return a colour of the page, one of six in turn."""
    return f"var:--c{number % _COLOURS}"


def label(name: object, most: int = _NAME) -> str:
    """Write a name in a figure: short, with its blanks, and without what plotly would take for HTML."""
    return html.escape(short(visible(name), most), quote=False)


def line(name: object, x: list[Any], y: list[Any], **more: Any) -> dict[str, Any]:
    """Return a line of a figure; its name is escaped."""
    return {"type": "scatter", "mode": "lines", "name": label(name, _LINE_NAME), "x": x, "y": y} | more


def guess(x: list[Any], y: list[Any]) -> dict[str, Any]:
    """Return the line of what is known without a model."""
    shape = {"color": "var:--quiet", "dash": "dot", "width": 1.2}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": shape, "hoverinfo": "skip", "showlegend": False}


def axes(x: str, y: str, **more: Any) -> dict[str, Any]:
    """Return a layout whose axes say what they are."""
    return {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}}} | more


def shares(x: str, y: str) -> dict[str, Any]:
    """Return a layout whose axes go from 0 to 1."""
    ends = {"range": [-0.02, 1.02]}
    return {"xaxis": {"title": {"text": x}, **ends}, "yaxis": {"title": {"text": y}, **ends}}


def legend(figure: dict[str, Any], height: int) -> dict[str, Any]:
    """Give a figure a legend below it, a line each, and the room for that: as many lines as there are names."""
    names = sum(1 for trace in figure["data"] if trace.get("showlegend", True))
    below = {"legend": {"orientation": "v", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0}}
    margin = {"margin": {"l": 48, "r": 12, "t": 12, "b": 52 + _LINE * names}}
    return figure | {"layout": figure["layout"] | below | margin, "height": height + _LINE * names}


def bars(names: list[str], values: list[float | None], x: str, **more: Any) -> dict[str, Any]:
    """Return a figure of a bar a name, the first at the top.

    Names are told apart by their places: two that are cut short may look the same.
    """
    places = list(range(len(names)))
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": places,
        "x": values,
        "text": [label(name, 80) for name in names],
        "textposition": "none",
        "hovertemplate": "%{text}: %{x:.4g}<extra></extra>",
    }
    ticks = {"tickvals": places, "ticktext": [label(name) for name in names], "range": [len(names) - 0.4, -0.6]}
    layout = {
        "xaxis": {"title": {"text": label(x, 60)}},
        "yaxis": {**ticks, "showgrid": False},
        "showlegend": False,
        "bargap": 0.35,
    }
    return {"data": [trace | more], "layout": layout, "height": _ROW * len(names) + _AROUND}
