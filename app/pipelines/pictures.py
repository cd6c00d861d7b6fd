"""Images into pixels of one size."""

from __future__ import annotations

import io
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    Array = np.ndarray[Any, Any]

#: What stands behind transparent pixels.
_BEHIND = (255, 255, 255, 255)

#: The largest value of a 16-bit image over that of an 8-bit one.
_FROM_16_BITS = 257


def pixels(images: Collection[bytes], height: int, width: int, channels: int) -> Array:
    """Return the pixels of images, row by row, each with its channels.

    Parameters
    ----------
    images
        PNG or JPEG.

    Returns
    -------
    Array of float32 from 0 to 1, shape (n_images, height * width * channels).

    Raises
    ------
    ValueError
        An image cannot be decoded.
    """
    import numpy as np

    found = np.empty((len(images), height * width * channels), dtype="float32")
    for place, data in enumerate(images):
        found[place] = _pixels(data, height, width, channels).ravel()
    found /= 255
    return found


def _pixels(data: bytes, height: int, width: int, channels: int) -> Array:
    import numpy as np
    from PIL import Image

    from app.payloads.images import refused

    mode = "L" if channels == 1 else "RGB"
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            # A JPEG is decoded at a half, a quarter or an eighth where that is more than enough; on either side,
            # as the camera may have been turned.
            side = 2 * max(height, width)
            image.draft(None, (side, side))
            plain = prepared(image).convert(mode)
            return np.asarray(plain.resize((width, height), Image.Resampling.BILINEAR))
    except refused() as error:
        raise ValueError("an image cannot be decoded") from error


def prepared(image: Image) -> Image:
    """Return an image as models see it, in its own size: upright, of 8 bits a channel, without transparency."""
    return _plain(_upright(image))


def _upright(image: Image) -> Image:
    from PIL import ImageOps

    from app.payloads.images import refused

    try:
        return ImageOps.exif_transpose(image)
    except refused():
        # A note that cannot be read says nothing.
        return image


def _plain(image: Image) -> Image:
    """Return an image of 8 bits a channel, without transparency."""
    import numpy as np
    from PIL import Image as images

    if image.mode.startswith("I") or image.mode == "F":
        # 16 bits of grey, which Pillow would cut off at 255.
        return images.fromarray((np.asarray(image, dtype="float64") / _FROM_16_BITS).clip(0, 255).astype("uint8"))
    if image.has_transparency_data:
        shown = image.convert("RGBA")
        return images.alpha_composite(images.new("RGBA", shown.size, _BEHIND), shown)
    return image
