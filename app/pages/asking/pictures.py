"""Images as pages show them."""

from __future__ import annotations

import base64
import io

from app.payloads.images import refused
from app.pipelines.pictures import prepared

#: Pixels of the longer side of what is shown.
_SIDE = 320


def preview(image: str | bytes) -> str | None:
    """Return an image as a URI that holds it, no larger than a page shows it; None where it cannot be shown."""
    from PIL import Image

    try:
        data = image if isinstance(image, bytes) else base64.b64decode(image)
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as opened:
            # What the model sees, not what other programs make of transparency, depth and turns.
            shown, large = prepared(opened).convert("RGB"), max(opened.size) > _SIDE
        shown.thumbnail((_SIDE, _SIDE))
        written = io.BytesIO()
        # What is made smaller is a photograph, as a rule: as PNG it would be ten times as large.
        form = "JPEG" if large else "PNG"
        shown.save(written, form)
    except refused():
        return None
    return f"data:image/{form.lower()};base64,{base64.b64encode(written.getvalue()).decode()}"
