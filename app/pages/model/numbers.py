"""How well numbers are predicted: beside the true ones, and by how much they miss."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from app.pages.model.figures import axes, guess
from app.pages.points import FIGURE
from app.pages.words import number

_HEIGHT = 340


def figures(residuals: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the figures of predicted numbers; none of classes."""
    if not residuals:
        return []
    return [_pairs(residuals["sample"]), _errors(residuals["histogram"], residuals.get("bias"))]


def _pairs(sample: dict[str, Any]) -> dict[str, Any]:
    # A report has some hundred rows, drawn at random.
    predicted, true = sample["predicted"][:FIGURE], sample["true"][:FIGURE]
    known = [value for value in (*predicted, *true) if value is not None]
    ends = [min(known, default=0), max(known, default=1)]
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": predicted,
        "y": true,
        "marker": {"size": 6, "opacity": 0.5, "color": "var:--c0"},
        "hovertemplate": "predicted %{x:.4g}, true %{y:.4g}<extra></extra>",
        "showlegend": False,
    }
    return {
        "title": "True and predicted",
        "data": [guess(ends, ends), points],
        "layout": axes("predicted", "true"),
        "height": _HEIGHT,
        "caption": "A point a row that was held out, of at most 500. On the dotted line the prediction is exact.",
    }


def _errors(histogram: dict[str, Any], bias: float | None) -> dict[str, Any]:
    edges, counts = histogram["edges"], histogram["counts"]
    bins = {
        "type": "bar",
        "x": [(low + high) / 2 for low, high in pairwise(edges)],
        "y": counts,
        "width": [high - low for low, high in pairwise(edges)],
        "text": [
            f"{low:.4g} … {high:.4g}: {count:,}" for low, high, count in zip(edges, edges[1:], counts, strict=False)
        ],
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"color": "var:--c0", "opacity": 0.75},
        "showlegend": False,
    }
    return {
        "title": "Residuals",
        "data": [bins],
        "layout": axes("true − predicted", "rows", bargap=0),
        "height": _HEIGHT,
        "caption": f"By how much predictions miss; on average by {number(bias)}. What lies farther out counts in the "
        "outermost bars.",
    }
