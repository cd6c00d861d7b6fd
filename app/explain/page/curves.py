"""How predictions follow a column: curves of numbers and dates, and of categories a lane each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from app.explain.page.lanes import Lanes, fitted
from app.pipelines.reports.plots import Plot, span
from app.pipelines.reports.writing import amount, cell

#: Columns whose curves are drawn, those with the greatest ups and downs.
CURVES = 24

#: Letters of the name of an axis.
_LETTERS = 40

#: Characters of a date without its time, and of one up to minutes.
_DAY, _MINUTE = 10, 16

#: Seconds of two days: below that dates are written with their time.
_SHORT = 172_800.0


@dataclass(frozen=True)
class Curve:
    """A curve of one column.

    Attributes
    ----------
    kind
        number, date or text.
    xs
        Of numbers the grid, of dates seconds, of texts their places.
    names
        The grid as it is written.
    low, high
        Ends of a band; empty where there is none.
    own
        Place of the row's own value, and its prediction.
    """

    feature: str
    kind: str
    xs: Sequence[float]
    names: Sequence[str]
    middle: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    own: tuple[float, float] | None = None

    @property
    def marks(self) -> list[tuple[float, str]] | None:
        """Dates on the axis; None for numbers, which are written by themselves."""
        if self.kind != "date":
            return None
        chosen = sorted({0, len(self.xs) // 2, len(self.xs) - 1})
        length = _MINUTE if self.xs[-1] - self.xs[0] < _SHORT else _DAY
        return [(self.xs[place], self.names[place][:length].replace("T", " ")) for place in chosen]


def curves(entry: dict[str, Any]) -> list[Curve]:
    """Return the curves of an explanation; one without a point is left out."""
    found = []
    for one in entry["curves"]:
        if one["grid"]:
            kind, xs = _places(one["grid"])
            middle = one["predictions"] if "predictions" in one else one["mean"]
            own = _own(one, kind, xs, entry.get("prediction"))
            names = [cell(value) for value in one["grid"]]
            found.append(Curve(one["feature"], kind, xs, names, middle, one.get("low", ()), one.get("high", ()), own))
    return found


def _places(grid: Sequence[Any]) -> tuple[str, list[float]]:
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in grid):
        return "number", [float(value) for value in grid]
    dates = [moment(value) for value in grid]
    known = [value for value in dates if value is not None]
    # Categories are in the order of how often they occur.
    if len(known) == len(grid) and known == sorted(known):
        return "date", known
    return "text", [float(place) for place in range(len(grid))]


def moment(value: Any) -> float | None:
    """Return the seconds of a date; None of anything else."""
    if not isinstance(value, str) or len(value) < _DAY or value[4] != "-":
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _own(one: dict[str, Any], kind: str, xs: Sequence[float], prediction: float | None) -> tuple[float, float] | None:
    value = one.get("value")
    if value is None or prediction is None:
        return None
    if kind == "text":
        return (xs[one["grid"].index(value)], prediction) if value in one["grid"] else None
    place = moment(value) if kind == "date" else value
    return None if not isinstance(place, int | float) else (float(place), prediction)


def ends(found: Sequence[Curve]) -> tuple[float, float]:
    """Return the least and the greatest prediction of all curves, and of the row, so that they can be compared."""
    own = [one.own[1] for one in found if one.own is not None]
    return span(own, *(values for one in found for values in (one.middle, one.low, one.high)))


def drawn(curve: Curve, y: tuple[float, float], unit: str) -> Markup:
    """Draw a curve with its band; the row's own value is marked."""
    if curve.kind == "text":
        return _lanes(curve, y, unit)
    title = f"{unit} by {curve.feature}"
    x = span(curve.xs, [] if curve.own is None else [curve.own[0]])
    plot = Plot(title, x, y, fitted(curve.feature, _LETTERS), fitted(unit, _LETTERS), curve.marks)
    if len(curve.low):
        plot.band(curve.xs, curve.low, curve.high)
    plot.line(curve.xs, curve.middle, dots=True)
    if curve.own is not None:
        place, prediction = curve.own
        plot.line([place, place], y, "guess").line([place], [prediction], "c1", dots=True)
    return plot.drawn()


def _lanes(curve: Curve, y: tuple[float, float], unit: str) -> Markup:
    lanes = Lanes(f"{unit} by {curve.feature}", y)
    for place, (name, value) in enumerate(zip(curve.names, curve.middle, strict=True)):
        own = curve.own is not None and curve.own[0] == place
        middle = lanes.lane(f"{name} (this row)" if own else name, amount(value, 3), kind="name end" if own else "name")
        if len(curve.low) and curve.low[place] is not None and curve.high[place] is not None:
            lanes.whisker(float(curve.low[place] or 0.0), float(curve.high[place] or 0.0), middle)
        if value is not None:
            lanes.dot(value, middle, "dot c1" if own else "dot", 4)
    return lanes.drawn(unit)
