"""Images into pixels."""

import io
import pickle

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import clone

from app.pipelines.pixels import Pixels

COLOURS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], dtype="uint8")


def column(*images):
    return pd.DataFrame({"image": pd.Series(list(images), dtype="object")})


def saved(image, form="PNG", **options):
    sink = io.BytesIO()
    image.save(sink, form, **options)
    return sink.getvalue()


def seen(image, height=2, width=2, channels=3):
    """Return the pixels of one image, shape (height, width, channels)."""
    found = Pixels(height, width, channels).fit_transform(column(image))
    assert found.dtype == "float32"
    assert found.min() >= 0
    assert found.max() <= 1
    return found.reshape(height, width, channels)


def test_pixels_are_rows_of_columns_of_channels():
    np.testing.assert_allclose(seen(saved(Image.fromarray(COLOURS))), COLOURS / 255)
    grey = seen(saved(Image.fromarray(COLOURS)), channels=1)[:, :, 0]
    np.testing.assert_allclose(grey, [[0.299, 0.587], [0.114, 1]], atol=0.003)


def test_scaling_down_averages():
    stripes = np.zeros((64, 64), "uint8")
    stripes[:, ::2] = 255
    assert seen(saved(Image.fromarray(stripes)), 4, 4, 1) == pytest.approx(np.full((4, 4, 1), 0.5), abs=0.05)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (700, 300)])
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_any_size_becomes_the_one_asked_for(size, form):
    assert seen(saved(Image.new("RGB", size, "red"), form), 5, 7) == pytest.approx(
        np.tile([1.0, 0, 0], (5, 7, 1)), abs=0.01
    )


@pytest.mark.parametrize(
    ("image", "options", "expected"),
    [
        pytest.param(Image.new("L", (4, 4), 51), {}, [0.2] * 3, id="grey"),
        pytest.param(Image.new("1", (4, 4), 1), {}, [1.0] * 3, id="black and white"),
        pytest.param(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), {}, [1.0] * 3, id="transparent, on white"),
        pytest.param(Image.new("RGBA", (4, 4), (255, 0, 0, 255)), {}, [1.0, 0, 0], id="not transparent"),
        pytest.param(Image.new("LA", (4, 4), (0, 51)), {}, [0.8] * 3, id="grey, nearly transparent"),
        pytest.param(Image.new("RGB", (4, 4), "red").convert("P"), {}, [1.0, 0, 0], id="a palette"),
        pytest.param(Image.new("P", (4, 4), 0), {"transparency": 0}, [1.0] * 3, id="a transparent palette"),
        pytest.param(
            Image.new("RGB", (4, 4), "red"), {"transparency": (255, 0, 0)}, [1.0] * 3, id="a transparent colour"
        ),
        pytest.param(Image.fromarray(np.full((4, 4), 13107, "uint16")), {}, [0.2] * 3, id="16 bits"),
    ],
)
def test_every_mode_has_the_colours_that_are_seen(image, options, expected):
    assert seen(saved(image, **options)) == pytest.approx(np.tile(expected, (2, 2, 1)), abs=0.005)


def test_cmyk_is_seen_as_it_is_printed():
    found = seen(saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100))
    assert found == pytest.approx(np.tile([1.0, 0, 0], (2, 2, 1)), abs=0.02)


def test_of_an_animation_the_first_picture_is_seen():
    data = saved(Image.new("RGB", (4, 4), "red"), save_all=True, append_images=[Image.new("RGB", (4, 4), "blue")])
    assert seen(data) == pytest.approx(np.tile([1.0, 0, 0], (2, 2, 1)))


@pytest.mark.parametrize("orientation", [*range(1, 9), 77])
def test_an_image_is_seen_as_the_camera_was_held(orientation):
    upright = Image.fromarray(np.kron(COLOURS, np.ones((64, 64, 1), "uint8")))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    held = upright.transpose(undo[orientation]) if orientation in undo else upright
    note = Image.Exif()
    note[0x0112] = orientation
    found = seen(saved(held, "JPEG", exif=note, quality=100, subsampling=0))
    assert found == pytest.approx(seen(saved(upright)), abs=0.03)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_note_that_cannot_be_read_says_nothing():
    data = saved(Image.new("RGB", (4, 4), "red"), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 20)
    assert seen(data) == pytest.approx(np.tile([1.0, 0, 0], (2, 2, 1)), abs=0.01)


def test_an_image_that_cannot_be_decoded_is_refused():
    whole = saved(Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype="uint8")))
    for data in (b"", b"GIF89a", whole[:200], saved(Image.new("P", (4, 4)), "GIF")):
        with pytest.raises(ValueError, match="cannot be decoded"):
            seen(data)


def test_it_is_an_estimator_of_one_named_column():
    images = column(saved(Image.fromarray(COLOURS)), saved(Image.new("L", (9, 9))))
    fitted = clone(Pixels(height=2, width=3, channels=1)).fit(images)
    assert fitted.get_params() == {"height": 2, "width": 3, "channels": 1}
    assert list(fitted.feature_names_in_) == ["image"]
    assert list(fitted.get_feature_names_out()[:3]) == ["image_0_0_0", "image_0_1_0", "image_0_2_0"]
    again = pickle.loads(pickle.dumps(fitted))  # noqa: S301  made here
    np.testing.assert_array_equal(again.transform(images), fitted.transform(images))
    assert fitted.transform(images).shape == (2, len(fitted.get_feature_names_out()))
