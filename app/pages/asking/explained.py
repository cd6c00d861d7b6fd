"""What the page of explanations shows: methods, and how far to trust a result."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from app.explain import page
from app.explain.page.labels import METHODS as NAMES
from app.payloads.explaining import Summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.explain.page.entries import View
    from app.store.record import Record


#: Which method a page begins with.
_BEGIN = ("grad_cam", "features_on_signal", "lime", "segments")


#: How far to rely on an explanation, by the least good of its figures; the remarks below it say why.
VERDICTS = {
    "good": ("good", "By its own checks this explanation can be relied on."),
    "fair": (
        "fair",
        "By its own checks this explanation is rough: take the order of the largest contributions, not their sizes.",
    ),
    "poor": (
        "poor",
        "By its own checks this explanation is not to be relied on. Another method, or more samples, may do better.",
    ),
}


#: What stands for the figures of methods that have none: what their answer is worth by itself.
_PLAIN = {
    "nearest": "These are real rows of the training, found by comparing with each: nothing was estimated.",
    "counterfactual": "Each was checked by asking the model. They say what changes the prediction, not what is "
    "possible, nor what causes what.",
    "ice": "The model itself was asked at each point: nothing was estimated. Points far from where such rows occur say "
    "little.",
    "partial_dependence": "The model itself was asked at each point. Where columns go together, some of the rows that "
    "are averaged over do not occur.",
    "permutation_importance": "Whiskers show how far repetitions differ: what reaches across 0 may be of no use to the "
    "model.",
    "interactions": "Computed from the trees themselves, without sampling.",
    "features_on_signal": "The share that could be placed says how much of the prediction the shaded stretches tell.",
}


#: Rows that a model is explained on when nobody says, and contributions from where on a page asks before it begins.
ROWS, LARGE = Summary.model_fields["num_rows"].default, 50_000

#: Explanations that a page shows at most, and about the characters of what it draws of them: those of a hundred classes
#: are more than anybody reads, and than a browser shows at once.
ENTRIES, CHARACTERS = 24, 700_000

#: Characters of a cell of a table with what is around it, and bytes of an image before it is compressed for one after.
_CELL, _PACKED = 60, 3


def methods(explainers: Sequence[Mapping[str, Any]], scope: str) -> list[dict[str, Any]]:
    """Return the methods of a scope with what they are called."""
    return [
        {**one, "name": NAMES.get(one["method"], (one["method"], ""))[0]} for one in explainers if one["scope"] == scope
    ]


def first(known: Sequence[dict[str, Any]], wanted: str) -> dict[str, Any]:
    """Return the method that a page begins with: the one wanted, or else one that tells the most of what it fits."""
    order = (wanted, *_BEGIN)
    by_name = {one["method"]: one for one in known}
    return next((by_name[name] for name in order if name in by_name), known[0])


def cost(record: Record, seconds: int) -> dict[str, int] | None:
    """Return what explaining a whole model comes to where that is much; None where a page may begin without asking.

    Parameters
    ----------
    seconds
        After which the service begins no further row.
    """
    columns = (record.result.get("trainShape") or [0, 0])[1] or len(record.signature.get("columns") or ())
    classes = len(record.result.get("classes") or ()) if record.task == "classification" else 0
    # Of two classes the positive one is explained.
    outputs = classes if classes > 2 else 1
    contributions = ROWS * columns * outputs
    if contributions <= LARGE:
        return None
    return {"rows": ROWS, "columns": columns, "classes": outputs, "contributions": contributions, "seconds": seconds}


def shown(answer: dict[str, Any], step: str = "") -> dict[str, Any]:
    """Return what the template shows of an answer of POST /explain.

    Parameters
    ----------
    step
        Of a forecast the step that comes first; the verdict is of that.
    """
    wanted = [one for one in answer["explanations"] if step and str(one.get("step")) == step]
    others = [one for one in answer["explanations"] if one not in wanted] if wanted else answer["explanations"]
    found = _shortened(page.shown(_some({**answer, "explanations": [*wanted, *others]})), answer)
    views = found["views"] or found["rows"][: len(wanted) or None]
    kinds = {view.worst for view in views} | {example.worst for view in views for example in view.examples}
    worst = next((kind for kind in ("poor", "fair", "good") if kind in kinds), None)
    plain = _PLAIN.get(str(answer["method"]), "Exact: nothing was estimated, so that there is no error to tell of.")
    return {**found, "verdict": VERDICTS.get(worst or "", ("plain", plain)), "left_out": answer["left_out"]}


def _some(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with as many explanations as a page may show: of a model, and of each class some of its rows."""
    overall = answer["overall"][:ENTRIES]
    if not overall:
        return {**answer, "explanations": answer["explanations"][:ENTRIES]}
    each, there = max(1, ENTRIES // len(overall)), Counter[Any]()
    examples = []
    for one in answer["explanations"]:
        there[one.get("target")] += 1
        if there[one.get("target")] <= each:
            examples.append(one)
    return {**answer, "overall": overall, "explanations": examples}


def _shortened(found: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out the explanations that are too much for a page, and count them as `more`."""
    name = "views" if found["views"] else "rows"
    kept: list[View] = []
    size = 0
    for view in found[name]:
        size += _size(view)
        if kept and size > CHARACTERS:
            break
        kept.append(view)
    # What is the same for all classes is one, of none.
    there = answer["overall" if found["views"] else "explanations"] if len(found[name]) > 1 else kept
    return {**found, name: kept, "more": len(there) - len(kept)}


def _size(view: View) -> int:
    """Return about how many characters a page takes to show an explanation."""
    drawn = sum(len(figure.plot or "") for figure in view.figures)
    seen = sum(layer.pixels.nbytes // _PACKED for figure in view.figures for layer in figure.layers)
    cells = _CELL * sum(len(table.heads) * len(table.rows) for table in view.tables)
    words = sum(_CELL + len(piece.text) for text in view.texts for piece in text.pieces)
    return drawn + seen + cells + words + sum(map(_size, view.examples))
