"""A few series of the training as they are, class beside class."""

from __future__ import annotations

from typing import Any

from app.pages.model.figures import axes, label, line
from app.pages.words import number, short, visible
from app.payloads.outline import outline

_HEIGHT = 210

#: Points of a line: panels are small, and there may be dozens.
_POINTS = 200


def drawn(examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return for each signal a figure a class, all on one scale; of a forecasting a figure a series."""
    signals = [signal["name"] for signal in examples[0]["signals"]] if examples else []
    return [{"signal": name, "figures": _of_signal(place, examples)} for place, name in enumerate(signals)]


def _of_signal(place: int, examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = [value for one in examples for value in one["signals"][place]["value"] if value is not None]
    room = 0.05 * ((max(known) - min(known)) or 1.0) if known else 1.0
    ends = [min(known, default=0) - room, max(known, default=1) + room]
    panels: dict[str, list[dict[str, Any]]] = {}
    for one in examples:
        title = f"series {short(one['id'], 30)}" if one["label"] is None else _labelled(one["label"])
        panels.setdefault(title, []).append(one)
    return [
        {
            "title": title,
            "data": [_line(f"series {one['id']}", one["signals"][place]) for one in some],
            "layout": axes("sample", label(examples[0]["signals"][place]["name"]), showlegend=False)
            | {"yaxis": {"range": ends}},
            "height": _HEIGHT,
            "caption": "series " + ", ".join(short(one["id"], 20) for one in some) if len(some) > 1 else "",
        }
        for title, some in panels.items()
    ]


def _line(name: str, signal: dict[str, Any]) -> dict[str, Any]:
    shown = outline(signal["value"], _POINTS)
    return line(name, [signal["place"][one] for one in shown], [signal["value"][one] for one in shown])


def _labelled(value: Any) -> str:
    return number(value) if isinstance(value, float) else short(visible(value), 40)
