"""What is shown of what was sent, and what rows of a training are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.pages.asking.pictures import preview
from app.pages.asking.sent import Sent, table
from app.pages.words import short
from app.pages.words import value as written
from app.payloads.signature import Signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.settings import Settings

#: Rows of the training that are offered, characters of what they are called, and images that are shown.
OFFERED, _NAME, _PICTURES = 100, 90, 12

#: Pixels of the longer side of one of several images: twice what they take, for screens of twice as many.
_SMALL = 220


def previews(brought: Sent, signature: Signature, settings: Settings) -> list[dict[str, Any]]:
    """Return the first images of a file, each with the number of its row; that of a row stands in its form."""
    if brought.values is not None:
        return []
    column = next(one.name for one in signature.columns if one.kind.value == "image")
    frame = table(brought.upload, signature, settings).head(_PICTURES)
    return [{"place": place, "source": preview(value, _SMALL)} for place, value in enumerate(frame[column].tolist())]


def names(rows: Sequence[dict[str, Any]], signature: Signature) -> list[str]:
    """Return what rows of the training are called, by what is in them."""
    shown = [column.name for column in signature.columns if column.kind.value != "image"][:4]
    if not shown:
        return [f"image {place}" for place in range(1, len(rows) + 1)]
    return [
        f"{place}: {short(', '.join(_told(row[name]) for name in shown), _NAME)}" for place, row in enumerate(rows, 1)
    ]


def _told(value: Any) -> str:
    return short(written(value), _NAME)
