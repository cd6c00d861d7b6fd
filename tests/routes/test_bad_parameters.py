"""Parameters that can be read and are not acceptable: pointed at, the known names listed, nothing evaluated."""

import pytest

CODE = [
    "__import__('pathlib').Path('{canary}').touch()",
    "sklearn.tree.DecisionTreeClassifier(__import__('pathlib').Path('{canary}').touch())",
    "MinimalFCParameters() or open('{canary}', 'w')",
    "!!python/object/apply:os.system ['touch {canary}']",
    "`touch {canary}`",
]
MODEL = "/params/model_training/model"
ARGUMENTS = "/params/model_training/model_args"
FEATURES = "/params/extract_features"
TREE = {"model": "sklearn.tree.DecisionTreeClassifier"}


@pytest.fixture
def code(request, tmp_path):
    """Text that would make a file if it were evaluated, and fails the test if it was."""
    canary = tmp_path / "canary"
    yield request.param.format(canary=canary)
    assert not canary.exists()


def names_the_known(problem, *known):
    assert all(name in problem["errors"][0]["detail"] for name in known), problem


@pytest.mark.parametrize("code", CODE, indirect=True)
def test_code_for_a_model_is_an_unknown_name(refused, training, code):
    problem = refused(422, MODEL, **training({"model_training": {"model": code[:200]}}))
    names_the_known(problem, "sklearn.ensemble.RandomForestClassifier", "tpot.TPOTClassifier", "xgboost.XGBRegressor")


@pytest.mark.parametrize("code", CODE, indirect=True)
def test_code_for_a_set_of_features_is_an_unknown_name(refused, series_training, code):
    problem = refused(422, f"{FEATURES}/default_fc_parameters", **series_training(default_fc_parameters=code))
    names_the_known(problem, "MinimalFCParameters()", "ComprehensiveFCParameters()")


@pytest.mark.parametrize("code", CODE, indirect=True)
def test_code_for_an_imputation_is_an_unknown_name(refused, series_training, code):
    problem = refused(422, f"{FEATURES}/impute_function", **series_training(impute_function=code))
    names_the_known(problem, "tsfresh.utilities.dataframe_functions.impute")


@pytest.mark.parametrize("code", CODE, indirect=True)
def test_code_for_a_calculator_is_an_unknown_name(refused, series_training, code):
    problem = refused(422, **series_training(default_fc_parameters={code: None}))
    names_the_known(problem, "quantile", "abs_energy")


@pytest.mark.parametrize(
    "model",
    [
        "os.system",
        "builtins.eval",
        "sklearn",
        "sklearn.",
        "sklearn.ensemble",
        "sklearn.ensemble.__init__",
        "sklearn.ensemble.randomforestclassifier",
        "sklearn.ensemble.StackingClassifier",
        "sklearn.utils._mocking.CheckingClassifier",
        "sklearn.ensemble.RandomForestClassifier()",
        " sklearn.ensemble.RandomForestClassifier",
        "tpot",
        "tpot.TPOTEstimator",
        "xgboost.XGBRanker",
        "xgboost.train",
        "lightgbm.Booster",
        "",
    ],
)
def test_an_unknown_model_is_answered_with_the_known(refused, training, model):
    names_the_known(refused(422, MODEL, **training({"model_training": {"model": model}})), "sklearn.svm.SVC")


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        ("sklearn.ensemble.RandomForestClassifier", {"estimators": 10}),
        ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": 0}),
        ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": 10**9}),
        ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": "100"}),
        ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": [100]}),
        ("sklearn.ensemble.RandomForestClassifier", {"criterion": "__import__('os')"}),
        ("sklearn.ensemble.RandomForestClassifier", {"criterion": ["gini"]}),
        ("sklearn.ensemble.RandomForestClassifier", {"n_jobs": -1}),
        ("sklearn.ensemble.RandomForestClassifier", {"random_state": -1}),
        ("sklearn.ensemble.RandomForestClassifier", {"class_weight": {"maybe": 2}}),
        ("sklearn.ensemble.BaggingClassifier", {"estimator": "sklearn.svm.SVC"}),
        ("sklearn.calibration.CalibratedClassifierCV", {"cv": 1000}),
        ("sklearn.svm.SVC", {"kernel": "builtins.eval"}),
        ("sklearn.svm.SVC", {"kernel": "poly", "degree": 100}),
        ("sklearn.tree.DecisionTreeClassifier", {"": 1}),
        ("xgboost.XGBClassifier", {"trees": 10}),
        ("xgboost.XGBClassifier", {"n_estimators": 10**9}),
        ("xgboost.XGBClassifier", {"max_depth": 10**6}),
        ("xgboost.XGBClassifier", {"learning_rate": 10**12}),
        ("xgboost.XGBClassifier", {"callbacks": ["x"]}),
        ("xgboost.XGBClassifier", {"eval_metric": ["x"]}),
        ("lightgbm.LGBMClassifier", {"trees": 10}),
        ("lightgbm.LGBMClassifier", {"forcedsplits_filename": "/etc/passwd"}),
        ("lightgbm.LGBMClassifier", {"n_estimators": 10**9}),
        ("lightgbm.LGBMClassifier", {"num_leaves": 10**9}),
        ("tpot.TPOTClassifier", {"client": "tcp://127.0.0.1:1"}),
        ("tpot.TPOTClassifier", {"generations": 0}),
        ("tpot.TPOTClassifier", {"population_size": 10**6}),
        ("tpot.TPOTClassifier", {"max_time_mins": "5"}),
        ("tpot.TPOTClassifier", {"max_time_mins": 0}),
        ("tpot.TPOTClassifier", {"cv": True}),
        ("tpot.TPOTClassifier", {"search_space": "spiral"}),
        ("tpot.TPOTClassifier", {"config_dict": {"os.system": {}}}),
        ("tpot.TPOTClassifier", {"scoring": "os.system"}),
        ("tpot.TPOTClassifier", {"scoring": ["roc_auc"]}),
        ("tpot.TPOTClassifier", {"scoring": {"roc_auc": 1}}),
    ],
)
def test_an_argument_that_the_model_does_not_take_is_pointed_at(refused, training, model, arguments):
    name = list(arguments)[-1]
    refused(422, f"{ARGUMENTS}/{name}", **training({"model_training": {"model": model, "model_args": arguments}}))


@pytest.mark.parametrize(
    "fc_parameters",
    [
        {"quantile": None},
        {"quantile": [{"p": 0.5}]},
        {"quantile": [{"q": 0.5, "extra": 1}]},
        {"quantile": []},
        {"quantile": "q"},
        {"quantile": [{"q": 0.5}] * 1001},
        {"set_property": None},
        {"__builtins__": None},
    ],
)
def test_a_calculator_or_its_arguments_that_tsfresh_does_not_have_are_pointed_at(
    refused, series_training, fc_parameters
):
    pointer = f"{FEATURES}/default_fc_parameters/{next(iter(fc_parameters))}"
    refused(422, pointer, **series_training(default_fc_parameters=fc_parameters))


@pytest.mark.parametrize("value", [5, [], True])
def test_feature_parameters_of_another_kind_are_pointed_at_where_they_stand(refused, series_training, value):
    refused(422, f"{FEATURES}/default_fc_parameters", **series_training(default_fc_parameters=value))


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"pipeline_id": "a/b"}, "/params/pipeline_id"),
        ({"pipeline_id": None}, "/params/pipeline_id"),
        ({"task": "regression"}, "/params/task"),
        ({"task": "dance"}, "/params/task"),
        ({"seed": -1}, "/params/seed"),
        ({"seed": 2**32}, "/params/seed"),
        ({"owner": "me"}, "/params/owner"),
        ({"limits": {"seconds": 1}}, "/params/limits/seconds"),
        ({"limits": {"seconds": 10**9}}, "/params/limits/seconds"),
        ({"limits": {"memory_mb": 10**9}}, "/params/limits/memory_mb"),
        ({"limits": {"cores": 8}}, "/params/limits/cores"),
        ({"model_training": "sklearn.svm.SVC"}, "/params/model_training"),
        ({"positive_class": "maybe"}, "/params/positive_class"),
        ({"positive_class": ["yes"]}, "/params/positive_class"),
        ({"extract_features": {}}, "/params/extract_features/column_id"),
        ({"extract_features": {"column_id": "id", "n_jobs": 4}}, "/params/extract_features/n_jobs"),
    ],
)
def test_a_parameter_that_is_wrong_is_pointed_at(refused, training, changes, pointer):
    refused(422, pointer, **training(changes))


def beside(values):
    """Return the table of the tests with one more column."""
    return {"id": list(range(20)), "height": [0.5 * row for row in range(20)], "beside": values}


@pytest.mark.parametrize(
    ("changes", "values", "pointer"),
    [
        pytest.param({"groups": "beside"}, [1, 2] * 10, "/params/groups", id="two groups"),
        pytest.param({"groups": "beside"}, ["x"] * 20, "/params/groups", id="one group"),
        pytest.param({"time": "beside"}, ["2020-01-01", "2020-01-02"] * 10, "/params/time", id="two times"),
        pytest.param({"time": "beside"}, ["soon", "later"] * 10, "/params/time", id="times that are words"),
        pytest.param({"groups": "beside", "folds": 4}, [1, 2, 3, 4] * 5, "/params/folds", id="folds as many as groups"),
        pytest.param({"time": "beside", "folds": 19}, list(range(20)), "/params/folds", id="folds as many as times"),
        pytest.param(
            {"groups": "beside", "model_training": {"model": "tpot.TPOTClassifier", "model_args": {"cv": 20}}},
            list(range(20)),
            f"{ARGUMENTS}/cv",
            id="a cv as many as groups",
        ),
    ],
)
def test_groups_and_times_too_few_for_folds_are_refused_at_once(refused, training, changes, values, pointer):
    refused(422, pointer, **training(changes, raw_data=beside(values)))


def test_a_class_that_comes_last_is_refused_at_once(refused, training):
    labels = {"id": list(range(20)), "label": ["no"] * 15 + ["yes"] * 5}
    problem = refused(422, "/params", **training({"time": "beside"}, beside(list(range(20))), labels))
    assert "more than one class" in problem["detail"]


@pytest.mark.parametrize(
    ("model", "metric", "least"),
    [
        ("sklearn.tree.DecisionTreeRegressor", "neg_mean_squared_log_error", -1.0),
        ("sklearn.tree.DecisionTreeRegressor", "neg_mean_gamma_deviance", 0.0),
        ("sklearn.tree.DecisionTreeRegressor", "f1", 1.0),
        ("sklearn.tree.DecisionTreeRegressor", "mean_squared_log_error", 1.0),
        ("sklearn.tree.DecisionTreeClassifier", "neg_mean_squared_error", 1.0),
    ],
)
def test_a_metric_that_cannot_measure_the_labels_is_refused_at_once(refused, training, model, metric, least):
    numbers = model.endswith("Regressor")
    labels = {"id": list(range(20)), "label": [least + row for row in range(20)] if numbers else ["no", "yes"] * 10}
    changes = {"model_training": {"model": model, "metric": metric}}
    problem = refused(422, "/params/model_training/metric", **training(changes, labels=labels))
    names_the_known(problem, "mae" if numbers else "accuracy")


@pytest.mark.parametrize("metric", ["f1", "precision", "average_precision"])
def test_a_metric_of_two_classes_is_taken_for_more(client, training, metric):
    labels = {"id": list(range(20)), "label": [*"abcd"] * 5}
    model = TREE | {"metric": metric}
    assert client.post("/train_pipeline", **training({"model_training": model}, labels=labels)).status_code == 202


@pytest.mark.parametrize(
    ("params", "pointer", "words"),
    [
        ({"limits": {"seconds": 10.5}}, "/params/limits/seconds", "must be a whole number"),
        ({"limits": {"seconds": "10"}}, "/params/limits/seconds", "must be a whole number"),
        ({"columns": {"height": "categorical"}}, "/params/columns/height", "'category'"),
        ({"pipeline_id": 1.5}, "/params/pipeline_id", "must be a whole number of at least 0, or a name"),
        ({"model_training": {"model": "SVC"}}, "/params/model_training/model", "did you mean sklearn.svm.SVC?"),
        ({"model_training": {"metric": "roc_acu"}}, "/params/model_training/metric", "did you mean roc_auc"),
    ],
)
def test_words_of_a_refusal_say_what_to_write(refused, training, params, pointer, words):
    (fault,) = refused(422, pointer, **training(params))["errors"]
    assert words in fault["detail"]
    assert "<" not in fault["detail"]
