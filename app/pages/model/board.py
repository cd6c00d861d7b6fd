"""The leaderboard: what else was tried, and how kinds of models compare."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from app.pages.model.figures import label
from app.pages.points import ranked
from app.pages.words import candidate, kind_of_model, metric
from app.pipelines.reports.plots import span, strip

if TYPE_CHECKING:
    from app.store.record import Record

#: Rows of the table and kinds of the figure, the others are counted; and points of a kind.
_ROWS, _KINDS, _POINTS = 60, 14, 150

#: Pixels of a box, and around the boxes.
_BOX, _AROUND = 30, 80


def told(leaderboard: list[dict[str, Any]], record: Record, remembered: bool) -> dict[str, Any]:
    """Return the rows and the figure.

    Parameters
    ----------
    remembered
        Whether the job is, with what its rows are trained of again.
    """
    rows = leaderboard[:_ROWS]
    ends = span(*(row.get("fold_scores") or [] for row in rows if row.get("score") is not None))
    return {
        "rows": [
            row | {"strip": _strip(row, ends), "kind": kind(row["name"]), "shown": candidate(row["name"])}
            for row in rows
        ],
        "more": len(leaderboard) - len(rows),
        "failed": sum(1 for row in leaderboard if row.get("score") is None),
        "figure": _boxes(leaderboard, record),
        "promotes": remembered and not record.provisional,
    }


def kind(name: str) -> str:
    """Return the kind of a candidate: `linear 3` is linear, and a pipeline is what stands at its end."""
    last = name.rpartition(" > ")[2] or name
    return re.sub(r" \d+$", "", kind_of_model(last) if "(" in last or "." in last else last)


def _strip(row: dict[str, Any], ends: tuple[float, float]) -> Any:
    return strip(row["fold_scores"], *ends) if row.get("score") is not None and row.get("fold_scores") else None


def _boxes(leaderboard: list[dict[str, Any]], record: Record) -> dict[str, Any] | None:
    """Draw the scores of each kind, the best kind at the top; None where there is one kind only."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for row in leaderboard:
        if row.get("score") is not None:
            kinds.setdefault(kind(row["name"]), []).append(row)
    if len(kinds) < 2:
        return None
    # Of what was scored on some folds only the ranks come later, whatever the scores.
    best = min if _less_is_better(leaderboard) else max
    order = sorted(kinds.items(), key=lambda pair: best(row["score"] for row in pair[1]), reverse=best is max)
    shown = [(name, _some(rows)) for name, rows in order[:_KINDS]]
    data = [
        {
            "type": "box",
            "name": label(name),
            "x": [row["score"] for row in some],
            "y": [place] * len(some),
            "text": [label(candidate(row["name"]), 60) for row in some],
            "orientation": "h",
            "boxpoints": "all",
            "jitter": 0.4,
            "pointpos": 0,
            "marker": {"size": 5, "color": "var:--c0"},
            "line": {"color": "var:--c0", "width": 1.2},
            "fillcolor": "rgba(120,140,170,.18)",
            "hovertemplate": "%{text}: %{x:.4g}<extra></extra>",
        }
        for place, (name, some) in enumerate(shown)
    ]
    ticks = {"tickvals": list(range(len(shown))), "ticktext": [label(name) for name, _ in shown]}
    measured = metric(record.result.get("metric"))
    layout = {
        "xaxis": {"title": {"text": label(f"{measured}, mean over the folds", 60)}},
        "yaxis": {**ticks, "range": [len(shown) - 0.4, -0.6], "showgrid": False},
        "showlegend": False,
    }
    return {"data": data, "layout": layout, "height": _BOX * len(shown) + _AROUND, "more": len(kinds) - len(shown)}


def _some(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a kind that are drawn: of very many some of each rank, which leave the box as it is."""
    return [rows[place] for place in ranked([row["score"] for row in rows], _POINTS)]


def _less_is_better(leaderboard: list[dict[str, Any]]) -> bool:
    """Tell by how the first rows are ranked whether the metric is a loss."""
    scores = [row["score"] for row in leaderboard if row.get("score") is not None]
    return next((one < two for one, two in pairwise(scores) if one != two), False)
