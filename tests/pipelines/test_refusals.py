"""Data that an estimator itself refuses, in training and in serving."""

import pandas as pd
import pytest

from app.errors import ServiceError, TrainingFailed
from app.payloads.parameters import PredictParameters
from app.payloads.uploads import Upload
from app.pipelines import run
from app.pipelines.cache import PipelineCache

SMALL = pd.DataFrame({"a": [0, 1] * 20, "b": [0, 1, 1, 1] * 10})


@pytest.fixture
def frames(penguins, diabetes):
    """Tables, each with the column of its labels."""
    return {"penguins": (penguins[:120], "species"), "diabetes": (diabetes[:120], "progression")}


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        pytest.param(
            "penguins", "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis", id="refused in fitting"
        ),
        pytest.param("penguins", "sklearn.naive_bayes.CategoricalNB", id="categories not seen in a fold"),
        pytest.param("penguins", "sklearn.neighbors.RadiusNeighborsClassifier", id="rows without neighbours"),
        pytest.param("diabetes", "sklearn.neighbors.RadiusNeighborsRegressor", id="values without neighbours"),
        pytest.param("diabetes", "sklearn.isotonic.IsotonicRegression", id="too many columns"),
    ],
)
def test_a_training_that_fails_says_why_and_leaves_the_store_as_it_was(frames, train, client_of_redis, kind, model):
    train(SMALL, target="a")
    before = {key: client_of_redis.dump(key) for key in client_of_redis.scan_iter()}
    frame, target = frames[kind]
    with pytest.raises(TrainingFailed, match=model.rpartition(".")[2]):
        train(frame, job_id="failing", model=model, target=target, id_column="id")
    assert {key: client_of_redis.dump(key) for key in client_of_redis.scan_iter()} == before


@pytest.mark.parametrize("model", ["sklearn.neighbors.RadiusNeighborsClassifier", "sklearn.naive_bayes.CategoricalNB"])
def test_a_row_that_a_model_cannot_predict_is_one_of_our_errors(train, store, settings, model):
    train(SMALL, target="a", model=model)
    upload = Upload("raw_data", b"b\n1\n1000000\n", "text/csv")
    with pytest.raises(ServiceError):
        run.predict(PredictParameters(pipeline_id="p"), upload, store, PipelineCache(2**20), settings)
