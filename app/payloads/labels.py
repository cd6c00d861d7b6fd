"""Labels, joined to their rows by id and never by position, and checked to be learnable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.errors import MOST_NAMED, Fault, InvalidData, InvalidParameters, at, listed
from app.payloads.parameters import Task
from app.payloads.signature import check_ids

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

#: Rows that a class needs.
LEAST = 5

#: Classes of one classification.
MAX_CLASSES = 100

#: Said of labels that are missing.
EMPTY = "of a CSV, NA, None, null and nan count as missing; a class of that name needs another"

#: Different whole numbers among labels up to which they are taken for classes, when nobody says.
MAX_NUMBERED_CLASSES = 10


def join(labels: pd.DataFrame, ids: pd.Index, id_column: str, target: str | None) -> pd.Series:
    """Return the labels in the order of `ids`.

    Parameters
    ----------
    labels
        Frame with the id column and one more, or more than one when `target` names the one.
    ids
        Unique ids of the rows or series to learn from, shape (n_samples,).

    Raises
    ------
    InvalidData
        A column is missing; ids without a label, labels without an id, ids labelled twice: each listed. Ids that are
        too large.
    """
    target = target or _only_other_column(labels, id_column)
    faults = [Fault(at("labels", name), "this column is missing") for name in (id_column, target) if name not in labels]
    if faults:
        raise InvalidData("labels lack a column.", faults)
    found = labels[id_column]
    if (found.dtype.kind in "ifb") != (ids.dtype.kind in "ifb"):
        raise InvalidData(
            "The ids of labels and raw_data are of different kinds.",
            [Fault(at("labels", id_column), "one has numbers, the other text")],
        )
    check_ids(found, "labels")
    _list_ids("labelled more than once", found[found.duplicated()])
    _list_ids("without a label", ids[~ids.isin(found)])
    _list_ids("labelled, and not in raw_data", found[~found.isin(ids)])
    joined = labels.set_index(id_column)[target].reindex(ids)
    _list_ids("with an empty label", ids[joined.isna().to_numpy()], f"; {EMPTY}")
    return joined.rename("label")


def _only_other_column(labels: pd.DataFrame, id_column: str) -> str:
    others = [name for name in labels.columns if name != id_column]
    if id_column in labels and len(others) != 1:
        raise InvalidData(
            "labels must have the id column and one more, unless target names the label column.",
            [Fault("/labels", f"has {listed(labels.columns)}")],
        )
    return str(others[0]) if others else "label"


def _list_ids(what: str, ids: pd.Series | pd.Index, hint: str = "") -> None:
    if len(ids):
        distinct = list(dict.fromkeys(ids.tolist()))
        raise InvalidData(
            f"{len(distinct)} id(s) are {what}: {listed(distinct)}.",
            [Fault(at("labels", value), what + hint) for value in distinct[:MOST_NAMED]],
        )


def task(labels: pd.Series) -> Task:
    """Tell what labels are: numbers to regress on, or classes, as are text, two values, and few whole numbers."""
    if labels.dtype.kind not in "if" or labels.nunique() <= 2:
        return Task.CLASSIFICATION
    whole = bool((labels == labels.round()).all())
    return Task.CLASSIFICATION if whole and labels.nunique() <= MAX_NUMBERED_CLASSES else Task.REGRESSION


def check(labels: pd.Series, task: Task, pointer: str = "/labels") -> None:
    """Check that the labels can be learned as the task says.

    Parameters
    ----------
    pointer
        Where the labels came from: their own part, or a column of raw_data.

    Raises
    ------
    InvalidData
        One class, more than `MAX_CLASSES`, a class of fewer than `LEAST` rows; for a regression, text or too few rows.
    """
    if task is Task.REGRESSION:
        if labels.dtype.kind not in "if":
            raise InvalidData("A regression needs labels that are numbers.", [Fault(pointer, "are not numbers")])
        if len(labels) < 2 * LEAST or labels.nunique() < 2:
            raise InvalidData(
                f"A regression needs at least {2 * LEAST} rows and two different labels.",
                [Fault(pointer, f"{len(labels)} rows, {labels.nunique()} different labels")],
            )
        return
    counts = labels.value_counts()
    if len(counts) < 2:
        raise InvalidData(
            "The labels have a single class; there is nothing to tell apart.", [Fault(pointer, "one class")]
        )
    if len(counts) > MAX_CLASSES:
        raise InvalidData(
            f"The labels have {len(counts)} classes, more than {MAX_CLASSES}. For quantities, train a regressor.",
            [Fault(pointer, f"{len(counts)} classes")],
        )
    _check_rare(counts, "rows", pointer)


def check_weights(labels: pd.Series, weights: np.ndarray[Any, Any], task: Task) -> None:
    """Check that the rows that weigh more than 0 can be learned.

    Parameters
    ----------
    weights
        Shape (n_samples,), each at least 0.

    Raises
    ------
    InvalidData
        A class of fewer than `LEAST` of these rows; for a regression, too few of them.
    """
    counted = labels[weights > 0]
    if task is Task.CLASSIFICATION:
        counts = counted.value_counts().reindex(labels.unique(), fill_value=0)
        _check_rare(counts, "rows that weigh more than 0", "/params/sample_weight")
    elif len(counted) < 2 * LEAST or counted.nunique() < 2:
        raise InvalidData(
            f"A regression needs at least {2 * LEAST} rows that weigh more than 0, with two different labels.",
            [Fault("/params/sample_weight", f"{len(counted)} rows, {counted.nunique()} different labels")],
        )


def _check_rare(counts: pd.Series, rows: str, pointer: str) -> None:
    rare = counts[counts < LEAST]
    quantities = "; if the labels are quantities, say task: regression" if counts.index.dtype.kind in "if" else ""
    if len(rare):
        raise InvalidData(
            f"Each class needs at least {LEAST} {rows}: {listed(rare.index)}. Leave out the others, or give them the "
            f"class of something like them{quantities}.",
            [Fault(pointer, f"class {name} has {count} of them") for name, count in rare.head(MOST_NAMED).items()],
        )


def positive_class(labels: pd.Series, wanted: str | bool | int | float | None) -> object:
    """Return the class whose probability is the score of a binary task: the one wanted, else the last when sorted.

    Raises
    ------
    InvalidParameters
        The class wanted is not among the labels, or these are of more classes than two.
    """
    classes = sorted(labels.unique().tolist())
    if wanted is None:
        return classes[-1]
    if len(classes) > 2:
        raise InvalidParameters(
            "positive_class is for two classes.",
            [Fault("/params/positive_class", f"there are {len(classes)}; leave it out")],
        )
    same = [name for name in classes if name == wanted] or [name for name in classes if str(name) == str(wanted)]
    if not same:
        raise InvalidParameters(
            "positive_class is not a class of the labels.",
            [Fault("/params/positive_class", f"known are {listed(classes)}")],
        )
    return same[0]
