"""Where networks look that are known to look there."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from app.explain import grad_cam
from app.explain.base import Case, Network
from app.pipelines.autokeras import backend
from tests.explain.functions import asked, opaque

SIZE = 16


@pytest.fixture(scope="module")
def keras():
    """Keras, as the service has it."""
    return backend.keras()


def looking(keras, head):
    """Return a network that sees how bright an image is, through a convolution that changes nothing."""
    seeing = keras.layers.Conv2D(1, 3, padding="same", use_bias=False, name="seeing")
    deciding = keras.layers.Dense(len(head[0]), activation="sigmoid" if len(head[0]) == 1 else "softmax")
    network = keras.Sequential([keras.Input((SIZE, SIZE, 1)), seeing, keras.layers.GlobalAveragePooling2D(), deciding])
    identity = np.zeros((3, 3, 1, 1), dtype="float32")
    identity[1, 1] = 1
    seeing.set_weights([identity])
    deciding.set_weights([np.array(head, dtype="float32"), np.zeros(len(head[0]), dtype="float32")])
    return network


def spotted(row=10, column=3):
    """Return an image with one bright spot."""
    pixels = np.zeros((SIZE, SIZE), dtype="uint8")
    pixels[row : row + 3, column : column + 3] = 255
    return pixels


def inputs_of(pixels):
    """Return images as the networks here take them."""
    return pixels.reshape(-1, SIZE, SIZE, 1).astype("float32") / 255


@pytest.mark.parametrize(
    ("head", "output"), [([[40.0]], 1), ([[-40.0]], 0), ([[0.0, 9.0]], 1), ([[9.0, 0.0, 1.0]], 0)], ids=str
)
def test_the_map_is_what_speaks_for_the_class(keras, head, output):
    found, _ = grad_cam.Watched(looking(keras, head)).heat(inputs_of(spotted()), output)
    assert found == pytest.approx(spotted() / 255.0)


@pytest.mark.parametrize(("head", "output"), [([[40.0]], 0), ([[0.0, 9.0]], 0)], ids=str)
def test_what_speaks_against_a_class_is_not_marked(keras, head, output):
    assert grad_cam.Watched(looking(keras, head)).heat(inputs_of(spotted()), output)[0].max() == 0


def test_a_class_that_is_certain_has_a_map_too(keras):
    """Behind a sigmoid of a thousand there is no slope left."""
    found, _ = grad_cam.Watched(looking(keras, [[30_000.0]])).heat(inputs_of(spotted()), 1)
    assert found == pytest.approx(spotted() / 255.0)


def test_a_network_that_reads_a_map_place_by_place_is_marked_by_places(keras):
    """Of a map whose slopes are against the class but in one place the mean speaks against it."""
    seeing = keras.layers.Conv2D(1, 1, use_bias=False)
    deciding = keras.layers.Dense(1, use_bias=False, activation="sigmoid")
    network = keras.Sequential([keras.Input((SIZE, SIZE, 1)), seeing, keras.layers.Flatten(), deciding])
    seeing.set_weights([np.ones((1, 1, 1, 1), dtype="float32")])
    against = np.where(spotted() > 0, 1.0, -1.0)
    deciding.set_weights([against.reshape(-1, 1).astype("float32")])
    found, algorithm = grad_cam.Watched(network).heat(inputs_of(spotted()), 1)
    assert algorithm == "hires_cam"
    assert found == pytest.approx(spotted() / 255.0)


def test_the_last_convolution_is_found_in_models_inside_models(keras):
    inner = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3, name="inside")])
    outer = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 1), inner, keras.layers.Flatten()])
    assert grad_cam.last_convolution(outer).name == "inside"
    plain = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    assert grad_cam.last_convolution(plain) is None


def written(pixels):
    """Return an image as it is sent."""
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "PNG")
    return sink.getvalue()


def shown(keras, head, background):
    """Return a network of images as explainers see it."""

    def read(rows):
        return inputs_of(np.stack([np.asarray(Image.open(io.BytesIO(one)).convert("L")) for one in rows["image"]]))

    network = looking(keras, head)

    def predict(rows):
        answers = np.asarray(network(read(rows), training=False).detach(), dtype="float64")
        return np.hstack([1 - answers, answers]) if answers.shape[1] == 1 else answers

    X = pd.DataFrame({"image": pd.Series([written(one) for one in background], dtype="object")})
    subject = opaque(lambda rows: np.zeros(len(rows)), X, ("dark", "bright"))
    reader = Network("image", read, lambda: looking(keras, head))
    return replace(subject, predict=predict, network=reader, images=(SIZE, SIZE, 1)), X


def test_hiding_what_is_marked_lowers_the_prediction(keras):
    subject, X = shown(keras, [[100.0]], [spotted(), np.zeros((SIZE, SIZE), dtype="uint8")])
    local = grad_cam.explain(subject, Case(X.iloc[[0]]), asked("grad_cam", 1))
    found = np.array(local.details["map"])
    assert found.shape == (SIZE, SIZE)
    assert found == pytest.approx(spotted() / 255.0, abs=1e-3)
    assert np.array(local.details["image"]).reshape(SIZE, SIZE).tolist() == spotted().tolist()
    hidden = np.where(spotted() > 0, 128, 0).astype("uint8")
    expected = subject.predict(X)[0, 1] - subject.predict(pd.DataFrame({"image": [written(hidden)]}))[0, 1]
    assert local.trust["drop"] == pytest.approx(expected)
    assert local.trust["drop"] > 0
    assert local.contributions == ()
    assert local.base_value is local.local_prediction is None


def test_nothing_marked_hides_nothing(keras):
    subject, X = shown(keras, [[100.0]], [spotted(), np.zeros((SIZE, SIZE), dtype="uint8")])
    local = grad_cam.explain(subject, Case(X.iloc[[1]]), asked("grad_cam", 1))
    assert np.max(local.details["map"]) == 0
    assert local.trust["drop"] == 0


def test_a_trained_network_says_where_it_looks_at_the_size_that_it_sees(trained):
    model = trained("network of images")
    answer = model.explain("grad_cam", ids=model.ids[:2])
    for entry in answer["explanations"]:
        found = np.array(entry["map"])
        assert found.shape == (12, 12)
        assert 0 <= found.min() <= found.max() <= 1
        assert np.shape(entry["image"])[:2] == (12, 12)
        assert entry["contributions"] == []
    again = model.explain("grad_cam", ids=model.ids[:2])
    assert again["explanations"] == answer["explanations"]
