"""What each kind of explanation draws into a figure of matplotlib; see `picture`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.explain.page import curves, images, shares, signal, tables
from app.explain.page import surface as surfaces
from app.explain.page.drawing import bars
from app.explain.page.drawing.canvas import AROUND, BAR, DOWN, TEXT, UP, kept, nothing, plain, sized
from app.pipelines.reports.plots import span, wide
from app.pipelines.reports.writing import amount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Pixels of a signal, of a line of curves, of a surface, and of a line of a table.
_SIGNAL, _CURVE, _SURFACE, _LINE = 230, 270, 560, 30

#: Bars, signals, curves, curves in a line, and lines of a table that are drawn.
_BARS, _SIGNALS, _CURVES, _ACROSS, _LINES = 20, 3, 6, 3, 20

#: Letters of a name, of one on a small plot, and in all the columns of a table.
_NAME, _SHORT, _ALL = 36, 26, 104


def draw(figure: Figure, entry: dict[str, Any], unit: str, measured: str) -> None:
    """Draw an explanation.

    Parameters
    ----------
    unit, measured
        What contributions, and what predictions are.
    """
    found = entry.get("counterfactuals") or entry.get("nearest")
    if "signals" in entry:
        _signals(figure, signal.signals(entry)[:_SIGNALS], unit)
    elif "map" in entry or "regions" in entry:
        _images(figure, images.layers(entry))
    elif entry.get("curves"):
        _curves(figure, curves.curves(entry), measured)
    elif "surface" in entry:
        _surface(figure, entry["surface"], measured)
    elif found:
        _compared(figure, tables.compared(entry, measured)[0])
    elif any(one["contributions"] for one in (entry.get("points") or {}).values()):
        bars.row_by_row(figure, entry["points"], unit)
    elif entry.get("interactions"):
        bars.separate(figure, shares.pairs_of(entry)[:_BARS], unit)
    elif entry["contributions"] and "id" in entry and entry.get("base_value") is not None:
        bars.waterfall(figure, entry, unit)
    elif entry["contributions"]:
        bars.separate(figure, shares.bars_of(entry)[:_BARS], unit)
    else:
        nothing(figure, entry.get("note") or "Nothing was found.")


def _signals(figure: Figure, signals: Sequence[signal.Signal], unit: str) -> None:
    sized(figure, _SIGNAL * len(signals) + AROUND)
    for place, one in enumerate(signals, 1):
        found = figure.add_subplot(len(signals), 1, place)
        largest = one.largest or 1.0
        for stretch in one.stretches:
            up, share = stretch.value >= 0, abs(stretch.value) / largest
            look = {"facecolor": UP if up else DOWN, "hatch": None if up else "///", "edgecolor": "white"}
            span_of = found.axvspan(stretch.start, stretch.end, alpha=0.08 + 0.42 * share, linewidth=0)
            span_of.set(**look)
        for line in signal.thinned(one.values):
            xs, ys = [one.first + at + 0.5 for at, _ in line], [kept(value) for _, value in line]
            found.plot(xs, ys, color=TEXT, linewidth=1.2, marker="." if len(line) == 1 else "")
        found.set_title(plain(one.name), fontsize=10, loc="left")
        found.margins(x=0)
        found.tick_params(labelsize=8)
        if place == len(signals):
            told = f"sample (orange raises, blue and striped lowers, by up to {amount(largest, 3)} in {unit})"
            found.set_xlabel(plain(told, 100), fontsize=9)


def _images(figure: Figure, layers: Sequence[images.Layer]) -> None:
    height, width = layers[0].pixels.shape[:2]
    sized(figure, min(1200, 300 * height / width) + AROUND)
    for place, layer in enumerate(layers, 1):
        found = figure.add_subplot(1, len(layers), place)
        found.imshow(layer.pixels, interpolation="nearest")
        found.set_axis_off()
        found.set_title(plain(layer.name), fontsize=10)


def _curves(figure: Figure, found: Sequence[curves.Curve], measured: str) -> None:
    shown, y = found[:_CURVES], wide(curves.ends(found))
    lines = -(-len(shown) // _ACROSS)
    sized(figure, _CURVE * lines + AROUND)
    for place, one in enumerate(shown, 1):
        plot = figure.add_subplot(lines, min(_ACROSS, len(shown)), place)
        _curve(plot, one)
        plot.set_ylim(y[0] - 0.04 * (y[1] - y[0]), y[1] + 0.04 * (y[1] - y[0]))
        plot.set_title(plain(one.feature, _SHORT), fontsize=10)
        plot.tick_params(labelsize=8)
        if place % _ACROSS == 1 or len(shown) == 1:
            plot.set_ylabel(plain(measured, _SHORT), fontsize=9)


def _curve(plot: Axes, one: curves.Curve) -> None:
    known = [place for place, value in enumerate(one.middle) if value is not None]
    xs, ys = [kept(one.xs[place]) for place in known], [kept(one.middle[place] or 0.0) for place in known]
    if len(one.low):
        low, high = ([kept(values[place] or 0.0) for place in known] for values in (one.low, one.high))
        if one.kind == "text":
            plot.vlines(xs, low, high, color=BAR)
        else:
            plot.fill_between(xs, low, high, color=BAR, alpha=0.3, linewidth=0)
    plot.plot(xs, ys, "o" if one.kind == "text" else "o-", color=DOWN, markersize=3)
    if one.own is not None:
        plot.axvline(kept(one.own[0]), color=TEXT, linewidth=0.8, linestyle="--")
        plot.plot([kept(one.own[0])], [kept(one.own[1])], "D", color=UP)
    if one.kind == "text":
        plot.set_xticks(one.xs, [plain(name, 10) for name in one.names], rotation=60)
        plot.margins(x=0.15)
    elif one.marks is not None:
        plot.set_xticks(*zip(*one.marks, strict=True))


def _surface(figure: Figure, surface: dict[str, Any], measured: str) -> None:
    rows, columns = surface["grids"]
    sized(figure, _SURFACE)
    plot = figure.add_subplot()
    low, high = wide(span(*surface["mean"]))
    values = [[float("nan") if value is None else kept(value) for value in row] for row in surface["mean"]]
    image = plot.imshow(values, origin="lower", aspect="auto", cmap="inferno", vmin=low, vmax=high)
    for grid, ticks in ((rows, plot.set_yticks), (columns, plot.set_xticks)):
        chosen = sorted({round(place * (len(grid) - 1) / 4) for place in range(5)})
        ticks(chosen, [plain(surfaces.named(grid[place]), 12) for place in chosen])
    plot.set_ylabel(plain(surface["features"][0], _NAME))
    plot.set_xlabel(plain(surface["features"][1], _NAME))
    figure.colorbar(image, label=plain(measured, _NAME))


def _compared(figure: Figure, table: tables.Table) -> None:
    """Write a table: what is other than in the row is bold, and has a mark."""
    lines = [table.heads, *table.rows][:_LINES]
    count = min(len(table.heads), 5)
    sized(figure, _LINE * len(lines) + AROUND)
    plot = figure.add_subplot()
    plot.set_axis_off()
    plot.set_ylim(len(lines), -1)
    plot.set_xlim(0, count)
    plot.axhline(0.5, color="#d9dee5", linewidth=1)
    for place, line in enumerate(lines):
        for column, one in enumerate(line[:count]):
            changed = one.kind == "changed"
            text = plain(f"≠ {one.text}" if changed else one.text, _ALL // count)
            weight = "bold" if changed or place == 0 else "normal"
            plot.text(column, place, text, fontsize=9, va="center", weight=weight, color=TEXT)
