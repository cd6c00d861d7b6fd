"""The outcome that a counterfactual is to have: a class, any class but the present one, or a range of numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from app.errors import Fault, InvalidParameters
from app.explain.base import Subject
from app.payloads.explaining import Counterfactual
from app.payloads.parameters import Task

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Outcome:
    """What is wanted.

    Attributes
    ----------
    clarity
        From answers, shape (n_rows, n_outputs), to how clearly each is what is wanted: above 0 where it is.
    described
        As an answer says it.
    """

    clarity: Callable[[Array], Array]
    described: dict[str, Any]

    @classmethod
    def of(cls, subject: Subject, now: Array, wanted: Counterfactual) -> Self:
        """Read what is wanted, beside the answer `now`, shape (n_outputs,).

        Raises
        ------
        InvalidParameters
        """
        if subject.task is not Task.CLASSIFICATION:
            return cls._of_numbers(wanted)
        for name in ("at_least", "at_most"):
            if getattr(wanted, name) is not None:
                raise InvalidParameters(
                    "Of classes one is reached, not a number.",
                    [Fault(f"/params/{name}", "leave it out, and name the class in wanted")],
                )
        return cls._of_classes(subject, int(now.argmax()), wanted.wanted)

    @classmethod
    def _of_classes(cls, subject: Subject, now: int, named: Any) -> Self:
        import numpy as np

        place = now if named is None else subject.class_of(named, "wanted")

        def ahead(answers: Array) -> Array:
            """Return by how much one class is ahead of all others."""
            lead: Array = answers[:, place] - np.delete(answers, place, axis=1).max(axis=1)
            return lead

        if named is None:
            return cls(lambda answers: -ahead(answers), {"other_than": subject.classes[now]})
        return cls(ahead, {"class": subject.classes[place]})

    @classmethod
    def _of_numbers(cls, wanted: Counterfactual) -> Self:
        import numpy as np

        if wanted.wanted is not None:
            raise InvalidParameters(
                "Of numbers a range is reached, not a class.", [Fault("/params/wanted", "name at_least or at_most")]
            )
        low, high = wanted.at_least, wanted.at_most
        if low is None and high is None:
            raise InvalidParameters(
                "Say which predictions to reach.", [Fault("/params/at_least", "missing, and at_most is as well")]
            )

        def inside(answers: Array) -> Array:
            values = answers[:, 0]
            below = np.inf if high is None else high - values
            above = np.inf if low is None else values - low
            # The ends of a range are in it.
            return np.nextafter(np.minimum(below, above), np.inf)

        return cls(inside, {"at_least": low, "at_most": high})
