"""A few series of the training, which a version keeps to be looked at, as texts that can be sent again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.pages.asking.sent import text_of
from app.pages.words import short
from app.payloads.parameters import Kind
from app.pipelines.reports.kept_series import SIGNALS

if TYPE_CHECKING:
    from app.payloads.signature import Signature

Series = dict[str, Any]

#: Characters of what a series is called.
_NAME = 40

#: Where times begin that are made up.
_DAY_ONE = datetime(2020, 1, 1)


def names(kept: list[Series]) -> list[str]:
    """Return what the series are called: their ids, and what is known of them."""
    return [
        short(one["id"], _NAME) + ("" if one["label"] is None else f" ({short(one['label'], _NAME)})") for one in kept
    ]


def why_not(signature: Signature, kept: list[Series], forecasts: bool) -> str | None:
    """Say why the series that are kept cannot be sent again; None where they can."""
    if not kept:
        return "No series of the training are kept with this version: send your own."
    if forecasts and timed(signature):
        return (
            "The series that are kept with this version are without their times, which forecasts read: send your own."
        )
    signals = [signal for one in kept for signal in one["signals"]]
    whole = all(signal["place"] == [*range(len(signal["place"]))] for signal in signals)
    # Of series with more signals than that only the first are kept.
    if not whole or any(len(one["signals"]) >= SIGNALS for one in kept):
        return "Of series that are long the version keeps the outline, not each value: send your own."
    return None


def timed(signature: Signature) -> bool:
    """Tell whether samples have times, of which only the order is kept."""
    return any(column.role == "sort" and column.kind is Kind.DATE for column in signature.columns)


def text(signature: Signature, one: Series) -> str:
    """Write a series as it was sent to the training, its samples in their order."""
    kinds, values = signature.names("signal"), signature.names("value")
    if kinds:
        rows = [
            {kinds[0]: signal["name"], values[0]: value, **_beside(signature, one, place)}
            for signal in one["signals"]
            for place, value in enumerate(signal["value"])
        ]
        return text_of(rows)
    longest = max(len(signal["value"]) for signal in one["signals"])
    return text_of(
        [
            {signal["name"]: _at(signal["value"], place) for signal in one["signals"]} | _beside(signature, one, place)
            for place in range(longest)
        ]
    )


def _beside(signature: Signature, one: Series, place: int) -> dict[str, Any]:
    order = (_DAY_ONE + timedelta(days=place)).date().isoformat() if timed(signature) else place
    return dict.fromkeys(signature.names("id"), one["id"]) | dict.fromkeys(signature.names("sort"), order)


def _at(values: list[Any], place: int) -> Any:
    return values[place] if place < len(values) else None
