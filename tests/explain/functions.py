"""Functions of rows as models whose inside nobody can see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.explain.base import Asked, Subject
from app.payloads.explaining import check_explaining
from app.payloads.parameters import Kind, Task

#: {dtype: kind} of the rows here.
KINDS = {"float64": Kind.NUMBER, "str": Kind.CATEGORY, "datetime64[us]": Kind.DATE, "object": Kind.IMAGE}


class Watched:
    """A function of rows as a model, which keeps the rows that it was asked for.

    Parameters
    ----------
    function
        From rows to numbers; where there are classes, to the probability of the last of two, or to those of all.
    kinds
        Of columns whose dtype does not tell it.
    """

    def __init__(self, function, X, classes=(), **kinds):
        self.asked = []
        self._function = function
        of_columns = {name: KINDS[str(dtype)] for name, dtype in X.dtypes.items()} | kinds
        task = Task.CLASSIFICATION if classes else Task.REGRESSION
        self.subject = Subject(task, tuple(classes), of_columns, self._answer, X)

    def _answer(self, rows):
        self.asked.append(rows)
        found = np.asarray(self._function(rows), dtype="float64").reshape(len(rows), -1)
        return np.hstack([1 - found, found]) if len(self.subject.classes) == 2 and found.shape[1] == 1 else found

    @property
    def drawn(self):
        """All rows that were asked for."""
        return pd.concat(self.asked, ignore_index=True)


@dataclass(frozen=True)
class Series:
    """Series as they are, a cell a signal; see `Signals`."""

    values: dict
    start: int = 0

    def rows(self, changed):
        """Return rows of other values."""
        return pd.DataFrame({name: pd.Series([one[name] for one in changed], dtype="object") for name in self.values})


def opaque(function, X, classes=(), **kinds):
    """Return a function of rows as a model whose inside nobody can see."""
    return Watched(function, X, classes, **kinds).subject


def asked(method, output=0, **parameters):
    """Ask a method for one output."""
    return Asked.of(check_explaining({"pipeline_id": "p", "method": method, **parameters}), output)


def shares(found):
    """Return {feature: contribution}."""
    return {one.part.feature: one.value for one in found.contributions}
