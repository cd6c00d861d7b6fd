"""Images and maps as colours that can be told apart without hue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Pixels to which the longer side is enlarged at least.
LEAST = 240

#: Colours of a map from 0 to 1: dark to light, so that they can be told apart without hue.
_RAMP = ((0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164))

#: Colours of what raises and lowers a prediction, and of 0.
_UP, _DOWN, _NONE = (209, 73, 28), (11, 107, 203), (245, 245, 245)

#: Pixels from one stripe to the next, and of a stripe.
_STRIPES, _STRIPE = 8, 2


def coloured(image: Any) -> Array:
    """Return float64 of shape (height, width, 3); of gray all three are the same."""
    import numpy as np

    found = numbers(image)
    if found.ndim == 2:
        found = found[:, :, None]
    return found[:, :, :3] if found.shape[2] >= 3 else np.repeat(found[:, :, :1], 3, axis=2)


def numbers(values: Any) -> Array:
    """Return float64; what is no number is 0."""
    import numpy as np

    found: Array = np.nan_to_num(np.array(values, dtype="float64"))
    return found


def enlarged(pixels: Array) -> Array:
    """Repeat pixels: what is between them was never there."""
    factor = max(1, -(-LEAST // max(pixels.shape[:2])))
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def lit(heat: Array) -> Array:
    """Return float64 colours of a map from 0 to 1, of its shape and 3."""
    import numpy as np

    places = np.linspace(0, 1, len(_RAMP))
    return np.stack([np.interp(heat, places, channel) for channel in zip(*_RAMP, strict=True)], axis=-1)


def ramp(share: float) -> str:
    """Return the colour of a share from 0 to 1 as CSS has it."""
    place = min(max(share, 0.0), 1.0) * (len(_RAMP) - 1)
    low = min(int(place), len(_RAMP) - 2)
    mixed = [a + (b - a) * (place - low) for a, b in zip(_RAMP[low], _RAMP[low + 1], strict=True)]
    return f"#{''.join(f'{round(one):02x}' for one in mixed)}"


def diverging(heat: Array) -> Array:
    """Return colours by sign and size; what lowers is striped, for those who cannot tell the hues apart."""
    import numpy as np

    size = np.abs(heat).max() or 1.0
    share = np.abs(heat)[:, :, None] / size
    found = np.array(_NONE) * (1 - share) + np.where(heat[:, :, None] > 0, _UP, _DOWN) * share
    down, across = np.indices(heat.shape)
    striped = (heat < 0) & ((down + across) % _STRIPES < _STRIPE)
    found[striped] = (found[striped] + 255) / 2
    return found.astype("uint8")


def bordered(pixels: Array, regions: Array, colour: tuple[int, int, int]) -> Array:
    """Draw the borders of regions."""
    import numpy as np

    border = np.zeros(regions.shape, dtype=bool)
    border[1:] |= regions[1:] != regions[:-1]
    border[:, 1:] |= regions[:, 1:] != regions[:, :-1]
    found = pixels.copy()
    found[border] = colour
    return found


def numbered(pixels: Array, regions: Array, named: list[int]) -> Array:
    """Write the numbers of regions into them."""
    import numpy as np
    from PIL import Image, ImageDraw

    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for number in named:
        places = np.argwhere(regions == number)
        if len(places):
            # The middle of a bent region may lie outside of it.
            nearest = places[((places - places.mean(axis=0)) ** 2).sum(axis=1).argmin()]
            place = (int(nearest[1]), int(nearest[0]))
            draw.text(place, str(number), fill="black", anchor="mm", stroke_width=2, stroke_fill="white")
    found: Array = np.asarray(image)
    return found


def where(heat: Array) -> str:
    """Say where the largest of a map is."""
    import numpy as np

    if not heat.any():
        return "nowhere: it is empty"
    down, across = np.unravel_index(int(heat.argmax()), heat.shape)
    row = ("upper", "middle", "lower")[min(2, int(down) * 3 // heat.shape[0])]
    column = ("left", "centre", "right")[min(2, int(across) * 3 // heat.shape[1])]
    return f"in the {row} {column}"
