"""The arguments of networks: what is accepted, refused and meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import InvalidData, InvalidParameters
from app.payloads import strict_yaml
from app.payloads.parameters import Kind, Task, TrainParameters, check
from app.pipelines.autokeras import AutoKerasEngine, params
from tests.pipelines.autokeras_rows import KINDS, parameters

ROOT = Path(__file__).parents[2]
SERIES = {"extract_features": {"column_id": "id"}}


def test_there_is_a_classifier_and_a_regressor_for_each_kind_of_data():
    engine = AutoKerasEngine()
    assert len(engine.models()) == 8
    assert {engine.task(name) for name in engine.models()} == {Task.CLASSIFICATION, Task.REGRESSION}
    assert engine.reads("autokeras.TimeseriesClassifier") == {"signals"}
    assert engine.reads("autokeras.StructuredDataClassifier") == {"features"}


@pytest.mark.parametrize("model", params.MODELS)
def test_a_training_without_arguments_is_accepted(model):
    extra = SERIES if "Timeseries" in model else {}
    AutoKerasEngine().check(parameters(model, **extra), ())


def test_every_wrong_argument_is_named():
    wrong = {
        "max_trials": 0,
        "epochs": 1.5,
        "batch_size": True,
        "validation_split": 0.9,
        "objective": "val_auc",
        "tuner": "hyperband",
        "block_type": "vanilla",
        "directory": "/tmp",  # noqa: S108  refused
    }
    with pytest.raises(InvalidParameters) as raised:
        params.check(parameters("autokeras.StructuredDataClassifier", model_args=wrong))
    assert {fault.pointer.rpartition("/")[2] for fault in raised.value.faults} == set(wrong)


def test_only_images_have_an_architecture_of_their_own():
    params.check(parameters("autokeras.ImageClassifier", model_args={"block_type": "resnet"}))
    with pytest.raises(InvalidParameters, match="does not take"):
        params.check(parameters("autokeras.ImageClassifier", model_args={"block_type": "b7"}))


def test_arguments_of_autokeras_that_mean_nothing_here_are_accepted():
    params.check(parameters("autokeras.TextClassifier", model_args={"overwrite": True, "project_name": "mine"}))


def test_a_number_is_not_predicted_by_its_accuracy():
    with pytest.raises(InvalidParameters, match="does not take"):
        params.check(parameters("autokeras.TextRegressor", model_args={"objective": "val_accuracy"}))


def test_whole_series_need_the_columns_of_a_series():
    with pytest.raises(InvalidParameters, match="not for such data"):
        params.check(parameters("autokeras.TimeseriesClassifier"))


def test_forecasts_are_not_made_of_whole_series():
    with pytest.raises(InvalidParameters, match="not for such data"):
        params.check(parameters("autokeras.TimeseriesRegressor", task="forecasting", forecast={}, **SERIES))


@pytest.mark.parametrize("model", ["autokeras.ImageClassifier", "autokeras.TextRegressor"])
def test_images_and_texts_are_no_series(model):
    with pytest.raises(InvalidParameters, match="not for such data"):
        params.check(parameters(model, **SERIES))


@pytest.mark.parametrize(("model", "kind"), [(model, kind) for model, (_, kind) in params.MODELS.items()])
def test_a_model_takes_its_own_kind_of_columns_and_no_other(model, kind):
    for other, kinds in KINDS.items():
        if other == kind or (kind, other) == ("table", "text"):
            params.check_kinds(model, kinds)
        else:
            with pytest.raises(InvalidData, match="takes"):
                params.check_kinds(model, kinds)


def test_a_model_for_texts_takes_one_column():
    with pytest.raises(InvalidData, match="one column of text"):
        params.check_kinds("autokeras.TextClassifier", {"a": Kind.TEXT, "b": Kind.TEXT})


def test_the_defaults_are_those_of_the_service_before():
    found = params.given(parameters("autokeras.ImageClassifier", model_args={"epochs": 7}, seed=3))
    assert (found["max_trials"], found["epochs"], found["validation_split"]) == (5, 7, 0.3)
    assert (found["objective"], found["batch_size"], found["seed"]) == ("val_accuracy", 32, 3)
    assert params.given(parameters("autokeras.ImageRegressor"))["objective"] == "val_loss"


@pytest.mark.parametrize("path", sorted((ROOT / "parameters").glob("autokeras_*.yml")), ids=lambda path: path.stem)
def test_the_parameter_files_are_accepted(path):
    wanted = check(TrainParameters, strict_yaml.loads(path.read_bytes(), "params"))
    AutoKerasEngine().check(wanted, ())
    assert params.given(wanted).keys() == params.given(parameters(wanted.model_training.model)).keys()


def test_there_is_a_parameter_file_for_each_kind_of_data():
    assert len(list((ROOT / "parameters").glob("autokeras_*.yml"))) == len(KINDS)
