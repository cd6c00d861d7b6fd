"""Permutation importance (Breiman 2001): how much worse the score gets as the values of a column are shuffled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.errors import Fault, InvalidParameters, NotFound
from app.explain.base import Asked, Case, Subject
from app.explain.found import Contribution, Overall, Part


def explain(subject: Subject, cases: Sequence[Case], asked: Asked) -> Overall:
    """Shuffle the columns of rows whose labels were sent; else return what the training found on rows it held out.

    Raises
    ------
    InvalidParameters
        Rows were sent, and no labels.
    NotFound
        None were sent, and the training reported none.
    """
    import pandas as pd

    if any(case.label is not None for case in cases):
        assert subject.measure is not None
        rows = pd.concat([case.row for case in cases])
        labels = [case.label for case in cases]
        found = subject.measure(rows, labels, asked.seed, asked.parameters.seconds)
        return _described(found, "on_sent_rows")
    if any(case.sent for case in cases):
        raise InvalidParameters(
            "How much worse a model gets can be told where it is known what was observed.",
            [Fault("/params/labels", "name the column of the data that has it, or send no data")],
        )
    found = subject.reported().get("importances") or {}
    if not found.get("columns"):
        raise NotFound(f"The training of this version reported none. {found.get('note', 'Send rows and labels.')}")
    return _described(found, "on_rows_held_out")


def _described(found: dict[str, Any], algorithm: str) -> Overall:
    named = ("metric", "baseline", "repeats", "left_out", "note")
    return Overall(
        contributions=[
            Contribution(Part(one["name"]), one["mean"], _error(one, found["repeats"]))
            for one in found["columns"]
            if one["mean"] is not None
        ],
        algorithm=algorithm,
        scale="score",
        rows=found["rows"],
        ended="repeats",
        details={name: found[name] for name in named if name in found}
        | {"spread": {one["name"]: {"std": one["std"], "values": one["values"]} for one in found["columns"]}},
    )


def _error(one: dict[str, Any], repeats: int) -> float | None:
    return None if one["std"] is None or not repeats else float(one["std"]) / repeats**0.5
