"""How many points a figure has, and which of more are drawn: a browser gets what a screen can show, not all there is.

Lines are drawn by their outline (`app.payloads.outline`), clouds of points by one of each neighbourhood, and what is
drawn for how it is spread by some of each rank.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

#: Points of a figure, all its lines together, and cells of a map: a test holds every page to that.
FIGURE = 10_000

#: Points of a line, of which a figure may have several.
LINE = 600

#: Neighbourhoods of a cloud of points, across and up: about as many as can be pointed at.
ACROSS, UP = 48, 24


def ranked(values: Sequence[float], most: int) -> list[int]:
    """Return the places of at most so many values, evenly spaced in their order by size: quartiles and ends stay."""
    order = sorted(range(len(values)), key=values.__getitem__)
    if len(order) <= most:
        return order
    return [order[round(step * (len(order) - 1) / (most - 1))] for step in range(most)]


def neighbours(
    xs: Sequence[float], ys: Sequence[float], groups: Sequence[Hashable], most: int = ACROSS * UP
) -> list[list[int]]:
    """Return the places of points that lie so near each other that one can be drawn for all.

    Parameters
    ----------
    groups
        Only points of one group are neighbours.
    most
        Points up to which each stands by itself.
    """
    if len(xs) <= most:
        return [[place] for place in range(len(xs))]
    (left, across), (low, up) = _steps(xs, ACROSS), _steps(ys, UP)
    found: dict[Hashable, list[int]] = {}
    for place, (x, y, group) in enumerate(zip(xs, ys, groups, strict=True)):
        # The least before the quotient, so that one that is no number is none of them.
        cell = (group, int(min(ACROSS - 1, (x - left) / across)), int(min(UP - 1, (y - low) / up)))
        found.setdefault(cell, []).append(place)
    return list(found.values())


def _steps(values: Sequence[float], count: int) -> tuple[float, float]:
    low, high = min(values), max(values)
    return low, (high - low) / count or 1.0
