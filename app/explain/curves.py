"""How predictions follow a column: ICE of one row (Goldstein et al. 2015), partial dependence (Friedman 2001)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidParameters, listed
from app.explain.answer import shown
from app.explain.base import Asked, Case, Subject
from app.explain.found import Contribution, Local, Overall, Part
from app.payloads.parameters import Kind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Categories of a grid, the most frequent ones.
_CATEGORIES = 10

#: Columns that are varied when none are named, rows that the model is asked for at once, and for one curve or surface.
_COLUMNS, _TOGETHER, _MOST = 50, 50_000, 2_000_000

#: Values and rows by which the columns are found that change predictions most, where there are more.
_LOOK_VALUES, _LOOK_ROWS = 3, 10

#: Quantiles between which numbers are varied: beyond them there is hardly any data.
_LOW, _HIGH = 0.02, 0.98


def ice(subject: Subject, case: Case, asked: Asked) -> Local:
    """Return the curve of each column asked for; else of those that change the prediction most.

    A column's contribution is by how much the row's own value differs from the mean of its curve.
    """
    curves: list[dict[str, Any]] = []
    contributions = []
    own = float(subject.predict(case.row)[0, asked.output])
    names = _columns(subject, asked.parameters.columns, case.row)
    for name in names:
        if curves and asked.late:
            break
        values = grid(subject, name, asked.parameters.grid_size)
        answers = _answers(subject, case.row, [(name, values)])[:, 0, asked.output]
        curves.append(
            {
                "feature": name,
                "value": shown(case.row[name].iloc[0], subject.kinds[name]),
                "grid": [shown(value, subject.kinds[name]) for value in values],
                "predictions": answers.tolist(),
                "variation": variation(answers, subject.kinds[name]),
            }
        )
        contributions.append(Contribution(Part(name), own - float(answers.mean())))
    curves.sort(key=lambda curve: -curve["variation"])
    return Local(
        contributions,
        algorithm="ice",
        scale=subject.scale,
        num_samples=sum(len(curve["grid"]) for curve in curves),
        ended="deadline" if len(curves) < len(names) else "exact",
        details={"curves": curves[: asked.parameters.num_features]},
    )


def partial_dependence(subject: Subject, cases: Sequence[Case], asked: Asked) -> Overall:
    """Return the mean curve of each column, with the spread between rows; of two columns named their surface.

    A column's contribution is the standard deviation of its curve (Greenwell et al. 2018).
    """
    import numpy as np
    import pandas as pd

    rows = pd.concat([case.row for case in cases], ignore_index=True)
    named, size = asked.parameters.columns, asked.parameters.grid_size
    names = _columns(subject, named, rows)
    if named is not None and len(names) > 1:
        return _surface(subject, rows, names, asked)
    curves: list[dict[str, Any]] = []
    contributions = []
    for name in names:
        if curves and asked.late:
            break
        values = grid(subject, name, size)
        answers = _answers(subject, rows, [(name, values)])[:, :, asked.output]
        mean = answers.mean(axis=1)
        curves.append(
            {
                "feature": name,
                "grid": [shown(value, subject.kinds[name]) for value in values],
                "mean": mean.tolist(),
                "low": np.quantile(answers, 0.1, axis=1).tolist(),
                "high": np.quantile(answers, 0.9, axis=1).tolist(),
                "variation": variation(mean, subject.kinds[name]),
            }
        )
        contributions.append(Contribution(Part(name), float(mean.std())))
    curves.sort(key=lambda curve: -curve["variation"])
    late = len(curves) < len(names)
    shown_ones = {"curves": curves[: asked.parameters.num_features]}
    return _overall(subject, rows, contributions, shown_ones, curves, "deadline" if late else "exact")


def _surface(subject: Subject, rows: pd.DataFrame, names: list[str], asked: Asked) -> Overall:
    grids = [grid(subject, name, asked.parameters.grid_size) for name in names]
    n_rows = len(rows) * len(grids[0]) * len(grids[1])
    if n_rows > _MOST:
        raise InvalidParameters(
            f"The model would be asked for {n_rows:,} rows, more than {_MOST:,}.",
            [Fault("/params/grid_size", "ask for fewer values, or fewer rows (num_rows)")],
        )
    pairs = [(a, b) for a in grids[0] for b in grids[1]]
    answers = _answers(subject, rows, [(name, [pair[n] for pair in pairs]) for n, name in enumerate(names)])
    mean = answers[:, :, asked.output].mean(axis=1).reshape(len(grids[0]), len(grids[1]))
    contributions = [Contribution(Part(name), float(mean.mean(axis=1 - axis).std())) for axis, name in enumerate(names)]
    # What is left when each column's own effect is taken off: what they do together.
    alone = mean.mean(axis=1, keepdims=True) + mean.mean(axis=0, keepdims=True) - mean.mean()
    surface = {
        "features": names,
        "grids": [[shown(v, subject.kinds[name]) for v in g] for name, g in zip(names, grids, strict=True)],
        "mean": mean.tolist(),
        "interaction": float((mean - alone).std()),
    }
    return _overall(subject, rows, contributions, {"surface": surface}, [{"grid": pairs}])


def _overall(
    subject: Subject, rows: Any, contributions: Any, details: Any, curves: list[dict[str, Any]], ended: str = "exact"
) -> Overall:
    return Overall(
        contributions,
        algorithm="partial_dependence",
        scale=subject.scale,
        num_samples=len(rows) * sum(len(curve["grid"]) for curve in curves),
        rows=len(rows),
        ended=ended,
        details=details,
    )


def _columns(subject: Subject, named: list[str] | None, rows: pd.DataFrame) -> list[str]:
    """Return the columns to vary: those named, or those that change predictions of some rows most.

    Raises
    ------
    InvalidParameters
        One is not there, or cannot be varied: it is of another kind, or no row kept with the version has a value.
    """
    varied = subject.of_kind(Kind.NUMBER, Kind.BOOLEAN, Kind.CATEGORY, Kind.DATE)
    known = [name for name in varied if subject.background[name].notna().any()]
    unknown = [name for name in named or () if name not in known]
    if unknown:
        raise InvalidParameters(
            "Not all of the columns can be varied.",
            [Fault("/params/columns", f"{name}: no such column; known are {listed(known)}") for name in unknown[:20]],
        )
    if named is not None:
        return list(dict.fromkeys(named))
    if len(known) <= _COLUMNS:
        return known
    few = rows.head(_LOOK_ROWS)
    spans = {}
    for name in known:
        answers = _answers(subject, few, [(name, grid(subject, name, _LOOK_VALUES))])
        spans[name] = float((answers.max(axis=0) - answers.min(axis=0)).sum()) if len(answers) else 0.0
    return sorted(known, key=lambda name: -spans[name])[:_COLUMNS]


def grid(subject: Subject, name: str, size: int) -> list[Any]:
    """Return values of a column: quantiles of numbers and dates, each once, so that where there is data there are
    points; of categories the most frequent.
    """
    import numpy as np

    known = subject.background[name].dropna()
    if subject.kinds[name] is Kind.CATEGORY:
        return list(known.value_counts().index[:_CATEGORIES])
    different = known.drop_duplicates().sort_values()
    if len(different) > size:
        whole = known.dtype.kind == "f" and bool((known == known.round()).all())
        how = "nearest" if whole or subject.kinds[name] is Kind.DATE else "linear"
        different = known.quantile(np.linspace(_LOW, _HIGH, size), interpolation=how).drop_duplicates()
    values: list[Any] = different.tolist()
    return values


def _answers(subject: Subject, rows: pd.DataFrame, changed: list[tuple[str, list[Any]]]) -> Array:
    """Return the answers for each row at each value, shape (n_values, n_rows, n_outputs)."""
    import numpy as np
    import pandas as pd

    n_values, step = len(changed[0][1]), max(1, _TOGETHER // len(rows))
    told = []
    for first in range(0, n_values, step):
        count = min(step, n_values - first)
        places = np.tile(np.arange(len(rows)), count)
        asked = {name: rows[name].array.take(places) for name in rows.columns}
        for name, values in changed:
            some = pd.Series(values[first : first + count]).astype(rows[name].dtype)
            asked[name] = some.array.take(np.repeat(np.arange(count), len(rows)))
        told.append(subject.predict(pd.DataFrame(asked)).reshape(count, len(rows), -1))
    return np.concatenate(told) if told else np.zeros((0, len(rows), 1))


def variation(curve: Array, kind: Kind) -> float:
    """Return how much a curve changes, as the What-If Tool sorts them: steps added up, of categories the range."""
    import numpy as np

    if len(curve) < 2:
        return 0.0
    return float(np.ptp(curve) if kind is Kind.CATEGORY else np.abs(np.diff(curve)).sum())
