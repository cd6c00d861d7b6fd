"""Texts without some of their words, coded for a network without being written: the same answers as of the texts."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from app.explain.base import Network
from app.explain.parts.words import Words
from app.payloads.parameters import Kind
from app.pipelines.autokeras import backend, inputs
from app.pipelines.compiled.operation import Declined
from app.pipelines.compiling.graphs import of_keras
from tests.explain.functions import opaque
from tests.explain.parts.test_counted import TEXTS, written

#: {what a network makes of all places of a text, and how many words each of two convolutions sees: whether it answers
#: the same of an input that is cut short}.
NETWORKS = {
    ("GlobalMaxPooling1D", 3): True,
    ("GlobalMaxPooling1D", 7): True,
    ("GlobalAveragePooling1D", 3): False,
    ("Flatten", 3): False,
}

#: Words that the networks read.
LENGTH = 80


class Watched:
    """What answers to codes, which keeps their shapes."""

    def __init__(self, answers):
        self.answers = answers
        self.shapes = []

    def __call__(self, codes):
        self.shapes.append(codes.shape)
        return self.answers(codes)


def reading(answers):
    """Return a network of notes as explainers see it, and what watches it."""
    notes = [*TEXTS, " ".join(f"word{number}" for number in range(LENGTH))]
    X = pd.DataFrame({"note": pd.array(notes, dtype="str")})
    known = inputs.learn("text", X.iloc[[0, 1, -1]], (1, 1, 1), 40)
    watched = Watched(answers)

    def encoded(rows):
        return inputs.encode(known, inputs.columns_of(rows))

    subject = opaque(lambda rows: answers(encoded(rows)), X, note=Kind.TEXT)
    return replace(subject, network=Network("text", encoded, lambda: None, watched)), watched


def row(text):
    return pd.DataFrame({"note": pd.array([text], dtype="str")})


def masks_of(masked, count=60):
    masks = np.random.default_rng(0).random((count, len(masked.parts))) < np.linspace(0, 1, count)[:, None]
    masks[0], masks[1] = True, False
    return masks


@pytest.fixture(scope="module", params=NETWORKS, ids=str)
def network(request):
    """Whether a network answers the same of an input that is cut short, and the network, compiled."""
    keras = backend.keras()
    reduction, size = request.param
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Embedding(40, 4),
        keras.layers.Conv1D(8, size, activation="relu"),
        keras.layers.Conv1D(8, size, activation="relu"),
        keras.layers.MaxPooling1D(2),
        getattr(keras.layers, reduction)(),
        keras.layers.Dense(1),
    ]
    with backend.quiet():
        live = keras.Sequential([keras.Input((LENGTH,), dtype="int32"), *layers])
        # What has never been called is not exported.
        live(np.zeros((1, LENGTH), dtype="int32"))
    return NETWORKS[request.param], of_keras(SimpleNamespace(network=lambda: live))


@pytest.mark.parametrize("text", [*TEXTS, "late " * 100 + " ".join(f"word{number}" for number in range(60))])
def test_words_that_are_left_out_change_answers_as_texts_without_them(network, text):
    subject, _ = reading(network[1])
    masked = Words.of(subject, row(text), ["note"])
    masks = masks_of(masked)
    expected = subject.predict(written(masked, row(text), masks))
    np.testing.assert_allclose(masked.answers(masks), expected, rtol=1e-5, atol=1e-6)


def test_inputs_are_cut_short_where_the_network_answers_the_same(network):
    same, graph = network
    subject, watched = reading(graph)
    masked = Words.of(subject, row(" ".join(f"word{number}" for number in range(50))), ["note"])
    masked.answers(masks_of(masked))
    watched.shapes.clear()
    masked.answers(masks_of(masked, 1_000))
    assert sum(n_texts for n_texts, _ in watched.shapes) == 1_000
    assert (min(width for _, width in watched.shapes) < LENGTH / 2) == same
    assert max(width for _, width in watched.shapes) <= LENGTH


def test_a_network_that_takes_no_shorter_input_gets_whole_ones():
    def answers(codes):
        if codes.shape[1] != LENGTH:
            raise Declined
        return codes.max(axis=1, keepdims=True).astype("float64")

    subject, watched = reading(answers)
    masked = Words.of(subject, row(TEXTS[1]), ["note"])
    masks = masks_of(masked)
    assert masked.answers(masks).tolist() == subject.predict(written(masked, row(TEXTS[1]), masks)).tolist()
    assert watched.shapes[-1] == (60, LENGTH)


@pytest.mark.parametrize("text", ["ΟΔΟΣ late ΟΔΟΣ", "İstanbul late"])
def test_a_text_whose_words_are_cut_otherwise_once_some_are_gone_is_written(text):
    subject, watched = reading(lambda codes: codes.sum(axis=1, keepdims=True).astype("float64"))
    masked = Words.of(subject, row(text), ["note"])
    assert len(masked.answers(masks_of(masked))) == 60
    assert watched.shapes == []


def test_a_network_that_is_not_compiled_is_asked_for_texts():
    subject, watched = reading(lambda codes: codes.sum(axis=1, keepdims=True).astype("float64"))
    subject = replace(subject, network=replace(subject.network, answers=None))
    masked = Words.of(subject, row(TEXTS[0]), ["note"])
    masked.answers(masks_of(masked))
    assert watched.shapes == []


def test_a_trained_network_is_asked_for_codes_and_answers_as_of_texts(trained):
    shown = replace(trained("network of texts").subject, predict=lambda rows: pytest.fail("it was sent texts"))
    masked = Words.of(shown, row("the rude one was late, and the other one too"), ["note"])
    masks = masks_of(masked)
    texts = written(masked, row("the rude one was late, and the other one too"), masks)
    answers = masked.answers(masks)
    np.testing.assert_allclose(answers, trained("network of texts").pipeline.predict(texts), rtol=1e-6)
