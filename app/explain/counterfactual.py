"""What would have to be different for another outcome: rows that change as few columns as may be.

First each column alone takes over the values that other rows have. Then whole rows of the training with the outcome
wanted lend their values: all columns that may change are taken over at once and given back one after another, that one
first whose return keeps the outcome best, as long as it stays. Numbers are then moved back towards the row's own. Each
row is asked of the model as it is, and checked against the constraints, before it is returned. The ideas are of Wachter
et al. (2017), distances over spreads; Mothilal et al. (2020), sparsity afterwards; and Keane & Smyth (2020), values of
rows that there are.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from app.explain.base import Asked, Case, Subject
from app.explain.constraints import Constraints
from app.explain.found import Local
from app.explain.mixing import OWN, Mixture
from app.explain.nearest import compared, described, distances
from app.explain.outcome import Outcome
from app.payloads.explaining import Counterfactual
from app.payloads.parameters import Kind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Values that a column takes over alone; rows that lend all of theirs, the nearest first.
_VALUES, _DONORS = 40, 20

#: Places tried at once on the way back to a number, and how often what is left of the way is tried again.
_PLACES, _ROUNDS = 16, 2

#: Decimals of the way between two numbers to which a number is rounded.
_DECIMALS = 3


def explain(subject: Subject, case: Case, asked: Asked) -> Local:
    """Return rows with another outcome, the one that changes the fewest columns first; none is an answer too.

    Raises
    ------
    InvalidParameters
        A class, column or value that the model does not know, or constraints that do not fit the task.
    """
    wanted: Counterfactual = asked.parameters
    search = _Search.of(subject, case, wanted)
    found = search.run()
    details = {
        "wanted": search.outcome.described,
        **described(subject, case.row, subject.predict(case.row)[0]),
        "counterfactuals": [
            {
                "distance": one.distance,
                "prediction": float(one.answers[asked.output]),
                "outcome": subject.classes[int(one.answers.argmax())] if subject.classes else None,
                **compared(subject, case.row, one.row),
            }
            for one in found
        ],
        "note": None if found else search.why_none(),
    }
    return Local(
        algorithm="donors",
        scale=subject.scale,
        num_samples=search.asked,
        background=len(subject.background),
        ended="deadline" if search.late else "exhausted",
        details=details,
    )


@dataclass(frozen=True)
class _Found:
    """A row with the outcome wanted, what the model answers, the columns that differ, and how far it is."""

    row: pd.DataFrame
    answers: Array
    changed: frozenset[str]
    distance: float


@dataclass
class _Search:
    """The search for one row.

    Attributes
    ----------
    donors
        Training rows, brought within the constraints.
    asked
        Rows that the model was asked for.
    reached
        Whether the row has the outcome already.
    late
        Whether the deadline has passed.
    """

    subject: Subject
    row: pd.DataFrame
    outcome: Outcome
    constraints: Constraints
    donors: pd.DataFrame
    wanted: Counterfactual
    deadline: float
    reached: bool
    asked: int = 0
    late: bool = False

    @classmethod
    def of(cls, subject: Subject, case: Case, wanted: Counterfactual) -> Self:
        """Check what is asked for, and begin."""
        constraints = Constraints.of(subject, case.row, wanted)
        now = subject.predict(case.row)
        outcome = Outcome.of(subject, now[0], wanted)
        donors, deadline = constraints.donors(), time.monotonic() + wanted.seconds
        reached = bool(outcome.clarity(now)[0] > 0)
        return cls(subject, case.row, outcome, constraints, donors, wanted, deadline, reached)

    def run(self) -> list[_Found]:
        """Return what is found until the deadline, the rows with the fewest columns changed first."""
        import numpy as np

        if self.reached:
            return []
        mixture = Mixture.of(self.row, self.donors)
        places = np.vstack([self._alone(mixture), self._together(mixture)])
        found: list[_Found] = []
        if len(places):
            rows = self._nearer(mixture.rows(places), places != OWN)
            answers = self.subject.predict(rows)
            kept = (self.outcome.clarity(answers) > 0) & self.constraints.each_holds(rows)
            away = distances(self.row, rows, self.subject, 1)
            for place in np.flatnonzero(kept):
                row = rows.iloc[[place]]
                changed = frozenset(compared(self.subject, self.row, row)["changed"])
                self._add(found, _Found(row, answers[place], changed, float(away[place])))
        return sorted(found, key=lambda one: (len(one.changed), one.distance))[: self.wanted.count]

    def why_none(self) -> str:
        """Say why nothing was found."""
        if self.reached:
            return "The row has this outcome already."
        if not self.constraints.mutable.any():
            return "No column may change."
        if self.late:
            return "None was found in time. Give it more seconds, or let more columns change."
        return "None was found. Let more columns change, or widen the ranges."

    def _add(self, found: list[_Found], one: _Found) -> None:
        """Keep a row unless another changes no other columns, and drop those that change more than it."""
        if any(
            other.changed < one.changed or (other.changed == one.changed and other.distance <= one.distance)
            for other in found
        ):
            return
        found[:] = [other for other in found if not one.changed <= other.changed]
        found.append(one)

    def _alone(self, mixture: Mixture) -> Array:
        """Return the places of the values of rows that change one column, the nearest value of each.

        Shape (n_found, n_columns), as `Mixture.rows` takes them.
        """
        import numpy as np

        columns = np.flatnonzero(self.constraints.mutable)
        lenders = np.linspace(0, len(self.donors) - 1, min(_VALUES, len(self.donors))).round().astype(int)
        places = np.full((len(columns), len(lenders), len(self.row.columns)), OWN)
        for number, column in enumerate(columns):
            places[number, :, column] = lenders
        if not len(columns):
            return places.reshape(0, len(self.row.columns))
        rows = mixture.rows(places.reshape(-1, len(self.row.columns)))
        clear = (self._clarity(rows) > 0).reshape(len(columns), -1)
        away = np.where(clear, distances(self.row, rows, self.subject, 1).reshape(clear.shape), np.inf)
        found: Array = places[np.arange(len(columns)), away.argmin(axis=1)][clear.any(axis=1)]
        return found

    def _together(self, mixture: Mixture) -> Array:
        """Return the places of the values of rows that have several columns of one donor, as few as may be.

        All donors give back one column a step, so that the model is asked once a step.
        """
        import numpy as np

        whole = np.where(self.constraints.mutable, np.arange(len(self.donors))[:, None], OWN)
        rows = mixture.rows(whole)
        there = np.flatnonzero(self._clarity(rows) > 0)
        nearest = np.argsort(distances(self.row, rows.iloc[there], self.subject, 1), kind="stable")[:_DONORS]
        places = whole[there[nearest]]
        going = np.ones(len(places), dtype=bool)
        while going.any() and not self._is_late():
            owners, columns = np.nonzero((places != OWN) & going[:, None])
            fewer = places[owners]
            fewer[np.arange(len(owners)), columns] = OWN
            clear = np.full(places.shape, -np.inf)
            clear[owners, columns] = self._clarity(mixture.rows(fewer))
            going &= (clear.max(axis=1) > 0) & ((places != OWN).sum(axis=1) > 1)
            places[going, clear.argmax(axis=1)[going]] = OWN
        return places

    def _nearer(self, rows: pd.DataFrame, changed: Array) -> pd.DataFrame:
        """Move the numbers that changed back towards the row's own, column by column, as far as the outcome stays."""
        import numpy as np

        for column, name in enumerate(rows.columns):
            own = self.row[name].iloc[0]
            if self.subject.kinds[name] is not Kind.NUMBER or own != own:
                continue
            far = rows[name].to_numpy("float64")
            some = np.flatnonzero(changed[:, column] & ~np.isnan(far) & (far != own))
            if len(some):
                rows = self._moved(rows, some, name, float(own))
        return rows

    def _moved(self, rows: pd.DataFrame, some: Array, name: str, own: float) -> pd.DataFrame:
        """Move one number of some rows: of places on its way back the first that keeps the outcome, then finer ones."""
        import numpy as np

        moved = rows[name].to_numpy("float64", copy=True)
        way = moved[some] - own
        low, high = np.zeros(len(some)), np.ones(len(some))
        for _ in range(_ROUNDS):
            if self._is_late():
                break
            steps = np.arange(1, _PLACES) / _PLACES
            ways = low[:, None] + (high - low)[:, None] * steps
            values = self._readable(name, own + ways * way[:, None], np.abs(way)[:, None])
            tried = rows.iloc[np.repeat(some, len(steps))].assign(**{name: values.ravel()})
            kept = ((self._clarity(tried) > 0) & self.constraints.each_holds(tried)).reshape(ways.shape)
            first, any_kept = kept.argmax(axis=1), kept.any(axis=1)
            each = np.arange(len(some))
            moved[some[any_kept]] = values[each, first][any_kept]
            before = np.where(first > 0, ways[each, first - 1], low)
            low, high = np.where(any_kept, before, ways[:, -1]), np.where(any_kept, ways[each, first], high)
        return rows.assign(**{name: moved})

    def _readable(self, name: str, values: Array, way: Array) -> Array:
        """Return numbers that people can read: whole where the column's are, else of three decimals of the way."""
        import numpy as np

        if bool((self.subject.background[name].dropna() % 1 == 0).all()):
            return np.round(values)
        places = np.floor(np.log10(way)) - _DECIMALS
        # Powers of ten are exact and their inverses are not: 4791 / 100 is what is meant, and 4791 * 0.01 is not.
        more, less = 10.0 ** np.maximum(places, 0), 10.0 ** np.maximum(-places, 0)
        readable: Array = np.round(values / more * less) * more / less
        return readable

    def _clarity(self, rows: pd.DataFrame) -> Array:
        self.asked += len(rows)
        found: Array = self.outcome.clarity(self.subject.predict(rows))
        return found

    def _is_late(self) -> bool:
        self.late = self.late or time.monotonic() > self.deadline
        return self.late
