"""Every engine and kind of data: trained, published, and after a restart of everything the same values are served."""

import signal
import time
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import yaml

from conftest import start_service
from tests import kinds

#: A search of networks that is as small as can be.
TINY = {"max_trials": 1, "epochs": 2}

#: Seconds that all trainings together may take.
PATIENCE = 280

FEATURES = {"column_id": "wave", "column_sort": "when", "default_fc_parameters": "MinimalFCParameters()"}
TABLE = {"target": "leaves", "id_column": "customer"}
IMAGES = {"images": {"height": 12, "width": 12, "channels": 1}}
FORECAST = {
    "task": "forecasting",
    "target": "sales",
    "extract_features": {"column_id": "store", "column_sort": "day"},
    "forecast": {"horizon": 3, "window": 14},
}
SEARCH = {"limits": {"seconds": 25, "candidates": 4}}
NETWORK = {"limits": {"seconds": 120}}

#: {pipeline: (kind of data, parameters)}.
TRAININGS = {
    "table-forest": ("customers", {**TABLE, "model_training": {"model": "sklearn.ensemble.RandomForestClassifier"}}),
    "table-xgboost": ("customers", {**TABLE, "model_training": {"model": "xgboost.XGBClassifier"}}),
    "table-tpot": (
        "customers",
        {**TABLE, **SEARCH, "model_training": {"model": "tpot.TPOTClassifier", "model_args": {"population_size": 4}}},
    ),
    "table-portfolio": ("customers", {**TABLE, **SEARCH}),
    "table-network": (
        "customers",
        {**TABLE, **NETWORK, "model_training": {"model": "autokeras.StructuredDataClassifier", "model_args": TINY}},
    ),
    "text-network": (
        "notes",
        {
            **TABLE,
            **NETWORK,
            "columns": {"note": "text"},
            "model_training": {"model": "autokeras.TextClassifier", "model_args": TINY},
        },
    ),
    "images-forest": ("pictures", {**IMAGES, "model_training": {"model": "sklearn.ensemble.ExtraTreesClassifier"}}),
    "images-network": (
        "pictures",
        {**IMAGES, **NETWORK, "model_training": {"model": "autokeras.ImageClassifier", "model_args": TINY}},
    ),
    "series-selected": (
        "waves",
        {
            "extract_features": {**FEATURES, "select": True},
            "model_training": {"model": "sklearn.linear_model.LogisticRegression"},
        },
    ),
    "series-portfolio": ("waves", {"extract_features": FEATURES, **SEARCH}),
    "series-network": (
        "waves",
        {
            "extract_features": FEATURES,
            **NETWORK,
            "model_training": {"model": "autokeras.TimeseriesClassifier", "model_args": TINY},
        },
    ),
    "forecast": ("sales", {**FORECAST, "model_training": {"model": "lightgbm.LGBMRegressor"}}),
    "forecast-portfolio": ("sales", {**FORECAST, **SEARCH}),
}


def csv(frame):
    return "table.csv", frame.to_csv(index=False).encode()


@pytest.fixture(scope="module")
def data():
    """{kind of data: the files to train on; the first is also predicted}."""
    customers, (pictures, labels), (waves, heights) = kinds.customers(), kinds.pictures(), kinds.waves()
    return {
        "customers": [csv(customers)],
        "notes": [csv(customers[["customer", "note", "leaves"]])],
        "pictures": [pictures, csv(labels)],
        "waves": [csv(waves), csv(heights)],
        "sales": [csv(kinds.sales())],
    }


@pytest.fixture(scope="module")
def predictions(data, short_folder):
    """{pipeline: (predicted before the restart, and after)}."""
    folder = short_folder / "restart"
    with running(folder, TRAIN_WORKERS="2") as service:
        before = trained(service, data)
    with running(folder) as service:
        after = {name: predict(service, data[kind], name) for name, (kind, _) in TRAININGS.items()}
    return {name: (before[name], after[name]) for name in TRAININGS}


@contextmanager
def running(folder, **environment):
    """Run a service on a folder, and stop it in the end."""
    process, service = start_service(folder, **environment)
    try:
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def trained(service, data):
    """Train everything at once; return {pipeline: what it predicts}."""
    jobs = {name: submit(service, data[kind], name, parameters) for name, (kind, parameters) in TRAININGS.items()}
    deadline = time.monotonic() + PATIENCE
    for name, path in jobs.items():
        while (job := service.get(path).json())["state"] in ("queued", "running"):
            assert time.monotonic() < deadline, (name, job)
            time.sleep(0.2)
        assert job["state"] == "finished", (name, job["error"])
    return {name: predict(service, data[kind], name) for name, (kind, _) in TRAININGS.items()}


def submit(service, files, name, parameters):
    """Send a training; return its job's path."""
    parts = {"raw_data": files[0], "params": yaml.safe_dump({"pipeline_id": name, **parameters})}
    if len(files) > 1:
        parts["labels"] = files[1]
    response = service.post("/train_pipeline", files=parts, headers={"Prefer": "respond-async"})
    assert response.status_code == 202, (name, response.text)
    return response.headers["Location"]


def predict(service, files, name):
    """Return what is predicted of the training data, as a frame."""
    parts = {"raw_data": files[0], "params": yaml.safe_dump({"pipeline_id": name})}
    response = service.post("/serve_prediction", files=parts)
    assert response.status_code == 200, (name, response.text)
    return pd.DataFrame(response.json())


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", TRAININGS)
def test_after_a_restart_the_same_values_are_served(predictions, name):
    before, after = predictions[name]
    pd.testing.assert_frame_equal(before, after, check_exact=True)
    numbers = before.select_dtypes("number").to_numpy()
    assert len(before) > 1
    assert np.isfinite(numbers).all()
