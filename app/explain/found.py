"""What an explanation has found: the shares of parts, of one row or over many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

#: Degrees of freedom above which Student's t is the normal distribution.
_MANY = 1e6


@dataclass(frozen=True)
class Part:
    """What of a row can be left out: a column, a word, a stretch of a signal, a region of an image.

    Attributes
    ----------
    feature
        The caller's column or signal.
    value
        What stands there; of a word the word. None for what has no one value.
    start, end
        Characters of a text or samples of a signal, the end exclusive; None for a whole column.
    region
        Number of a region of an image.
    """

    feature: str
    value: Any = None
    start: int | None = None
    end: int | None = None
    region: int | None = None


@dataclass(frozen=True)
class Contribution:
    """One part's share.

    Attributes
    ----------
    error
        Standard error of the share; None where nothing was sampled.
    condition
        Of LIME on columns: the range or category that the weight belongs to.
    degrees
        Degrees of freedom of the error: how many samples it was estimated from, less what was estimated of them before.
    """

    part: Part
    value: float
    error: float | None = None
    condition: str | None = None
    degrees: float = math.inf

    @property
    def interval(self) -> tuple[float, float] | None:
        """Interval of 95 % by Student's t, which is wide where few samples tell the error; None without an error."""
        from scipy.special import stdtrit

        if self.error is None or not math.isfinite(self.error):
            return None
        half = float(stdtrit(min(self.degrees, _MANY), 0.975)) * self.error
        return self.value - half, self.value + half


@dataclass(frozen=True)
class Local:
    """One row explained.

    Attributes
    ----------
    contributions
        All that the method gives, in any order.
    base_value, local_prediction
        Where the contributions start from, and base value plus all contributions; None for methods without.
    trust
        What the method can tell of how far to trust it: `fidelity`, `divergence`, `additivity_error`, `standard_error`.
    algorithm
        Which variant of the method it was.
    scale
        Unit of base value and contributions: probability, log_odds, score or value.
    num_samples
        Rows that the model was asked for; None for exact methods.
    ended
        What ended the sampling: exact, max_error, num_samples or deadline.
    details
        What the method gives beside contributions.
    """

    contributions: Sequence[Contribution] = ()
    base_value: float | None = None
    local_prediction: float | None = None
    trust: dict[str, float | None] = field(default_factory=dict)
    algorithm: str = ""
    scale: str = "probability"
    num_samples: int | None = None
    background: int = 0
    ended: str = "exact"
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Overall:
    """A model explained over many rows, for one class.

    Attributes
    ----------
    contributions
        Of each part its importance, 0 or more where the method has no direction.
    rows
        Rows that it is of.
    examples
        Rows that are shown with their own explanations: their positions, and these.
    """

    contributions: Sequence[Contribution] = ()
    base_value: float | None = None
    trust: dict[str, float | None] = field(default_factory=dict)
    algorithm: str = ""
    scale: str = "probability"
    num_samples: int | None = None
    background: int = 0
    rows: int = 0
    ended: str = "exact"
    details: dict[str, Any] = field(default_factory=dict)
    examples: Sequence[tuple[int, Local]] = ()
