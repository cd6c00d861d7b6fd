"""Regions of images that are left out."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from app.explain.parts import superpixels
from app.explain.parts.superpixels import Superpixels
from tests.explain.functions import Watched


def written(pixels, form="PNG"):
    """Return an image as it is sent."""
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, form)
    return sink.getvalue()


def read(data):
    """Return the pixels of an image, shape (height, width, channels)."""
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def brightness(rows):
    """Return how bright each image is."""
    return [read(data).mean() for data in rows["image"]]


def of_images(images, size, function=brightness):
    """Return a model of images, seen at a size, and what watches what it is asked for."""
    X = pd.DataFrame({"image": pd.Series(images, dtype="object")})
    model = Watched(function, X)
    object.__setattr__(model.subject, "images", size)
    return X, model


@pytest.fixture(params=[1, 3], ids=["grey", "colours"])
def halves(request):
    """Three images of which the left is dark and the right is bright, in some shade."""
    found = np.zeros((3, 24, 24, 3), dtype="uint8")
    found[:, :, 12:] = np.array([[120, 160, 200], [140, 180, 220], [160, 200, 240]])[:, None, None]
    if request.param == 1:
        found = np.repeat(found[..., :1], 3, axis=-1)[..., 0]
    return [written(one) for one in found], (24, 24, request.param), found.reshape(3, 24, 24, -1)


def test_regions_cover_the_image_and_follow_its_edge(halves):
    images, size, _ = halves
    X, model = of_images(images, size)
    masked = Superpixels.of(model.subject, X.iloc[[0]])
    regions = masked.regions
    assert regions.shape == (24, 24)
    assert sorted(np.unique(regions)) == list(range(len(masked.parts)))
    assert [part.region for part in masked.parts] == list(range(len(masked.parts)))
    assert 2 <= len(masked.parts) <= 2 * superpixels.REGIONS
    assert not set(regions[:, :12].ravel()) & set(regions[:, 12:].ravel())
    assert masked.details["regions"] == regions.tolist()
    assert np.array(masked.details["image"]).shape == size


def test_a_region_that_is_left_out_looks_as_the_images_of_training_do_there_on_average(halves):
    images, size, pixels = halves
    X, model = of_images(images, size)
    masked = Superpixels.of(model.subject, X.iloc[[0]])
    mean = np.rint(pixels.mean(axis=0)).astype("uint8")
    for part in (0, len(masked.parts) - 1):
        mask = np.ones((1, len(masked.parts)), dtype=bool)
        mask[0, part] = False
        masked.answers(mask)
        shown = read(model.asked[-1]["image"][0])
        gone = masked.regions == part
        assert np.array_equal(shown[gone], mean[gone])
        assert np.array_equal(shown[~gone], pixels[0][~gone])


def test_all_regions_together_are_the_image_as_it_was_sent(halves):
    images, size, pixels = halves
    X, model = of_images(images, size)
    masked = Superpixels.of(model.subject, X.iloc[[1]])
    assert masked.answers(np.ones((3, len(masked.parts)), dtype=bool))[:, 0].tolist() == [pixels[1].mean()] * 3
    assert len(model.drawn) == 1


def test_images_are_cut_at_the_size_at_which_the_model_sees_them():
    large = np.zeros((60, 90, 3), dtype="uint8")
    large[:30] = 255
    X, model = of_images([written(large), written(large[:, :60], "JPEG")], (12, 16, 1))
    masked = Superpixels.of(model.subject, X.iloc[[0]])
    assert masked.pixels.shape == (12, 16, 1)
    assert masked.regions.shape == (12, 16)
    assert masked.pixels[0, 0, 0] == 255 > masked.pixels[-1, 0, 0]
    masked.answers(np.ones((1, len(masked.parts)), dtype=bool))
    assert read(model.asked[-1]["image"][0]).shape == (12, 16, 1)


def test_an_image_of_one_colour_has_regions_too():
    X, model = of_images([written(np.full((16, 16), 77, dtype="uint8"))] * 2, (16, 16, 1))
    masked = Superpixels.of(model.subject, X.iloc[[0]])
    assert len(masked.parts) >= 1
    assert masked.answers(np.zeros((1, len(masked.parts)), dtype=bool))[0, 0] == 77
