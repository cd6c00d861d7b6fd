"""Images into numbers, as a step of a pipeline."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Self

from sklearn.base import BaseEstimator, TransformerMixin

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from PIL.Image import Image

#: What stands behind transparent pixels.
_BEHIND = (255, 255, 255, 255)

#: The largest value of a 16-bit image over that of an 8-bit one.
_FROM_16_BITS = 257


class Pixels(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Scale images to one size and give their pixels, row by row, each with its channels.

    A camera's note of how it was held is followed, transparency is shown on white, of an animation the first picture
    is taken, and all are made grey or red, green and blue. Scaling down averages (antialiases), without keeping the
    ratio of the sides.

    Parameters
    ----------
    height, width
        Of what a model sees, in pixels.
    channels
        1: grey. 3: red, green, blue.

    Attributes
    ----------
    n_outputs_ : numbers that the column becomes.
    """

    def __init__(self, height: int = 32, width: int = 32, channels: int = 3) -> None:
        self.height = height
        self.width = width
        self.channels = channels

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn the name of the column."""
        import numpy as np

        self.feature_names_in_ = np.asarray(X.columns, dtype="object")
        self.n_features_in_ = X.shape[1]
        self.n_outputs_ = [self.height * self.width * self.channels]
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return the pixels.

        Parameters
        ----------
        X
            DataFrame of one column: bytes of PNG or JPEG.

        Returns
        -------
        Array of float32 from 0 to 1, shape (n_samples, height * width * channels).

        Raises
        ------
        ValueError
            An image cannot be decoded.
        """
        import numpy as np

        images = X.iloc[:, 0]
        found = np.empty((len(images), self.height * self.width * self.channels), dtype="float32")
        for place, data in enumerate(images):
            found[place] = self._pixels(data).ravel()
        found /= 255
        return found

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray[Any, Any]:
        """Name each output by column, row, column of pixels and channel."""
        import numpy as np

        name = self.feature_names_in_[0]
        places = np.ndindex(self.height, self.width, self.channels)
        return np.array([f"{name}_{row}_{column}_{channel}" for row, column, channel in places], dtype="object")

    def _pixels(self, data: bytes) -> np.ndarray[Any, Any]:
        import numpy as np
        from PIL import Image

        from app.payloads.images import refused

        mode = "L" if self.channels == 1 else "RGB"
        try:
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
                # A JPEG is decoded at a half, a quarter or an eighth where that is more than enough; on either side,
                # as the camera may have been turned.
                side = 2 * max(self.height, self.width)
                image.draft(None, (side, side))
                plain = _plain(_upright(image)).convert(mode)
                return np.asarray(plain.resize((self.width, self.height), Image.Resampling.BILINEAR))
        except refused() as error:
            raise ValueError("an image cannot be decoded") from error


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
