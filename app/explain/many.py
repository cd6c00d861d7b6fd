"""Rows explained by a local method, for methods that sum up what they come to."""

from __future__ import annotations

from collections.abc import Sequence

from app.errors import DeadlinePassed, InvalidData, TooCostly
from app.explain import cores
from app.explain.base import Asked, Case, LocalExplainer, Subject
from app.explain.found import Local


def explained(
    explainer: LocalExplainer, subject: Subject, cases: Sequence[Case], asked: Asked
) -> tuple[list[int], list[Local]]:
    """Explain rows until the deadline, one in any case, and return their places too.

    Raises
    ------
    InvalidData
        None could be explained: no text has a word. One of many is left out.
    """

    def explain(place: int) -> Local | InvalidData | None:
        try:
            return explainer(subject, cases[place], asked)
        except InvalidData as error:
            return error
        except (DeadlinePassed, TooCostly):
            # What is there by then is answered; without the first there is nothing.
            if not place:
                raise
            return None

    told = cores.each(lambda place: None if place and asked.late else explain(place), range(len(cases)))
    left = [place for place, one in enumerate(told) if one is None]
    while left and not any(isinstance(one, Local) for one in told):
        place = left.pop(0)
        told[place] = explain(place)
    places = [place for place, one in enumerate(told) if isinstance(one, Local)]
    found = [one for one in told if isinstance(one, Local)]
    refused = next((one for one in told if isinstance(one, InvalidData)), None)
    if refused is not None and not found:
        raise refused
    return places, found


def ended(found: Sequence[Local], late: bool) -> str:
    """Return what ended the work on all of them."""
    if late:
        return "deadline"
    ends = {one.ended for one in found}
    return next((end for end in ("num_samples", "max_error", "exact") if end in ends), found[0].ended)
