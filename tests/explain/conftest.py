"""Fitted pipelines as explainers see them."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from app.explain.base import Subject
from app.explain.structure import final_step
from app.payloads.parameters import Kind, Task, TrainParameters
from app.pipelines import preprocess

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="session", autouse=True)
def shap_imported():
    """SHAP once imported: its plots, which nobody uses here, warn at that of what matplotlib will drop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap  # noqa: F401


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


#: {dtype: kind} of the rows here.
KINDS = {"float64": Kind.NUMBER, "str": Kind.CATEGORY, "datetime64[us]": Kind.DATE, "object": Kind.IMAGE}


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
        y = np.unique(labels, return_inverse=True)[1] if task is Task.CLASSIFICATION else labels
        fitted = assembled(X, clone(model), scaled, **kinds).fit(X, y)

        def predict(rows):
            answers = fitted.predict_proba(rows) if task is Task.CLASSIFICATION else fitted.predict(rows)
            return np.asarray(answers, dtype="float64").reshape(len(rows), -1)

        return Subject(task, predict, X, final_step(fitted, X))

    return make
