"""Series as plots: the signals that were sent, and of a forecast what comes next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from app.pages.asking import sent
from app.pages.model.figures import label
from app.pages.points import LINE
from app.payloads import kinds
from app.payloads.outline import outline
from app.payloads.training import SINGLE_SERIES

if TYPE_CHECKING:
    import pandas as pd

    from app.payloads.signature import Signature
    from app.payloads.uploads import Upload
    from app.settings import Settings
    from app.store.record import Record

#: Series and signals that are drawn.
SERIES, SIGNALS = 4, 6

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
        line = _line(str(target), 1 - len(past), past)
        # From the last value on, so that the lines meet.
        ahead = {
            **_line("forecast", 0, [past[-1], *told]),
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
    return [_line(str(name), 0, signal.tolist()) for name, signal in stacked[:SIGNALS]]


def _line(name: str, first: int, samples: list[Any]) -> dict[str, Any]:
    """Return a line of samples, counted from `first` on; of very many those that show its outline."""
    known = [one if isinstance(one, int | float) and math.isfinite(one) else None for one in samples]
    places = outline(known, LINE)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(name, _NAME),
        "x": [first + place for place in places],
        "y": [known[place] for place in places],
    }


def _figure(lines: list[dict[str, Any]], title: str = "samples") -> dict[str, Any]:
    # Below, names would run into the title of the axis where a screen is narrow.
    above = {"orientation": "h", "y": 1.02, "yanchor": "bottom"}
    several = len(lines) > 1
    layout = {"xaxis": {"title": {"text": title}}, "showlegend": several, "legend": above}
    return {"data": lines, "layout": layout | {"margin": {"l": 48, "r": 12, "t": 36 if several else 12, "b": 40}}}
