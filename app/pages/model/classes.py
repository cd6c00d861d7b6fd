"""How well classes are told apart: the confusion matrix, a row a class, and curves."""

from __future__ import annotations

from typing import Any

from app.pages.model.figures import axes, colour, guess, label, legend, line, shares
from app.pages.words import number, visible
from app.pipelines.reports.page import by_class as by_class
from app.pipelines.reports.page import confusion as matrix_of
from app.pipelines.reports.page import gains_of, hardest, worst_found
from app.pipelines.reports.plots import COLOURS

#: Classes up to which the matrix is a table; that of more is a figure.
_TABLE = 12

#: Characters of a class beside the matrix, and in a legend.
_AXIS, _LEGEND = 16, 22

#: Pixels of a figure without its legend, and of the matrix: of a class, around it, and at most.
_CURVES, _CELL, _AROUND, _MOST = 320, 16, 150, 900


def confusion(holdout: dict[str, Any]) -> dict[str, Any] | None:
    """Return the confusion matrix: {"rows"} as a table, of many classes {"figure"}; None where there is none."""
    found = matrix_of(holdout)
    if not found:
        return None
    wrong = sum(count for true, (_, row) in enumerate(found) for place, (count, _) in enumerate(row) if place != true)
    told = {"total": sum(count for _, row in found for count, _ in row), "wrong": wrong, "worst": _worst(found)}
    return told | ({"rows": found} if len(found) <= _TABLE else {"figure": _heat(found)})


def middle(name: object, most: int = _AXIS) -> str:
    """Cut a name in its middle: names of many classes often differ at their end."""
    whole = visible(name)
    return whole if len(whole) <= most else f"{whole[: most // 2]}…{whole[1 - most // 2 :]}"


def _worst(found: list[tuple[Any, list[tuple[int, float]]]]) -> list[dict[str, Any]]:
    """Return the pairs of classes that are taken for each other most often."""
    names = [name for name, _ in found]
    pairs = [
        {"true": name, "predicted": names[place], "count": count, "share": share}
        for name, row in found
        for place, (count, share) in enumerate(row)
        if count and names[place] is not name
    ]
    return sorted(pairs, key=lambda pair: -pair["count"])[:3]


def _heat(found: list[tuple[Any, list[tuple[int, float]]]]) -> dict[str, Any]:
    names = [label(middle(name), _AXIS) for name, _ in found]
    # Each class is named once and not in each cell: of a hundred there are ten thousand of these.
    places = _apart([label(name, 60) for name, _ in found])
    trace = {
        "type": "heatmap",
        "x": places,
        "y": places,
        "z": [[round(share, 4) for _, share in row] for _, row in found],
        "customdata": [[count for count, _ in row] for _, row in found],
        "hovertemplate": "%{y} taken for %{x}: %{customdata} rows, %{z:.0%}<extra></extra>",
        "colorscale": [[0, "var:--raised"], [1, "var:--c0"]],
        "zmin": 0,
        "zmax": 1,
        "colorbar": {"thickness": 10, "tickformat": ".0%"},
    }
    ticks = {"tickvals": places, "ticktext": names, "tickfont": {"size": 10}, "showgrid": False}
    layout = axes("predicted", "true")
    # What looks like numbers or dates would be put where these are.
    layout["xaxis"] |= {**ticks, "type": "category", "tickangle": -90}
    layout["yaxis"] |= {**ticks, "type": "category", "autorange": "reversed"}
    return {"data": [trace], "layout": layout, "height": min(_MOST, _CELL * len(found) + _AROUND)}


def _apart(names: list[str]) -> list[str]:
    """Return names of which no two are the same: plotly would take these for one."""
    found: dict[str, None] = {}
    for name in names:
        shown, number = name, 1
        while shown in found:
            number += 1
            shown = f"{name} ({number})"
        found[shown] = None
    return [*found]


def _drawn(curves: list[dict[str, Any]], one: dict[str, Any], kept: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the colour of a curve: that of its class in all figures, where there are so few classes."""
    among = kept if len(curves) > COLOURS else curves
    # Of two classes the curves are of the last.
    place = next(number for number, other in enumerate(among) if other is one) + (len(curves) == 1)
    return {"line": {"color": colour(place)}}


def _legend(name: object, kind: str, value: float | None) -> str:
    return f"{middle(name, _LEGEND)} ({kind} {number(value)})"


def _of(curves: list[dict[str, Any]], kept: list[dict[str, Any]]) -> str:
    known = len(curves)
    return (
        f" Of {known} classes the {len(kept)} that are told apart worst; the table has all."
        if len(kept) < known
        else ""
    )


def _roc(drawn: dict[str, Any]) -> dict[str, Any] | None:
    curves = drawn.get("roc") or []
    kept = [curve for curve in hardest(curves, "auc") if curve["auc"] is not None]
    if not kept:
        return None
    lines = [
        line(
            _legend(one["class"], "AUC", one["auc"]),
            one["false_positive_rate"],
            one["true_positive_rate"],
            **_drawn(curves, one, kept),
        )
        for one in kept
    ]
    found = {
        "title": "ROC curve",
        "data": [guess([0, 1], [0, 1]), *lines],
        "layout": shares("false positive rate", "true positive rate"),
        "caption": "How many of a class are found, by how many of the others are taken for it. Dotted: a guess."
        + _of(curves, kept),
    }
    return legend(found, _CURVES)


def _recall(drawn: dict[str, Any]) -> dict[str, Any] | None:
    curves = drawn.get("precision_recall") or []
    kept = [curve for curve in hardest(curves, "average_precision") if curve["average_precision"] is not None]
    if not kept:
        return None
    lines = [
        line(
            _legend(one["class"], "AP", one["average_precision"]),
            one["recall"],
            one["precision"],
            **_drawn(curves, one, kept),
        )
        for one in kept
    ]
    found = {
        "title": "Precision and recall",
        "data": [*(guess([0, 1], [one["share"]] * 2) for one in kept), *lines],
        "layout": shares("recall", "precision"),
        "caption": "How many of those that are called a class are of it, by how many of it are found. Dotted: a guess."
        + _of(curves, kept),
    }
    return legend(found, _CURVES)


def _calibration(drawn: dict[str, Any]) -> dict[str, Any] | None:
    curves = drawn.get("calibration") or []
    known = [curve for curve in curves if curve["mean_predicted"] and curve["brier"] is not None]
    kept = sorted(known, key=lambda curve: -curve["brier"])[:COLOURS]
    if not kept:
        return None
    lines = [
        line(
            _legend(one["class"], "Brier", one["brier"]),
            one["mean_predicted"],
            one["fraction_of_positives"],
            mode="lines+markers",
            text=[f"{count:,} rows" for count in one["counts"]],
            **_drawn(curves, one, kept),
        )
        for one in kept
    ]
    found = {
        "title": "Calibration",
        "data": [guess([0, 1], [0, 1]), *lines],
        "layout": shares("predicted probability", "share that was so"),
        "caption": "How often what was predicted with a probability was so. On the dotted line probabilities can be "
        "taken at their word." + _of(known, kept),
    }
    return legend(found, _CURVES)


def _gains(drawn: dict[str, Any]) -> dict[str, Any] | None:
    every, kept = gains_of(drawn), worst_found(drawn)
    if not kept:
        return None
    lines = [
        line(
            middle(one["class"], _LEGEND),
            one["rows"],
            one["positives"],
            text=[None if value is None else f"lift {value:.3g}" for value in one["lift"]],
            **_drawn(every, one, kept),
        )
        for one in kept
    ]
    found = {
        "title": "Cumulative gains",
        "data": [guess([0, 1], [0, 1]), *lines],
        "layout": shares("share of the rows, highest scores first", "share of the class found"),
        "caption": "How many of a class are found when only the rows with its highest scores are looked at. Dotted: in "
        "any order." + _of(every, kept),
    }
    return legend(found, _CURVES)


#: What draws the curves of classes; of many classes those that are told apart worst.
FIGURES = (_roc, _recall, _calibration, _gains)


def figures(curves: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the curves of classes."""
    return [figure for make in FIGURES if (figure := make(curves))]
