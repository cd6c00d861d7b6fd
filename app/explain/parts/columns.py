"""The columns of a row; one that is left out has the values of background rows, and the answers are their mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import starmap
from typing import TYPE_CHECKING, Any, Self

from app.explain import last_step
from app.explain.base import Subject
from app.explain.found import Part
from app.explain.mixing import OWN
from app.pipelines.pace import in_blocks

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Rows that the model is asked for at once.
_TOGETHER = 50_000


@dataclass(frozen=True)
class Columns:
    """A row of a table, taken apart; see `Masked`. Means are over all rows of the background."""

    subject: Subject
    row: pd.DataFrame
    parts: tuple[Part, ...]
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, subject: Subject, row: pd.DataFrame) -> Self:
        """Compare a row with the rows of the background."""
        return cls(subject, row, tuple(starmap(Part, values_of(row).items())))

    @property
    def background(self) -> int:
        """Background rows that are compared with."""
        return len(self.subject.background)

    @property
    def cost(self) -> int:
        """Rows that the model is asked for by one mask without a row that lends: as many as are compared with."""
        return self.background

    def answers(self, masks: Array, others: Array | None = None) -> Array:
        """Return the answers, or mean answers, shape (n_masks, n_outputs)."""
        import numpy as np

        lenders = np.arange(self.cost)[None, :] if others is None else others[:, None]
        step = max(1, _TOGETHER // lenders.shape[1])

        def answered(numbers: Array) -> Array:
            some, lent = masks[numbers], lenders if others is None else lenders[numbers]
            places = np.where(some[:, None, :], OWN, lent[:, :, None]).reshape(-1, some.shape[1])
            mean: Array = self._ask(places).reshape(len(some), lenders.shape[1], -1).mean(axis=1)
            return mean

        return np.concatenate(in_blocks(answered, np.arange(len(masks)), step))

    @cached_property
    def _ask(self) -> Callable[[Array], Array]:
        return last_step.asking(self.subject, self.row)


def values_of(row: pd.DataFrame) -> dict[str, Any]:
    """Return the values of a row of shape (1, n_columns) by column."""
    return dict(zip(row.columns, row.to_numpy(dtype="object")[0], strict=True))
