"""Parameters, field by field."""

from pathlib import Path

import pytest

from app.errors import InvalidParameters
from app.payloads import strict_yaml
from app.payloads.explaining import check_explaining
from app.payloads.parameters import PredictParameters, TrainParameters, check

PARAMETERS = Path(__file__).parents[2] / "parameters"
GOOD = {"pipeline_id": "p", "model_training": {"model": "tpot.TPOTClassifier"}}


@pytest.mark.parametrize("path", sorted(PARAMETERS.glob("*.yml")), ids=lambda path: path.stem)
def test_the_files_that_come_with_the_service_are_accepted(path):
    values = strict_yaml.loads(path.read_bytes(), "params")
    if path.stem.startswith("explain"):
        check_explaining(values)
    else:
        check(PredictParameters if path.stem.startswith("test") else TrainParameters, values)


def test_what_is_left_out_has_its_default():
    parameters = check(TrainParameters, GOOD)
    assert (parameters.seed, parameters.target, parameters.extract_features) == (0, None, None)
    assert parameters.limits.seconds is parameters.limits.memory_mb is None


def test_neither_a_model_nor_a_task_must_be_named():
    parameters = check(TrainParameters, {"pipeline_id": "p"})
    assert parameters.task is parameters.model_training.model is parameters.model_training.metric is None
    assert (parameters.folds, parameters.groups, parameters.time, parameters.sample_weight) == (5, None, None, None)
    assert parameters.limits.candidates is parameters.limits.candidate_seconds is None


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"folds": 1}, "/params/folds"),
        ({"folds": 21}, "/params/folds"),
        ({"folds": 5.0}, "/params/folds"),
        ({"folds": True}, "/params/folds"),
        ({"groups": ""}, "/params/groups"),
        ({"time": 3}, "/params/time"),
        ({"sample_weight": ["w"]}, "/params/sample_weight"),
        ({"limits": {"candidates": 0}}, "/params/limits/candidates"),
        ({"limits": {"candidates": 10**7}}, "/params/limits/candidates"),
        ({"limits": {"candidate_seconds": 0}}, "/params/limits/candidate_seconds"),
        ({"limits": {"candidate_seconds": 0.5}}, "/params/limits/candidate_seconds"),
        ({"columns": {"a": "image"}}, "/params/columns/a"),
        ({"columns": {"a": "nothing"}}, "/params/columns/a"),
    ],
)
def test_what_a_training_may_say_of_its_data_and_limits_has_bounds(changes, pointer):
    assert pointers(TrainParameters, GOOD | changes) == {pointer}


@pytest.mark.parametrize("role", ["target", "id_column", "groups", "time"])
def test_columns_beside_the_rows_are_different_ones(role):
    other = "sample_weight" if role != "time" else "id_column"
    with pytest.raises(InvalidParameters) as refusal:
        check(TrainParameters, GOOD | {role: "x", other: "x"})
    (fault,) = refusal.value.faults
    named = fault.pointer.removeprefix("/params/")
    assert {named, fault.detail.rpartition(" ")[2]} == {role, other}


@pytest.mark.parametrize("role", ["target", "groups", "time", "sample_weight"])
def test_the_ids_of_series_are_not_what_stands_beside(role):
    series = {"extract_features": {"column_id": "x"}}
    with pytest.raises(InvalidParameters) as refusal:
        check(TrainParameters, GOOD | series | {role: "x"})
    faults = [(fault.pointer, fault.detail) for fault in refusal.value.faults]
    assert faults == [(f"/params/{role}", "names the same column as column_id")]
    check(TrainParameters, GOOD | series | {"id_column": "x"})


def test_folds_are_made_by_groups_or_by_time():
    with pytest.raises(InvalidParameters) as refusal:
        check(TrainParameters, GOOD | {"groups": "a", "time": "b"})
    assert "not both" in refusal.value.faults[0].detail


def test_empty_model_args_are_no_arguments():
    model = GOOD["model_training"] | {"model_args": None}
    assert check(TrainParameters, GOOD | {"model_training": model}).model_training.model_args == {}


@pytest.mark.parametrize("value", [0, 1, 10**16, "a", "0", "007", "A.b_c-d", "x" * 64])
def test_an_id_is_kept_as_it_was_given(value):
    found = check(TrainParameters, GOOD | {"pipeline_id": value}).pipeline_id
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "value",
    [-1, 10**16 + 1, 1.0, True, None, "", ".a", "-a", "_a", "a b", "a/b", "a:b", "a\n", "\na", "é", "x" * 65, []],
)
def test_another_id_is_refused(value):
    assert pointers(TrainParameters, GOOD | {"pipeline_id": value}) == {"/params/pipeline_id"}


@pytest.mark.parametrize("value", ["yes", True, 1, 1.5])
def test_a_positive_class_keeps_its_type(value):
    found = check(TrainParameters, GOOD | {"positive_class": value}).positive_class
    assert (found, type(found)) == (value, type(value))


def pointers(model, values):
    with pytest.raises(InvalidParameters) as refusal:
        check(model, values)
    assert f"{len(refusal.value.faults)} of the parameters" in refusal.value.detail
    return {fault.pointer for fault in refusal.value.faults}


def test_every_wrong_value_is_pointed_at():
    values = {"pipeline_id": "p", "seed": "1", "limits": {"seconds": 4, "memory_mb": True}, "model_training": {"x": 1}}
    assert pointers(TrainParameters, values) == {
        "/params/seed",
        "/params/limits/seconds",
        "/params/limits/memory_mb",
        "/params/model_training/x",
    }


@pytest.mark.parametrize(
    ("place", "known"),
    [
        ({"extra": 1}, "pipeline_id, task, target"),
        ({"limits": {"extra": 1}}, "seconds, memory_mb"),
        ({"extract_features": {"column_id": "id", "extra": 1}}, "column_id, column_sort"),
        ({"model_training": {"model": "m", "extra": 1}}, "model, model_args, metric"),
    ],
)
def test_an_unknown_parameter_is_answered_with_those_known_there(place, known):
    with pytest.raises(InvalidParameters) as refusal:
        check(TrainParameters, GOOD | place)
    (fault,) = refusal.value.faults
    assert fault.pointer.endswith("/extra")
    assert known in fault.detail


@pytest.mark.parametrize("name", ["int", "str", "constrained"])
def test_an_unknown_parameter_named_as_a_type_is_pointed_at(name):
    assert pointers(TrainParameters, GOOD | {name: 1}) == {f"/params/{name}"}


@pytest.mark.parametrize("key", [None, 1, True, 1.5])
def test_a_name_that_is_no_text_is_refused(key):
    assert pointers(TrainParameters, GOOD | {key: 1})
    assert pointers(TrainParameters, GOOD | {"model_training": {"model": "m", "model_args": {key: 1}}})


def test_no_value_of_the_caller_is_repeated_in_an_answer():
    with pytest.raises(InvalidParameters) as refusal:
        check(
            TrainParameters, {"pipeline_id": "s3cret!", "seed": "s3cret", "task": "s3cret", "model_training": "s3cret"}
        )
    assert "s3cret" not in str([refusal.value.detail, refusal.value.faults])
