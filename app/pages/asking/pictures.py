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
            shown = prepared(opened).convert("RGB")
        shown.thumbnail((_SIDE, _SIDE))
        written = io.BytesIO()
        shown.save(written, "PNG")
    except refused():
        return None
    return f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode()}"
