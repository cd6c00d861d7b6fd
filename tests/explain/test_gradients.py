"""Gradients of networks whose shares are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from app.explain import gradients
from app.explain.base import Case, Network
from app.pipelines.autokeras import backend
from tests.explain.functions import asked, opaque, shares


@pytest.fixture(scope="module")
def keras():
    """Keras, as the service has it."""
    return backend.keras()


def dense(keras, weights, activation=None):
    """Return a network of one layer."""
    layer = keras.layers.Dense(np.shape(weights)[1], activation=activation, use_bias=False)
    network = keras.Sequential([keras.Input((len(weights),)), layer])
    layer.set_weights([np.array(weights, dtype="float32")])
    return network


def product(keras):
    """Return a network that multiplies its two inputs."""
    entry = keras.Input((2,))
    return keras.Model(entry, keras.layers.Multiply()([entry[:, :1], entry[:, 1:]]))


def shown(network, X, classes=()):
    """Return a network of a table as explainers see it."""

    def predict(rows):
        answers = np.asarray(network(rows.to_numpy("float32"), training=False).detach(), dtype="float64")
        return np.hstack([1 - answers, answers]) if classes and answers.shape[1] == 1 else answers

    subject = opaque(lambda rows: predict(rows), X, classes)
    reader = Network("table", lambda rows: rows.to_numpy("float32"), lambda: network)
    return replace(subject, predict=predict, network=reader)


@pytest.fixture
def frame():
    """40 rows of two numbers."""
    return pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=["a", "b"])


def explain(subject, row, output=0, **more):
    """Explain one row of a network."""
    return gradients.explain(subject, Case(row), asked("gradients", output, **more))


@pytest.mark.parametrize("algorithm", ["expected", "integrated"])
def test_a_linear_network_is_explained_by_weight_times_distance_to_the_mean(keras, frame, algorithm):
    subject = shown(dense(keras, [[2.0], [-3.0]]), frame)
    # Each background row is drawn as often as another.
    local = explain(subject, frame.iloc[[4]], algorithm=algorithm, num_samples=400)
    away = frame.iloc[4] - frame.mean()
    assert shares(local) == pytest.approx({"a": 2 * away["a"], "b": -3 * away["b"]}, abs=1e-5)
    assert local.base_value == pytest.approx((frame @ [2, -3]).mean(), abs=1e-5)
    assert local.trust["additivity_error"] < 1e-5
    assert local.algorithm == f"{algorithm}_gradients"
    assert local.background == (40 if algorithm == "expected" else 1)


def test_along_a_straight_way_a_product_is_shared_by_its_mean_slopes(keras, frame):
    subject, row, mean = shown(product(keras), frame), frame.iloc[7], frame.mean()
    local = explain(subject, frame.iloc[[7]], algorithm="integrated", num_samples=2_000)
    assert shares(local)["a"] == pytest.approx((row["a"] - mean["a"]) * (row["b"] + mean["b"]) / 2, abs=1e-3)
    assert shares(local)["b"] == pytest.approx((row["b"] - mean["b"]) * (row["a"] + mean["a"]) / 2, abs=1e-3)
    assert local.trust["additivity_error"] < 1e-3


def test_from_many_rows_it_is_the_mean_of_what_each_gives(keras, frame):
    subject, row = shown(product(keras), frame), frame.iloc[7]
    local = explain(subject, frame.iloc[[7]], num_samples=10_000)
    for name, other in (("a", "b"), ("b", "a")):
        expected = ((row[name] - frame[name]) * (row[other] + frame[other]) / 2).mean()
        (one,) = (one for one in local.contributions if one.part.feature == name)
        assert one.value == pytest.approx(expected, abs=4 * one.error)
    assert local.base_value == pytest.approx((frame["a"] * frame["b"]).mean(), abs=1e-5)


def test_errors_told_are_the_spread_over_seeds_or_more(keras, frame):
    """Rows and places are drawn evenly, which lowers the spread below that of free draws."""
    subject = shown(product(keras), frame)
    runs = [explain(subject, frame.iloc[[7]], num_samples=200, seed=seed) for seed in range(30)]
    spread = np.std([list(shares(run).values()) for run in runs], axis=0, ddof=1)
    told = np.mean([[one.error for one in run.contributions] for run in runs], axis=0)
    assert (told > spread / 1.3).all()
    assert runs[0] != runs[1]
    assert explain(subject, frame.iloc[[7]], num_samples=200) == runs[0]


@pytest.mark.parametrize("weights", [[[1.0], [-2.0]], [[0.0, 1.0], [0.5, -2.0]]], ids=["one output", "two outputs"])
def test_of_two_classes_the_shares_of_one_are_those_of_the_other_negated(keras, frame, weights):
    network = dense(keras, weights, "sigmoid" if len(weights[0]) == 1 else "softmax")
    subject = shown(network, frame, ("no", "yes"))
    first, second = (explain(subject, frame.iloc[[3]], output, num_samples=500) for output in (0, 1))
    assert shares(first) == pytest.approx({name: -share for name, share in shares(second).items()}, abs=1e-6)
    assert first.base_value + second.base_value == pytest.approx(1)
    assert second.scale == "probability"
    assert second.base_value == pytest.approx(subject.predict(frame)[:, 1].mean(), abs=1e-6)


@pytest.mark.parametrize("name", ["network of numbers", "network of classes"])
@pytest.mark.parametrize("algorithm", ["expected", "integrated"])
def test_a_trained_network_is_explained_in_the_unit_of_its_answer(trained, name, algorithm):
    model = trained(name)
    answer = model.explain("gradients", ids=model.ids[:2], algorithm=algorithm, num_samples=3_000)
    size = 1 if model.pipeline.classes else np.ptp(model.subject.predict(model.subject.background))
    for entry in answer["explanations"]:
        assert {one["feature"] for one in entry["contributions"]} == set(model.pipeline.columns)
        assert entry["local_prediction"] == pytest.approx(entry["prediction"], abs=0.1 * size)
        assert entry["additivity_error"] == pytest.approx(
            abs(entry["local_prediction"] - entry["prediction"]), abs=1e-3 * size
        )
        assert entry["scale"] == ("probability" if model.pipeline.classes else "value")


def test_an_error_that_is_small_enough_ends_the_sampling(keras, frame):
    subject = shown(product(keras), frame)
    local = explain(subject, frame.iloc[[7]], num_samples=10_000, max_error=0.2)
    assert local.ended == "max_error"
    assert local.num_samples < 10_000
    assert max(one.error for one in local.contributions) <= 0.2
    closer = explain(subject, frame.iloc[[7]], num_samples=10_000, max_error=0.1)
    assert closer.num_samples > local.num_samples
    assert explain(subject, frame.iloc[[7]], num_samples=100, max_error=1e-9).ended == "num_samples"
    # Of one straight way there is no error to wait for.
    straight = explain(subject, frame.iloc[[7]], algorithm="integrated", num_samples=300, max_error=9)
    assert (straight.num_samples, straight.ended) == (300, "num_samples")
