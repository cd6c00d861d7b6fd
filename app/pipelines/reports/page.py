"""A version as one HTML page that needs nothing else: no script, no other file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.pipelines.reports.boxes import boxes
from app.pipelines.reports.plots import COLOURS, Plot, bars, span, strip
from app.pipelines.reports.writing import rounded, templates
from app.store.record import Record

if TYPE_CHECKING:
    from markupsafe import Markup

#: Rows of the leaderboard and columns among the importances that are shown; the others are counted.
ROWS, COLUMNS = 40, 25

#: Characters of a candidate's name; a search calls its candidates by all that they are made of.
_NAME = 100


def page(record: Record, report: dict[str, Any]) -> str:
    """Return the page of a version.

    Parameters
    ----------
    report
        {"leaderboard", "curves", "importances", "structure"}: what its training reported. What is not there is not
        shown; a version whose training goes on has none of it.
    """
    drawn = report.get("curves") or {}
    importances = report.get("importances") or {}
    structure = report.get("structure") or {}
    leaderboard = report.get("leaderboard") or []
    return (
        templates()
        .get_template("report.html")
        .render(
            record=record,
            result=record.result,
            metric=record.result.get("metric", ""),
            scores=scores(record),
            confusion=confusion(record.holdout),
            classified=by_class(record.holdout, drawn),
            plots=[*_of_classes(drawn), *_of_numbers(drawn.get("residuals"))],
            residuals=drawn.get("residuals"),
            importances=importances,
            important=_important(importances),
            histories=_histories(report.get("learning_curves") or {}),
            leaderboard=_shown(leaderboard),
            more_rows=max(0, len(leaderboard) - ROWS),
            structure=structure,
            graph=boxes(structure["graph"]) if structure.get("graph") else None,
            limits={
                name: value for name, value in (record.parameters.get("limits") or {}).items() if value is not None
            },
        )
    )


def scores(record: Record) -> list[dict[str, Any]]:
    """Return what was measured, the metric of the training first."""
    asked = record.result.get("metric", "")
    names = [name for name, value in record.metrics.items() if isinstance(value, dict)]
    held_out = [name for name, value in record.holdout.items() if name != "rows" and isinstance(value, int | float)]
    ordered = sorted(dict.fromkeys([*names, *held_out]), key=lambda name: name != asked)
    return [{"name": name, **(record.metrics.get(name) or {}), "holdout": record.holdout.get(name)} for name in ordered]


def confusion(holdout: dict[str, Any]) -> list[tuple[Any, list[tuple[int, float]]]]:
    """Return for each true class its name, and for each predicted one the rows and their share of the true class."""
    matrix = holdout.get("confusion_matrix") or []
    return [
        (name, [(count, count / max(1, sum(row))) for count in row])
        for name, row in zip(holdout.get("classes", []), matrix, strict=True)
    ]


def by_class(holdout: dict[str, Any], drawn: dict[str, Any]) -> list[dict[str, Any]]:
    """Return precision, recall, F1 and rows of each class, and what its curves come to."""
    # The rows of the classes come first, in their order.
    rows = (holdout.get("classification_report") or {}).values()
    report = dict(zip(map(str, holdout.get("classes", [])), rows, strict=False))
    measured: dict[str, dict[str, Any]] = {}
    for kind in ("roc", "precision_recall", "calibration"):
        for curve in drawn.get(kind) or []:
            told = {name: curve[name] for name in ("auc", "average_precision", "brier") if name in curve}
            measured[str(curve["class"])] = measured.get(str(curve["class"]), {}) | told
    return [
        {"class": name, **report.get(str(name), {}), **measured.get(str(name), {})}
        for name in holdout.get("classes", [])
        if str(name) in report or str(name) in measured
    ]


def hardest(curves: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Return the curves that are drawn: of many classes those that are told apart worst."""
    known = [curve for curve in curves if curve[name] is not None]
    return sorted(known, key=lambda curve: curve[name])[:COLOURS] if len(known) > COLOURS else known


def _of_classes(drawn: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    if roc := hardest(drawn.get("roc") or [], "auc"):
        plot = Plot("ROC", (0, 1), (0, 1), "false positive rate", "true positive rate").line([0, 1], [0, 1], "guess")
        for number, curve in enumerate(roc):
            plot.line(curve["false_positive_rate"], curve["true_positive_rate"], f"c{number}")
        legend = [(f"c{number}", curve["class"], f"AUC {rounded(curve['auc'])}") for number, curve in enumerate(roc)]
        found.append({"name": "ROC curve", "svg": plot.drawn(), "legend": legend})
    if recall := hardest(drawn.get("precision_recall") or [], "average_precision"):
        plot = Plot("precision by recall", (0, 1), (0, 1), "recall", "precision")
        for number, curve in enumerate(recall):
            plot.line([0, 1], [curve["share"]] * 2, "guess")
            plot.line(curve["recall"], curve["precision"], f"c{number}")
        legend = [
            (f"c{number}", curve["class"], f"AP {rounded(curve['average_precision'])}")
            for number, curve in enumerate(recall)
        ]
        found.append({"name": "Precision and recall", "svg": plot.drawn(), "legend": legend})
    calibration = [curve for curve in drawn.get("calibration") or [] if len(curve["mean_predicted"])]
    if calibration := sorted(calibration, key=lambda curve: -curve["brier"])[:COLOURS]:
        plot = Plot("calibration", (0, 1), (0, 1), "predicted probability", "share that was so")
        plot.line([0, 1], [0, 1], "guess")
        for number, curve in enumerate(calibration):
            plot.line(curve["mean_predicted"], curve["fraction_of_positives"], f"c{number}", dots=True)
        legend = [
            (f"c{number}", curve["class"], f"Brier {rounded(curve['brier'])}")
            for number, curve in enumerate(calibration)
        ]
        found.append({"name": "Calibration", "svg": plot.drawn(), "legend": legend})
    if gains := worst_found(drawn):
        plot = Plot("cumulative gains", (0, 1), (0, 1), "share of the rows, by score", "share of the class found")
        plot.line([0, 1], [0, 1], "guess")
        for number, curve in enumerate(gains):
            plot.line(curve["rows"], curve["positives"], f"c{number}")
        legend = [(f"c{number}", curve["class"], "") for number, curve in enumerate(gains)]
        found.append({"name": "Cumulative gains", "svg": plot.drawn(), "legend": legend})
    return found


def gains_of(drawn: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the gains of each class; versions from before there were those of several have one of two classes."""
    found = drawn.get("gains") or []
    return [found] if isinstance(found, dict) else found


def worst_found(drawn: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the gains that are drawn: of many classes those whose ROC curves are drawn, which rank rows alike."""
    known = [curve for curve in gains_of(drawn) if len(curve["rows"])]
    if len(known) <= COLOURS:
        return known
    order = [curve["class"] for curve in hardest(drawn.get("roc") or [], "auc")]
    worst = sorted((one for one in known if one["class"] in order), key=lambda one: order.index(one["class"]))
    return worst or known[:COLOURS]


def _of_numbers(residuals: dict[str, Any] | None) -> list[dict[str, Any]]:
    if not residuals:
        return []
    true, predicted = residuals["sample"]["true"], residuals["sample"]["predicted"]
    ends = span(true, predicted)
    plot = Plot("true by predicted", ends, ends, "predicted", "true").line(ends, ends, "guess").points(predicted, true)
    edges, counts = residuals["histogram"]["edges"], residuals["histogram"]["counts"]
    errors = Plot("residuals", (edges[0], edges[-1]), (0, max(counts)), "true − predicted", "rows").bins(edges, counts)
    return [
        {"name": "True and predicted", "svg": plot.drawn(), "legend": []},
        {"name": "Residuals", "svg": errors.drawn(), "legend": []},
    ]


def _important(importances: dict[str, Any]) -> list[Markup]:
    """Draw what columns are worth to the model, and what it says of them itself."""
    found = []
    known = [column for column in importances.get("columns") or [] if column["mean"] is not None][:COLUMNS]
    if known:
        rows = [(column["name"], column["mean"], column["std"], _there(column["values"])) for column in known]
        found.append(bars("permutation importances", rows, f"what permuting costs, in {importances['metric']}"))
    own = (importances.get("model") or {}).get("columns") or []
    if own := [(column["name"], column["importance"] or 0.0, None, ()) for column in own[:COLUMNS]]:
        found.append(bars("importances of the model itself", own, importances["model"]["from"]))
    return found


def _there(values: list[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _histories(history: dict[str, list[float | None]]) -> list[dict[str, Any]]:
    """Draw how networks learned: losses and scores by epoch."""
    found = []
    for name, values in history.items():
        beside = history.get(f"val_{name}")
        if name.startswith("val_") or not any(value is not None for value in values):
            continue
        epochs = [float(number) for number in range(1, len(values) + 1)]
        ends = span(values, beside or [])
        plot = Plot(name, (1, max(2, len(values))), ends, "epoch", name).line(
            epochs, values, "c0", dots=len(values) < 30
        )
        legend = []
        if beside:
            plot.line(epochs, beside, "c1", dots=len(values) < 30)
            legend = [("c0", "learned from", ""), ("c1", "rows held back", "")]
        found.append({"name": name, "svg": plot.drawn(), "legend": legend})
    return found


def _shown(leaderboard: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows that are shown, each with its scores drawn on one scale."""
    rows = leaderboard[:ROWS]
    ends = span(*(row.get("fold_scores") or [] for row in rows if row.get("score") is not None))
    return [
        row
        | {
            "drawn": strip(row["fold_scores"], *ends)
            if row.get("score") is not None and row.get("fold_scores")
            else None
        }
        for row in rows
    ]
