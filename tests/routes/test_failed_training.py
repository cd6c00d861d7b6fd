"""Trainings that are accepted and cannot succeed: the job says 422 in words, the registry stays as it was."""

import pytest

IDS = list(range(20))


def assert_refused(job, client):
    assert (job["state"], job["error"]["status"]) == ("failed", 422), job["error"]
    assert job["result"] is None
    assert list(client.get("/models").json) == ["kept"]


@pytest.fixture(autouse=True)
def registry(kept):
    """A model that a failed training must leave as it was."""


def test_the_training_that_is_spoilt_here_itself_succeeds(client, ended, training):
    assert ended(training())["state"] == "finished"
    assert list(client.get("/models").json) == ["kept", "small"]


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        ("sklearn.neural_network.MLPClassifier", {"hidden_layer_sizes": [0]}),
        ("sklearn.linear_model.LogisticRegression", {"penalty": "l1", "solver": "lbfgs"}),
        ("sklearn.neighbors.KNeighborsClassifier", {"metric": "pyfunc"}),
        ("xgboost.XGBClassifier", {"n_estimators": "100"}),
        ("xgboost.XGBClassifier", {"learning_rate": -3}),
        ("xgboost.XGBClassifier", {"objective": "nope"}),
        ("lightgbm.LGBMClassifier", {"n_estimators": -1}),
        ("lightgbm.LGBMClassifier", {"objective": "nope"}),
        pytest.param("sklearn.neighbors.KNeighborsClassifier", {"n_neighbors": 500}, id="more neighbours than rows"),
        pytest.param("sklearn.neighbors.RadiusNeighborsClassifier", {"radius": 1e-9}, id="no neighbour in reach"),
    ],
)
def test_an_estimator_that_refuses_its_data_or_arguments_is_the_callers_error(
    client, ended, training, model, arguments
):
    job = ended(training({"model_training": {"model": model, "model_args": arguments}}))
    assert_refused(job, client)
    assert model.rpartition(".")[2] in job["error"]["detail"]


def test_the_words_of_an_estimator_name_no_file_of_the_server(ended, training):
    model = {"model": "xgboost.XGBClassifier", "model_args": {"eval_metric": "nope"}}
    detail = ended(training({"model_training": model}))["error"]["detail"]
    assert "Unknown metric" in detail
    assert "site-packages" not in detail


@pytest.mark.parametrize(
    "fc_parameters",
    [
        {"quantile": [{"q": 5}]},
        {"quantile": [{"q": "x"}]},
        {"large_standard_deviation": [{"r": None}]},
        {"autocorrelation": [{"lag": "x"}]},
        {"fft_coefficient": [{"nope": 1}]},
        {"agg_linear_trend": [{"attr": "slope", "chunk_len": 0, "f_agg": "os.system"}]},
        {"change_quantiles": [{"ql": 0, "qh": 1, "isabs": True, "f_agg": "__import__"}]},
    ],
    ids=str,
)
def test_an_argument_that_a_calculator_refuses_is_the_callers_error(client, ended, series_training, fc_parameters):
    assert_refused(ended(series_training(default_fc_parameters=fc_parameters)), client)


def test_a_column_may_be_named_as_a_number(ended, training):
    table = {"0": [row // 8 for row in range(160)], "value": [row % 7 for row in range(160)]}
    labels = {"0": IDS, "label": ["no", "yes"] * 10}
    series = {"column_id": "0", "default_fc_parameters": "MinimalFCParameters()"}
    job = ended(training({"id_column": None, "extract_features": series}, table, labels))
    assert job["state"] == "finished", job["error"]


@pytest.mark.parametrize(
    ("weights", "classes"),
    [("{no: 2, yes: 1}", ["no", "yes"]), ("{0: 2, 1: 1}", [0, 1]), ("{false: 2, true: 1}", [False, True])],
)
def test_class_weights_are_named_as_the_labels_are(ended, training, weights, classes):
    model = f"{{model: sklearn.tree.DecisionTreeClassifier, model_args: {{class_weight: {weights}}}}}"
    params = f"{{pipeline_id: small, id_column: id, model_training: {model}}}".encode()
    job = ended(training(params, labels={"id": IDS, "label": classes * 10}))
    assert job["state"] == "finished", job["error"]
