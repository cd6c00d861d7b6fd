"""The columns of a row; one that is left out has the values of background rows, and the answers are their mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import starmap
from typing import TYPE_CHECKING, Any, Self

from app.explain import last_step
from app.explain.base import Part, Subject
from app.explain.mixing import OWN
from app.explain.shapley import LEAST

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Background rows that a row is compared with, and rows that the model is asked for at once.
BACKGROUND, _TOGETHER = 50, 50_000


@dataclass(frozen=True)
class Columns:
    """A row of a table, taken apart; see `Masked`.

    Attributes
    ----------
    chosen
        Places of the background rows that it is compared with.
    """

    subject: Subject
    row: pd.DataFrame
    parts: tuple[Part, ...]
    chosen: Array
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, subject: Subject, row: pd.DataFrame, seed: int, n_samples: int) -> Self:
        """Compare a row with so many rows of the background that `n_samples` are enough for some walks with each."""
        import numpy as np

        n_others = len(subject.background)
        most = max(1, min(BACKGROUND, n_samples // (2 * LEAST * len(subject.columns))))
        chosen = np.arange(n_others)
        if n_others > most:
            chosen = np.random.default_rng(seed).choice(n_others, most, replace=False)
        return cls(subject, row, tuple(starmap(Part, values_of(row).items())), chosen)

    @property
    def background(self) -> int:
        """Background rows that are compared with."""
        return len(self.chosen)

    @property
    def cost(self) -> int:
        """Rows that the model is asked for by one mask."""
        return self.background

    def answers(self, masks: Array) -> Array:
        """Return the mean answers, shape (n_masks, n_outputs)."""
        import numpy as np

        others = np.arange(self.background)
        step = max(1, _TOGETHER // self.background)
        told = []
        for first in range(0, len(masks), step):
            some = masks[first : first + step]
            places = np.where(some[:, None, :], OWN, others[None, :, None]).reshape(-1, some.shape[1])
            told.append(self._ask(places).reshape(len(some), self.background, -1).mean(axis=1))
        return np.concatenate(told)

    @cached_property
    def _ask(self) -> Callable[[Array], Array]:
        return last_step.asking(self.subject, self.row, self.chosen)


def values_of(row: pd.DataFrame) -> dict[str, Any]:
    """Return the values of a row of shape (1, n_columns) by column."""
    return dict(zip(row.columns, row.to_numpy(dtype="object")[0], strict=True))
