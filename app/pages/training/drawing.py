"""Pictures of a profile: bars of how values are spread, and lines of a few series."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from app.pages import words
from app.payloads.parameters import Kind

if TYPE_CHECKING:
    from app.payloads.profiles.columns import Column
    from app.payloads.profiles.series import Trace
    from app.payloads.profiles.table import Target

#: Width and height of the drawing of a histogram, and share of a bin that its bar takes.
WIDTH, HEIGHT, _BAR = 240, 48, 0.92

#: Whole numbers from which on thousands are set apart.
_GROUPED = 10_000

#: Characters of a day in ISO 8601.
_ISO_DAY = 10

#: Classes that are drawn as bars; the others are counted.
_CLASSES = 12

#: Pixels of the height of one signal's lines, and of what is around them.
_SIGNAL, _AROUND = 140, 110

#: Share of the height that is between two signals.
_GAP = 0.06


def histogram(column: Column) -> list[dict[str, Any]]:
    """Return a rectangle a bin: of whole numbers of few values one a value; empty where nothing is spread."""
    numeric = column.kind in (Kind.NUMBER, Kind.DATE)
    if not numeric or (not column.top and not column.counts):
        return []
    if column.top:
        told = list(column.top)
    else:
        write = _day if column.kind is Kind.DATE else plain
        edges = zip(column.edges, column.edges[1:], strict=False)
        names = [f"{write(low)} to {write(high)}" for low, high in edges]
        told = list(zip(names, column.counts, strict=True))
    width, most = WIDTH / len(told), max(count for _, count in told)
    return [
        {
            "x": round(place * width, 2),
            "y": round(HEIGHT - HEIGHT * count / most, 2),
            "width": round(width * _BAR, 2),
            "height": round(HEIGHT * count / most, 2),
            "title": f"{name}: {words.number(count)}",
        }
        for place, (name, count) in enumerate(told)
    ]


def ends(column: Column) -> list[str]:
    """Return the least, the middle and the greatest value in words, of dates the first and the last day."""
    if column.least is None:
        return []
    if column.kind is Kind.DATE:
        days = [str(column.least)[:_ISO_DAY], str(column.most)[:_ISO_DAY]]
        return days if days[0] != days[1] else [str(column.least), str(column.most)]
    return [plain(column.least), f"median {plain(column.middle)}", plain(column.most)]


def plain(value: float | str | None) -> str:
    """Write a number of a column: years and codes have no commas."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _GROUPED:
        return str(int(value))
    return words.number(value)


def _day(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return words.number(seconds)


def bars(counts: list[tuple[str, int]], of: int) -> list[dict[str, Any]]:
    """Return a bar a value, as wide as its share of the most frequent one."""
    most = max((count for _, count in counts), default=1)
    return [
        {"name": name, "count": count, "share": count / of if of else 0, "width": round(100 * count / most, 1)}
        for name, count in counts
    ]


def classes(target: Target) -> list[dict[str, Any]]:
    """Return a bar a class, and one of all that are not drawn."""
    counts = list(target.counts.items())
    rest = sum(count for _, count in counts[_CLASSES:])
    shown = bars(counts[:_CLASSES], target.samples)
    if rest:
        others = {"name": f"{len(counts) - _CLASSES} more", "count": rest, "share": rest / target.samples, "width": 0}
        shown.append(others)
    return shown


def lines(traces: tuple[Trace, ...]) -> tuple[dict[str, Any], int] | None:
    """Return the figure of a few series, a row of it a signal, and its height in pixels; None where there are none."""
    if not traces:
        return None
    signals = list(dict.fromkeys(trace.signal for trace in traces))
    groups = list(dict.fromkeys(trace.label if trace.label is not None else trace.series for trace in traces))
    data, named = [], set()
    for trace in traces:
        group = trace.label if trace.label is not None else trace.series
        row = signals.index(trace.signal) + 1
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                # plotly reads a part of HTML in its texts.
                "name": escape(words.short(group, 30)),
                "legendgroup": str(groups.index(group)),
                "showlegend": group not in named and group != "",
                "x": list(trace.x),
                "y": list(trace.y),
                "line": {"color": f"var:--c{groups.index(group) % 6}", "width": 1.5},
                "hovertemplate": f"{escape(words.short(trace.series, 30))}: %{{y}}<extra></extra>",
                "xaxis": "x",
                "yaxis": "y" if row == 1 else f"y{row}",
            }
        )
        named.add(group)
    return {"data": data, "layout": _rows(signals)}, _SIGNAL * len(signals) + _AROUND


def _rows(signals: list[str]) -> dict[str, Any]:
    """Lay out an axis a signal, one above the other over the same times."""
    layout: dict[str, Any] = {"xaxis": {"anchor": "y" if len(signals) == 1 else f"y{len(signals)}"}}
    each = (1 - _GAP * (len(signals) - 1)) / len(signals)
    for place, signal in enumerate(signals):
        top = 1 - place * (each + _GAP)
        layout["yaxis" if place == 0 else f"yaxis{place + 1}"] = {
            "title": {"text": escape(words.short(signal, 24))},
            "domain": [max(0.0, round(top - each, 4)), round(top, 4)],
        }
    return layout
