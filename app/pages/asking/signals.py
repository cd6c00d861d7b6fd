"""Series as plots: the signals that were sent, and of a forecast what comes next."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from app.pages.asking import sent
from app.payloads import kinds
from app.payloads.training import SINGLE_SERIES

if TYPE_CHECKING:
    import pandas as pd

    from app.payloads.signature import Signature
    from app.payloads.uploads import Upload
    from app.settings import Settings
    from app.store.record import Record

#: Series and signals that are drawn, and points of a line: of more, those that show the outline.
SERIES, SIGNALS, POINTS = 4, 6, 600

#: Steps of the past that are drawn before one of a forecast.
_PAST = 6

#: Characters of a name in a plot.
_NAME = 40


def of_prediction(
    upload: Upload, record: Record, found: dict[str, list[Any]], settings: Settings
) -> list[dict[str, Any]]:
    """Return what is drawn of the series that were predicted; nothing of other data."""
    signature = sent.signature_of(record)
    if not sent.of_series(signature):
        return []
    frame = sent.table(upload, signature, settings)
    if record.task == "forecasting":
        return forecast(frame, signature, record, found)
    return drawn(frame, signature)


def drawn(frame: pd.DataFrame, signature: Signature) -> list[dict[str, Any]]:
    """Return a figure of each of the first series."""
    return [
        {"name": str(name), "figure": _figure(_lines(one, signature))}
        for name, one in _series(frame, signature)[:SERIES]
    ]


def forecast(
    frame: pd.DataFrame, signature: Signature, record: Record, found: dict[str, list[Any]]
) -> list[dict[str, Any]]:
    """Return a figure of each of the first series, with what comes next."""
    target = record.parameters.get("target")
    figures = []
    for name, one in _series(frame, signature)[:SERIES]:
        steps = [place for place, identity in enumerate(found["id"]) if name is None or str(identity) == str(name)]
        told = [found["prediction"][place] for place in steps]
        past = _ordered(one, signature)[target].tolist()[-_PAST * max(1, len(told)) :]
        line = _line(str(target), [*range(1 - len(past), 1)], past)
        # From the last value on, so that the lines meet.
        ahead = {
            **_line("forecast", [*range(len(told) + 1)], [past[-1], *told]),
            "line": {"dash": "dot", "color": "var:--c1"},
            "mode": "lines+markers",
        }
        title = "" if name is None else str(name)
        figures.append({"name": title, "figure": _figure([line, ahead], "steps from the last value")})
    return figures


def _series(frame: pd.DataFrame, signature: Signature) -> list[tuple[Any, pd.DataFrame]]:
    if signature.id_column == SINGLE_SERIES or signature.id_column not in frame.columns:
        return [(None, frame)]
    return [(name, frame[frame[signature.id_column] == name]) for name in frame[signature.id_column].unique()[:SERIES]]


def _ordered(one: pd.DataFrame, signature: Signature) -> pd.DataFrame:
    """Return the rows of a series in the order that the pipeline brings them to: text of dates may sort otherwise."""
    for column in signature.columns:
        if column.role == "sort" and column.name in one.columns:
            order = kinds.read(one[column.name], column.reading).sort_values(kind="stable")
            return one.loc[order.index]
    return one


def _lines(one: pd.DataFrame, signature: Signature) -> list[dict[str, Any]]:
    """Return a line a signal, whether signals are columns, or stacked under one another."""
    ordered = _ordered(one, signature)
    kinds, values = signature.names("signal"), signature.names("value")
    if kinds:
        stacked = [(name, ordered.loc[ordered[kinds[0]] == name, values[0]]) for name in ordered[kinds[0]].unique()]
    else:
        stacked = [(name, ordered[name]) for name in values]
    lines = []
    for name, signal in stacked[:SIGNALS]:
        samples = signal.tolist()
        places = thinned(samples, POINTS)
        lines.append(_line(str(name), places, [samples[place] for place in places]))
    return lines


def thinned(samples: list[Any], most: int) -> list[int]:
    """Return the places of at most so many samples: of neighbours the least and the greatest."""
    if len(samples) <= most:
        return [*range(len(samples))]
    step = -(-2 * len(samples) // most)
    kept = set()
    for first in range(0, len(samples), step):
        here = [
            place for place in range(first, min(first + step, len(samples))) if isinstance(samples[place], int | float)
        ]
        if here:
            kept |= {min(here, key=samples.__getitem__), max(here, key=samples.__getitem__)}
    return sorted(kept)


def _line(name: str, x: list[int], y: list[Any]) -> dict[str, Any]:
    # Plots read a part of HTML in their texts.
    short = html.escape(name if len(name) <= _NAME else name[: _NAME - 1] + "…", quote=False)
    return {"type": "scatter", "mode": "lines", "name": short, "x": x, "y": [None if one != one else one for one in y]}


def _figure(lines: list[dict[str, Any]], title: str = "samples") -> dict[str, Any]:
    # Below, names would run into the title of the axis where a screen is narrow.
    above = {"orientation": "h", "y": 1.02, "yanchor": "bottom"}
    several = len(lines) > 1
    layout = {"xaxis": {"title": {"text": title}}, "showlegend": several, "legend": above}
    return {"data": lines, "layout": layout | {"margin": {"l": 48, "r": 12, "t": 36 if several else 12, "b": 40}}}
