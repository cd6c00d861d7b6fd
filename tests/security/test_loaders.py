"""Stored estimators and networks: only the two formats of ours, only types and layers of lists that stand here."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from app.errors import ArtifactRejected
from app.pipelines import formats
from app.pipelines.autokeras import layers, stored
from app.pipelines.trained import TrainedPipeline, installed_versions

#: What a skops file may hold, written out a second time: to add one is a decision, and no accident.
TRUSTED = """
app.pipelines.encoders.DateEncoder app.pipelines.encoders.TextEncoder app.pipelines.pixels.Pixels
collections.OrderedDict lightgbm.basic.Booster lightgbm.sklearn.LGBMClassifier lightgbm.sklearn.LGBMRegressor
numpy.dtype scipy._lib.array_api_compat.numpy._aliases.asarray scipy.interpolate._bsplines.BSpline
sklearn._loss.link.IdentityLink sklearn._loss.link.Interval sklearn._loss.link.LogLink sklearn._loss.link.LogitLink
sklearn._loss.link.MultinomialLogit sklearn._loss.loss.AbsoluteError sklearn._loss.loss.HalfBinomialLoss
sklearn._loss.loss.HalfGammaLoss sklearn._loss.loss.HalfMultinomialLoss sklearn._loss.loss.HalfPoissonLoss
sklearn._loss.loss.HalfSquaredError sklearn._loss.loss.HalfTweedieLoss sklearn._loss.loss.HalfTweedieLossIdentity
sklearn._loss.loss.PinballLoss sklearn.calibration._CalibratedClassifier sklearn.calibration._SigmoidCalibration
sklearn.ensemble._gb.LeastSquaresError sklearn.ensemble._hist_gradient_boosting.binning._BinMapper
sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor
sklearn.feature_selection._univariate_selection.f_classif sklearn.feature_selection._univariate_selection.f_regression
sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace sklearn.gaussian_process.kernels.ConstantKernel
sklearn.gaussian_process.kernels.Product sklearn.gaussian_process.kernels.RBF
sklearn.metrics._dist_metrics.EuclideanDistance64 sklearn.metrics._dist_metrics.ManhattanDistance64
sklearn.metrics._dist_metrics.MinkowskiDistance64 sklearn.neighbors._ball_tree.BallTree
sklearn.neighbors._kd_tree.KDTree sklearn.neural_network._stochastic_optimizers.AdamOptimizer
sklearn.neural_network._stochastic_optimizers.SGDOptimizer sklearn.tree._tree.Tree sklearn.utils._bunch.Bunch
tpot.builtin_modules.arithmetictransformer.AddTransformer
tpot.builtin_modules.column_one_hot_encoder.ColumnOneHotEncoder
tpot.builtin_modules.column_one_hot_encoder.ColumnOrdinalEncoder
tpot.builtin_modules.estimatortransformer.EstimatorTransformer
tpot.builtin_modules.passkbinsdiscretizer.PassKBinsDiscretizer tpot.builtin_modules.passthrough.Passthrough
tpot.builtin_modules.passthrough.SkipTransformer tpot.builtin_modules.zero_count.ZeroCount
xgboost.core.Booster xgboost.sklearn.XGBClassifier xgboost.sklearn.XGBRFClassifier xgboost.sklearn.XGBRFRegressor
xgboost.sklearn.XGBRegressor
"""


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


class Touch:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def small():
    return Pipeline([("model", LogisticRegression())]).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])


def test_the_list_of_types_is_the_one_that_was_decided_on():
    assert set(TRUSTED.split()) == formats.TRUSTED


def test_what_was_written_is_read():
    name, data = formats.dump(small(), np.array([[0.5], [2.5]]))
    assert name == "skops"
    assert formats.load(name, data).predict([[3.0]]) == [1]
    assert formats.load("pickle", pickle.dumps(small())).predict([[3.0]]) == [1]


@pytest.mark.parametrize("name", ["", "joblib", "Pickle", "pickle ", "dill", "onnx", "../pickle", "skops2"])
def test_a_format_that_is_none_of_ours_is_never_unpickled(name, canary):
    with pytest.raises(formats.Refused):
        formats.load(name, pickle.dumps(Touch(canary)))
    assert not canary.exists()


def schema(change, *members):
    """Return a skops file of a good pipeline whose description was changed."""
    from skops.io import dumps

    source, sink = zipfile.ZipFile(io.BytesIO(dumps(small()))), io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name in source.namelist():
            content = source.read(name)
            if name == "schema.json":
                described = json.loads(content)
                change(described)
                content = json.dumps(described).encode()
            archive.writestr(name, content)
        for name, content in members:
            archive.writestr(name, content)
    return sink.getvalue()


def _call(module, name, loader="FunctionNode"):
    def change(described):
        described |= {"__class__": name, "__module__": module, "__loader__": loader, "content": described["content"]}

    return change


@pytest.mark.parametrize(
    ("module", "name"), [("os", "system"), ("subprocess", "Popen"), ("builtins", "eval"), ("app.jobs.tasks", "train")]
)
@pytest.mark.parametrize("loader", ["FunctionNode", "TypeNode", "ObjectNode", "ReduceNode", "PartialNode"])
def test_types_that_a_file_names_are_not_trusted_for_it(module, name, loader):
    with pytest.raises(formats.Refused):
        formats.load("skops", schema(_call(module, name, loader)))


@pytest.mark.parametrize("loader", ["MethodNode", "OperatorFuncNode"])
def test_methods_and_operators_are_not_called(loader, canary):
    def change(described):
        method = {"__class__": "method", "__module__": "builtins", "__loader__": loader, "__id__": 1, "attrs": {}}
        described["content"]["content"] = method | {"content": {"func": "mkdir", "obj": {"path": str(canary)}}}

    with pytest.raises(formats.Refused):
        formats.load("skops", schema(change))
    assert not canary.exists()


def network(change=lambda described: None, members=(), without=()):
    """Return the bytes of a small network whose description was changed."""
    from app.pipelines.autokeras import backend

    keras = backend.keras()
    inputs = keras.layers.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(inputs))
    source, sink = zipfile.ZipFile(io.BytesIO(stored.dump(model))), io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                described = json.loads(content)
                change(described)
                content = json.dumps(described).encode()
            if name not in without:
                archive.writestr(name, content)
        for name, content in members:
            archive.writestr(name, content)
    return sink.getvalue()


def _layer(**changes):
    def change(described):
        described["config"]["layers"][1] |= changes

    return change


FOREIGN = {
    "a lambda": _layer(
        class_name="Lambda", config={"function": {"class_name": "__lambda__", "config": {"code": "4w"}}}
    ),
    "a graph of TensorFlow": _layer(class_name="TFSMLayer", config={"filepath": "/etc"}),
    "a layer of torch": _layer(class_name="TorchModuleWrapper", config={"module": "gASV"}),
    "another module": _layer(module="os", class_name="system"),
    "our layer's name in another module": _layer(module="os"),
    "a registered name": _layer(registered_name="os>system"),
    "a function": _layer(config={"activation": {"class_name": "function", "module": "os", "config": "system"}}),
    "a class that is no text": _layer(class_name=["Dense"]),
    "no layer": lambda described: described.update(class_name="StringLookup"),
}


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN)
def test_a_network_of_other_layers_is_refused_before_keras_sees_it(change, monkeypatch):
    from app.pipelines.autokeras import backend

    content = network(change)
    monkeypatch.setattr(backend.keras().saving, "load_model", lambda *_, **__: pytest.fail("Keras was asked"))
    with pytest.raises(formats.Refused):
        stored.load(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89HDF\r\n\x1a\n" + b"x" * 100,
        lambda: network(members=[("../../slip", b"x")]),
        lambda: network(members=[("assets/x.txt", b"x")]),
        lambda: network(without=["metadata.json"]),
        lambda: network(lambda described: described.update(x="y" * (layers._LONGEST + 1))),
    ],
    ids=["nothing", "HDF5", "a path that leads out", "another file", "a file less", "a long description"],
)
def test_what_is_no_file_of_ours_is_refused(content):
    with pytest.raises(formats.Refused):
        layers.check(content() if callable(content) else content)


def test_a_network_of_ours_is_loaded_and_answers():
    assert stored.answer(stored.load(network()), np.zeros((3, 2), "float32")).shape == (3, 1)


def test_keras_is_told_to_be_safe(monkeypatch):
    from app.pipelines.autokeras import backend

    told = {}
    monkeypatch.setattr(backend.keras().saving, "load_model", lambda _, **named: told.update(named))
    stored.load(network())
    assert told == {"compile": False, "safe_mode": True, "custom_objects": {}}


def test_a_signed_artefact_of_another_format_is_rejected_with_503_and_runs_nothing(fitted, canary):
    artifact = fitted["birds"].artifact
    manifest = artifact.manifest | {"format": "joblib", "pipeline_id": "birds", "version": 1}
    parts = {name: data for name, data in artifact.parts.items() if name != "compiled"}
    changed = type(artifact)(manifest, parts | {"estimator": pickle.dumps(Touch(canary))})
    loaded = TrainedPipeline.from_artifact(changed, installed_versions())
    with pytest.raises(ArtifactRejected):
        _ = loaded.fitted
    assert not canary.exists()


@pytest.mark.parametrize("ending", ["keras", "pkl", "skops"])
@pytest.mark.parametrize("path", ["/train_pipeline", "/serve_prediction", "/explain", "/profile", "/batch_predictions"])
def test_no_route_takes_a_model(refused, training, served, canary, path, ending):
    options = training(raw_data=pickle.dumps(Touch(canary)), file=f"model.{ending}", labels=None)
    refused((400, 415, 422, 501), path=path, **options)
    assert not canary.exists()


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["table", "text", "series"])
def test_every_network_that_a_search_builds_is_of_layers_in_the_list(kind):
    from app.pipelines.autokeras import backend, spaces, starts

    shape = {"table": (3,), "text": (20,), "series": (50, 1)}[kind]
    with backend.quiet():
        items = spaces.space(kind, 2, None).space
        for name, value in [(item.name, value) for item in items for value in getattr(item, "values", (True, False))]:
            model, _ = spaces.build(kind, {**starts.STARTS[kind], name: value}, shape, 3, 10, 2)
            layers.check(stored.dump(model))


def test_nothing_of_a_pickle_is_run_by_the_store_alone(canary):
    """The canary is one: it sings where a pickle is loaded."""
    pickle.loads(pickle.dumps(Touch(canary)))  # noqa: S301  of this test
    assert canary.is_dir()
