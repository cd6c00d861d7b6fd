"""Of signals, images and texts, whose class one place decides, that place is found."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from app.explain import grad_cam, on_signal, segments, signals
from app.explain.base import Case, Network, Subject
from app.explain.structure import final_step, members
from app.payloads.parameters import ExtractFeatures, Kind, Task
from app.pipelines import preprocess
from app.pipelines.autokeras import backend
from app.pipelines.pixels import Pixels
from app.pipelines.tsfresh import SeriesFeatures
from tests.explain.functions import asked
from tests.explain.truths import by_size, local

#: Samples of a series, and those between which a bump decides its class.
LENGTH, BEGIN, END = 80, 30, 40


@pytest.fixture(scope="module")
def bumps():
    """A forest on tsfresh's features of two signals, of which `pulse` has a bump in every other series.

    The subject, and the case of a series with a bump.
    """
    generator = np.random.default_rng(0)
    series = []
    for number in range(60):
        pulse, wind = generator.normal(0, 0.3, (2, LENGTH))
        pulse[BEGIN:END] += 3.0 * (number % 2)
        series.append(pd.DataFrame({"id": number, "pulse": pulse, "wind": wind}))
    frame = pd.concat(series, ignore_index=True)
    wanted = ExtractFeatures(column_id="id", default_fc_parameters="MinimalFCParameters()")
    features, rows = SeriesFeatures.fit(frame, wanted, lambda *_, **__: None)
    forest = RandomForestClassifier(50, max_depth=4, max_features=3, random_state=0)
    steps = [("preprocess", preprocess.numbers_only(scaled=True)), ("model", forest)]
    fitted = Pipeline(steps).fit(rows, np.arange(60) % 2)
    subject = Subject(
        Task.CLASSIFICATION,
        (0, 1),
        dict.fromkeys(rows, Kind.NUMBER),
        fitted.predict_proba,
        rows,
        members(fitted),
        final_step(members(fitted), rows),
        of_series=True,
        computed=tuple(rows),
    )
    one = frame[frame["id"] == 33]
    row = features.transform(one)
    return subject, Case(row, signals.behind(features, one, row)[0])


def overlap(part):
    """Return how many samples of a stretch are of the bump."""
    return max(0, min(part.end, END) - max(part.start, BEGIN)) if part.feature == "pulse" else 0


@pytest.mark.parametrize("method", ["lime", "shap", "features"])
@pytest.mark.parametrize("n_segments", [8, 16, 11], ids=["one stretch is the bump", "two are", "three overlap it"])
def test_the_stretches_that_decide_a_signal_weigh_the_most(bumps, method, n_segments):
    subject, case = bumps
    if method == "features":
        found = on_signal.explain(subject, case, asked("features_on_signal", 1, num_segments=n_segments))
    else:
        wanted = asked("segments", 1, algorithm=method, num_segments=n_segments)
        found = segments.explain(subject, case, wanted)
    assert {one.part.feature for one in found.contributions} == {"pulse", "wind"}
    ordered = by_size(found)
    assert ordered[0].value > 0
    # A stretch of which a third or more is bump decides with the others; one of less may not matter alone.
    deciding = [one for one in found.contributions if overlap(one.part) >= LENGTH / n_segments / 3]
    assert {one.part for one in ordered[: len(deciding)]} == {one.part for one in deciding}
    assert abs(ordered[len(deciding)].value) < ordered[0].value / 2


#: Side of an image, where the patch lies that decides, and how much more a map marks there than elsewhere at least:
#: one that marks at random marks as much.
SIDE, PATCH, MORE = 24, (slice(6, 14), slice(12, 20)), 3.0


def png(pixels):
    """Return an image as it is uploaded."""
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    return written.getvalue()


def pictures(count):
    """Return noise, half of it with a bright patch, which lies anywhere but in the last one: there it is at PATCH."""
    generator = np.random.default_rng(0)
    found = generator.integers(40, 90, (count, SIDE, SIDE), dtype="uint8")
    for picture in found[1:-1:2]:
        top, left = generator.integers(0, SIDE - 8, 2)
        picture[top : top + 8, left : left + 8] += 120
    found[-1][PATCH] += 120
    return found


@pytest.fixture(scope="module", params=["layers", "a model in a model"])
def network(request):
    """A convolutional network that has learned to see a bright patch, and an image with one."""
    keras = backend.keras()
    import torch

    keras.utils.set_random_seed(0)
    layers = keras.layers
    seeing = [
        layers.Conv2D(8, 3, activation="relu", padding="same"),
        layers.Conv2D(8, 3, activation="relu", padding="same"),
    ]
    inputs = keras.Input((SIDE, SIDE, 1))
    seen = inputs
    for layer in seeing if request.param == "layers" else [keras.Sequential([keras.Input((SIDE, SIDE, 1)), *seeing])]:
        seen = layer(seen)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling2D()(seen)))
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    found = pictures(200)
    rows = pd.DataFrame({"image": pd.Series([png(one) for one in found], dtype="object")})
    size = Pixels(SIDE, SIDE, 1)

    def numbers(rows):
        return size.fit_transform(rows[["image"]]).reshape(-1, SIDE, SIDE, 1)

    def copy():
        with backend.quiet():
            other = keras.models.clone_model(model)
            other.set_weights(model.get_weights())
        return other

    def predict(rows):
        with torch.no_grad():
            return model(torch.tensor(numbers(rows)), training=False).numpy().astype("float64")

    model.fit(numbers(rows), np.arange(200) % 2, epochs=25, batch_size=20, verbose=0)
    assert (predict(rows).argmax(axis=1) == np.arange(200) % 2).mean() > 0.95
    seen_by = Network("image", numbers, copy)
    kinds = {"image": Kind.IMAGE}
    subject = Subject(
        Task.CLASSIFICATION, (0, 1), kinds, predict, rows.head(50), network=seen_by, images=(SIDE, SIDE, 1)
    )
    return subject, Case(rows.tail(1))


def marked(found):
    """Return by how much more a map marks the patch than what is around it."""
    if "map" in found.details:
        shown = np.array(found.details["map"])
    else:
        regions = np.array(found.details["regions"])
        by_region = np.zeros(regions.max() + 1)
        for one in found.contributions:
            by_region[one.part.region] = one.value
        shown = (by_region / np.bincount(regions.ravel()))[regions]
    inside = np.zeros((SIDE, SIDE), dtype=bool)
    inside[PATCH] = True
    return shown[inside].mean() / max(shown[~inside].mean(), 1e-12)


@pytest.mark.parametrize("method", ["grad_cam", "lime", "shap"])
def test_the_patch_that_decides_an_image_is_marked(network, method):
    subject, case = network
    if method == "grad_cam":
        found = grad_cam.explain(subject, case, asked("grad_cam", 1))
        assert found.trust["drop"] > 0
    else:
        found = local(method, subject, case.row, 1)
    assert marked(found) > MORE


PLAIN = "the room was near to a lake and we had our breakfast with all of them at eight on every day"


@pytest.fixture(scope="module")
def reviews(subject):
    """A linear model of texts, in which `wonderful` speaks for the second class and `terrible` against it."""
    generator = np.random.default_rng(0)
    texts, labels = [], []
    for number in range(200):
        words = list(generator.choice(PLAIN.split(), 15))
        words[int(generator.integers(15))] = ("terrible", "wonderful")[number % 2]
        texts.append(" ".join(words))
        labels.append(number % 2)
    X = pd.DataFrame({"review": pd.array(texts, dtype="str")})
    return subject(X, labels, LogisticRegression(C=100), review=Kind.TEXT)


@pytest.mark.parametrize("method", ["lime", "shap"])
def test_planted_words_are_named_where_they_stand(reviews, method):
    text = "On every day a wonderful breakfast, and the lake was near; we had a TERRIBLE room."
    found = local(method, reviews, pd.DataFrame({"review": pd.array([text], dtype="str")}), 1)
    first, second = by_size(found)[:2]
    assert {first.part.value, second.part.value} == {"wonderful", "TERRIBLE"}
    for one in (first, second):
        assert (one.value > 0) == (one.part.value == "wonderful")
        assert text[one.part.start : one.part.end] == one.part.value
