"""Bars and swarms as matplotlib draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.explain.page import shares, swarm
from app.explain.page.drawing.canvas import AROUND, BAR, DOWN, TEXT, UP, axes, kept, plain, sized
from app.pipelines.reports.plots import wide
from app.pipelines.reports.writing import amount, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Pixels of a bar and of a lane of a swarm, and letters of a name.
_ROW, _SWARM, _NAME = 30, 46, 36

#: Colours of a swarm, from low to high values, and where values have no order.
_VALUES, _NO_ORDER = ("#0b6bcb", "#6a93d0", "#9a8a92", "#c07050", "#d1491c"), "#8a94a2"


def _named(found: Axes, names: Sequence[str], numbers: Sequence[str]) -> None:
    """Write names at the left and numbers at the right of bars, the first one on top."""
    found.set_yticks(range(len(names)), [plain(name, _NAME) for name in names])
    found.set_ylim(len(names) - 0.5, -0.5)
    for place, number in enumerate(numbers):
        found.text(1.01, place, plain(number), transform=found.get_yaxis_transform(), va="center", fontsize=9)


def _whisker(found: Axes, interval: tuple[float, float] | None, place: int) -> None:
    if interval is not None:
        found.plot([kept(side) for side in interval], [place, place], color=TEXT, linewidth=1, marker="|", markersize=5)


def waterfall(figure: Figure, entry: dict[str, Any], unit: str) -> None:
    """Draw the way from the base value to the local prediction."""
    way, base = shares.steps(entry), float(entry["base_value"])
    end = entry.get("local_prediction")
    end = float(end) if end is not None else way[-1].end
    sized(figure, _ROW * (len(way) + 2) + AROUND)
    found = axes(figure, unit)
    largest = max(abs(step.value) for step in way)
    for place, step in enumerate(way, 1):
        up = step.value >= 0
        shape = {"color": UP} if up else {"facecolor": DOWN, "edgecolor": "white", "hatch": "////"}
        low, high = kept(step.start), kept(step.end)
        found.barh(place, high - low, left=low, height=0.55, **shape)  # type: ignore[arg-type]  # each as it takes it
        _whisker(found, step.interval, place)
    found.plot([kept(base), kept(end)], [0, len(way) + 1], "o", color=TEXT)
    beside = shares.compared(entry)
    if beside is not None:
        found.axvline(kept(beside), color=TEXT, linewidth=1, linestyle=":")
    ends = [base, end, *(step.end for step in way), *(side for step in way for side in step.interval or ())]
    _limits(found, [*ends, *([] if beside is None else [beside])])
    numbers = [amount(base), *(signed(step.value, largest) for step in way), amount(end)]
    _named(found, ["base value", *(step.name for step in way), "base value and all contributions"], numbers)


def separate(figure: Figure, bars: Sequence[shares.Bar], unit: str) -> None:
    """Draw bars from 0, with their intervals and single values."""
    sized(figure, _ROW * len(bars) + AROUND)
    found = axes(figure, unit)
    for place, bar in enumerate(bars):
        found.barh(place, kept(bar.value), height=0.55, color=BAR)
        found.plot([kept(value) for value in bar.values], [place] * len(bar.values), ".", color=TEXT, markersize=3)
        _whisker(found, bar.interval, place)
    _limits(found, [0.0, *(value for bar in bars for value in (bar.value, *(bar.interval or ()), *bar.values))])
    found.axvline(0, color=TEXT, linewidth=0.8)
    _named(found, [bar.name for bar in bars], [amount(bar.value, 3) for bar in bars])


def _limits(found: Axes, values: Sequence[float]) -> None:
    low, high = wide((min(values), max(values)))
    found.set_xlim(low - 0.02 * (high - low), high + 0.02 * (high - low))


def row_by_row(figure: Figure, points: dict[str, Any], unit: str) -> None:
    """Draw a dot a row, a lane a column."""
    shown = list(points.items())[: swarm.COLUMNS]
    sized(figure, _SWARM * len(shown) + AROUND)
    found = axes(
        figure, f"{unit.removeprefix('mean size in ')} (blue: low value in the column, orange: high, grey: no order)"
    )
    low, high = swarm.ends(points)
    for place, (_, column) in enumerate(shown):
        dots = swarm.dots(column, low, high)
        colours = [_NO_ORDER if dot.colour is None else _VALUES[dot.colour] for dot in dots]
        heights = [place + 0.4 * dot.off for dot in dots]
        found.scatter([kept(dot.contribution) for dot in dots], heights, s=9, c=colours)
    _limits(found, [low, high])
    found.axvline(0, color=TEXT, linewidth=0.8)
    _named(found, [name for name, _ in shown], [])
