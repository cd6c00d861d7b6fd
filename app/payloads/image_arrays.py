"""Images as numpy arrays in an .npz file, into a frame of PNGs. Nothing in it is unpickled."""

from __future__ import annotations

import io
import math
import re
import struct
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidData, Unreadable, at

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: {name in the file: what it is}.
_NAMES = {"images": "images", "x": "images", "ids": "ids", "labels": "labels", "y": "labels"}

#: The header of an array as numpy writes it. Its own reader takes any Python literal, and fails in many ways.
_HEADER = re.compile(
    rb"\{'descr': '([<>|=][a-zA-Z]\d{1,9})', 'fortran_order': (True|False), 'shape': \(([\d, ]{0,99})\), \} *\n?"
)

#: {version: how the length of its header is packed}. Later versions are for names of fields, and there are none.
_LENGTHS = {b"\x01\x00": "<H", b"\x02\x00": "<I"}

#: Channels of an array's last axis: grey, colours, colours with transparency.
_CHANNELS = (1, 3, 4)


def read(files: dict[str, bytes], part: str, most_pixels: int) -> pd.DataFrame:
    """Read the arrays of an .npz.

    Parameters
    ----------
    files
        {name.npy: content}. `images` or `x` has shape (n, height, width) or (n, height, width, channels): integers from
        0 to 255, or floats from 0 to 1, which are rounded to 256 steps. `ids` and `labels` or `y`, where there are any,
        have shape (n,).
    most_pixels
        Of one image.

    Raises
    ------
    Unreadable, InvalidData
    """
    import pandas as pd

    arrays: dict[str, Array] = {}
    called = {}
    for path, content in files.items():
        name = path.removesuffix(".npy")
        if name not in _NAMES or _NAMES[name] in arrays:
            raise _wrong(part, name, f"an .npz has images (or x), ids, labels (or y), one of each; not {name}")
        arrays[_NAMES[name]] = _array(content, part, name)
        called[_NAMES[name]] = name
    if "images" not in arrays:
        raise _wrong(part, "images", "missing; x is another name for it")
    pixels = arrays["images"]
    _check_shape(pixels, part, most_pixels)
    columns: dict[str, Any] = {"file": range(len(pixels)), "image": pd.Series(_encoded(pixels, part), dtype="object")}
    for name, column, kinds in (("ids", "file", "iuU"), ("labels", "label", "iufbU")):
        if name in arrays:
            columns[column] = _values(arrays[name], len(pixels), kinds, part, called[name])
    return pd.DataFrame(columns)


def _array(content: bytes, part: str, name: str) -> Array:
    """Read one .npy whose header says no more than follows it."""
    import numpy as np

    try:
        if not content.startswith(b"\x93NUMPY"):
            raise ValueError("not an array")
        packed = _LENGTHS[content[6:8]]
        start = 8 + struct.calcsize(packed)
        end = start + struct.unpack_from(packed, content, 8)[0]
        described = _HEADER.fullmatch(content[start:end])
        if described is None:
            raise ValueError("not an array of plain values")
        dtype, shape = np.dtype(described[1].decode()), [int(size) for size in re.findall(rb"\d+", described[3])]
        if dtype.hasobject or dtype.itemsize == 0 or min(shape, default=0) < 1:
            raise ValueError("not an array of plain values")
        if math.prod(shape) * dtype.itemsize != len(content) - end:
            raise ValueError("not as long as its header says")
        flat = np.frombuffer(content, dtype=dtype, offset=end)
        return flat.reshape(shape, order="F" if described[2] == b"True" else "C")
    except (ValueError, TypeError, KeyError, OverflowError, struct.error):
        raise Unreadable(f"{part} has an array {name} that is no array of numbers or text.") from None


def _check_shape(pixels: Array, part: str, most_pixels: int) -> None:
    if pixels.ndim not in (3, 4) or (pixels.ndim == 4 and pixels.shape[3] not in _CHANNELS):
        raise _wrong(part, "images", f"has shape {pixels.shape}; (n, height, width[, 1, 3 or 4 channels]) is read")
    if pixels.shape[1] * pixels.shape[2] > most_pixels:
        raise _wrong(part, "images", f"has images of more than {most_pixels // 10**6} million pixels")
    if pixels.dtype.kind not in "biuf":
        raise _wrong(part, "images", "does not hold numbers")
    if pixels.dtype.kind == "b":
        return
    least, most = float(pixels.min()), float(pixels.max())
    # Not told from the values which of the two is meant: of some dark images none may be above 1.
    floats = pixels.dtype.kind == "f"
    # Not a number is neither.
    if not (least >= 0 and most <= (1 if floats else 255)):
        wanted = "floats from 0 to 1; send whole numbers from 0 to 255 as integers" if floats else "0 to 255"
        raise _wrong(part, "images", f"has values outside of {wanted}" + (", or missing ones" if floats else ""))


def _encoded(pixels: Array, part: str) -> list[bytes]:
    """Write each image as a PNG."""
    import numpy as np
    from PIL import Image

    scale = 255 if pixels.dtype.kind in "bf" else 1
    found = []
    for image in pixels:
        values = image.astype("float64") * scale if scale > 1 else image
        plain = np.rint(values).astype("uint8")
        sink = io.BytesIO()
        Image.fromarray(plain[:, :, 0] if plain.ndim == 3 and plain.shape[2] == 1 else plain).save(
            sink, "PNG", compress_level=1
        )
        found.append(sink.getvalue())
    return found


def _values(array: Array, count: int, kinds: str, part: str, name: str) -> Any:
    """Return ids or labels as a column: int64, float64, bool or str."""
    import numpy as np
    import pandas as pd

    if array.shape not in ((count,), (count, 1)) or array.dtype.kind not in kinds:
        raise _wrong(part, name, f"must be {count} numbers or texts, one an image")
    plain = array.reshape(count)
    try:
        if plain.dtype.kind == "U":
            return pd.array(plain.tolist(), dtype="str")
        if plain.dtype.kind in "iu":
            if plain.max() > np.iinfo("int64").max:
                raise _wrong(part, name, "has numbers beyond 64 bits")
            return plain.astype("int64")
        return plain.astype("bool" if plain.dtype.kind == "b" else "float64")
    except ValueError:
        # Text of code points that are none.
        raise Unreadable(f"{part} has an array {name} that is not text.") from None


def _wrong(part: str, name: str, detail: str) -> InvalidData:
    return InvalidData(f"The arrays of {part} are not images that are read.", [Fault(at(part, name), detail)])
