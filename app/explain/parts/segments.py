"""Stretches of the signals of one series."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

from app.explain.base import Signals, Subject
from app.explain.found import Part
from app.pipelines.pace import in_blocks

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Series that the model is asked for at once.
_TOGETHER = 256


@dataclass(frozen=True)
class Segments:
    """One series, of which stretches are masked; see `Masked`.

    Attributes
    ----------
    fill
        line: straight from the sample before a stretch to the one after it. mean: of the signal. zero.
    """

    subject: Subject
    signals: Signals
    fill: str
    parts: tuple[Part, ...]
    cost: int = 1
    background: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, subject: Subject, signals: Signals, n_segments: int, fill: str) -> Self:
        """Cut each signal into stretches of nearly equal length."""
        import numpy as np

        parts = []
        for name, values in signals.values.items():
            edges = np.linspace(0, len(values), min(n_segments, len(values)) + 1).round().astype(int) + signals.start
            parts += [Part(name, None, int(a), int(b)) for a, b in pairwise(edges)]
        shown = {
            name: [None if value != value else value for value in v.tolist()] for name, v in signals.values.items()
        }
        return cls(subject, signals, fill, tuple(parts), details={"signals": shown, "start": signals.start})

    def answers(self, masks: Array, others: Array | None = None) -> Array:
        """Mask stretches, and ask the model; the same series is asked for once."""
        import numpy as np

        unique, back = np.unique(masks, axis=0, return_inverse=True)
        told = in_blocks(lambda some: self.subject.predict(self.rows(some)), unique, _TOGETHER)
        answers: Array = np.concatenate(told)[back.ravel()]
        return answers

    def rows(self, masks: Array) -> Any:
        """Return the rows of the series under each mask."""
        return self.signals.rows([self._masked(mask) for mask in masks])

    def _masked(self, mask: Array) -> dict[str, Array]:
        import numpy as np

        found = {}
        for name, values in self.signals.values.items():
            gone = np.zeros(len(values), dtype=bool)
            for part, kept in zip(self.parts, mask, strict=True):
                if part.feature == name and not kept:
                    assert part.start is not None
                    assert part.end is not None
                    gone[part.start - self.signals.start : part.end - self.signals.start] = True
            filled = values.copy()
            known = ~gone & ~np.isnan(values)
            if self.fill == "zero":
                filled[gone] = 0.0
            elif self.fill == "line" and known.any():
                filled[gone] = np.interp(np.flatnonzero(gone), np.flatnonzero(known), values[known])
            else:
                filled[gone] = np.nanmean(values)
            found[name] = filled
        return found
