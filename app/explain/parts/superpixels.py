"""Regions of an image that look alike; one that is left out looks as the images of training do there on average.

LIME 0.2.0.1 shows it in its own mean colour: a patch of one colour is then as it was, and seems not to matter.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from app.errors import EngineMissing
from app.explain.base import Subject
from app.explain.found import Part
from app.pipelines.pace import in_blocks

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Regions that an image is cut into, about.
REGIONS = 40

#: Images that the model is asked for at once.
_TOGETHER = 512


@dataclass(frozen=True)
class Superpixels:
    """An image, of which regions are left out; see `Masked`.

    It is brought to the size that the model sees first: regions of what it does not see tell nothing.

    Attributes
    ----------
    pixels, plain
        The image and the mean image of the background, uint8 of shape (height, width, channels).
    regions
        Number of the region of each pixel, shape (height, width).
    """

    subject: Subject
    column: str
    parts: tuple[Part, ...]
    pixels: Array
    plain: Array
    regions: Array
    cost: int = 1
    background: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, subject: Subject, row: pd.DataFrame) -> Self:
        """Cut an image by SLIC (Achanta et al. 2012)."""
        column = subject.columns[0]
        pixels, plain = seen(subject, row)[0], mean_image(subject)
        regions = _cut(pixels)
        parts = tuple(Part(column, region=number) for number in range(regions.max() + 1))
        details = {"regions": regions.tolist(), "image": pixels.tolist()}
        return cls(subject, column, parts, pixels, plain, regions, details=details)

    def answers(self, masks: Array, others: Array | None = None) -> Array:
        """Leave regions out, and ask the model; the same image is asked for once."""
        import numpy as np

        unique, back = np.unique(masks, axis=0, return_inverse=True)
        answers: Array = np.concatenate(in_blocks(self._answered, unique, _TOGETHER))[back.ravel()]
        return answers

    def _answered(self, masks: Array) -> Array:
        import numpy as np
        import pandas as pd

        shown = masks[:, self.regions]
        images = [png(np.where(kept[:, :, None], self.pixels, self.plain)) for kept in shown]
        return self.subject.predict(pd.DataFrame({self.column: pd.Series(images, dtype="object")}))


def seen(subject: Subject, rows: pd.DataFrame) -> Array:
    """Return images as the model sees them, uint8 of shape (n_rows, height, width, channels)."""
    import numpy as np

    from app.pipelines.pixels import Pixels

    assert subject.images is not None
    flat = Pixels(*subject.images).fit_transform(rows[[subject.columns[0]]])
    pixels: Array = np.rint(flat.reshape(len(rows), *subject.images) * 255).astype("uint8")
    return pixels


def mean_image(subject: Subject) -> Array:
    """Return what the images of the background look like on average."""
    import numpy as np

    mean: Array = subject.once(
        "mean_image", lambda: np.rint(seen(subject, subject.background).mean(axis=0)).astype("uint8")
    )
    return mean


def _cut(pixels: Array) -> Array:
    import numpy as np

    try:
        from skimage.segmentation import slic
    except ImportError:
        raise EngineMissing("SLIC", "scikit-image") from None

    gray = pixels.shape[2] == 1
    image = pixels[:, :, 0] if gray else pixels
    found = slic(image, n_segments=REGIONS, compactness=0.1 if gray else 10, channel_axis=None if gray else -1)
    regions: Array = np.unique(found, return_inverse=True)[1].reshape(found.shape)
    return regions


def png(pixels: Array) -> bytes:
    """Return an image as a pipeline takes it; uncompressed, as it is read once."""
    from PIL import Image

    written = io.BytesIO()
    shown = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
    Image.fromarray(shown).save(written, "PNG", compress_level=0)
    return written.getvalue()
