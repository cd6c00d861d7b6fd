"""Every engine and kind of data: trained, published, and after a restart of everything the same values are served."""

import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import yaml

from conftest import start_service
from tests import kinds

DATA = Path(__file__).parents[1] / "data"

#: Seconds that all trainings together may take.
PATIENCE = 700

FEATURES = {"column_id": "wave", "column_sort": "when", "default_fc_parameters": "MinimalFCParameters()"}
TABLE = {"target": "leaves", "id_column": "customer"}
SPECIES = {"target": "species", "id_column": "id"}
NUMBERS = {"target": "spent", "id_column": "customer"}
IMAGES = {"images": {"height": 12, "width": 12, "channels": 1}}
FORECAST = {
    "task": "forecasting",
    "target": "sales",
    "extract_features": {"column_id": "store", "column_sort": "day"},
    "forecast": {"horizon": 3, "window": 14},
}
SEARCH = {"limits": {"seconds": 25, "candidates": 2}}


def model(name, **arguments):
    """Return the parameters that name a model."""
    return {"model_training": {"model": name, "model_args": arguments}}


def network(name):
    """Return the parameters of a search of networks that is as small as can be."""
    return {"limits": {"seconds": 120}, **model(f"autokeras.{name}", max_trials=1, epochs=1)}


TPOT = {**SEARCH, **model("tpot.TPOTClassifier", population_size=4)}
TPOT_OF_NUMBERS = {**SEARCH, **model("tpot.TPOTRegressor", population_size=4)}

#: {pipeline: (kind of data, parameters)}. Without a model it is the portfolio's.
TRAININGS = {
    "table-forest": ("customers", {**TABLE, **model("sklearn.ensemble.RandomForestClassifier")}),
    "table-xgboost": ("customers", {**TABLE, **model("xgboost.XGBClassifier")}),
    "table-tpot": ("customers", {**TABLE, **TPOT}),
    # One of the columns is text.
    "table-portfolio": ("customers", {**TABLE, **SEARCH}),
    # Three classes.
    "species-portfolio": ("penguins", {**SPECIES, **SEARCH}),
    "species-forest": ("penguins", {**SPECIES, **model("sklearn.ensemble.RandomForestClassifier")}),
    "table-network": ("customers", {**TABLE, **network("StructuredDataClassifier")}),
    "numbers-forest": ("spending", {**NUMBERS, **model("sklearn.ensemble.RandomForestRegressor")}),
    "numbers-histogram": ("spending", {**NUMBERS, **model("sklearn.ensemble.HistGradientBoostingRegressor")}),
    "numbers-lightgbm": ("spending", {**NUMBERS, **model("lightgbm.LGBMRegressor")}),
    "numbers-xgboost": ("spending", {**NUMBERS, **model("xgboost.XGBRegressor")}),
    "numbers-tpot": ("spending", {**NUMBERS, **TPOT_OF_NUMBERS}),
    "numbers-portfolio": ("spending", {**NUMBERS, **SEARCH}),
    "numbers-network": ("spending", {**NUMBERS, **network("StructuredDataRegressor")}),
    "text-linear": (
        "notes",
        {**TABLE, **model("sklearn.linear_model.LogisticRegression"), "columns": {"note": "text"}},
    ),
    "text-tpot": ("notes", {**TABLE, **TPOT, "columns": {"note": "text"}}),
    "text-portfolio": ("notes", {**TABLE, **SEARCH, "columns": {"note": "text"}}),
    "text-network": ("notes", {**TABLE, **network("TextClassifier"), "columns": {"note": "text"}}),
    "text-network-numbers": ("spent notes", {**NUMBERS, **network("TextRegressor"), "columns": {"note": "text"}}),
    "images-forest": ("pictures", {**IMAGES, **model("sklearn.ensemble.ExtraTreesClassifier")}),
    "images-arrays": ("arrays", {**IMAGES, **model("sklearn.ensemble.ExtraTreesClassifier"), "target": "label"}),
    "images-tpot": ("pictures", {**IMAGES, **TPOT}),
    "images-portfolio": ("pictures", {**IMAGES, **SEARCH}),
    "images-portfolio-numbers": ("brightness", {**IMAGES, **SEARCH}),
    "images-network": ("pictures", {**IMAGES, **network("ImageClassifier")}),
    "images-network-numbers": ("brightness", {**IMAGES, **network("ImageRegressor")}),
    # Of two signals, a column each.
    "series-selected": (
        "waves",
        {"extract_features": {**FEATURES, "select": True}, **model("sklearn.linear_model.LogisticRegression")},
    ),
    "series-stacked": (
        "stacked waves",
        {
            "extract_features": {**FEATURES, "column_kind": "sensor", "column_value": "value"},
            **model("sklearn.linear_model.LogisticRegression"),
        },
    ),
    "series-tpot": ("waves", {"extract_features": FEATURES, **TPOT}),
    "series-portfolio": ("waves", {"extract_features": FEATURES, **SEARCH}),
    "series-portfolio-numbers": ("speeds", {"extract_features": FEATURES, **SEARCH}),
    "series-network": ("waves", {"extract_features": FEATURES, **network("TimeseriesClassifier")}),
    "series-network-features": ("waves", {"extract_features": FEATURES, **network("StructuredDataClassifier")}),
    "series-network-numbers": ("speeds", {"extract_features": FEATURES, **network("TimeseriesRegressor")}),
    "forecast": ("sales", {**FORECAST, **model("lightgbm.LGBMRegressor")}),
    "forecast-tpot": ("sales", {**FORECAST, **TPOT_OF_NUMBERS}),
    "forecast-network": ("sales", {**FORECAST, **network("StructuredDataRegressor")}),
    "forecast-portfolio": ("sales", {**FORECAST, **SEARCH}),
    "forecast-single": (
        "one store",
        {**FORECAST, "extract_features": {"column_sort": "day"}, **model("sklearn.linear_model.Ridge")},
    ),
}

#: Those of which another differs by what is predicted, or by its features, alone: they are for the night.
LATE = {
    "species-portfolio", "text-tpot", "text-network-numbers", "images-tpot", "images-portfolio-numbers",
    "images-network-numbers", "series-portfolio-numbers", "series-network-features", "series-network-numbers",
    "forecast-network",
}  # fmt: skip

NAMES = [pytest.param(name, marks=pytest.mark.nightly) if name in LATE else name for name in TRAININGS]


def csv(frame):
    return "table.csv", frame.to_csv(index=False).encode()


@pytest.fixture(scope="module")
def data():
    """{kind of data: the files to train on; the first is also predicted}."""
    customers, spending, sales = kinds.customers(), kinds.spending().head(120), kinds.sales()
    return {
        "customers": [csv(customers)],
        "penguins": [("penguins.csv", (DATA / "penguins.csv").read_bytes())],
        "spending": [csv(spending)],
        "notes": [csv(customers[["customer", "note", "leaves"]])],
        "spent notes": [csv(spending[["customer", "note", "spent"]])],
        "arrays": [kinds.arrays()],
        "sales": [csv(sales)],
        "one store": [csv(sales[sales["store"] == "north"].drop(columns="store"))],
        **{
            name: [raw_data if isinstance(raw_data, tuple) else csv(raw_data), csv(labels)]
            for name, (raw_data, labels) in {
                "pictures": kinds.pictures(),
                "brightness": kinds.brightness(),
                "waves": kinds.waves(),
                "stacked waves": kinds.stacked_waves(),
                "speeds": kinds.speeds(),
            }.items()
        },
    }


@pytest.fixture(scope="module")
def ranges():
    """{kind of data: least and greatest of the numbers to regress on}."""
    spent = kinds.spending()["spent"]
    numbers = {
        "spending": spent,
        "spent notes": spent,
        "brightness": kinds.brightness()[1]["label"],
        "speeds": kinds.speeds()[1]["speed"],
        "sales": kinds.sales()["sales"],
        "one store": kinds.sales()["sales"],
    }
    return {name: (values.min(), values.max()) for name, values in numbers.items()}


@pytest.fixture(scope="module")
def cores():
    """The cores of each of the two workers that `predictions` begins with."""
    return []


@pytest.fixture(scope="module")
def trainings(request):
    """{pipeline: (kind of data, parameters)} of those that are tried now."""
    late = request.config.getoption("markexpr")
    return {name: training for name, training in TRAININGS.items() if late or name not in LATE}


@pytest.fixture(scope="module")
def predictions(data, short_folder, cores, trainings):
    """{pipeline: (predicted before the restart, and after)}."""
    folder = short_folder / "restart"
    with running(folder, TRAIN_WORKERS="2", WEB_CONCURRENCY="1") as (process, service):
        workers = [child for child in process.children() if "app.jobs.worker" in child.cmdline()]
        cores += [set(worker.cpu_affinity()) for worker in workers]
        before = trained(service, data, trainings)
    with running(folder, WEB_CONCURRENCY="1") as (_, service):
        after = {name: predict(service, data[kind], name) for name, (kind, _) in trainings.items()}
    return {name: (before[name], after[name]) for name in trainings}


@contextmanager
def running(folder, **environment):
    """Run a service on a folder, and stop it in the end."""
    process, service = start_service(folder, **environment)
    try:
        yield psutil.Process(process.pid), service
    finally:
        service.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def trained(service, data, trainings):
    """Train everything at once; return {pipeline: what it predicts}."""
    jobs = {name: submit(service, data[kind], name, parameters) for name, (kind, parameters) in trainings.items()}
    deadline = time.monotonic() + PATIENCE
    for name, path in jobs.items():
        while (job := service.get(path).json())["state"] in ("queued", "running"):
            assert time.monotonic() < deadline, (name, job)
            time.sleep(0.2)
        assert job["state"] == "finished", (name, job["error"])
    return {name: predict(service, data[kind], name) for name, (kind, _) in trainings.items()}


def submit(service, files, name, parameters):
    """Send a training; return its job's path."""
    parts = {
        "raw_data": files[0],
        "params": yaml.safe_dump({"pipeline_id": name, "explain": {"rows": 0}, **parameters}),
    }
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


@pytest.mark.timeout(850)
@pytest.mark.parametrize("name", NAMES)
def test_after_a_restart_the_same_values_are_served(predictions, name):
    before, after = predictions[name]
    pd.testing.assert_frame_equal(before, after, check_exact=True)
    numbers = before.select_dtypes("number").to_numpy()
    assert len(before) > 1
    assert np.isfinite(numbers).all()


@pytest.mark.timeout(850)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_served_tells_the_rows_apart(predictions, ranges, name):
    """Without this, a model that was lost and answers the same for all would pass for one that was kept."""
    before, _ = predictions[name]
    kind, _ = TRAININGS[name]
    if kind not in ranges:
        # One for two classes, else one a class.
        scores = before.filter(regex="^score")
        assert (scores.nunique() > 1).all()
        assert scores.stack().between(0, 1).all()
        return
    least, most = ranges[kind]
    assert before["prediction"].nunique() > 1
    # Of a network that has learned for two epochs no more can be asked than numbers of the size of the labels, mostly.
    assert 2 * least - most < before["prediction"].median() < 2 * most - least


@pytest.mark.timeout(850)
@pytest.mark.usefixtures("predictions")
def test_each_of_two_workers_has_cores_of_its_own(cores):
    first, second = cores
    assert first | second == os.sched_getaffinity(0)
    assert not first & second or len(first | second) == 1


@pytest.mark.timeout(850)
def test_numbers_are_predicted_that_resemble_the_real_ones(predictions):
    truth = kinds.spending().head(120).set_index("customer")["spent"]
    for name in ("numbers-forest", "numbers-histogram", "numbers-lightgbm", "numbers-xgboost", "numbers-portfolio"):
        predicted = predictions[name][1].set_index("id")["prediction"]
        assert np.corrcoef(truth, predicted.loc[truth.index])[0, 1] > 0.8, name
