"""Images as pages show them."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from app.payloads.images import refused
from app.pipelines.pictures import prepared

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

#: Pixels of the longer side of what is shown, and bytes of an image that is written as it is.
SIDE, _LARGE = 320, 50_000


def preview(image: str | bytes, side: int = SIDE) -> str | None:
    """Return an image as a URI that holds it, no larger than a page shows it; None where it cannot be shown."""
    from PIL import Image

    try:
        data = image if isinstance(image, bytes) else base64.b64decode(image)
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as opened:
            # What the model sees, not what other programs make of transparency, depth and turns.
            shown, large = prepared(opened).convert("RGB"), max(opened.size) > side
        shown.thumbnail((side, side))
        form, data = "PNG", b"" if large else _written(shown, "PNG")
        # What is made smaller is a photograph, as a rule, and so is what has no even ground: as PNG they are ten times
        # as large.
        if large or len(data) > _LARGE:
            form, data = "JPEG", _written(shown, "JPEG")
    except refused():
        return None
    return f"data:image/{form.lower()};base64,{base64.b64encode(data).decode()}"


def _written(image: Picture, form: str) -> bytes:
    sink = io.BytesIO()
    image.save(sink, form)
    return sink.getvalue()
