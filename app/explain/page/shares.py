"""Contributions as bars: from a base value to a prediction, or each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app.explain.page.labels import label, others, scaled
from app.explain.page.lanes import Lanes
from app.pipelines.reports.writing import amount, signed

#: Standard errors on either side in which 95 % of all estimates lie, as in the answer's intervals.
_INTERVAL = 1.96

#: Bars that are drawn; the others are in the table.
BARS = 30


@dataclass(frozen=True)
class Step:
    """One bar of a waterfall: from where to where, and the interval in which its end lies."""

    name: str
    value: float
    start: float
    interval: tuple[float, float] | None = None

    @property
    def end(self) -> float:
        """Where the next one starts."""
        return self.start + self.value


@dataclass(frozen=True)
class Bar:
    """A bar by itself, with an interval and single values."""

    name: str
    value: float
    interval: tuple[float, float] | None = None
    values: tuple[float, ...] = ()


def steps(entry: dict[str, Any]) -> list[Step]:
    """Return the bars from the base value to the local prediction, the others as one."""
    found, at = [], float(entry["base_value"])
    for one in entry["contributions"][:BARS]:
        interval = interval_of(one)
        within = None if interval is None else (at + interval[0], at + interval[1])
        found.append(Step(label(one), one["contribution"] or 0.0, at, within))
        at = found[-1].end
    hidden = entry["contributions"][BARS:]
    rest = (entry.get("rest") or {}).get("contribution") or 0.0
    left = rest + sum(one["contribution"] or 0.0 for one in hidden)
    if hidden or others(entry):
        count = len(hidden) + ((entry.get("rest") or {}).get("features") or 0)
        found.append(Step(f"{count:,} other{'s' if count > 1 else ''}", left, at))
    return found


def interval_of(one: dict[str, Any]) -> tuple[float, float] | None:
    """Return the interval of a contribution; None where it has none, or none that is known."""
    low, high = one.get("interval") or (None, None)
    return None if low is None or high is None else (float(low), float(high))


def waterfall(entry: dict[str, Any], unit: str) -> Markup:
    """Draw the way from the base value to the local prediction."""
    way, base = steps(entry), float(entry["base_value"])
    end = entry.get("local_prediction")
    end = float(end if end is not None else way[-1].end if way else base)
    beside = compared(entry)
    ends = [base, end, *(step.end for step in way), *(side for step in way for side in step.interval or ())]
    largest = max((abs(step.value) for step in way), default=0.0)
    lanes = Lanes("contributions from the base value to the prediction", [*ends, *([] if beside is None else [beside])])
    lanes.dot(base, lanes.lane("base value", scaled(base, entry), kind="name end"), "end", 4)
    for step in way:
        middle = lanes.lane(step.name, signed(step.value, largest))
        lanes.arrow(step.start, step.end, middle)
        if step.interval is not None:
            lanes.whisker(*step.interval, middle)
    lanes.dot(end, lanes.lane("base value and all contributions", scaled(end, entry), kind="name end"), "end", 4)
    lanes.upright(base, "guess line")
    if beside is not None:
        lanes.upright(beside, "target")
    return lanes.drawn(unit)


def compared(entry: dict[str, Any]) -> float | None:
    """Return what the pipeline itself predicts, where that is in the unit of the contributions."""
    if entry.get("scale") not in ("probability", "value") or entry.get("prediction") is None:
        return None
    return float(entry["prediction"])


def bars_of(entry: dict[str, Any]) -> list[Bar]:
    """Return a bar a contribution; dots are the single values of one that was repeated."""
    spread = entry.get("spread") if isinstance(entry.get("spread"), dict) else {}
    found = []
    for one in entry["contributions"][:BARS]:
        repeated = (spread or {}).get(one["feature"]) or {}
        values = tuple(value for value in repeated.get("values") or () if value is not None)
        found.append(Bar(label(one), one["contribution"] or 0.0, interval_of(one), values))
    return found


def pairs_of(entry: dict[str, Any]) -> list[Bar]:
    """Return a bar a pair of columns."""
    found = []
    for pair in entry["interactions"][:BARS]:
        value, error = pair["interaction"] or 0.0, _INTERVAL * (pair.get("standard_error") or 0.0)
        found.append(Bar(" × ".join(map(str, pair["features"])), value, (value - error, value + error)))
    return found


def bars(title: str, found: Sequence[Bar], unit: str) -> Markup:
    """Draw bars from 0."""
    ends = [0.0, *(value for bar in found for value in (bar.value, *(bar.interval or ()), *bar.values))]
    lanes, largest = Lanes(title, ends), max((abs(bar.value) for bar in found), default=0.0)
    has_signs = any(bar.value < 0 for bar in found)
    for bar in found:
        middle = lanes.lane(bar.name, signed(bar.value, largest) if has_signs else amount(bar.value, 3))
        lanes.bar(bar.value, middle)
        for value in bar.values:
            lanes.dot(value, middle)
        if bar.interval is not None:
            lanes.whisker(*bar.interval, middle)
    lanes.upright(0.0, "axis")
    return lanes.drawn(unit)
