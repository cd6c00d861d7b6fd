"""How predictions follow two columns at once."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup, escape

from app.explain.page.colours import ramp
from app.explain.page.lanes import fitted
from app.pipelines.reports.plots import span, svg, wide
from app.pipelines.reports.writing import amount, cell

#: Pixels: of the cells, of the names at the left and below, and of the scale at the right.
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _SCALE = 280, 240, 96, 52, 74

#: Values of each column that are drawn.
VALUES = 40

#: Steps of the scale, names on each axis, and letters of them.
_STEPS, _NAMES, _BELOW, _BESIDE, _LETTERS = 24, 5, 9, 12, 34


def drawn(surface: dict[str, Any], unit: str) -> Markup:
    """Draw a cell a pair of values; each row and column of cells is as wide, however far apart the values are."""
    surface = _thinned(surface)
    rows, columns = surface["grids"]
    mean = surface["mean"]
    low, high = wide(span(*mean))
    across, down = _WIDTH / max(1, len(columns)), _HEIGHT / max(1, len(rows))
    parts = []
    # A little more than a cell, so that nothing shines through between them.
    of_a_cell = f'width="{across + 0.3:.1f}" height="{down + 0.3:.1f}"'
    for row, (name, values) in enumerate(zip(rows, mean, strict=True)):
        # Greater values are above.
        y = _HEIGHT - (row + 1) * down
        for column, value in enumerate(values):
            if value is not None:
                shape = f'x="{_LEFT + column * across:.1f}" y="{y:.1f}" {of_a_cell}'
                told = escape(f"{named(name)}, {named(columns[column])}: {amount(value, 3)}")
                parts.append(f'<rect fill="{ramp((value - low) / (high - low))}" {shape}><title>{told}</title></rect>')
    parts += [*_names(surface, across, down), *_scale(low, high, unit)]
    title = f"{unit} by {surface['features'][0]} and {surface['features'][1]}"
    return svg(_LEFT + _WIDTH + _SCALE, _HEIGHT + _BOTTOM, title, parts, kind="plot surface")


def _thinned(surface: dict[str, Any]) -> dict[str, Any]:
    """Return a surface of no more values of each column than can be told apart, its ends among them."""
    down, across = (_chosen(len(grid), VALUES) for grid in surface["grids"])
    rows, columns = surface["grids"]
    return surface | {
        "grids": [[rows[place] for place in down], [columns[place] for place in across]],
        "mean": [[surface["mean"][row][column] for column in across] for row in down],
    }


def _names(surface: dict[str, Any], across: float, down: float) -> list[str]:
    rows, columns = surface["grids"]
    parts = []
    for row in _chosen(len(rows)):
        where = f'x="{_LEFT - 6}" y="{_HEIGHT - (row + 0.5) * down + 4:.1f}" text-anchor="end"'
        parts.append(f'<text class="tick" {where}>{escape(named(rows[row], _BESIDE))}</text>')
    for column in _chosen(len(columns)):
        where = f'x="{_LEFT + (column + 0.5) * across:.1f}" y="{_HEIGHT + 16}" text-anchor="middle"'
        parts.append(f'<text class="tick" {where}>{escape(named(columns[column], _BELOW))}</text>')
    first, second = (escape(fitted(str(name), _LETTERS)) for name in surface["features"])
    turned = f'transform="translate(12 {_HEIGHT / 2}) rotate(-90)"'
    parts.append(f'<text class="label" {turned} text-anchor="middle">{first}</text>')
    where = f'x="{_LEFT + _WIDTH / 2}" y="{_HEIGHT + 40}" text-anchor="middle"'
    parts.append(f'<text class="label" {where}>{second}</text>')
    return parts


def named(value: Any, most: int = _LETTERS) -> str:
    """Write a value of a grid: as a measure, for nobody chose it."""
    return amount(value) if isinstance(value, float) else fitted(cell(value), most)


def _chosen(count: int, most: int = _NAMES) -> list[int]:
    """Return which of so many values are named, or drawn: both ends and others evenly between them."""
    return sorted({round(place * (count - 1) / (most - 1)) for place in range(most)}) if count else []


def _scale(low: float, high: float, unit: str) -> list[str]:
    left, height = _LEFT + _WIDTH + 12, _HEIGHT / _STEPS
    parts = [
        f'<rect fill="{ramp((step + 0.5) / _STEPS)}" x="{left}" y="{_HEIGHT - (step + 1) * height:.1f}" width="12"'
        f' height="{height + 0.3:.1f}"/>'
        for step in range(_STEPS)
    ]
    for value, y in ((high, 10), ((low + high) / 2, _HEIGHT / 2 + 4), (low, _HEIGHT)):
        parts.append(f'<text class="tick" x="{left + 16}" y="{y}">{amount(value, 3)}</text>')
    return parts
