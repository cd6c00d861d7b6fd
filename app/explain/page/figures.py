"""The figures of an explanation, by what it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.explain.page import curves, images, shares, signal, surface, swarm
from app.pipelines.reports.writing import amount

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True)
class Figure:
    """A plot, or images beside each other.

    Attributes
    ----------
    kind
        curve, of which several stand in a line.
    signs
        Whether what raises and what lowers a prediction is to be told by a legend; `values` that of a swarm.
    """

    name: str
    plot: Markup | None = None
    layers: Sequence[images.Layer] = ()
    caption: str = ""
    kind: str = ""
    signs: bool = False
    values: bool = False


def figures(entry: dict[str, Any], unit: str, predictions: str) -> list[Figure]:
    """Return what is drawn of an explanation.

    Parameters
    ----------
    unit, predictions
        What contributions and what predictions are.
    """
    found: list[Figure] = []
    if "signals" in entry:
        found += _signals(entry, unit)
    if "map" in entry or "regions" in entry:
        found.append(_images(entry))
    if "curves" in entry:
        found += _curves(entry, predictions)
    if "surface" in entry:
        found.append(_surface(entry["surface"], predictions))
    if "interactions" in entry:
        plot = shares.bars("interactions", shares.pairs_of(entry), unit)
        found.append(Figure("What pairs of columns do together", plot, caption=_WHISKERS))
    if entry["contributions"] and not {"signals", "regions", "curves", "surface"} & entry.keys():
        found.append(_contributions(entry, unit))
    if any(one["contributions"] for one in (entry.get("points") or {}).values()):
        found.append(_swarm(entry, unit))
    return found


_WHISKERS = "Whiskers: 95 % intervals."


def _contributions(entry: dict[str, Any], unit: str) -> Figure:
    whiskers = f" {_WHISKERS}" if any(one.get("interval") for one in entry["contributions"]) else ""
    if "id" not in entry or entry.get("base_value") is None:
        name = "What each column does by itself" if "interactions" in entry else "By size"
        dots = " Dots: single values." if isinstance(entry.get("spread"), dict) else ""
        plot = shares.bars("contributions", shares.bars_of(entry), unit)
        return Figure(name, plot, caption=f"{whiskers}{dots}".strip())
    beside = " Dotted: what the pipeline itself predicts." if shares.compared(entry) is not None else ""
    caption = f"Each bar starts where the one above ends.{beside}{whiskers}"
    return Figure("From the base value to the prediction", shares.waterfall(entry, unit), caption=caption, signs=True)


def _signals(entry: dict[str, Any], unit: str) -> list[Figure]:
    found = signal.signals(entry)
    hidden = len(found) - signal.SIGNALS
    more = f" {hidden:,} more signals are in the JSON answer." if hidden > 0 else ""
    caption = f"Shaded, and a bar below: the stretches with the largest contributions, on one scale for all.{more}"
    shown = found[: signal.SIGNALS]
    return [
        Figure(one.name, signal.drawn(one, unit), caption="" if place else caption, signs=not place)
        for place, one in enumerate(shown)
    ]


def _images(entry: dict[str, Any]) -> Figure:
    layers = images.layers(entry)
    if "regions" in entry:
        caption = "The numbers are those of the regions in the table. Striped: lowers the prediction."
        return Figure("Regions", layers=layers, caption=caption, signs=True)
    signed_map = any((value or 0.0) < 0 for row in entry["map"] for value in row)
    caption = "Striped: below 0." if signed_map else "Dark is 0; the brighter, the more the model looked there."
    if not any(value for row in entry["map"] for value in row):
        caption = "The map is empty: nothing of what the convolution saw changes the answer."
    return Figure("Where the model looked", layers=layers, caption=caption, signs=signed_map)


def _curves(entry: dict[str, Any], unit: str) -> list[Figure]:
    found, variations = curves.curves(entry), {one["feature"]: one.get("variation") for one in entry["curves"]}
    y, hidden = curves.ends(found), len(found) - curves.CURVES
    figures: list[Figure] = []
    for one in found[: curves.CURVES]:
        told = [f"Ups and downs add up to {amount(variations[one.feature], 3)}."]
        if one.kind == "text" and variations[one.feature] is not None:
            told = [f"From the least to the greatest it is {amount(variations[one.feature], 3)}."]
        if one.own is not None:
            told.append("Marked: this row.")
        if len(one.low):
            told.append(f"{'Whiskers' if one.kind == 'text' else 'Shaded'}: the middle 80 % of the rows.")
        if hidden > 0 and not figures:
            told.append(f"{hidden:,} more columns are in the JSON answer.")
        figures.append(Figure(one.feature, curves.drawn(one, y, unit), caption=" ".join(told), kind="curve"))
    return figures


def _surface(found: dict[str, Any], unit: str) -> Figure:
    caption = (
        "Brighter is more. What is left when the effect of each column by itself is taken off has a standard deviation "
        f"of {amount(found['interaction'], 3)}: above 0 the two act together."
    )
    if max(map(len, found["grids"])) > surface.VALUES:
        caption += f" {surface.VALUES} values of a column are drawn."
    return Figure("Both columns at once", surface.drawn(found, unit), caption=caption)


def _swarm(entry: dict[str, Any], unit: str) -> Figure:
    sizes = {one["feature"]: one["contribution"] for one in entry["contributions"] if one.get("value") is None}
    plot = swarm.drawn(entry["points"], sizes, unit.removeprefix("mean size in "))
    most = max(len(one["contributions"]) for one in entry["points"].values())
    some = f", {swarm.DOTS} of {most:,} drawn" if most > swarm.DOTS else ""
    caption = f"A dot a row{some}; grey where values have no order."
    return Figure("Contributions row by row", plot, caption=caption, values=True)
