"""Images with what explains them: as the model sees them, the map of contributions, and one laid over the other."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.explain.page.colours import bordered, coloured, diverging, enlarged, lit, numbered, numbers, where

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Regions whose numbers are written.
_NUMBERED = 25

#: How much of an image shows through what is laid over it.
_THROUGH = 0.35


@dataclass(frozen=True)
class Layer:
    """An image to be shown.

    Attributes
    ----------
    pixels
        uint8 of shape (height, width, 3), enlarged.
    """

    name: str
    told: str
    pixels: Array

    @property
    def source(self) -> str:
        """The image as a URI that holds it."""
        from PIL import Image

        written = io.BytesIO()
        Image.fromarray(self.pixels).save(written, "PNG")
        return f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode()}"


def layers(entry: dict[str, Any]) -> list[Layer]:
    """Return the images of an explanation."""
    if "regions" in entry:
        return _of_regions(entry)
    heat = numbers(entry["map"])
    if "image" in entry:
        image = enlarged(coloured(entry["image"]))
        share = enlarged(heat).clip(0, 1)[:, :, None]
        over = image * (1 - (1 - _THROUGH) * share) + lit(share[:, :, 0]) * (1 - _THROUGH) * share
        return [
            _seen(image),
            Layer("Map", f"The map, brightest {where(heat)}", enlarged(lit(heat)).astype("uint8")),
            Layer("Map over image", "The image, lit where the map is bright", over.astype("uint8")),
        ]
    return [_mean("Mean map", heat), *([_mean("Spread", numbers(entry["deviation"]))] if "deviation" in entry else [])]


def _mean(name: str, heat: Array) -> Layer:
    import numpy as np

    if (heat < 0).any():
        return Layer(name, f"{name}, largest {where(np.abs(heat))}", diverging(enlarged(heat)))
    most = heat.max() or 1.0
    return Layer(name, f"{name}, brightest {where(heat)}", enlarged(lit(heat / most)).astype("uint8"))


def _of_regions(entry: dict[str, Any]) -> list[Layer]:
    import numpy as np

    regions, image = np.array(entry["regions"]), coloured(entry["image"])
    shares = np.zeros(regions.max() + 1)
    for one in entry["contributions"]:
        shares[one["region"]] = one["contribution"] or 0.0
    listed = [one["region"] for one in entry["contributions"]][:_NUMBERED]
    heat = shares[regions]
    size, large = np.abs(heat).max() or 1.0, enlarged(regions)
    share = np.abs(enlarged(heat))[:, :, None] / size * (1 - _THROUGH)
    gray = np.repeat(enlarged(image).mean(axis=2, keepdims=True), 3, axis=2)
    over = (gray * (1 - share) + diverging(enlarged(heat)) * share).astype("uint8")
    strongest = where(np.abs(heat))
    return [
        _seen(enlarged(image)),
        Layer(
            "Contributions",
            f"Contributions by region, largest {strongest}",
            numbered(bordered(diverging(enlarged(heat)), large, (90, 90, 90)), large, listed),
        ),
        Layer(
            "Contributions over image", "The image, coloured by contribution", bordered(over, large, (255, 255, 255))
        ),
    ]


def _seen(image: Array) -> Layer:
    return Layer("Image", "The image as the model sees it", image.astype("uint8"))
