"""The nearest rows with another outcome, by the distances of the What-If Tool (Wexler et al. 2020).

Numbers differ by |a - b| over their sample standard deviation (0 where that is 0; 1 where one of them is missing);
categories by 0 when they are the same, else by the probability that two rows agree, Σp². L1 adds these up, L2 their
squares, without a root. Of rows that are as near the first one is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.explain.answer import named, shown
from app.explain.base import Asked, Case, Subject
from app.explain.found import Local
from app.payloads.parameters import Kind, Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Seconds of a day, in which dates differ.
_DAY = 86_400.0


def explain(subject: Subject, case: Case, asked: Asked) -> Local:
    """Return the nearest rows whose predicted class is another; of numbers, whose prediction is far enough off."""
    import numpy as np

    wanted = asked.parameters
    data = subject.background
    told: Array = subject.once("background_answers", lambda: subject.predict(data))
    own = subject.predict(case.row)[0]
    details: dict[str, Any] = {}
    if subject.task is Task.CLASSIFICATION:
        other = told.argmax(axis=1) != own.argmax()
    else:
        details["difference"] = wanted.difference or float(told.std(ddof=1))
        other = np.abs(told[:, 0] - own[0]) >= details["difference"]
    away = distances(case.row, data, subject, 1 if wanted.distance == "l1" else 2)
    details |= described(subject, case.row, own)
    candidates = np.flatnonzero(other)
    found = candidates[np.argsort(away[candidates], kind="stable")][: wanted.count]
    details["nearest"] = [
        {
            **(named(data.iloc[[place]]) if wanted.among == "sent" else {}),
            "distance": float(away[place]),
            "prediction": float(told[place, asked.output]),
            "outcome": subject.classes[int(told[place].argmax())] if subject.classes else None,
            **compared(subject, case.row, data.iloc[[place]]),
        }
        for place in found.tolist()
    ]
    if not details["nearest"]:
        kept = "row that was sent" if wanted.among == "sent" else "row of the training that is kept"
        details["note"] = f"No {kept} has another outcome."
    return Local(algorithm=f"nearest_{wanted.distance}", scale=subject.scale, background=len(data), details=details)


def described(subject: Subject, row: pd.DataFrame, answers: Array) -> dict[str, Any]:
    """Return the values of the row that is explained, and what is predicted of it, shape (n_outputs,)."""
    return {
        "row": compared(subject, row, row)["values"],
        "outcome": subject.classes[int(answers.argmax())] if subject.classes else None,
    }


def compared(subject: Subject, row: pd.DataFrame, other: pd.DataFrame) -> dict[str, Any]:
    """Return the values of another row, and the columns in which it differs from this one."""
    values = {name: shown(other[name].iloc[0], subject.kinds[name]) for name in subject.columns}
    own = {name: shown(row[name].iloc[0], subject.kinds[name]) for name in subject.columns}
    return {"values": values, "changed": [name for name in subject.columns if values[name] != own[name]]}


def distances(row: pd.DataFrame, rows: pd.DataFrame, subject: Subject, power: int) -> Array:
    """Return how far rows are from one, shape (n_rows,); spreads and frequencies are those of the background.

    Numbers, booleans and dates are numbers, other columns categories; one of texts that are all different is left out,
    and so are whole series.

    Parameters
    ----------
    power
        1 or 2.
    """
    import numpy as np

    total = np.zeros(len(rows))
    for name in rows.columns:
        if subject.kinds[name] in (Kind.NUMBER, Kind.BOOLEAN, Kind.DATE):
            differ = _of_numbers(row[name], rows[name], subject.background[name], subject.kinds[name])
        elif subject.kinds[name] in (Kind.CATEGORY, Kind.TEXT):
            differ = _of_categories(row[name], rows[name], subject.background[name])
        else:
            continue
        total += differ**power
    return total


def _of_numbers(own: pd.Series, values: pd.Series, background: pd.Series, kind: Kind) -> Array:
    import numpy as np

    known = _numbers(background, kind)
    known = known[~np.isnan(known)]
    spread = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    away = np.abs(_numbers(values, kind) - _numbers(own, kind)[0])
    scaled = away / spread if spread > 0 else np.zeros(len(away))
    return np.where(np.isnan(away), 1.0, scaled)


def _of_categories(own: pd.Series, values: pd.Series, background: pd.Series) -> Array:
    import numpy as np

    if background.nunique() == len(background) > 1:
        return np.zeros(len(values))
    agree = float((background.value_counts(normalize=True) ** 2).sum())
    missing = values.isna().to_numpy() | bool(own.isna().iloc[0])
    same = (values == own.iloc[0]).to_numpy(dtype=bool, na_value=False)
    return np.where(missing, 1.0, np.where(same, 0.0, agree))


def _numbers(values: pd.Series, kind: Kind) -> Array:
    import numpy as np

    if kind is not Kind.DATE:
        numbers: Array = values.to_numpy("float64")
        return numbers
    moments = values.to_numpy("datetime64[us]")
    return np.where(np.isnat(moments), np.nan, moments.view("int64") / (1e6 * _DAY))
