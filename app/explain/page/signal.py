"""Signals with their stretches: the line, shaded by contribution, and below it each contribution as a bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from app.pipelines.reports.plots import span, svg, ticks, wide
from app.pipelines.reports.writing import signed

#: Pixels: of the whole, left and right of the line, above it, of it, of the bars, between these, and below.
_WIDTH, _LEFT, _RIGHT, _TOP, _LINE, _BARS, _BETWEEN, _BOTTOM = 640, 64, 10, 8, 150, 64, 14, 44

#: Pixels of the width of a letter.
_LETTER = 8

#: Samples from where on only the least and the greatest of neighbours are drawn.
_MOST = 1200

#: Least and greatest opacity of a shade.
_LIGHT, _DARK = 0.06, 0.42

#: Signals that are drawn, those with the largest contributions.
SIGNALS = 12


@dataclass(frozen=True)
class Stretch:
    """A part of a signal, the end exclusive."""

    start: int
    end: int
    value: float


@dataclass(frozen=True)
class Signal:
    """A signal and the contributions of its stretches.

    Attributes
    ----------
    first
        Number of its first sample in the whole series.
    largest
        Size of the largest contribution in all signals.
    """

    name: str
    values: Sequence[float | None]
    first: int
    stretches: tuple[Stretch, ...]
    largest: float


def signals(entry: dict[str, Any]) -> list[Signal]:
    """Return the signals of an explanation, those with the largest contributions first."""
    largest = max((abs(one["contribution"] or 0.0) for one in entry["contributions"]), default=0.0)
    found = []
    for name, values in entry["signals"].items():
        stretches = tuple(
            Stretch(one["start"], one["end"], one["contribution"] or 0.0)
            for one in entry["contributions"]
            if one["feature"] == name and one.get("end") is not None
        )
        found.append(Signal(name, values, entry.get("start") or 0, stretches, largest))
    return sorted(found, key=lambda one: -max((abs(stretch.value) for stretch in one.stretches), default=0.0))


def thinned(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Return lines of (place, sample), one up to each gap; of very many samples those that show the outline."""
    step = max(1, 2 * len(values) // _MOST)
    lines: list[list[tuple[int, float]]] = [[]]
    for first in range(0, len(values), step):
        here = [(place, value) for place, value in enumerate(values[first : first + step], first) if value is not None]
        if len(here) < min(step, len(values) - first):
            lines.append([])
        if here:
            ends = {min(here, key=lambda one: one[1]), max(here, key=lambda one: one[1])}
            lines[-1] += sorted(ends)
    return [line for line in lines if line]


def drawn(signal: Signal, unit: str) -> Markup:
    """Draw a signal."""
    plot = _Plot(signal)
    return svg(_WIDTH, _TOP + _LINE + _BETWEEN + _BARS + _BOTTOM, plot.title, plot.parts(unit), kind="plot signal")


class _Plot:
    def __init__(self, signal: Signal) -> None:
        self._signal = signal
        self.title = f"signal {signal.name} with the contributions of its stretches"
        self._x = wide((signal.first, signal.first + max(1, len(signal.values))))
        self._y = wide(span(signal.values))
        self._middle = _TOP + _LINE + _BETWEEN + _BARS / 2

    def parts(self, unit: str) -> list[str]:
        """Return all that is drawn, what lies behind first."""
        return [*self._shades(), *self._axes(unit), *self._bars(), *self._lines()]

    def _across(self, place: float) -> float:
        return _LEFT + (place - self._x[0]) / (self._x[1] - self._x[0]) * (_WIDTH - _LEFT - _RIGHT)

    def _down(self, value: float) -> float:
        return _TOP + _LINE - (value - self._y[0]) / (self._y[1] - self._y[0]) * _LINE

    def _shades(self) -> list[str]:
        found = []
        for one in self._signal.stretches:
            share = abs(one.value) / self._signal.largest if self._signal.largest else 0.0
            left, right = self._across(one.start), self._across(one.end)
            shape = f'x="{left:.1f}" y="{_TOP}" width="{right - left:.1f}" height="{_LINE}"'
            found.append(
                f'<rect class="{_kind(one)}" {shape} fill-opacity="{_LIGHT + share * (_DARK - _LIGHT):.3f}"><title>'
                f"samples {one.start} to {one.end - 1}: {signed(one.value, self._signal.largest)}</title></rect>"
            )
        return found

    def _bars(self) -> list[str]:
        """Draw bars up for what raises the prediction, and down for what lowers it."""
        found = [f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{self._middle}" y2="{self._middle}"/>']
        for one in self._signal.stretches:
            size = abs(one.value) / self._signal.largest * _BARS / 2 if self._signal.largest else 0.0
            left, right = self._across(one.start), self._across(one.end)
            top = self._middle - size if one.value > 0 else self._middle
            shape = f'x="{left + 0.5:.1f}" y="{top:.1f}" width="{max(0.5, right - left - 1):.1f}" height="{size:.1f}"'
            found.append(f'<rect class="{_kind(one)}" {shape}/>')
        return found

    def _lines(self) -> list[str]:
        found = []
        for line in thinned(self._signal.values):
            # A sample stands in the middle of its place.
            points = [(self._across(self._signal.first + place + 0.5), self._down(value)) for place, value in line]
            if len(points) == 1:
                found.append(f'<circle class="trace dot" cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="1.5"/>')
            else:
                found.append(f'<polyline class="trace" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>')
        return found

    def _axes(self, unit: str) -> list[str]:
        found, bottom = [], _TOP + _LINE + _BETWEEN + _BARS
        for value in ticks(*self._y):
            y = self._down(value)
            found.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            found.append(f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
        for value in ticks(*self._x):
            if value == int(value):
                # Its half stands right of the place, and must not run out.
                x = min(self._across(value), _WIDTH - _LETTER * len(f"{value:.0f}") / 2)
                where = f'x="{x:.1f}" y="{bottom + 16}"'
                found.append(f'<text class="tick" {where} text-anchor="middle">{value:.0f}</text>')
        largest = self._signal.largest
        for sign, y in ((1, self._middle - _BARS / 2 + 4), (-1, self._middle + _BARS / 2 + 4)):
            found.append(
                f'<text class="tick" x="{_LEFT - 6}" y="{y:.1f}" text-anchor="end">{signed(sign * largest)}</text>'
            )
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        told = f"sample (bars: {unit})"
        found.append(f'<text class="label" x="{middle}" y="{bottom + 36}" text-anchor="middle">{escape(told)}</text>')
        return found


def _kind(stretch: Stretch) -> str:
    return "up" if stretch.value >= 0 else "down"
