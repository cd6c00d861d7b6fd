"""Arguments of a search, by their names of TPOT 0.x and 1.x."""

import pytest
from sklearn.metrics import get_scorer

from app.errors import InvalidParameters
from app.payloads.parameters import ModelTraining
from app.pipelines.tpot import TpotEngine, params

CLASSIFIER, REGRESSOR = "tpot.TPOTClassifier", "tpot.TPOTRegressor"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({}, id="none"),
        pytest.param(
            {"generations": 20, "population_size": 10, "verbosity": 2, "max_time_mins": 0.1}, id="the file of 2017"
        ),
        pytest.param({"config_dict": "TPOT light", "cv": 5, "scoring": "roc_auc", "n_jobs": -1}, id="0.x"),
        pytest.param({"max_eval_time_mins": 0.5, "random_state": 3, "disable_update_check": True}, id="more of 0.x"),
        pytest.param({"search_space": "linear-light", "early_stop": 3, "verbose": 0}, id="1.x"),
        pytest.param({"max_time_mins": 1, "generations": 1, "population_size": 2, "cv": 2}, id="the least"),
    ],
)
def test_arguments_of_either_generation_are_taken(arguments):
    TpotEngine().check(ModelTraining(model=CLASSIFIER, model_args=arguments), ("a", "b"))


@pytest.mark.parametrize(
    ("argument", "value", "words"),
    [
        pytest.param("offspring_size", 10, "known are generations, population_size", id="gone since 0.x"),
        pytest.param("callback", "os.system", "known are", id="code"),
        pytest.param("generations", 0, "a whole number from 1 to 10000", id="too few"),
        pytest.param("generations", 2.5, "a whole number", id="not whole"),
        pytest.param("generations", True, "a whole number", id="a boolean"),
        pytest.param("population_size", 1, "from 2 to 1000", id="a population of one"),
        pytest.param("population_size", 1001, "from 2 to 1000", id="a population too large"),
        pytest.param("max_time_mins", 0, "a number from 0.01", id="no time"),
        pytest.param("max_time_mins", None, "a number from 0.01", id="for ever"),
        pytest.param("max_time_mins", float("nan"), "a number from 0.01", id="not a number"),
        pytest.param("cv", "five", "a whole number from 2 to 20", id="text"),
        pytest.param("search_space", "graph", "known are linear, linear-light", id="another space"),
        pytest.param("config_dict", {"sklearn.naive_bayes.GaussianNB": {}}, "known are TPOT light", id="a mapping"),
        pytest.param("search_space", ["linear"], "known are linear, linear-light", id="a list"),
        pytest.param("scoring", "r2", "known are roc_auc, accuracy", id="of the other task"),
        pytest.param("scoring", ["roc_auc"], "known are roc_auc, accuracy", id="a list of metrics"),
    ],
)
def test_an_argument_that_cannot_be_taken_is_refused_with_what_can(argument, value, words):
    with pytest.raises(InvalidParameters) as refused:
        TpotEngine().check(ModelTraining(model=CLASSIFIER, model_args={argument: value}), ("a", "b"))
    (fault,) = refused.value.faults
    assert fault.pointer == f"/params/model_training/model_args/{argument}"
    assert words in fault.detail


@pytest.mark.parametrize(("model", "metric"), [(CLASSIFIER, "r2"), (REGRESSOR, "roc_auc"), (CLASSIFIER, "beauty")])
def test_a_metric_of_another_task_is_refused_with_the_known_ones(model, metric):
    with pytest.raises(InvalidParameters) as refused:
        TpotEngine().check(ModelTraining(model=model, metric=metric), ())
    (fault,) = refused.value.faults
    assert fault.pointer == "/params/model_training/metric"
    assert fault.detail == f"known are {', '.join(params.METRICS[params.MODELS[model]])}"


@pytest.mark.parametrize("model", params.MODELS)
def test_every_metric_is_a_scorer_of_scikit_learn(model):
    for metric in params.METRICS[params.MODELS[model]]:
        training = ModelTraining(model=model, metric=metric)
        TpotEngine().check(training, ())
        assert get_scorer(params.scorer(training, metric))
