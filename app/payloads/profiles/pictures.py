"""A few images of an upload, small enough for a page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.payloads import images

if TYPE_CHECKING:
    import pandas as pd

#: Images that are shown, and pixels of the longer side.
_SHOWN, _SIDE = 12, 96


@dataclass(frozen=True, slots=True)
class Picture:
    """An image: the path that it came as, its class where one is known, and a small PNG of it in base64."""

    name: str
    label: str | None
    png: str


def of(frame: pd.DataFrame, labels: pd.Series | None) -> list[Picture]:
    """Return some images of each class, else of each folder, else the first."""
    beside = next((name for name in ("folder", "label") if name in frame.columns), None)
    told = frame[beside] if beside is not None else None
    if labels is not None and len(labels) == len(frame):
        told = labels.set_axis(frame.index)
    places = list(frame.index[:_SHOWN])
    if told is not None and 1 < told.nunique() <= _SHOWN:
        each = _SHOWN // told.nunique()
        places = [place for _, some in told.groupby(told, sort=True) for place in some.index[:each]]
    found = []
    for place in places:
        small = _small(frame["image"][place])
        label = None if told is None or told[place] != told[place] else str(told[place])
        if small is not None:
            found.append(Picture(str(frame["file"][place]), label, small))
    return found


def _small(data: Any) -> str | None:
    """Return a small PNG of an image; None of one whose pixels cannot be read though it is whole."""
    from PIL import Image

    sink = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            image.draft("RGB", (_SIDE, _SIDE))
            plain = image.convert("L" if image.mode in ("1", "L", "I", "F") else "RGB")
    except images.refused():
        return None
    plain.thumbnail((_SIDE, _SIDE))
    plain.save(sink, "PNG")
    return base64.b64encode(sink.getvalue()).decode()
