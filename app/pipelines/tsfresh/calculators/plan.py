"""What is computed of series by array operations, and what is left to tsfresh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.pipelines.tsfresh.calculators.batch import Array, Batch, Equal, Ragged, Single
from app.pipelines.tsfresh.calculators.names import name_of
from app.pipelines.tsfresh.calculators.partly import Partly
from app.pipelines.tsfresh.calculators.table import CALCULATORS, Calculator
from app.pipelines.tsfresh.params import FcParameters

#: Values of a batch, which must stay near the processor.
_BATCH = 1 << 16

#: Magnitudes between which no calculator overflows, or loses what a square, a cube or a fourth power is of.
_LEAST, _GREATEST = 1e-50, 1e50


@dataclass(frozen=True)
class Step:
    """One array operation.

    Attributes
    ----------
    params
        Its arguments, or what it makes of them; None where it takes none.
    place
        Where in the row of a series its features are.
    """

    name: str
    calculator: Calculator
    params: Any
    place: int | slice

    def compute(self, batch: Equal) -> Array | Partly:
        """Return the features of a batch."""
        found: Array | Partly
        found = self.calculator.compute(batch) if self.params is None else self.calculator.compute(batch, self.params)
        return found


@dataclass(frozen=True)
class Plan:
    """How the features of a signal are computed.

    Attributes
    ----------
    names
        Features in the order of the calculators, without the name of a signal.
    ragged, equal
        Operations on series of any lengths, and of one length.
    left
        What only tsfresh computes.
    parameters
        Everything that is computed.
    """

    names: tuple[str, ...]
    ragged: tuple[Step, ...]
    equal: tuple[Step, ...]
    left: FcParameters
    parameters: FcParameters = field(repr=False)

    @classmethod
    def of(cls, wanted: FcParameters) -> Plan:
        """Return the plan for tsfresh's parameters."""
        names: list[str] = []
        steps: list[Step] = []
        left: FcParameters = {}
        for name, params in wanted.items():
            known = CALCULATORS.get(name)
            entries = {name_of(name, known.named(entry) if known else entry): entry for entry in params or [{}]}
            given = list(entries.values()) if params else None
            place = slice(len(names), len(names) + len(entries)) if params else len(names)
            names += entries
            if known is not None and known.takes(given):
                prepared = known.prepare(given) if known.prepare and given else given
                steps.append(Step(name, known, prepared, place))
            else:
                left[name] = params
        ragged = tuple(step for step in steps if step.calculator.ragged)
        return cls(tuple(names), ragged, tuple(step for step in steps if step not in ragged), left, wanted)

    def run(self, values: Array, starts: Array, times: Array | None = None) -> tuple[Array, dict[str, Array]]:
        """Compute what are array operations.

        Parameters
        ----------
        values
            Shape (n_rows,), float64: the first series, then the second, …
        starts
            Where each series begins, and the end, shape (n_series + 1,). A series may be empty.
        times
            Shape (n_rows,), datetime64, or None.

        Returns
        -------
        Features of shape (n_series, len(names)), and {calculator: the series, of bool, that it is left for}. NaN is
        what is left, and all of an empty series.
        """
        lengths = starts[1:] - starts[:-1]
        found = np.empty((len(lengths), len(self.names)))
        found.fill(np.nan)
        left: dict[str, Array] = dict.fromkeys(self.left, lengths > 0) if self.left else {}
        with np.errstate(all="ignore"):
            if len(lengths) == 1 and not self.equal:
                if lengths[0]:
                    _fill(found, 0, self.ragged, Single(values[starts[0] : starts[1]]))
                return found, left
            several = len(lengths) > 1 and bool((lengths != lengths[0]).any())
            if several and self.ragged:
                filled = np.flatnonzero(lengths)
                _fill(found, filled, self.ragged, Ragged(values[starts[0] : starts[-1]], lengths[filled]))
            if self.equal or not several:
                for rows, batch in _batches(values, starts, lengths, times):
                    if not several:
                        _fill(found, rows, self.ragged, batch)
                    if self.equal:
                        _compute(found, rows, self.equal, batch, left)
        return found, left


#: Series of an array: one of them, a stretch, or their numbers.
Rows = int | slice | Array


def _fill(found: Array, rows: Rows, steps: tuple[Step, ...], batch: Batch) -> None:
    """Put the minimal features of a batch into their rows."""
    for step in steps:
        found[rows, step.place] = step.calculator.compute(batch)


def _compute(found: Array, rows: Rows, steps: tuple[Step, ...], batch: Equal, left: dict[str, Array]) -> None:
    """Put the other features of a batch into their rows.

    What may not be precise of values too great or too small is left, and so are too short series.
    """
    greatest = batch.magnitude
    tame = ((greatest > _LEAST) & (greatest < _GREATEST)) | (greatest == 0)
    if not tame.all():
        numbers = np.arange(len(found))[rows]
        for step in steps:
            _leave(left, step, numbers[~tame], len(found))
        rows = numbers[tame]
        batch = Equal(batch.values[tame], None if batch.times is None else batch.times[tame])
    for step in steps if len(batch) else ():
        if batch.n < step.calculator.shortest:
            _leave(left, step, rows, len(found))
            continue
        features = step.compute(batch)
        if isinstance(features, Partly):
            if features.left.any():
                _leave(left, step, np.arange(len(found))[rows][features.left], len(found))
            features = features.values
        found[rows, step.place] = features


def _leave(left: dict[str, Array], step: Step, rows: Rows, n_series: int) -> None:
    left.setdefault(step.name, np.zeros(n_series, "bool"))[rows] = True


def _batches(values: Array, starts: Array, lengths: Array, times: Array | None) -> Iterator[tuple[Rows, Equal]]:
    """Yield the series of each length, and where they are, some at a time."""
    n_series = len(lengths)
    if n_series == 1 or (lengths == lengths[0]).all():
        length = int(lengths[0])
        step = max(1, _BATCH // max(1, length))
        for first in range(0, n_series if length else 0, step):
            last = min(first + step, n_series)
            yield slice(first, last), _equal(values, slice(starts[first], starts[last]), length, times)
        return
    for length in np.unique(lengths[lengths > 0]).tolist():
        numbers = np.flatnonzero(lengths == length)
        step = max(1, _BATCH // length)
        for first in range(0, len(numbers), step):
            some = numbers[first : first + step]
            yield some, _equal(values, starts[some][:, None] + np.arange(length), length, times)


def _equal(values: Array, places: Any, length: int, times: Array | None) -> Equal:
    """Return a batch of the values and times in some places."""
    of_times = None if times is None else times[places].reshape(-1, length)
    return Equal(values[places].reshape(-1, length), of_times)
