"""Images into frames: a zip of PNG and JPEG files, an .npz of arrays, one image, or base64 text in a table.

A frame of images has the columns `file` (path inside the zip, id or position) and `image` (bytes of a PNG or JPEG, as
they were sent), of a zip `folder` (the first folder of the path that not all files are in), of an .npz `label`.
"""

from __future__ import annotations

import base64
import binascii
import io
import struct
import zlib
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from app.errors import MOST_NAMED, Fault, FormatUnknown, InvalidData, UploadTooLarge, at
from app.payloads import archives, image_arrays
from app.payloads.uploads import Upload

if TYPE_CHECKING:
    import pandas as pd

#: Pixels of one image, and of all images of one upload: what decoding them takes in memory and in time.
MOST_PIXELS, MOST_PIXELS_TOGETHER = 25_000_000, 400_000_000

#: First bytes of the two formats.
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"

#: Columns of a frame of images that are features only where somebody makes them the target.
BESIDE = ("file", "folder", "label")

#: Images of a column that its description looks at.
_SAMPLE = 100


class NotAnImage(Exception):
    """Bytes that are no PNG or JPEG, or too large a one; says what they are."""


def refused() -> tuple[type[Exception], ...]:
    """Return what Pillow raises on files that are no images, by way of the libraries below it."""
    from PIL import Image

    return (
        OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, struct.error, zlib.error,
        Image.DecompressionBombError, Image.DecompressionBombWarning,
    )  # fmt: skip


def size(data: bytes) -> tuple[int, int, int]:
    """Return height, width and channels (1: grey, 3: colours) of a PNG or JPEG, from its header.

    Raises
    ------
    NotAnImage
    """
    from PIL import Image

    if not isinstance(data, bytes) or not data.startswith((_PNG, _JPEG)):
        raise NotAnImage("is neither PNG nor JPEG")
    try:
        # Other formats' readers are not even asked.
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            width, height = image.size
            channels = 1 if image.mode[0] in "1LIF" else 3
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        width = height = MOST_PIXELS
        channels = 0
    except refused():
        raise NotAnImage("cannot be decoded") from None
    if width * height > MOST_PIXELS:
        raise NotAnImage(f"has more than {MOST_PIXELS // 10**6} million pixels")
    return height, width, channels


def check(data: bytes) -> int:
    """Check that bytes are a whole PNG or JPEG, and return its pixels.

    Raises
    ------
    NotAnImage
    """
    from PIL import Image

    height, width, _ = size(data)
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            if data.startswith(_PNG):
                # Compares the check sums that a PNG brings, without decoding it.
                image.verify()
            else:
                # A JPEG has none; at an eighth of its size it is decoded fast.
                image.draft("L", (1, 1))
                image.load()
    except refused():
        raise NotAnImage("cannot be decoded") from None
    return height * width


def read(upload: Upload, most_bytes: int, most_of_one: int) -> pd.DataFrame:
    """Read a zip, an .npz, or one image.

    Returns
    -------
    DataFrame of shape (n_images, 2 or 3), n_images >= 1, with a RangeIndex.

    Raises
    ------
    Unreadable, UploadTooLarge
    InvalidData
        Naming each file that is no image.
    """
    import pandas as pd

    if upload.format in ("png", "jpeg"):
        name = PurePosixPath(upload.filename.replace("\\", "/")).name or 0
        check_all([upload.data], lambda _: at(upload.part), upload.part)
        return pd.DataFrame({"file": [name], "image": pd.Series([upload.data], dtype="object")})
    found = list(archives.files(upload.data, upload.part, most_bytes, most_of_one))
    if found and all(path.endswith(".npy") for path, _ in found):
        return image_arrays.read(dict(found), upload.part, MOST_PIXELS)
    if any(path == "[Content_Types].xml" for path, _ in found):
        raise FormatUnknown(f"{upload.part} is a workbook: save its sheet as CSV in UTF-8.")
    if not found:
        raise InvalidData(f"{upload.part} has no files.", [Fault(at(upload.part), "no images")])
    paths, contents = zip(*found, strict=True)
    check_all(contents, lambda place: at(upload.part, paths[place]), upload.part)
    columns: dict[str, Any] = {"file": pd.array(paths, dtype="str"), "image": pd.Series(contents, dtype="object")}
    return pd.DataFrame({**columns, "folder": pd.array(_folders(paths), dtype="str")})


def check_all(contents: Iterable[Any], pointer: Callable[[int], str], part: str) -> None:
    """Check images.

    Parameters
    ----------
    pointer
        Where the image at a position came from.

    Raises
    ------
    UploadTooLarge, InvalidData
    """
    faults, pixels = [], 0
    for place, data in enumerate(contents):
        try:
            pixels += check(data)
        except NotAnImage as error:
            faults.append(Fault(pointer(place), str(error)))
        _check_together(pixels, part)
    if faults:
        raise InvalidData(f"{len(faults)} file(s) of {part} are not images that are read.", faults[:MOST_NAMED])


def _check_together(pixels: int, part: str) -> None:
    if pixels > MOST_PIXELS_TOGETHER:
        raise UploadTooLarge(
            f"The images of {part} have more than {MOST_PIXELS_TOGETHER // 10**6} million pixels together. "
            "Send them smaller: a model sees 512 x 512 at most."
        )


def from_base64(values: pd.Series) -> pd.Series:
    """Decode a column of base64 text, with or without the head of a data URL, into images.

    Raises
    ------
    UploadTooLarge
    NotAnImage
        Saying of how many rows.
    """
    import pandas as pd

    decoded, pixels, broken = [], 0, 0
    for text in values:
        try:
            data = base64.b64decode(text.rpartition(",")[2] if text.startswith("data:") else text, validate=True)
            pixels += check(data)
            decoded.append(data)
        except (binascii.Error, ValueError, NotAnImage):
            broken += 1
        _check_together(pixels, str(values.name))
    if broken:
        raise NotAnImage(f"expects images as base64 text of PNG or JPEG; {broken} row(s) are none")
    return pd.Series(decoded, index=values.index, name=values.name, dtype="object")


def is_images(frame: pd.DataFrame) -> bool:
    """Tell whether a frame is one that `read` gives."""
    return {"file", "image"} <= set(frame.columns) and frame["image"].dtype == "object"


def by_path(names: pd.Series, paths: pd.Series) -> pd.Series:
    """Return file names as the paths that they are the ends of, where of one path alone: 3.png of photos/3.png."""
    ends: dict[str, list[str]] = {}
    for path in paths.astype("str"):
        steps = path.split("/")
        for first in range(1, len(steps)):
            ends.setdefault("/".join(steps[first:]), []).append(path)
    known = {end: found[0] for end, found in ends.items() if len(found) == 1}
    return names if names.isin(paths).any() else names.map(lambda name: known.get(name, name))


def describe(column: pd.Series) -> dict[str, int]:
    """Return the height, width and channels that images typically have."""
    from statistics import median_low

    sizes = [size(data) for data in column.head(_SAMPLE)]
    names = ("height", "width", "channels")
    return {name: median_low(values) for name, values in zip(names, zip(*sizes, strict=True), strict=True)}


def _folders(paths: tuple[str, ...]) -> list[str | None]:
    """Return the first folder of each path that not all paths share; None for a file that is in none."""
    folders = [path.split("/")[:-1] for path in paths]
    shared = 0
    while all(len(steps) > shared and steps[shared] == folders[0][shared] for steps in folders):
        shared += 1
    return [steps[shared] if len(steps) > shared else None for steps in folders]
