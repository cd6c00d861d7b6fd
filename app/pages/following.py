"""What a job's page tells of it: where it is, what it has tried, and what happened."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from app.jobs.job import JobKind, JobState, Stop
from app.pages.model.figures import axes, label
from app.pages.points import LINE, neighbours
from app.pages.words import candidate, metric, short
from app.payloads.outline import outline
from app.pipelines import metrics

if TYPE_CHECKING:
    from app.jobs.job import Job

#: Candidates of the leaderboard that are shown, lines of the log, and characters of a candidate in the figure.
_ROWS, _LINES, _NAME = 15, 60, 80

#: {stage: what happens in it}; any other is shown as it is called.
STAGES = {
    "queued": "Waiting for a worker",
    "starting": "Starting",
    "sizing": "Looking how much of the data there is time for",
    "first model": "Fitting a first, simple model on some of the data",
    "features": "Making features of the data",
    "baseline": "Trying a simple model to compare with",
    "baselines": "Trying a model of each kind",
    "variants": "Trying variants of the best kinds",
    "ensemble": "Trying a mix of the best",
    "search": "Searching for better ones",
    "cross-validation": "Scoring over the folds",
    "promotion": "Taking up the candidate that was chosen",
    "hold-out": "Scoring on rows held out",
    "report": "Measuring what the model looks at",
    "final fit": "Fitting the best on all rows",
    "compiling": "Compiling it, so that it answers faster",
    "publishing": "Publishing it",
    "explaining": "Explaining",
    "predicting": "Predicting",
}

#: What to do about a training that failed, by what stopped it.
_ADVICE = {
    Stop.TIME: "Give it more time (limits, seconds), choose a model that is trained faster, or send less data.",
    Stop.MEMORY: "Give it more memory (limits, memory_mb), choose a smaller model, or send less data.",
    None: "Look at what is said above and at the data: a column with other values than you expect, a class of very few "
    "rows. Or choose another model; portfolio tries several kinds.",
}


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
    best, measured = progress.get("best_score"), metric(progress.get("metric"))
    # The best that was reported last may be older than the latest candidates, and tells no direction.
    greater = metrics.sign(progress.get("metric")) > 0
    ranked = sorted((event["candidate"] for event in scored), key=lambda one: one["score"], reverse=greater)
    return {
        "stage": stage("queued" if job.state is JobState.QUEUED else progress.get("stage", "starting")),
        "fraction": progress.get("fraction"),
        "candidates": progress.get("candidates"),
        "failed": progress.get("failed"),
        "best": best,
        "metric": progress.get("metric"),
        "score": score,
        "took": (job.ended or time.time()) - began,
        "figure": _figure(scored, began, greater, measured) if len(scored) > 1 else None,
        "board": ranked[:_ROWS] if len(ranked) > 1 else [],
        "more": max(0, len(ranked) - _ROWS),
        "log": _log(history, began),
        "cancelled": _cancelled(job),
        "advice": _advice(job),
        "again": _again(job),
    }


def stage(name: str) -> str:
    """Say what happens in a stage."""
    return STAGES.get(name, name)


def _cancelled(job: Job) -> str | None:
    """Say what is left of a job that was cancelled; None of any other."""
    if job.state is not JobState.CANCELLED:
        return None
    if job.result is not None:
        return "Cancelled. The best until then was kept."
    soon = " It had no model yet." if job.stop is Stop.CANCEL_KEEP else ""
    return f"Cancelled.{soon} Nothing of it was kept."


def _advice(job: Job) -> str | None:
    """Say what to do about a training that failed."""
    failed = job.state in (JobState.FAILED, JobState.TIMED_OUT) and job.kind is JobKind.TRAINING
    stop = Stop.TIME if job.state is JobState.TIMED_OUT else job.stop
    return _ADVICE.get(stop, _ADVICE[None]) if failed else None


def _again(job: Job) -> dict[str, Any] | None:
    """Return what the page of a training takes to begin with the parameters of this one, where it did not end well."""
    if job.kind is not JobKind.TRAINING or not job.state.final or job.state is JobState.FINISHED:
        return None
    if job.result is not None and "version" in job.result:
        return {"model": job.pipeline_id, "version": job.result["version"]}
    return {"job": job.job_id}


def _figure(scored: list[dict[str, Any]], began: float, greater: bool, measured: str) -> dict[str, Any]:
    """Draw scores by time, an engine a colour, and the best so far as a line of steps."""
    after = [round(event["time"] - began, 2) for event in scored]
    tried = [event["candidate"] for event in scored]
    # What has been moved or zoomed stays so when there are more points.
    layout = axes("seconds", label(measured, 60), uirevision="job")
    return {"data": [_best(after, tried, greater), *_points(after, tried, greater)], "layout": layout}


def _best(after: list[float], tried: list[dict[str, Any]], greater: bool) -> dict[str, Any]:
    """Return the best so far as a line of steps: where one was better than all before, and at the end."""
    better = max if greater else min
    xs, ys = after[:1], [tried[0]["score"]]
    for at, one in zip(after, tried, strict=True):
        if better(ys[-1], one["score"]) != ys[-1]:
            xs.append(at)
            ys.append(one["score"])
    kept = sorted({*outline(ys, LINE), len(ys) - 1})
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "best so far",
        "x": [*(xs[place] for place in kept), after[-1]],
        "y": [*(ys[place] for place in kept), ys[-1]],
        "line": {"shape": "hv", "color": "var:--quiet"},
        "hoverinfo": "skip",
    }


def _points(after: list[float], tried: list[dict[str, Any]], greater: bool) -> list[dict[str, Any]]:
    """Return the candidates of each engine as points; of very many the best of those beside each other."""
    engines = [one["engine"] for one in tried]
    best = max if greater else min
    drawn = [
        (best(some, key=lambda place: tried[place]["score"]), len(some))
        for some in neighbours(after, [one["score"] for one in tried], engines)
    ]

    def named(place: int, count: int) -> str:
        others = f", and {count - 1:,} beside it" if count > 1 else ""
        return label(candidate(tried[place]["name"]), _NAME) + others

    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": label(engine),
            "x": [after[place] for place, _ in drawn if engines[place] == engine],
            "y": [tried[place]["score"] for place, _ in drawn if engines[place] == engine],
            "text": [named(place, count) for place, count in drawn if engines[place] == engine],
        }
        for engine in dict.fromkeys(engines)
    ]


def _log(history: list[dict[str, Any]], began: float) -> list[dict[str, Any]]:
    """Return the stages that began, and the candidates that failed, the latest last."""
    lines: list[dict[str, Any]] = []
    for event in history:
        after = max(0.0, event["time"] - began)
        if "stage" in event:
            lines.append({"after": after, "text": stage(event["stage"])})
        elif error := event["candidate"]["error"]:
            lines.append({"after": after, "text": f"{short(candidate(event['candidate']['name']))} failed: {error}"})
    return lines[-_LINES:]
