"""What a job's page tells of it: where it is, what it has tried, and what happened."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from app.pages.model.figures import label

if TYPE_CHECKING:
    from app.jobs.records import Job

#: Candidates of the leaderboard that are shown, and lines of the log.
_ROWS, _LINES = 15, 60

#: Characters of a candidate's name in the figure.
_NAME = 80


def told(job: Job, history: list[dict[str, Any]], score: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the template shows.

    Parameters
    ----------
    history
        Of the job, as the queue has it.
    score
        Of the version that it has published, if it has.
    """
    progress = job.progress or {}
    began = job.started or job.created
    tried = [event for event in history if "candidate" in event]
    scored = [event for event in tried if event["candidate"]["score"] is not None]
    best = progress.get("best_score")
    greater = best is None or best >= max((event["candidate"]["score"] for event in scored), default=best)
    ranked = sorted((event["candidate"] for event in scored), key=lambda one: one["score"], reverse=greater)
    return {
        "stage": "Waiting for a worker" if job.state.value == "queued" else progress.get("stage", "starting"),
        "fraction": progress.get("fraction"),
        "candidates": progress.get("candidates"),
        "failed": progress.get("failed"),
        "best": best,
        "metric": progress.get("metric"),
        "score": score,
        "took": (job.ended or time.time()) - began,
        "figure": _figure(scored, began, greater) if len(scored) > 1 else None,
        "board": ranked[:_ROWS] if len(ranked) > 1 else [],
        "more": max(0, len(ranked) - _ROWS),
        "log": _log(history, began),
    }


def _figure(scored: list[dict[str, Any]], began: float, greater: bool) -> dict[str, Any]:
    """Draw scores by time, an engine a colour, and the best so far as a line of steps."""
    better = max if greater else min
    after = [round(event["time"] - began, 2) for event in scored]
    best, line = None, []
    for event in scored:
        score = event["candidate"]["score"]
        best = score if best is None else better(best, score)
        line.append(best)
    engines = dict.fromkeys(event["candidate"]["engine"] for event in scored)
    points = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": label(engine),
            "x": [at for at, event in zip(after, scored, strict=True) if event["candidate"]["engine"] == engine],
            "y": [event["candidate"]["score"] for event in scored if event["candidate"]["engine"] == engine],
            "text": [
                label(event["candidate"]["name"], _NAME) for event in scored if event["candidate"]["engine"] == engine
            ],
        }
        for engine in engines
    ]
    steps = {
        "type": "scatter",
        "mode": "lines",
        "name": "best so far",
        "x": after,
        "y": line,
        "line": {"shape": "hv", "color": "var:--quiet"},
        "hoverinfo": "skip",
    }
    return {
        "data": [steps, *points],
        "layout": {"xaxis": {"title": {"text": "seconds"}}, "yaxis": {"title": {"text": "score"}}},
    }


def _log(history: list[dict[str, Any]], began: float) -> list[dict[str, Any]]:
    """Return the stages, with how many candidates each has tried, and what went wrong."""
    lines: list[dict[str, Any]] = []
    for event in history:
        after = max(0.0, event["time"] - began)
        if "stage" in event:
            lines.append({"after": after, "text": event["stage"]})
        elif error := event["candidate"]["error"]:
            lines.append({"after": after, "text": f"{event['candidate']['name'][:60]} failed: {error}"})
    return lines[-_LINES:]
