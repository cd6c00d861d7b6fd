"""What contributions are of, in a line."""

from __future__ import annotations

from typing import Any

from app.pipelines.reports.writing import amount, cell, cut, percent

#: Characters of a value beside a name, and of the id of a row.
_VALUE, _NAME = 40, 100

#: Methods as people call them, and in a sentence what they do.
METHODS = {
    "lime": (
        "LIME",
        "A linear model of the pipeline's answers on rows around this one; its weights are the contributions.",
    ),
    "shap": (
        "SHAP",
        "What each part adds to the prediction, averaged over all orders in which the parts can be added.",
    ),
    "segments": ("Stretches of the series", "How much the prediction moves as stretches of the series are masked."),
    "features_on_signal": (
        "Features on the signal",
        "What the features contribute, spread over the stretches of the series that they are read from.",
    ),
    "grad_cam": ("Grad-CAM", "Where in the image the last convolution of the network saw what speaks for the class."),
    "gradients": (
        "Gradients",
        "How the network's answer changes on the way from other rows to this one, shared out among the columns.",
    ),
    "counterfactual": (
        "Counterfactuals",
        "Rows with another outcome that differ from this one in as few columns as may be.",
    ),
    "nearest": ("Nearest rows", "The rows with another outcome that are most like this one."),
    "ice": ("Curves of a row", "How the prediction follows each column while all others stay as they are (ICE)."),
    "partial_dependence": (
        "Partial dependence",
        "How predictions follow a column, on average over rows; the band has the middle four fifths of the rows.",
    ),
    "permutation_importance": (
        "Permutation importance",
        "How much worse the model gets as the values of one column are shuffled among the rows. Columns that tell the "
        "same stand in for each other.",
    ),
    "interactions": (
        "Interactions",
        "What two columns do together beyond what each does by itself, by size, on average over rows.",
    ),
    "summary": ("Summary", "What the explanations of many rows come to: the mean size of each part's contribution."),
    "sp_lime": (
        "SP-LIME",
        "Few rows whose explanations together show the most of the model, beside what all explanations come to.",
    ),
}


def label(one: dict[str, Any]) -> str:
    """Return what a contribution is of: a column and its value, a range, a word, a stretch or a region."""
    feature, value, start, end = str(one["feature"]), one.get("value"), one.get("start"), one.get("end")
    if one.get("condition"):
        return condition(one)
    if one.get("region") is not None:
        return f"region {one['region']}"
    if start is not None and end is not None:
        return f"{feature} {start} to {end - 1}" if value is None else f"“{cut(value, _VALUE)}”"
    return feature if value is None else f"{feature} = {cut(cell(value), _VALUE)}"


def condition(one: dict[str, Any]) -> str:
    """Return the range that a contribution is of, with what is true or false as rows have it: yes or no."""
    value = one.get("value")
    return f"{one['feature']} = {cell(value)}" if isinstance(value, bool) else cell(one.get("condition"))


def others(entry: dict[str, Any]) -> str:
    """Return what to call the contributions that are summed up; nothing where there are none."""
    count = (entry.get("rest") or {}).get("features") or 0
    return f"{count:,} other{'s' if count > 1 else ''}" if count else ""


def titled(entry: dict[str, Any]) -> str:
    """Return the heading of an explanation: of a row, or of the model."""
    if "id" not in entry:
        return "The model"
    if entry.get("step") is not None:
        return f"Series {cut(entry['id'], _NAME)}, step {entry['step']}"
    return f"Row {cut(entry['id'], _NAME)}"


def measured(entry: dict[str, Any], task: str) -> str:
    """Return what predictions are."""
    if task != "classification":
        return "prediction"
    return "probability" if entry.get("target") is None else f"probability of {cut(entry['target'], _VALUE)}"


def predicted(value: float | None, entry: dict[str, Any]) -> str:
    """Write what is predicted: a probability as percent, a number as it is."""
    return amount(value) if value is None or entry.get("target") is None else percent(value)


def scaled(value: float, entry: dict[str, Any], digits: int = 4) -> str:
    """Write what contributions add up to: a probability as percent, any other in its own unit."""
    return percent(value) if entry.get("scale") == "probability" else amount(value, digits)


def wanted(entry: dict[str, Any]) -> str:
    """Say which outcome a counterfactual was to have."""
    found = entry.get("wanted") or {}
    if "class" in found:
        return f"The outcome wanted is {found['class']}."
    if "other_than" in found:
        return f"Any outcome but {found['other_than']} is wanted."
    ends = [
        f"{name.replace('_', ' ')} {amount(found[name])}"
        for name in ("at_least", "at_most")
        if found.get(name) is not None
    ]
    return f"A prediction of {' and '.join(ends)} is wanted." if ends else ""


def unit_of(entry: dict[str, Any], method: str) -> str:
    """Say in what unit contributions are, in a word."""
    if method == "permutation_importance":
        return f"how much worse {entry.get('metric') or 'the score'} gets"
    of = {"log_odds": "log odds", "score": "score"}.get(str(entry.get("scale")), str(entry.get("scale")))
    return of if "id" in entry else f"mean size in {of}"
