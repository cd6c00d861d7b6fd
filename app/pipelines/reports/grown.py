"""A tree as it was grown: what it asks, where the answers lead, and which way a row takes.

Of a forest the first tree: it shows how such a model decides, not what all of them together answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.pipelines.reports.curves import number
from app.pipelines.reports.inputs import inputs, scaled

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

    Array = np.ndarray[Any, Any]

#: Levels below the root that are told, classes of a node, and rows whose path is told.
LEVELS, CLASSES, ROWS = 6, 5, 12

#: Single trees, and ensembles of them whose members answer in the units of the whole.
_TREES = {"DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"}
_FORESTS = {"RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"}


def tree(fitted: Pipeline, X: pd.DataFrame, truth: Sequence[Any], classes: tuple[Any, ...]) -> dict[str, Any] | None:
    """Describe the tree, or the first tree, of a fitted pipeline; None of other models.

    Parameters
    ----------
    X, truth
        Rows whose path is told, and their labels or numbers; of more than `ROWS` the first.
    classes
        Labels by code; empty for numbers.

    Returns
    -------
    {"model", "trees", "depth", "leaves", "scaled", "nodes", "rows": [{"id", "true", "nodes"}]}. A node has its `level`,
    its `rows` of training, and `shares` of its `CLASSES` likeliest classes or a `value`. One that asks has `input` (its
    place among what enters the tree), the `column` and `part` of it where these can be told, and `threshold`; what is
    at most that goes to the node `below`, else `above`: numbers of nodes in their list. One whose children are left out
    has how many `levels` follow. `scaled` tells that thresholds are not in the units of the columns.
    """
    model, head = _last(fitted)
    kind = type(model).__name__
    if kind not in _TREES | _FORESTS or model.n_outputs_ != 1:
        return None
    grown = (model if kind in _TREES else model.estimators_[0]).tree_
    known = inputs(fitted, list(map(str, X.columns))) if len(head) == len(fitted.steps) - 1 else None
    nodes = _nodes(grown, known if known and len(known) == grown.n_features else None, classes)
    some = X.head(ROWS)
    return {
        "model": kind,
        "trees": 1 if kind in _TREES else len(model.estimators_),
        "depth": int(grown.max_depth),
        "leaves": int(grown.n_leaves),
        "scaled": scaled(fitted) or len(head) > 1,
        "nodes": nodes,
        "rows": [
            {"id": _plain(name), "true": _plain(label), "nodes": path(nodes, row)}
            for name, label, row in zip(some.index.tolist(), truth, _entering(head, some).tolist(), strict=False)
        ],
    }


def path(nodes: list[dict[str, Any]], row: Sequence[float]) -> list[int]:
    """Return the numbers of the nodes that a row comes to, from the root to a leaf, or to where no more is told.

    Parameters
    ----------
    row
        What enters the tree, in single precision, as trees compare it.
    """
    found = [0]
    while "below" in (node := nodes[found[-1]]):
        found.append(node["below"] if row[node["input"]] <= node["threshold"] else node["above"])
    return found


def _last(fitted: Pipeline) -> tuple[Any, list[Any]]:
    """Return the model at the end of a pipeline, also of one inside it, and the steps before."""
    head, model = [step for _, step in fitted.steps[:-1]], fitted[-1]
    while hasattr(model, "steps"):
        head += [step for _, step in model.steps[:-1]]
        model = model.steps[-1][1]
    return model, head


def _entering(head: list[Any], X: pd.DataFrame) -> Array:
    import numpy as np

    values: Any = X
    for step in head:
        values = values if isinstance(step, str) else step.transform(values)
    return np.asarray(values).astype("float32")


def _nodes(grown: Any, known: list[tuple[str, str]] | None, classes: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Return the nodes of the first levels, each before what is below it."""
    below, above = grown.children_left.tolist(), grown.children_right.tolist()
    found: list[dict[str, Any]] = []

    def add(place: int, level: int) -> int:
        node: dict[str, Any] = {"level": level, "rows": int(grown.n_node_samples[place])}
        node |= _answer(grown.value[place][0], classes)
        found.append(node)
        own = len(found) - 1
        if below[place] < 0:
            return own
        if level == LEVELS:
            node["levels"] = _levels(place, below, above)
            return own
        asked = int(grown.feature[place])
        column, part = known[asked] if known else (None, None)
        node |= {"input": asked, "column": column, "part": part, "threshold": float(grown.threshold[place])}
        node["below"], node["above"] = add(below[place], level + 1), add(above[place], level + 1)
        return own

    add(0, 0)
    return found


def _levels(place: int, below: list[int], above: list[int]) -> int:
    """Return how many levels are under a node."""
    deepest, waiting = 0, [(place, 0)]
    while waiting:
        here, level = waiting.pop()
        deepest = max(deepest, level)
        if below[here] >= 0:
            waiting += [(below[here], level + 1), (above[here], level + 1)]
    return deepest


def _answer(value: Array, classes: tuple[Any, ...]) -> dict[str, Any]:
    if not classes:
        return {"value": number(value[0])}
    shares = value / (value.sum() or 1.0)
    likeliest = (-shares).argsort(kind="stable")[:CLASSES].tolist()
    return {"shares": [{"class": classes[code], "share": number(shares[code])} for code in likeliest if shares[code]]}


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | bool | int | float) or value is None else str(value)
