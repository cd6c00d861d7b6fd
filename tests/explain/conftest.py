"""Fitted pipelines as explainers see them, and trained ones as the service has them."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from app.explain.base import Subject
from app.explain.structure import final_step, members
from app.payloads.parameters import Kind, Task, TrainParameters
from app.pipelines import preprocess
from app.settings import Settings
from app.store.connection import connect
from app.store.publications import Publications
from app.store.redis import ModelStore
from tests.explain.functions import KINDS
from tests.explain.trained import train
from tests.explain.truths import numbers

DATA = Path(__file__).parents[2] / "data"

SECRET = "a secret of the explained pipelines, long enough to sign"


@pytest.fixture(scope="session", autouse=True)
def shap_imported():
    """SHAP once imported: its plots, which nobody uses here, warn at that of what matplotlib will drop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap  # noqa: F401


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Small fits on one thread: on more they wait for each other, long where something else runs on a core."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def normal():
    """40 rows of five independent normal numbers."""
    return numbers(40)


@pytest.fixture(scope="session")
def many():
    """400 such rows."""
    return numbers(400, seed=1)


@pytest.fixture(scope="session")
def penguins():
    """Rows with text, numbers and missing values, as a pipeline takes them, and three classes."""
    frame = pd.read_csv(DATA / "penguins.csv", dtype={"island": "str", "sex": "str"})
    rows = frame.drop(columns=["id", "species"])
    return rows.astype({name: "float64" for name in rows if rows[name].dtype.kind == "i"}), frame["species"]


@pytest.fixture(scope="session")
def diabetes():
    """Rows of numbers, and what is to be predicted."""
    frame = pd.read_csv(DATA / "diabetes.csv")
    return frame.drop(columns=["id", "progression"]).astype("float64"), frame["progression"].astype("float64")


@pytest.fixture(scope="session")
def assembled():
    """Return a function that makes an unfitted pipeline for rows; `kinds` are those that dtypes do not tell."""

    def make(X, model, scaled=True, **kinds):
        kinds = {name: KINDS[str(dtype)] for name, dtype in X.dtypes.items()} | kinds
        problem = SimpleNamespace(kinds=kinds, parameters=TrainParameters(pipeline_id="p"), select=False, seed=0)
        return preprocess.assemble(problem, model, scaled)

    return make


@pytest.fixture(scope="session")
def subject(assembled):
    """Return a function that fits a model to rows and labels, and gives it as explainers see it."""

    def make(X, labels, model, task=Task.CLASSIFICATION, scaled=True, **kinds):
        classified = task is Task.CLASSIFICATION
        classes, y = np.unique(labels, return_inverse=True) if classified else ((), labels)
        fitted = assembled(X, clone(model), scaled, **kinds).fit(X, y)

        def predict(rows):
            answers = fitted.predict_proba(rows) if classified else fitted.predict(rows)
            return np.asarray(answers, dtype="float64").reshape(len(rows), -1)

        of_columns: dict[str, Kind] = {name: KINDS[str(dtype)] for name, dtype in X.dtypes.items()} | kinds
        each = members(fitted)
        known = tuple(np.asarray(classes).tolist())
        return Subject(task, known, of_columns, predict, X, each, final_step(each, X))

    return make


@pytest.fixture(scope="session")
def trained(redis_url, tmp_path_factory):
    """Return a function that gives the pipeline of a recipe, trained at its first use; see `trained.RECIPES`."""
    made = {}

    def of(name):
        if name not in made:
            client = connect(redis_url)
            settings = Settings(
                redis_url=redis_url, data_dir=tmp_path_factory.mktemp("explained"), signing_secret=SECRET
            )
            made[name] = train(name, Publications(client, SECRET), ModelStore(client, SECRET), settings)
            client.close()
        return made[name]

    return of
