"""Contributions of many rows: a dot a row, coloured by what stands in the column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app.explain.page.curves import moment
from app.explain.page.lanes import MARGIN, WIDTH, Lanes
from app.pipelines.reports.writing import amount

#: Columns that are drawn, and dots of each.
COLUMNS, DOTS = 12, 300

#: Pixels of the height of a lane, of a dot, and from one dot to the next.
_HEIGHT, _RADIUS, _APART = 34, 2.6, 5.0

#: Colours from the lowest to the highest value: the classes v0, v1, …
_COLOURS = 5


@dataclass(frozen=True)
class Dot:
    """One row: its contribution, how far from the middle of its lane it lies (-1 to 1), and its colour.

    Attributes
    ----------
    colour
        0 the lowest to 4 the highest value; None where values have no order, or there is none.
    """

    contribution: float
    off: float
    colour: int | None


def dots(found: dict[str, Any], low: float, high: float) -> list[Dot]:
    """Return the dots of one column, those that would cover each other beside each other.

    Parameters
    ----------
    low, high
        Ends of the scale for all columns.
    """
    rows = [
        (one, value) for one, value in zip(found["contributions"], found["values"], strict=False) if one is not None
    ]
    rows = rows[:: -(-len(rows) // DOTS)] if len(rows) > DOTS else rows
    colours = _ranked([value for _, value in rows])
    width = (high - low or 1.0) * _APART / (WIDTH - 2 * MARGIN)
    places: dict[int, int] = {}
    raw = []
    for (one, _), colour in zip(rows, colours, strict=True):
        column = int((one - low) / width)
        there = places[column] = places.get(column, -1) + 1
        raw.append((one, (there + 1) // 2 * (1 if there % 2 else -1), colour))
    # As far apart as dots are wide, closer where there are many.
    furthest = max([*(abs(off) for _, off, _ in raw), _HEIGHT / 2 / _APART])
    return [Dot(one, off / furthest, colour) for one, off, colour in raw]


def _ranked(values: Sequence[Any]) -> list[int | None]:
    """Return the colour of each value, by its rank: one that is far off would leave all others alike."""
    numbers = [float(value) if isinstance(value, int | float) else moment(value) for value in values]
    known = sorted({value for value in numbers if value is not None})
    place = {value: number * (_COLOURS - 1) / max(1, len(known) - 1) for number, value in enumerate(known)}
    return [None if value is None else round(place[value]) for value in numbers]


def drawn(points: dict[str, Any], sizes: dict[str, float], unit: str) -> Markup:
    """Draw the columns one under another, the most important first.

    Parameters
    ----------
    sizes
        {column: mean size of its contributions}.
    """
    shown = list(points.items())[:COLUMNS]
    low, high = ends(points)
    lanes = Lanes("contributions of each row, by column", [low, high])
    for name, found in shown:
        middle = lanes.lane(name, f"mean size {amount(sizes.get(name), 3)}" if name in sizes else "", _HEIGHT)
        for dot in dots(found, low, high):
            kind = "v" if dot.colour is None else f"v v{dot.colour}"
            lanes.dot(dot.contribution, middle + dot.off * (_HEIGHT / 2 - _RADIUS), kind, _RADIUS)
    lanes.upright(0.0, "axis")
    return lanes.drawn(unit)


def ends(points: dict[str, Any]) -> tuple[float, float]:
    """Return the least and the greatest contribution of the columns that are drawn; 0 lies between them."""
    every = [one for found in list(points.values())[:COLUMNS] for one in found["contributions"] if one is not None]
    return min(0.0, *every) if every else 0.0, max(0.0, *every) if every else 0.0
