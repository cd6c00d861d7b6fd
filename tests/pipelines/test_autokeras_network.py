"""Networks as estimators: what they learn, keep and answer."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from app.pipelines.autokeras import spaces, stored
from app.pipelines.autokeras.network import NetworkClassifier, NetworkRegressor
from tests.pipelines.autokeras_rows import CODES, INPUTS, TARGETS, N, numbers

ROOT = Path(__file__).parents[2]

#: Epochs in which every kind of network learns these rows.
EPOCHS = 12

KINDS = list(INPUTS)


def fitted(kind, classified=True, y=None, **arguments):
    network = (NetworkClassifier if classified else NetworkRegressor)(
        kind, **{"epochs": EPOCHS, "batch_size": 8, "size": (8, 8, 3), **arguments}
    )
    return network.fit(INPUTS[kind](), (CODES if classified else TARGETS) if y is None else y)


@pytest.fixture(scope="module")
def classifiers():
    """A fitted classifier of each kind."""
    return {kind: fitted(kind) for kind in KINDS}


@pytest.fixture(scope="module")
def regressors():
    """A fitted regressor of each kind."""
    return {kind: fitted(kind, classified=False) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_classes_are_learned(classifiers, kind):
    X, network = INPUTS[kind](), classifiers[kind]
    probabilities = network.predict_proba(X)
    assert probabilities.shape == (N, 2)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (network.predict(X) == CODES).mean() > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_are_learned_in_their_own_scale(regressors, kind):
    predicted = regressors[kind].predict(INPUTS[kind]())
    assert predicted.shape == (N,)
    assert np.abs(predicted - TARGETS).mean() < 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_predicts_the_same_once_it_was_stored(classifiers, regressors, kind):
    X = INPUTS[kind]()
    for network in (classifiers[kind], regressors[kind]):
        again = pickle.loads(pickle.dumps(network))  # noqa: S301  our own
        assert np.array_equal(again.predict(X), network.predict(X))


@pytest.mark.parametrize("kind", KINDS)
def test_a_curve_has_the_loss_of_each_epoch_for_both_parts_of_the_rows(classifiers, kind):
    network = classifiers[kind]
    assert set(network.history_) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert len({len(values) for values in network.history_.values()}) == 1
    assert network.device_ == stored.device(stored.load(network.model_))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_makes_the_same_network(kind):
    X = INPUTS[kind]()
    once, again, other = (fitted(kind, epochs=2, random_state=seed).predict_proba(X) for seed in (1, 1, 2))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_networks_of_the_numbers_found_are_the_one_that_was_found(classifiers):
    first = classifiers["table"]
    again = clone(first).set_params(hyperparameters=first.hyperparameters_).fit(numbers(), CODES)
    assert np.array_equal(again.predict_proba(numbers()), first.predict_proba(numbers()))


@pytest.mark.parametrize("labels", [["b", "a"], [True, False], [7, 3], [2.5, 0.5]])
def test_two_labels_of_any_type_come_back_as_they_went_in(labels):
    y = np.array(labels)[CODES]
    network = fitted("table", y=y)
    assert network.classes_.tolist() == sorted(labels)
    found = network.predict(numbers())
    assert found.dtype == y.dtype
    assert (found == y).mean() > 0.9


def test_three_labels_are_in_the_order_of_their_codes():
    y = np.array(["low", "high", "middle"])[np.arange(N) % 3]
    X = pd.DataFrame({"at": np.arange(N) % 3 * 1.0})
    network = NetworkClassifier(epochs=40, batch_size=8).fit(X, y)
    assert network.classes_.tolist() == ["high", "low", "middle"]
    assert network.predict_proba(X).shape == (N, 3)
    assert (network.predict(X) == y).all()


def test_a_single_class_is_refused():
    with pytest.raises(ValueError, match="two classes"):
        NetworkClassifier().fit(numbers(), np.zeros(N))


@pytest.mark.parametrize("rows", [8, 60])
def test_few_rows_and_rare_classes_are_learned_from(rows):
    network = NetworkClassifier(epochs=1).fit(numbers().head(rows), np.arange(rows) == 7)
    assert network.predict_proba(numbers()).shape == (N, 2)


def test_rows_of_weight_zero_are_not_learned_from():
    y = np.r_[TARGETS, TARGETS + 1000]
    X = pd.concat([numbers(), numbers()], ignore_index=True)
    weights = np.r_[np.ones(N), np.zeros(N)] * 1e6
    predicted = NetworkRegressor(epochs=40, batch_size=8).fit(X, y, sample_weight=weights).predict(X)
    assert np.abs(predicted[:N] - TARGETS).mean() < 100


def test_targets_that_differ_little_beside_their_size_are_told_apart():
    network = NetworkRegressor(epochs=EPOCHS, batch_size=8).fit(numbers(), 1e10 + TARGETS)
    predicted = network.predict(numbers()) - 1e10
    assert np.corrcoef(predicted, TARGETS)[0, 1] > 0.9


def test_an_array_without_names_will_do():
    X = numbers().to_numpy()
    network = NetworkClassifier(epochs=EPOCHS, batch_size=8).fit(X, CODES)
    assert (network.predict(X) == CODES).mean() > 0.9


def test_a_training_that_diverges_is_refused():
    with pytest.raises(ValueError, match="diverged"):
        fitted("table", classified=False, hyperparameters={"optimizer": "sgd", "learning_rate": 1e30}, epochs=3)


def test_a_network_that_is_too_large_is_refused():
    with pytest.raises(ValueError, match="max_model_size"):
        fitted("table", max_model_size=1000, hyperparameters={})


def test_a_fit_ends_at_its_time_with_what_it_has():
    network = fitted("table", epochs=10_000, patience=10_000, seconds=2)
    assert 1 <= len(network.history_["loss"]) < 10_000
    assert np.isfinite(network.predict_proba(numbers())).all()


def test_a_fit_ends_when_it_gets_no_better():
    noise = np.random.default_rng(0).normal(size=N)
    assert len(fitted("table", classified=False, y=noise, epochs=300, patience=3).history_["loss"]) < 300


def test_what_is_stored_is_plain_data(classifiers):
    state = classifiers["text"].__getstate__()
    assert "_live" not in state
    assert isinstance(state["model_"], bytes)
    assert not any("keras" in type(value).__module__ for value in state.values())


def test_a_network_is_loaded_once_however_many_ask(classifiers):
    network, X = pickle.loads(pickle.dumps(classifiers["table"])), numbers()  # noqa: S301  our own
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: (network.predict_proba(X), network._live), range(16)))
    assert len({id(live) for _, live in answers}) == 1
    assert all(np.array_equal(answer, answers[0][0]) for answer, _ in answers)


def alone(code, folder):
    """Run code in a process where AutoKeras and its tuner cannot be imported."""
    blocked = "import sys\nfor name in ('autokeras', 'keras_tuner'): sys.modules[name] = None\n"
    done = subprocess.run([sys.executable, "-c", blocked + code, str(folder)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_serving_needs_no_autokeras(classifiers, regressors, tmp_path):
    expected = {}
    for kind in KINDS:
        expected[kind] = (INPUTS[kind](), classifiers[kind].predict_proba(INPUTS[kind]()))
        (tmp_path / kind).write_bytes(pickle.dumps((classifiers[kind], regressors[kind], *expected[kind])))
    alone(
        "import pathlib, pickle, numpy as np\n"
        "for path in pathlib.Path(sys.argv[1]).iterdir():\n"
        "    classifier, regressor, X, expected = pickle.loads(path.read_bytes())\n"
        "    assert np.allclose(classifier.predict_proba(X), expected, atol=1e-6), path\n"
        "    assert np.isfinite(regressor.predict(X)).all()\n",
        tmp_path,
    )


def test_an_exported_network_is_one_of_keras_alone(regressors, tmp_path):
    from app.pipelines.autokeras import inputs

    for kind in KINDS:
        encoded = inputs.encode(regressors[kind].inputs_, INPUTS[kind]())
        np.savez(tmp_path / f"{kind}.npz", x=encoded, y=regressors[kind].predict(INPUTS[kind]()))
        for form in ("keras", "h5"):
            (tmp_path / f"{kind}.{form}").write_bytes(regressors[kind].export(form))
    alone(
        "import os, pathlib, numpy as np\n"
        "os.environ['KERAS_BACKEND'] = 'torch'\n"
        "import keras\n"
        "for data in pathlib.Path(sys.argv[1]).glob('*.npz'):\n"
        "    rows = np.load(data)\n"
        "    for form in ('.keras', '.h5'):\n"
        "        model = keras.saving.load_model(data.with_suffix(form))\n"
        "        found = model.predict(rows['x'], verbose=0)[:, 0]\n"
        "        assert np.allclose(found, rows['y'], rtol=1e-3), (data, form)\n",
        tmp_path,
    )


@pytest.mark.parametrize("block_type", ["resnet", "xception", "efficient"])
def test_networks_for_images_are_not_downloaded(block_type):
    _, found = spaces.build("image", {}, (32, 32, 3), 2, steps=1, epochs=1, block_type=block_type)
    assert not any("pretrained" in name for name in spaces.active(found))


def test_the_sizes_of_layers_are_numbers_of_python():
    model, _ = spaces.build("table", {}, (5,), 3, steps=1, epochs=1)
    assert {type(layer.units) for layer in model.layers if hasattr(layer, "units")} == {int}


def test_a_learning_rate_decays_over_the_whole_training():
    model, _ = spaces.build("table", {"optimizer": "adam_weight_decay"}, (5,), 2, steps=20, epochs=30)
    assert model.optimizer._learning_rate.decay_steps == 600
