"""Images as pages show them are those that models see."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from app.pages.asking import pictures
from app.pipelines.pictures import pixels


def written(image, form="PNG", **more):
    sink = io.BytesIO()
    image.save(sink, form, **more)
    return sink.getvalue()


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (8, 4))
    image.paste((250, 0, 0), (0, 0, 4, 4))
    return written(image, exif=exif.tobytes())


CASES = {
    "transparent": written(Image.new("RGBA", (4, 4), (10, 20, 30, 0))),
    "16 bits": written(Image.fromarray(np.full((4, 4), 20_000, dtype="uint16"))),
    "turned": turned(),
}


def test_a_preview_is_small_whatever_is_in_it_and_exact_where_that_is_little():
    noise = np.random.default_rng(0).integers(0, 256, (320, 320, 3), dtype="uint8")
    shown = pictures.preview(written(Image.fromarray(noise)))
    assert shown.startswith("data:image/jpeg")
    assert len(shown) < 150_000
    assert len(pictures.preview(written(Image.fromarray(noise)), 220)) < 80_000
    assert pictures.preview(written(Image.fromarray(noise[:28, :28]))).startswith("data:image/png")


@pytest.mark.parametrize("name", CASES)
def test_the_preview_is_what_the_model_sees(name):
    data = CASES[name]
    shown = pictures.preview(data)
    assert shown == pictures.preview(base64.b64encode(data).decode())
    with Image.open(io.BytesIO(base64.b64decode(shown.partition(",")[2]))) as opened:
        seen = np.asarray(opened.convert("RGB")) / 255
    expected = pixels([data], *seen.shape[:2], 3).reshape(seen.shape)
    assert seen == pytest.approx(expected, abs=1e-6)
    assert seen.shape == ((8, 4, 3) if name == "turned" else (4, 4, 3))
