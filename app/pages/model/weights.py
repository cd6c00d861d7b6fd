"""What a model looks at: what it loses without a column, and what it says of its columns itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.pages.model.figures import bars, label
from app.pages.words import metric, short

if TYPE_CHECKING:
    from app.store.record import Record

#: Columns and coefficients that are drawn; the others are counted.
_COLUMNS = 25

#: Pixels of a row of a heat map, and around it.
_ROW, _AROUND = 20, 120


def told(importances: dict[str, Any], record: Record) -> dict[str, Any]:
    """Return the figures of importances and coefficients, those that there are."""
    own = importances.get("model") or {}
    return {
        "note": importances.get("note"),
        "rows": importances.get("rows"),
        "repeats": importances.get("repeats"),
        "baseline": importances.get("baseline"),
        "metric": importances.get("metric"),
        "permuted": _permuted(importances),
        # Coefficients say it all, with their signs.
        "own": None if own.get("coefficients") else _own(own),
        "from": own.get("from"),
        "coefficients": _coefficients(own.get("coefficients"), record),
    }


def _permuted(importances: dict[str, Any]) -> dict[str, Any] | None:
    known = [one for one in importances.get("columns") or [] if one["mean"] is not None]
    if not known:
        return None
    shown = known[:_COLUMNS]
    spread = {"type": "data", "array": [one["std"] or 0 for one in shown], "color": "var:--text", "thickness": 1.3}
    of = f"cost in {metric(importances['metric'])}"
    figure = bars([one["name"] for one in shown], [one["mean"] for one in shown], of, error_x=spread)
    places = [(place, value) for place, one in enumerate(shown) for value in one["values"] if value is not None]
    each = {
        "type": "scatter",
        "mode": "markers",
        "x": [value for _, value in places],
        "y": [place for place, _ in places],
        "marker": {"size": 4, "color": "var:--text", "opacity": 0.35},
        "hoverinfo": "skip",
    }
    figure["data"].append(each)
    return figure | {"more": len(known) - len(shown)}


def _own(own: dict[str, Any]) -> dict[str, Any] | None:
    columns = own.get("columns") or []
    if not columns:
        return None
    shown = columns[:_COLUMNS]
    figure = bars([one["name"] for one in shown], [one["importance"] for one in shown], own["from"])
    return figure | {"more": len(columns) - len(shown)}


def _coefficients(found: dict[str, Any] | None, record: Record) -> dict[str, Any] | None:
    """Draw coefficients with their signs: bars, or of several classes a map."""
    if not found or not found["inputs"]:
        return None
    shown = found["inputs"][:_COLUMNS]
    names = [f"{one['column']} {one['part']}".strip() for one in shown]
    n_outputs = len(shown[0]["values"])
    classes = record.result.get("classes") or []
    if n_outputs == 1:
        values = [one["values"][0] for one in shown]
        colours = ["var:--c0" if (value or 0) >= 0 else "var:--c1" for value in values]
        figure = bars(names, values, "coefficient", marker={"color": colours})
    else:
        figure = _map(names, [one["values"] for one in shown], classes[:n_outputs])
    return figure | {
        "more": len(found["inputs"]) - len(shown) + found.get("left_out", 0),
        "means": _means(found["scaled"], classes, n_outputs),
    }


def _means(scaled: bool, classes: list[Any], n_outputs: int) -> str:
    step = "one standard deviation" if scaled else "one unit"
    towards = "the prediction"
    if classes:
        towards = f"the score of {short(classes[-1], 40)}" if n_outputs == 1 else "the score of a class"
    return (
        f"By how much {towards} rises (blue) or falls (orange) when a number is {step} higher, or a category is there."
    )


def _map(names: list[str], values: list[list[float | None]], classes: list[Any]) -> dict[str, Any]:
    most = max((abs(value) for row in values for value in row if value is not None), default=1.0) or 1.0
    trace = {
        "type": "heatmap",
        "z": values,
        "text": [[f"{label(name, 60)}, {label(one, 60)}" for one in classes] for name in names],
        "hovertemplate": "%{text}: %{z:.4g}<extra></extra>",
        "colorscale": [[0, "var:--c1"], [0.5, "var:--raised"], [1, "var:--c0"]],
        "zmin": -most,
        "zmax": most,
        "colorbar": {"thickness": 10},
    }
    rows, columns = list(range(len(names))), list(range(len(classes)))
    layout = {
        "xaxis": {"tickvals": columns, "ticktext": [label(one, 16) for one in classes], "showgrid": False},
        "yaxis": {
            "tickvals": rows,
            "ticktext": [label(name) for name in names],
            "autorange": "reversed",
            "showgrid": False,
        },
    }
    return {"data": [trace], "layout": layout, "height": _ROW * len(names) + _AROUND}
