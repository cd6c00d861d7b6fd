"""Plots as inline SVG: lines, points, bars and histograms. Colours are the page's, by the names of classes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    Numbers = Sequence[float | None]

#: Pixels of a plot, and what its axes take of them at the left, right, top and bottom.
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 380, 280, 52, 12, 10, 42

#: Pixels of bars, of a row of them, and of their names.
_BARS, ROW, NAMES = 520, 22, 180

#: Characters of a name beside a bar, and pixels of the width of one on an axis.
_NAME, _LETTER = 28, 6.4

#: Colours of lines, by the classes c0, c1, …
COLOURS = 6

#: Ends of an axis beyond which numbers would overflow, or vanish.
_LEAST, _GREATEST = 1e-300, 1e300


class Plot:
    """A plot with two axes, to be drawn on.

    Parameters
    ----------
    title
        For those who cannot see it.
    x, y
        Least and greatest value of each axis.
    marks
        Places on the x axis and what is written there; round numbers when left out.
    """

    def __init__(
        self,
        title: str,
        x: tuple[float, float],
        y: tuple[float, float],
        x_label: str,
        y_label: str,
        marks: Sequence[tuple[float, str]] | None = None,
    ) -> None:
        self._title, self._x, self._y = title, wide(x), wide(y)
        self._marks = [(value, f"{value:g}") for value in ticks(*self._x)] if marks is None else marks
        self._parts = [*self._axes(x_label, y_label)]

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixels of a point."""
        across = (x - self._x[0]) / (self._x[1] - self._x[0])
        up = (y - self._y[0]) / (self._y[1] - self._y[0])
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    def line(self, xs: Numbers, ys: Numbers, kind: str = "c0", dots: bool = False) -> Plot:
        """Draw a line through points; one that is None is left out."""
        points = [self.place(x, y) for x, y in _known(xs, ys)]
        self._parts.append(f'<polyline class="line {kind}" points="{_points(points)}"/>')
        if dots:
            self._parts += [f'<circle class="dot {kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points]
        return self

    def points(self, xs: Numbers, ys: Numbers) -> Plot:
        """Draw points, so light that many in one place look darker."""
        places = (self.place(x, y) for x, y in _known(xs, ys))
        self._parts += [f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in places]
        return self

    def bins(self, edges: Numbers, counts: Sequence[int]) -> Plot:
        """Draw the bars of a histogram."""
        for low, high, count in zip(edges, edges[1:], counts, strict=False):
            assert low is not None
            assert high is not None
            (left, top), (right, bottom) = self.place(low, count), self.place(high, 0)
            shape = f'x="{left:.1f}" y="{top:.1f}" width="{max(0.5, right - left - 1):.1f}" height="{bottom - top:.1f}"'
            self._parts.append(f'<rect class="bar" {shape}><title>{low:.4g} … {high:.4g}: {count}</title></rect>')
        return self

    def band(self, xs: Numbers, lows: Numbers, highs: Numbers) -> Plot:
        """Shade what lies between two lines."""
        edge = [*_known(xs, lows), *reversed(_known(xs, highs))]
        self._parts.append(f'<polygon class="band" points="{_points([self.place(x, y) for x, y in edge])}"/>')
        return self

    def drawn(self) -> Markup:
        """Return the SVG element."""
        return svg(WIDTH, HEIGHT, self._title, self._parts)

    def _axes(self, x_label: str, y_label: str) -> Iterator[str]:
        left, bottom = LEFT, HEIGHT - BOTTOM
        for value, written in self._marks:
            x, _ = self.place(value, self._y[0])
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>'
            # Its half stands right of the place, and must not run out.
            x = min(x, WIDTH - _LETTER * len(written) / 2)
            yield f'<text class="tick" x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{escape(written)}</text>'
        for value in ticks(*self._y):
            _, y = self.place(self._x[0], value)
            yield f'<line class="grid" x1="{left}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text class="tick" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
        middle = (left + WIDTH - RIGHT) / 2
        yield f'<text class="label" x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>'
        turned = f'transform="translate(13 {(TOP + bottom) / 2}) rotate(-90)"'
        yield f'<text class="label" {turned} text-anchor="middle">{escape(y_label)}</text>'


def bars(title: str, rows: Sequence[tuple[str, float, float | None, Sequence[float]]], label: str) -> Markup:
    """Draw a bar a row, with whiskers of one standard deviation on either side and a dot for each single value.

    Parameters
    ----------
    rows
        Name, mean, standard deviation or None, and values.
    """
    height = ROW * len(rows) + BOTTOM
    ends = [0.0] + [value for _, mean, _, values in rows for value in (mean, *values)]
    ends += [mean + side * std for _, mean, std, _ in rows if std is not None for side in (-1, 1)]
    low, high = wide((min(ends), max(ends)))

    def at(value: float) -> float:
        return NAMES + 8 + (value - low) / (high - low) * (_BARS - NAMES - 20)

    parts = []
    for value in ticks(low, high):
        parts.append(f'<line class="grid" x1="{at(value):.1f}" x2="{at(value):.1f}" y1="0" y2="{height - BOTTOM}"/>')
        parts.append(
            f'<text class="tick" x="{at(value):.1f}" y="{height - BOTTOM + 15}" text-anchor="middle">{value:g}</text>'
        )
    for number, (name, mean, std, values) in enumerate(rows):
        middle = ROW * number + ROW / 2
        shown = name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
        parts.append(
            f'<text class="name" x="{NAMES}" y="{middle + 4}" text-anchor="end">{escape(shown)}'
            f"<title>{escape(name)}</title></text>"
        )
        left, width = min(at(0), at(mean)), abs(at(mean) - at(0))
        parts.append(f'<rect class="bar" x="{left:.1f}" y="{middle - 7}" width="{max(width, 0.5):.1f}" height="14"/>')
        parts += [f'<circle class="value" cx="{at(value):.1f}" cy="{middle}" r="2"/>' for value in values]
        if std is not None:
            ends_at = f'x1="{at(mean - std):.1f}" x2="{at(mean + std):.1f}" y1="{middle}" y2="{middle}"'
            parts.append(f'<line class="whisker" {ends_at}/>')
    middle_of_all = (NAMES + _BARS) / 2
    parts.append(
        f'<text class="label" x="{middle_of_all}" y="{height - 8}" text-anchor="middle">{escape(label)}</text>'
    )
    return svg(_BARS, height, title, parts)


def strip(values: Numbers, low: float, high: float) -> Markup:
    """Draw values as dots on a short line from low to high."""
    low, high = wide((low, high))
    parts = ['<line class="grid" x1="4" x2="96" y1="8" y2="8"/>']
    for value in values:
        if value is not None:
            parts.append(f'<circle class="value" cx="{4 + 92 * (value - low) / (high - low):.1f}" cy="8" r="2.5"/>')
    return svg(100, 16, "scores of the folds", parts, kind="strip")


def span(*lists: Numbers) -> tuple[float, float]:
    """Return the least and the greatest of all values."""
    values = [value for values in lists for value in values if value is not None]
    return (min(values), max(values)) if values else (0.0, 1.0)


def ticks(low: float, high: float) -> list[float]:
    """Return about five round numbers from low to high."""
    rough = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    # Rounded: 3 * 0.1 is not what one wants to read.
    found = [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]
    return [value + 0.0 for value in found]


def wide(ends: tuple[float, float]) -> tuple[float, float]:
    """Return ends that differ, so that there is something between them, and that can be subtracted and divided."""
    low, high = (0.0 if abs(end) < _LEAST else max(-_GREATEST, min(end, _GREATEST)) for end in ends)
    least = 1e-9 * max(abs(low), abs(high), 1e-3)
    return (low, high) if high - low > least else (low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2)


def _known(xs: Numbers, ys: Numbers) -> list[tuple[float, float]]:
    return [(x, y) for x, y in zip(xs, ys, strict=False) if x is not None and y is not None]


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def svg(width: float, height: float, title: str, parts: Sequence[str], kind: str = "plot") -> Markup:
    """Return an SVG element of parts in which everything from outside is escaped already.

    It may be shown smaller, but for words no smaller than three fifths.
    """
    told = escape(title)
    shape = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    shape += f' style="min-width: {0.6 * width:.0f}px"'
    whole = f'<svg class="{kind}" role="img" aria-label="{told}" {shape}>{"".join(parts)}</svg>'
    return Markup(whole)  # noqa: S704  escaped part by part
