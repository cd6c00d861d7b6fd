"""Arguments of a search, by their names of TPOT 0.x and 1.x."""

import numpy as np
import pytest

from app.errors import InvalidParameters
from app.payloads.parameters import ModelTraining, Task, TrainParameters, check
from app.pipelines import metrics
from app.pipelines.tpot import TpotEngine, params

CLASSIFIER, REGRESSOR = "tpot.TPOTClassifier", "tpot.TPOTRegressor"


def checked(model, arguments, classes=("a", "b")):
    """Check arguments as the route does."""
    training = {"model": model, "model_args": arguments}
    TpotEngine().check(check(TrainParameters, {"pipeline_id": 1, "model_training": training}), classes)


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
        pytest.param({"estimators": ["LGBMClassifier", "SVC"]}, id="what stands last"),
        pytest.param({"max_time_mins": 1, "generations": 1, "population_size": 2, "cv": 2}, id="the least"),
        *(pytest.param({"scoring": name}, id=name) for name in ("f1", "log_loss", "neg_log_loss", "brier")),
    ],
)
def test_arguments_of_either_generation_are_taken(arguments):
    checked(CLASSIFIER, arguments)


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
        pytest.param("max_eval_time_mins", "long", "a number from 0.01", id="text"),
        pytest.param("search_space", "graph", "known are linear, linear-light", id="another space"),
        pytest.param("config_dict", {"sklearn.naive_bayes.GaussianNB": {}}, "known are TPOT light", id="a mapping"),
        pytest.param("search_space", ["linear"], "known are linear, linear-light", id="a list"),
        pytest.param("scoring", "r2", "accuracy", id="of the other task"),
        pytest.param("scoring", ["roc_auc"], "accuracy", id="a list of metrics"),
        pytest.param("estimators", [], "some of AdaBoostClassifier", id="nothing to stand last"),
        pytest.param("estimators", ["SVR"], "some of AdaBoostClassifier", id="an estimator of the other task"),
        pytest.param("estimators", ["os.system"], "some of AdaBoostClassifier", id="no estimator"),
        pytest.param("estimators", [{"a": 1}], "some of AdaBoostClassifier", id="no name"),
        pytest.param("estimators", "SVC", "must be a list", id="no list"),
    ],
)
def test_an_argument_that_cannot_be_taken_is_refused_with_what_can(argument, value, words):
    with pytest.raises(InvalidParameters) as refused:
        checked(CLASSIFIER, {argument: value})
    (fault,) = refused.value.faults
    assert fault.pointer == f"/params/model_training/model_args/{argument}"
    assert words in fault.detail


def test_all_faults_are_told_at_once():
    with pytest.raises(InvalidParameters) as refused:
        checked(REGRESSOR, {"generations": 0, "trees": 1, "population_size": 4}, ())
    assert [fault.pointer.rpartition("/")[2] for fault in refused.value.faults] == ["generations", "trees"]


@pytest.mark.parametrize(
    ("model", "classes", "name"),
    [
        (CLASSIFIER, ("a", "b"), "average_precision"),
        (CLASSIFIER, (1, 2, 3), "roc_auc"),
        (CLASSIFIER, (1, 2, 3), "top_k_accuracy"),
        (REGRESSOR, (), "mae"),
        (REGRESSOR, (), "neg_median_absolute_error"),
    ],
)
def test_the_argument_of_0_x_names_any_metric_of_the_task(model, classes, name):
    checked(model, {"scoring": name}, classes)


def test_the_metric_of_0_x_is_that_of_the_training_unless_it_names_one():
    def asked(**training):
        return metrics.of(ModelTraining(**training), Task.CLASSIFICATION, 2).name

    assert asked(model=CLASSIFIER, model_args={"scoring": "f1"}) == "f1"
    assert asked(model=CLASSIFIER, model_args={"scoring": "f1"}, metric="accuracy") == "accuracy"
    assert asked(model=CLASSIFIER) == asked() == "roc_auc"
    # Of other models it is an argument of their own.
    histogram = "sklearn.ensemble.HistGradientBoostingClassifier"
    assert asked(model=histogram, model_args={"scoring": "loss"}) == "roc_auc"


# TPOT's space has a value that scikit-learn calls by another name by now.
@pytest.mark.filterwarnings('ignore:Value `"friedman_mse"`:FutureWarning')
@pytest.mark.parametrize("task", [Task.CLASSIFICATION, Task.REGRESSION])
def test_every_estimator_that_can_be_named_is_one_of_tpots_own_and_none_of_its_groups_is_forgotten(task):
    from tpot.config import get_search_space
    from tpot.config.get_configspace import GROUPNAMES

    names = params.ESTIMATORS[task].split()
    shape = {"n_classes": 2 if task is Task.CLASSIFICATION else None, "n_samples": 100, "n_features": 5}
    for name in names:
        made = get_search_space([name], **shape, random_state=0).generate(np.random.default_rng(0)).export_pipeline()
        assert type(made).__name__ == name
    assert set(GROUPNAMES["classifiers" if task is Task.CLASSIFICATION else "regressors"]) <= set(names)


def test_a_model_predicts_what_its_table_says():
    assert {model: TpotEngine().task(model) for model in TpotEngine().models()} == {
        CLASSIFIER: Task.CLASSIFICATION,
        REGRESSOR: Task.REGRESSION,
    }
