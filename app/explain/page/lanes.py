"""Plots of lanes one under another: a name and a number, and below them a bar, or dots, on one scale for all."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from markupsafe import Markup, escape

from app.pipelines.reports.plots import svg, ticks, wide

#: Pixels across, what is left free at either side, and from one lane to what is drawn in it: small enough for a
#: telephone, where it is shown as large.
WIDTH, MARGIN, _NAME = 420, 14, 17

#: Pixels of the height of a bar, between lanes, and of the scale below.
BAR, _BETWEEN, _SCALE = 11, 8, 38

#: Letters of a name that fit beside its number, and pixels of the width of one on the scale.
_LETTERS, _LETTER = 46, 6.4


class Lanes:
    """A plot to be drawn on lane by lane.

    Parameters
    ----------
    title
        For those who cannot see it.
    values
        All that is to be drawn.
    """

    def __init__(self, title: str, values: Iterable[float]) -> None:
        known = list(values)
        self._low, self._high = wide((min(known), max(known)) if known else (0.0, 1.0))
        self._title, self._parts, self._bottom = title, list[str](), 0.0

    def at(self, value: float) -> float:
        """Return the pixels across of a value; of one beyond all the end."""
        share = (min(max(value, self._low), self._high) - self._low) / (self._high - self._low)
        return MARGIN + share * (WIDTH - 2 * MARGIN)

    def lane(self, name: str, number: str, height: float = BAR, kind: str = "name") -> float:
        """Begin a lane, and return the pixels down to the middle of what is drawn in it."""
        top = self._bottom
        left, right = (f'x="{x}" y="{top + 13:.1f}"' for x in (MARGIN, WIDTH - MARGIN))
        whole = f"<title>{escape(name)}</title>"
        self._parts.append(f'<text class="{kind}" {left}>{escape(fitted(name))}{whole}</text>')
        self._parts.append(f'<text class="{kind} figure" {right} text-anchor="end">{escape(number)}</text>')
        self._bottom = top + _NAME + height + _BETWEEN
        return top + _NAME + height / 2

    def add(self, part: str) -> None:
        """Draw a part, in which all from outside is escaped."""
        self._parts.append(part)

    def arrow(self, start: float, end: float, middle: float) -> None:
        """Draw a bar that points to where it goes: its colour alone would not tell everybody."""
        left, right = self.at(start), self.at(end)
        back = min(5.0, abs(right - left)) * (1 if right >= left else -1)
        top, bottom, kind = middle - BAR / 2, middle + BAR / 2, "up" if end >= start else "down"
        edge = [(left, top), (right - back, top), (right, middle), (right - back, bottom), (left, bottom)]
        self.add(f'<polygon class="{kind}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in edge)}"/>')

    def bar(self, value: float, middle: float) -> None:
        """Draw a bar from 0."""
        left, right = sorted((self.at(0.0), self.at(value)))
        shape = f'x="{left:.1f}" y="{middle - BAR / 2:.1f}" width="{max(right - left, 0.5):.1f}" height="{BAR}"'
        self.add(f'<rect class="bar" {shape}/>')

    def whisker(self, low: float, high: float, middle: float) -> None:
        """Draw an interval."""
        left, right = self.at(low), self.at(high)
        ends = "".join(f"M{x:.1f} {middle - 3:.1f}v6" for x in (left, right))
        self.add(f'<path class="whisker" d="M{left:.1f} {middle:.1f}H{right:.1f}{ends}"/>')

    def dot(self, value: float, middle: float, kind: str = "value", radius: float = 2.0) -> None:
        """Draw a dot."""
        self.add(f'<circle class="{kind}" cx="{self.at(value):.1f}" cy="{middle:.1f}" r="{radius:g}"/>')

    def upright(self, value: float, kind: str) -> None:
        """Draw a line at a value through all lanes that there are."""
        self._parts.insert(0, self._line(value, kind))

    def drawn(self, label: str) -> Markup:
        """Return the SVG element, with a scale and what it is of."""
        scale = []
        for value in ticks(self._low, self._high):
            scale.append(self._line(value, "grid"))
            # Half of it stands on either side of the place, and must not run out.
            half = _LETTER * len(f"{value:g}") / 2
            where = f'x="{min(max(self.at(value), half), WIDTH - half):.1f}" y="{self._bottom + 14:.1f}"'
            scale.append(f'<text class="tick" {where} text-anchor="middle">{value:g}</text>')
        where = f'x="{WIDTH / 2}" y="{self._bottom + 31:.1f}"'
        scale.append(f'<text class="label" {where} text-anchor="middle">{escape(label)}</text>')
        return svg(WIDTH, self._bottom + _SCALE, self._title, [*scale, *self._parts], kind="plot lanes")

    def _line(self, value: float, kind: str) -> str:
        ends = f'x1="{self.at(value):.1f}" x2="{self.at(value):.1f}" y1="0" y2="{self._bottom:.1f}"'
        return f'<line class="{kind}" {ends}/>'


def fitted(name: str, most: int = _LETTERS) -> str:
    """Return as much of a name as fits; letters of some scripts take the room of two."""
    room = most
    for place, letter in enumerate(name):
        room -= 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if room < 0:
            return f"{name[: place - 1]}…"
    return name
